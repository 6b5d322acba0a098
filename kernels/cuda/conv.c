/* The host's part of the convolutions: weights and steps are those of the same matrix in a product
 * of tokens (spmm_tile.c), apart from the columns of a tap, which are a multiple of eight. */
#include "kernels/cuda/tile_host.h"

enum { CHANNELS = 8, COORDINATE_MAX = INT16_MAX };

static int64_t pitch_of(const tsr_conv_shape *s) {
  return (s->channels + CHANNELS - 1) / CHANNELS * CHANNELS;
}

/* For 1 it is 0 in 32 bits. */
uint32_t tsr__cuda_reciprocal(int64_t divisor) {
  return (uint32_t)((((uint64_t)1 << 32) + (uint64_t)divisor - 1) / (uint64_t)divisor);
}

tsr_cuda_conv tsr__cuda_conv_of(const tsr_conv_shape *s) {
  tsr_cuda_conv conv = {
      .height = (int32_t)s->height,
      .width = (int32_t)s->width,
      .channels = (int32_t)s->channels,
      .pitch = (int32_t)pitch_of(s),
      .out_width = (int32_t)tsr_conv_output_size(s, 1),
      .out_pixels = (int32_t)(tsr_conv_output_size(s, 0) * tsr_conv_output_size(s, 1)),
      .pitch_reciprocal = tsr__cuda_reciprocal(pitch_of(s)),
      .columns_reciprocal = tsr__cuda_reciprocal(s->kernel[1])};
  for (int axis = 0; axis < 2; axis++) {
    conv.kernel[axis] = s->kernel[axis];
    conv.stride[axis] = s->stride[axis];
    conv.padding[axis] = s->padding[axis];
    conv.dilation[axis] = s->dilation[axis];
  }
  return conv;
}

/* ---- work ---- */

/* The share of positions of the kernel's rows (or columns) that lie in the image. */
static double inside(const tsr_conv_shape *s, int axis) {
  int64_t size = axis ? s->width : s->height, positions = tsr_conv_output_size(s, axis), found = 0;
  for (int64_t tap = 0; tap < s->kernel[axis]; tap++)
    for (int64_t at = 0; at < positions; at++) {
      int64_t place = at * s->stride[axis] + tap * s->dilation[axis] - s->padding[axis];
      found += place >= 0 && place < size;
    }
  return (double)found / (double)(positions * s->kernel[axis]);
}

double tsr__cuda_inside(const tsr_spmm_problem *problem) {
  const tsr_conv_shape *s = &problem->conv;
  return s->channels ? inside(s, 0) * inside(s, 1) : 1.0;
}

/* Where strides are larger than the kernel, not all of an image is read. */
double tsr__cuda_activations(const tsr_spmm_problem *problem) {
  const tsr_conv_shape *s = &problem->conv;
  double under = (double)problem->n * (double)problem->k;
  if (!s->channels) return under;
  double images =
      (double)problem->n / (double)(tsr_conv_output_size(s, 0) * tsr_conv_output_size(s, 1));
  double all = images * (double)(s->height * s->width) * (double)s->channels;
  return all < under ? all : under;
}

/* A tap of dense filters has the pitch's columns. */
static void work(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem,
                 int32_t splits, tsr_cuda_work *out) {
  tsr_spmm_problem padded = *problem;
  const tsr_conv_shape *s = &problem->conv;
  if (kernel->format == TSR_FORMAT_DENSE && s->channels)
    padded.k = (int64_t)s->kernel[0] * s->kernel[1] * pitch_of(s);
  tsr__cuda_tile_work(kernel, &padded, splits, out);
}

/* ---- operations ---- */

/* The kernel's loader keeps an image's coordinates in 16 bits, and divides by multiplying. */
static int is_small(const tsr_conv_shape *s) {
  int64_t taps = (int64_t)s->kernel[0] * s->kernel[1], pitch = pitch_of(s);
  return s->height + 2 * (int64_t)s->padding[0] <= COORDINATE_MAX &&
         s->width + 2 * (int64_t)s->padding[1] <= COORDINATE_MAX &&
         taps * pitch < (int64_t)UINT32_MAX / (pitch > s->kernel[1] ? pitch : s->kernel[1]);
}

const char *tsr__cuda_conv_refusal(const tsr_cuda_spmm_kernel *kernel,
                                   const tsr_spmm_problem *problem) {
  const tsr_conv_shape *s = &problem->conv;
  if (kernel->format != TSR_FORMAT_DENSE && s->channels % CHANNELS != 0)
    return "needs channels in multiples of 8";
  if (!is_small(s)) return "counts rows and columns of an image in 15 bits, elements of k in 32";
  return NULL;
}

static const char *refusal(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem) {
  const char *why = tsr__cuda_conv_refusal(kernel, problem);
  return why ? why : tsr__cuda_tile_refusal(kernel, problem);
}

const tsr_cuda_spmm_ops tsr__cuda_conv_ops = {.refusal = refusal,
                                              .prepacked_bytes = tsr__cuda_tile_prepacked_bytes,
                                              .prepack = tsr__cuda_tile_prepack,
                                              .bind = tsr__cuda_tile_bind,
                                              .shared_bytes = tsr__cuda_tile_shared_bytes,
                                              .work = work,
                                              .convolution = 1};
