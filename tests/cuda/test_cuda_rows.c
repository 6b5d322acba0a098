/* LayerNorm, embedding and pooling against double references. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/cuda/layer_launch.h"
#include "tests/cuda/cuda_matrix.h"
#include "tests/layer_reference.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const tsr_dtype dtypes[] = {TSR_DTYPE_F16, TSR_DTYPE_BF16};
static const int32_t widths[] = {1, 2, 7, 8, 9, 255, 384, 1030, 1100};

static char *kernel_name(char name[64], tsr_dtype dtype, const char *layer) {
  snprintf(name, 64, "tsr_%s_%s__sm80", cuda_type_name(dtype), layer);
  return name;
}

/* f32 sums of `width` numbers in 32 lanes and a tree; an error of x is stretched by the factor. */
static double layernorm_limit(const float *x, int32_t width, double epsilon, tsr_dtype dtype,
                              double expected) {
  double mean = 0, squares = 0, largest = 0;
  for (int32_t i = 0; i < width; i++) {
    mean += (double)x[i] / width;
    largest = fmax(largest, fabs((double)x[i]));
  }
  for (int32_t i = 0; i < width; i++) squares += pow((double)x[i] - mean, 2) / width;
  double error = (width / 32.0 + 16) * 0x1p-24 * largest / sqrt(squares + epsilon);
  double reach = 2 * largest / sqrt(squares + epsilon); /* of the normalised row */
  return cuda_epsilon(dtype) * fabs(expected) + 2 * error * (1 + reach) + 0x1p-22;
}

static void check_layernorm(CUmodule module, tsr_dtype dtype, int32_t width, int turn,
                            const char *what) {
  enum { N = 5 };
  float *x = reference_random((size_t)N * (size_t)width, 71, 2.0f),
        *y = malloc((size_t)N * (size_t)width * 4);
  float *gamma = reference_random((size_t)width, 72, 1.0f);
  float *beta = reference_random((size_t)width, 73, 1.0f);
  double *expected = malloc((size_t)width * sizeof *expected), epsilon = 1e-5;
  if (width > 3) x[3] = turn % 2 ? NAN : INFINITY;
  cuda_round(x, (size_t)N * (size_t)width, dtype);
  cuda_matrix in = cuda_matrix_upload(x, dtype, N, width, width + turn % 3, turn % 2);
  cuda_matrix g = cuda_matrix_upload(gamma, TSR_DTYPE_F32, 1, width, width, turn % 2);
  cuda_matrix b = cuda_matrix_upload(beta, TSR_DTYPE_F32, 1, width, width, 0);
  cuda_matrix out = cuda_matrix_room(dtype, N, width, width + turn % 4, 0);
  tsr_cuda_layernorm_args args = {.x = in.data,
                                  .y = out.data,
                                  .gamma = g.data,
                                  .beta = b.data,
                                  .ldx = in.ld,
                                  .ldy = out.ld,
                                  .n = N,
                                  .width = width,
                                  .epsilon = (float)epsilon};
  char name[64];
  cuda_launch(module, kernel_name(name, dtype, "layernorm"), tsr__cuda_layernorm_launch(&args),
              &args);
  cuda_matrix_read(&out, y);
  for (int64_t t = 0; t < N; t++) {
    reference_layernorm(x + t * width, width, gamma, beta, epsilon, expected);
    for (int64_t i = 0; i < width; i++)
      cuda_expect_close(what, t, i, (double)y[t * width + i], expected[i],
                        layernorm_limit(x + t * width, width, epsilon, dtype, expected[i]));
  }
  const cuda_matrix all[] = {in, g, b, out};
  for (size_t i = 0; i < COUNT(all); i++) cuda_matrix_free(&all[i]);
  free(x);
  free(y);
  free(gamma);
  free(beta);
  free(expected);
}

static void run_layernorm(CUmodule module, const char *what) {
  for (size_t d = 0; d < COUNT(dtypes); d++)
    for (size_t i = 0; i < COUNT(widths); i++)
      check_layernorm(module, dtypes[d], widths[i], (int)(i + d), what);
}

Test(cuda_rows, layernorm) {
  device_for_each_setting(TESSERA_IMAGES "/rows.fatbin", run_layernorm);
}

enum { VOCABULARY = 11, POSITIONS = 6, TYPES = 2, SEQUENCES = 4 };
static const int32_t offsets[SEQUENCES + 1] = {0, 3, 4, 9, 11};

