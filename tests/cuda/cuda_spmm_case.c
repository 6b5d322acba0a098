#include "tests/cuda/cuda_spmm_case.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/half.h"
#include "tests/conv_reference.h"
#include "tests/cuda/cuda_fold.h"

enum { UNTOUCHED = 0xab };

static void *allocate(size_t bytes) {
  void *memory = malloc(bytes + 1);
  cr_assert(memory);
  return memory;
}

static uint16_t *encoded(const float *values, int64_t count, tsr_dtype dtype) {
  uint16_t *out = allocate((size_t)count * sizeof *out);
  cr_assert(tsr__from_f32(values, dtype, out, (uint64_t)count));
  return out;
}

static void round_to(float *values, int64_t count, tsr_dtype dtype) {
  uint16_t *rounded = encoded(values, count, dtype);
  cr_assert(tsr__to_f32(rounded, dtype, values, (uint64_t)count));
  free(rounded);
}

spmm_case cuda_spmm_case_create(random_state *random, const tsr_cuda_spmm_kernel *kernel,
                                const tsr_pattern *pattern, double density, int64_t m, int64_t k,
                                int64_t tokens, int64_t pad) {
  spmm_case c = spmm_case_create(random, kernel->format, pattern, density, m, k, tokens, pad);
  round_to(c.w, m * k, kernel->dtype);
  if (tokens) round_to(c.x, (tokens - 1) * c.ldx + k, kernel->dtype);
  if (tokens) round_to(c.residual, (tokens - 1) * c.ldr + m, kernel->dtype);
  spmm_case_refresh(&c, pattern);
  return c;
}

/* Column (ky, kx, c) of output pixel (i, oy, ox), by the definition; 0 in the padding. */
static float under_kernel(const tsr_conv_shape *s, const float *images, int64_t token, int64_t col,
                          int64_t out_height, int64_t out_width) {
  int64_t c = col % s->channels, kx = col / s->channels % s->kernel[1];
  int64_t ky = col / s->channels / s->kernel[1], i = token / out_width / out_height;
  int64_t y = token / out_width % out_height * s->stride[0] + ky * s->dilation[0] - s->padding[0];
  int64_t x = token % out_width * s->stride[1] + kx * s->dilation[1] - s->padding[1];
  if (y < 0 || y >= s->height || x < 0 || x >= s->width) return 0.0f;
  return images[((i * s->height + y) * s->width + x) * s->channels + c];
}

void cuda_spmm_case_gather(spmm_case *c, const tsr_pattern *pattern, const tsr_conv_shape *conv,
                           const float *images) {
  int64_t height = tsr_test_conv_positions(conv, 0), width = tsr_test_conv_positions(conv, 1);
  for (int64_t t = 0; t < c->tokens; t++)
    for (int64_t col = 0; col < c->k; col++)
      c->x[t * c->ldx + col] = under_kernel(conv, images, t, col, height, width);
  spmm_case_refresh(c, pattern);
}

/* The dense weight of a convolution, each tap filled up with zeros to `pitch` columns. *memory is
 * what values then point to. */
static void widen(tsr_packed *w, int64_t channels, int64_t pitch, uint16_t **memory) {
  const uint16_t *values = w->values;
  int64_t taps = w->rows * (w->cols / channels);
  uint16_t *out = calloc((size_t)(taps * pitch) + 1, sizeof *out);
  cr_assert(out);
  for (int64_t t = 0; t < taps; t++)
    memcpy(out + t * pitch, values + t * channels, (size_t)channels * sizeof *out);
  w->cols = w->cols / channels * pitch;
  w->stored = taps * pitch;
  w->values = *memory = out;
}

/* What a launch works on, in device memory. */
typedef struct buffers {
  CUdeviceptr image, b, c, bias, residual, partial;
  size_t c_bytes;
} buffers;

static CUdeviceptr upload_weights(const tsr_cuda_spmm_kernel *kernel, const spmm_case *c,
                                  const tsr_pattern *pattern, const tsr_conv_shape *conv,
                                  tsr_cuda_spmm_args *args) {
  uint16_t *w = encoded(c->w, c->m * c->k, kernel->dtype);
  tsr_matrix dense = {w, kernel->dtype, c->m, c->k, c->k};
  tsr_packed packed = {0};
  cr_assert_eq(tsr_pack(&dense, kernel->format, pattern, &packed), TSR_OK, "%s", tsr_last_error());
  tsr_spmm_problem problem = {.backend = TSR_BACKEND_CUDA,
                              .format = kernel->format,
                              .pattern = tsr_packed_pattern(&packed),
                              .m = c->m,
                              .k = c->k,
                              .stored = packed.stored,
                              .dtype = kernel->dtype};
  uint16_t *wide = NULL;
  if (conv) problem.conv = *conv;
  const char *refusal = kernel->ops->refusal(kernel, &problem);
  cr_assert_null(refusal, "%s", refusal);
  if (conv) args->conv = tsr__cuda_conv_of(conv);
  tsr_packed taken = packed;
  if (conv && args->conv.pitch != args->conv.channels)
    widen(&taken, args->conv.channels, args->conv.pitch, &wide);
  size_t bytes = kernel->ops->prepacked_bytes(kernel, &taken);
  void *image = aligned_alloc(16, (bytes + 31) / 16 * 16);
  kernel->ops->prepack(kernel, &taken, image);
  CUdeviceptr address = device_copy(image, bytes);
  const void *base;
  memcpy(&base, &address, sizeof base);
  kernel->ops->bind(kernel, &taken, base, args);
  free(wide);
  free(image);
  tsr_packed_release(&packed);
  free(w);
  return address;
}

