/* The host's part of the convolutions of V:N:M: weights and steps are those of the same matrix in a
 * product of tokens (spmm_vnm.c); activations are folded (args.h). */
#include "kernels/cuda/vnm_host.h"

enum { LANES = 8, BANDS_LOG2_MAX = 3 };

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* ---- the order ---- */

static tsr_cuda_fold fold_in(const tsr_cuda_conv *c, int64_t images, int bands_log2) {
  int64_t height = c->out_pixels / c->out_width, bands = (int64_t)1 << bands_log2;
  int64_t lines = ceil_div(height, bands);
  return (tsr_cuda_fold){
      .groups = (int32_t)ceil_div(images * bands, LANES),
      .bands_log2 = bands_log2,
      .lines = (int32_t)lines,
      .rows = (int32_t)((lines - 1) * c->stride[0]) + (c->kernel[0] - 1) * c->dilation[0] + 1,
      .columns = (c->out_width - 1) * c->stride[1] + (c->kernel[1] - 1) * c->dilation[1] + 1,
      .width_reciprocal = tsr__cuda_reciprocal(c->out_width),
      .lines_reciprocal = tsr__cuda_reciprocal(lines)};
}

tsr_cuda_fold tsr__cuda_fold_of(const tsr_cuda_conv *conv, int64_t images) {
  tsr_cuda_fold best = fold_in(conv, images, 0);
  for (int bands_log2 = 1; bands_log2 <= BANDS_LOG2_MAX; bands_log2++) {
    tsr_cuda_fold fold = fold_in(conv, images, bands_log2);
    if ((int64_t)fold.groups * fold.lines < (int64_t)best.groups * best.lines) best = fold;
  }
  return best;
}

static double chunks_of(const tsr_cuda_conv *conv, const tsr_cuda_fold *fold) {
  return (double)fold->groups * conv->channels * fold->rows * fold->columns;
}

/* Fewer images may be folded otherwise, but no fold of fewer takes more than the same of all. */
static double most_chunks(const tsr_cuda_conv *conv, int64_t images) {
  double most = 0;
  for (int bands_log2 = 0; bands_log2 <= BANDS_LOG2_MAX; bands_log2++) {
    tsr_cuda_fold fold = fold_in(conv, images, bands_log2);
    double chunks = chunks_of(conv, &fold);
    if (chunks > most) most = chunks;
  }
  return most;
}

int64_t tsr__cuda_fold_chunks(const tsr_cuda_conv *conv, int64_t images) {
  return (int64_t)most_chunks(conv, images);
}

static int64_t tokens_of(const tsr_cuda_conv *conv, const tsr_cuda_fold *fold) {
  return (int64_t)fold->groups * fold->lines * conv->out_width * LANES;
}

int64_t tsr__cuda_tokens(const tsr_cuda_spmm_args *args) {
  return args->fold.groups ? tokens_of(&args->conv, &args->fold) : args->n;
}

/* ---- work ---- */

static int64_t images_of(const tsr_cuda_conv *conv, int64_t n) {
  return ceil_div(n, conv->out_pixels);
}

int64_t tsr__cuda_problem_tokens(const tsr_cuda_spmm_kernel *kernel,
                                 const tsr_spmm_problem *problem) {
  if (!kernel->ops->feature_major || !problem->conv.channels) return problem->n;
  tsr_cuda_conv conv = tsr__cuda_conv_of(&problem->conv);
  tsr_cuda_fold fold = tsr__cuda_fold_of(&conv, images_of(&conv, problem->n));
  return tokens_of(&conv, &fold);
}

double tsr__cuda_folded(const tsr_spmm_problem *problem) {
  tsr_cuda_conv conv = tsr__cuda_conv_of(&problem->conv);
  tsr_cuda_fold fold = tsr__cuda_fold_of(&conv, images_of(&conv, problem->n));
  return LANES * chunks_of(&conv, &fold);
}

/* ---- operations ---- */

/* The kernel counts chunks of tokens and of activations in 31 bits, and divides the former by
 * multiplying. */
static int is_small(const tsr_conv_shape *shape, int64_t n) {
  tsr_cuda_conv conv = tsr__cuda_conv_of(shape);
  int64_t images = images_of(&conv, n);
  if (images > INT32_MAX / LANES || most_chunks(&conv, images) > INT32_MAX) return 0;
  for (int bands_log2 = 0; bands_log2 <= BANDS_LOG2_MAX; bands_log2++) {
    tsr_cuda_fold fold = fold_in(&conv, images, bands_log2);
    int64_t tokens = tokens_of(&conv, &fold);
    int64_t divisor = conv.out_width > fold.lines ? conv.out_width : fold.lines;
    if (tokens > INT32_MAX - LANES || tokens / LANES >= (int64_t)UINT32_MAX / divisor) return 0;
  }
  return 1;
}

static const char *refusal(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem) {
  const char *why = tsr__cuda_conv_refusal(kernel, problem);
  if (!why) why = tsr__vnm_refusal(kernel, problem);
  if (!why && !is_small(&problem->conv, problem->n))
    why = "counts chunks of activations in 31 bits";
  return why;
}

const tsr_cuda_spmm_ops tsr__cuda_fold_ops = {.refusal = refusal,
                                              .prepacked_bytes = tsr__vnm_prepacked_bytes,
                                              .prepack = tsr__vnm_prepack,
                                              .bind = tsr__vnm_bind,
                                              .shared_bytes = tsr__vnm_shared_bytes,
                                              .work = tsr__vnm_work,
                                              .feature_major = 1,
                                              .convolution = 1};