/* Ids, one of them beyond the vocabulary; their row becomes NaN. */
static void check_embedding(CUmodule module, tsr_dtype dtype, int32_t width, int with_types,
                            const char *what) {
  static const int32_t ids[] = {0, 10, 5, 5, 1, VOCABULARY, 3, 4, 2, 9, 7};
  static const int32_t types[] = {0, 1, 0, 1, 1, 1, 0, 0, 1, 0, 1};
  enum { N = COUNT(ids) };
  float *words = reference_random((size_t)VOCABULARY * (size_t)width, 81, 1.0f);
  float *positions = reference_random((size_t)POSITIONS * (size_t)width, 82, 1.0f);
  float *kinds = reference_random((size_t)TYPES * (size_t)width, 83, 1.0f);
  float *y = malloc((size_t)N * (size_t)width * sizeof *y);
  cuda_round(words, (size_t)VOCABULARY * (size_t)width, dtype);
  cuda_matrix w = cuda_matrix_upload(words, dtype, VOCABULARY, width, width, 0);
  cuda_matrix p = cuda_matrix_upload(positions, TSR_DTYPE_F32, POSITIONS, width, width, 0);
  cuda_matrix k = cuda_matrix_upload(kinds, TSR_DTYPE_F32, TYPES, width, width, 1);
  cuda_matrix out = cuda_matrix_room(dtype, N, width, width + with_types, 0);
  CUdeviceptr memory[3];
  tsr_cuda_embedding_args args = {.words = w.data,
                                  .positions = p.data,
                                  .types = k.data,
                                  .ids = cuda_integers(ids, N, &memory[0]),
                                  .types_of = cuda_integers(types, N, &memory[1]),
                                  .offsets = cuda_integers(offsets, SEQUENCES + 1, &memory[2]),
                                  .y = out.data,
                                  .ldy = out.ld,
                                  .n = N,
                                  .width = width,
                                  .sequences = SEQUENCES,
                                  .vocabulary = VOCABULARY,
                                  .position_count = POSITIONS,
                                  .type_count = TYPES};
  if (!with_types) args.types_of = NULL;
  char name[64];
  cuda_launch(module, kernel_name(name, dtype, "embedding"), tsr__cuda_embedding_launch(&args),
              &args);
  cuda_matrix_read(&out, y);
  for (int s = 0; s < SEQUENCES; s++)
    for (int32_t t = offsets[s]; t < offsets[s + 1]; t++)
      for (int32_t i = 0; i < width; i++) {
        double e = NAN;
        if (ids[t] < VOCABULARY)
          e = (double)words[ids[t] * width + i] + (double)positions[(t - offsets[s]) * width + i] +
              (double)kinds[(with_types ? types[t] : 0) * width + i];
        cuda_expect_close(what, t, i, (double)y[t * width + i], e,
                          cuda_epsilon(dtype) * fabs(e) + 0x1p-21);
      }
  const cuda_matrix all[] = {w, p, k, out};
  for (size_t i = 0; i < COUNT(all); i++) cuda_matrix_free(&all[i]);
  for (size_t i = 0; i < COUNT(memory); i++) device_free(memory[i]);
  free(words);
  free(positions);
  free(kinds);
  free(y);
}

static void run_embedding(CUmodule module, const char *what) {
  for (size_t d = 0; d < COUNT(dtypes); d++)
    for (size_t i = 0; i < COUNT(widths); i++)
      check_embedding(module, dtypes[d], widths[i], (int)i % 2, what);
}

Test(cuda_rows, embedding) {
  device_for_each_setting(TESSERA_IMAGES "/rows.fatbin", run_embedding);
}

static void pool_reference(const float *x, int32_t width, int first, int normalise, int s,
                           double *y) {
  int32_t count = first ? 1 : offsets[s + 1] - offsets[s];
  double squares = 0;
  for (int32_t i = 0; i < width; i++) {
    y[i] = 0;
    for (int32_t t = 0; t < count; t++) y[i] += (double)x[(offsets[s] + t) * width + i] / count;
    squares += y[i] * y[i];
  }
  for (int32_t i = 0; normalise && i < width; i++) y[i] /= squares > 0 ? sqrt(squares) : 1.0;
}

static void check_pool(CUmodule module, tsr_dtype dtype, int32_t width, int turn,
                       const char *what) {
  int first = turn % 2, normalise = turn / 2 % 2;
  int64_t tokens = offsets[SEQUENCES];
  float *x = reference_random((size_t)tokens * (size_t)width, 91, 1.0f);
  float *y = malloc((size_t)SEQUENCES * (size_t)width * sizeof *y);
  double *expected = malloc((size_t)width * sizeof *expected);
  for (int32_t i = 0; i < width; i++) x[offsets[1] * width + i] = 0; /* a sequence of zeros */
  cuda_round(x, (size_t)tokens * (size_t)width, dtype);
  cuda_matrix in = cuda_matrix_upload(x, dtype, tokens, width, width + turn % 3, 0);
  cuda_matrix out = cuda_matrix_room(TSR_DTYPE_F32, SEQUENCES, width, width, 0);
  CUdeviceptr memory;
  tsr_cuda_pool_args args = {.x = in.data,
                             .offsets = cuda_integers(offsets, SEQUENCES + 1, &memory),
                             .y = out.data,
                             .ldx = in.ld,
                             .sequences = SEQUENCES,
                             .width = width,
                             .first = first,
                             .normalise = normalise};
  char name[64];
  cuda_launch(module, kernel_name(name, dtype, "pool"), tsr__cuda_pool_launch(&args), &args);
  cuda_matrix_read(&out, y);
  for (int s = 0; s < SEQUENCES; s++) {
    pool_reference(x, width, first, normalise, s, expected);
    for (int64_t i = 0; i < width; i++)
      cuda_expect_close(what, s, i, (double)y[s * width + i], expected[i],
                        0x1p-20 * (fabs(expected[i]) + 0.1));
  }
  device_free(memory);
  cuda_matrix_free(&in);
  cuda_matrix_free(&out);
  free(x);
  free(y);
  free(expected);
}

static void run_pool(CUmodule module, const char *what) {
  for (size_t d = 0; d < COUNT(dtypes); d++)
    for (size_t i = 0; i < COUNT(widths); i++)
      for (int mode = 0; mode < 4; mode++)
        check_pool(module, dtypes[d], widths[i], mode + 4 * (int)i, what);
}

Test(cuda_rows, pool) { device_for_each_setting(TESSERA_IMAGES "/rows.fatbin", run_pool); }