/* x as the kernel takes it: rows ldb elements apart, a multiple of 8, and junk (NaN) beyond their
 * end. */
static CUdeviceptr upload_x(const spmm_case *c, const tsr_cuda_spmm_kernel *kernel, int64_t tokens,
                            int64_t ldb) {
  int features = kernel->ops->feature_major;
  int64_t rows = features ? c->k : tokens, cols = features ? tokens : c->k;
  float *x = allocate((size_t)(rows * ldb) * sizeof *x);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < ldb; i++)
      x[r * ldb + i] = i < cols ? c->x[features ? i * c->ldx + r : r * c->ldx + i] : NAN;
  uint16_t *elements = encoded(x, rows * ldb, kernel->dtype);
  CUdeviceptr address = device_copy(elements, (size_t)(rows * ldb) * sizeof *elements);
  free(elements);
  free(x);
  return address;
}

/* Pixels likewise. */
static CUdeviceptr upload_images(const tsr_conv_shape *s, const cuda_spmm_run *run, tsr_dtype dtype,
                                 int64_t ldb) {
  int64_t out = tsr_test_conv_positions(s, 0) * tsr_test_conv_positions(s, 1);
  int64_t pixels = run->tokens / out * s->height * s->width;
  float *x = allocate((size_t)(pixels * ldb) * sizeof *x);
  cr_assert_eq(run->tokens % out, 0);
  for (int64_t p = 0; p < pixels; p++)
    for (int64_t i = 0; i < ldb; i++)
      x[p * ldb + i] = i < s->channels ? run->images[p * s->channels + i] : NAN;
  uint16_t *elements = encoded(x, pixels * ldb, dtype);
  CUdeviceptr address = device_copy(elements, (size_t)(pixels * ldb) * sizeof *elements);
  free(elements);
  free(x);
  return address;
}

static CUdeviceptr upload_folded(const tsr_conv_shape *s, const cuda_spmm_run *run, tsr_dtype dtype,
                                 tsr_cuda_spmm_args *args) {
  size_t count;
  int64_t images = run->tokens / args->conv.out_pixels;
  args->fold = tsr__cuda_fold_of(&args->conv, images);
  float *x = cuda_fold(s, &args->fold, run->images, images, &count);
  uint16_t *elements = encoded(x, (int64_t)count, dtype);
  CUdeviceptr address = device_copy(elements, count * sizeof *elements);
  free(elements);
  free(x);
  return address;
}

static CUdeviceptr upload_b(const spmm_case *c, const tsr_cuda_spmm_kernel *kernel,
                            const cuda_spmm_run *run, tsr_cuda_spmm_args *args) {
  if (!run->conv) return upload_x(c, kernel, run->tokens, args->ldb);
  if (kernel->ops->feature_major) return upload_folded(run->conv, run, kernel->dtype, args);
  return upload_images(run->conv, run, kernel->dtype, args->ldb);
}

static void point(void *pointer, CUdeviceptr address) { memcpy(pointer, &address, sizeof address); }

static buffers upload(const tsr_cuda_spmm_kernel *kernel, const spmm_case *c,
                      const tsr_pattern *pattern, cuda_spmm_run run, tsr_cuda_spmm_args *args) {
  buffers at = {0};
  int64_t row = run.conv                     ? run.conv->channels + run.pixel_pad
                : kernel->ops->feature_major ? run.tokens
                                             : c->k;
  *args = (tsr_cuda_spmm_args){.ldb = (row + 7) / 8 * 8,
                               .ldc = c->m + run.ldc_pad,
                               .ldr = c->ldr,
                               .n = (int32_t)run.tokens,
                               .splits = run.splits,
                               .activation = (int32_t)run.variant.activation,
                               .residual_first = run.variant.residual_first};
  at.image = upload_weights(kernel, c, pattern, run.conv, args);
  at.b = upload_b(c, kernel, &run, args);
  point(&args->b, at.b);
  at.c_bytes = (size_t)(run.tokens * args->ldc) * sizeof(uint16_t);
  char *untouched = allocate(at.c_bytes);
  memset(untouched, UNTOUCHED, at.c_bytes);
  at.c = device_copy(untouched, at.c_bytes);
  free(untouched);
  point(&args->c, at.c);
  at.bias = device_copy(c->bias, (size_t)c->m * sizeof(float));
  if (run.variant.bias) point(&args->bias, at.bias);
  uint16_t *residual = encoded(c->residual, (run.tokens - 1) * c->ldr + c->m, kernel->dtype);
  at.residual =
      device_copy(residual, (size_t)((run.tokens - 1) * c->ldr + c->m) * sizeof *residual);
  free(residual);
  if (run.variant.residual) point(&args->residual, at.residual);
  at.partial = device_room((size_t)(run.splits * run.tokens * c->m) * sizeof(float));
  if (run.splits > 1) point(&args->partial, at.partial);
  return at;
}

static void release(const buffers *at) {
  device_free(at->image);
  device_free(at->b);
  device_free(at->c);
  device_free(at->bias);
  device_free(at->residual);
  device_free(at->partial);
}

/* Products are exact; a sum of k of them loses at most an ulp of k a term to truncation (2^-23 k
 * each), which an activation stretches by at most 1.13 (GELU's steepest slope); C is rounded once
 * to its type. Bias, activation and residual add a few roundings to f32. */
double cuda_spmm_tolerance(const spmm_case *c, tsr_dtype dtype, double expected) {
  double k = (double)c->k, epsilon = dtype == TSR_DTYPE_F16 ? 0x1p-11 : 0x1p-8;
  return 1.13 * k * k * 0x1p-23 + 0x1p-20 + epsilon * fabs(expected);
}

static int close_to(double actual, double expected, double limit) {
  if (isnan(expected)) return isnan(actual);
  return actual == expected || fabs(actual - expected) <= limit;
}

static void check_c(const tsr_cuda_spmm_kernel *kernel, const spmm_case *c, cuda_spmm_run run,
                    const buffers *at, const char *what) {
  int64_t ldc = c->m + run.ldc_pad;
  uint16_t *out = allocate(at->c_bytes);
  float *actual = allocate(at->c_bytes * 2);
  double *expected = allocate((size_t)(run.tokens * c->m) * sizeof *expected);
  device_read(out, at->c, at->c_bytes);
  cr_assert(tsr__to_f32(out, kernel->dtype, actual, (uint64_t)(run.tokens * ldc)));
  spmm_case_expected(c, run.variant, run.tokens, expected);
  for (int64_t t = 0; t < run.tokens; t++)
    for (int64_t r = 0; r < ldc; r++) {
      int64_t i = t * ldc + r;
      if (r >= c->m)
        cr_assert_eq(out[i], 0xabab, "%s: token %d: wrote beyond row %d", what, (int)t, (int)c->m);
      else
        cr_assert(close_to((double)actual[i], expected[t * c->m + r],
                           cuda_spmm_tolerance(c, kernel->dtype, expected[t * c->m + r])),
                  "%s: %s: m %d, k %d, n %d: token %d, row %d: %g, not %g", what, kernel->name,
                  (int)c->m, (int)c->k, (int)run.tokens, (int)t, (int)r, (double)actual[i],
                  expected[t * c->m + r]);
    }
  free(expected);
  free(actual);
  free(out);
}

static void check_partial(const tsr_cuda_spmm_kernel *kernel, const spmm_case *c, cuda_spmm_run run,
                          const buffers *at, const char *what) {
  int64_t count = run.tokens * c->m;
  float *partial = allocate((size_t)(run.splits * count) * sizeof *partial);
  device_read(partial, at->partial, (size_t)(run.splits * count) * sizeof *partial);
  for (int64_t i = 0; i < count; i++) {
    double sum = 0;
    for (int32_t s = 0; s < run.splits; s++) sum += (double)partial[s * count + i];
    cr_assert(close_to(sum, c->sums[i], cuda_spmm_tolerance(c, kernel->dtype, 0)),
              "%s: %s in %d parts: m %d, k %d, n %d: token %d, row %d: %g, not %g", what,
              kernel->name, (int)run.splits, (int)c->m, (int)c->k, (int)run.tokens, (int)(i / c->m),
              (int)(i % c->m), sum, c->sums[i]);
  }
  free(partial);
}

void cuda_spmm_check(CUmodule module, const tsr_cuda_spmm_kernel *kernel, const spmm_case *c,
                     const tsr_pattern *pattern, cuda_spmm_run run, const char *what) {
  if (c->m == 0 || run.tokens == 0) return; /* nothing to launch: a grid has at least one CTA */
  tsr_cuda_spmm_args args;
  tsr_cuda_launch launch;
  buffers at = upload(kernel, c, pattern, run, &args);
  tsr__cuda_spmm_launch(kernel, &args, &launch);
  void *parameters[] = {&args};
  device_run(device_function(module, kernel->name),
             (device_grid){.x = launch.grid[0],
                           .y = launch.grid[1],
                           .z = launch.grid[2],
                           .threads_x = launch.threads,
                           .shared_bytes = launch.shared_bytes},
             parameters);
  if (run.splits > 1)
    check_partial(kernel, c, run, &at, what);
  else
    check_c(kernel, c, run, &at, what);
  release(&at);
}
