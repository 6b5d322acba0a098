/* Fused attention against the double reference. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/cuda/layer_launch.h"
#include "tests/cuda/cuda_matrix.h"
#include "tests/gpusim/gpusim.h"
#include "tests/layer_reference.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
enum { SEQUENCES = 4 };

typedef struct attention_case {
  tsr_dtype dtype;
  int32_t heads, head_dim;
  int32_t lengths[SEQUENCES];
  int32_t pad; /* of both leading dimensions, a multiple of 8 */
  float special;
} attention_case;

/* The weights are rounded to the element type before they are multiplied with V (|v| <= 1); each
 * score is a sum of dim exact products, each of which loses at most an ulp of dim. */
static double limit_of(const attention_case *c, double expected) {
  double dim = c->head_dim, score = dim * dim * 0x1p-23 / sqrt(dim) + 0x1p-20;
  return cuda_epsilon(c->dtype) * (1 + fabs(expected)) + 2 * score;
}

static void check_sequence(const attention_case *c, const float *qkv, const float *y, int32_t first,
                           int32_t length, const char *what) {
  int64_t width = (int64_t)c->heads * c->head_dim;
  double *expected = malloc((size_t)(length * c->head_dim) * sizeof *expected + 1);
  for (int32_t h = 0; h < c->heads; h++) {
    const float *q = qkv + first * 3 * width + h * c->head_dim;
    reference_attention(q, q + width, q + 2 * width, 3 * width, length, c->head_dim,
                        1 / sqrt((double)c->head_dim), expected);
    for (int64_t t = 0; t < length; t++)
      for (int64_t i = 0; i < c->head_dim; i++) {
        double e = expected[t * c->head_dim + i];
        cuda_expect_close(what, first + t, h * c->head_dim + i,
                          (double)y[(first + t) * width + h * c->head_dim + i], e, limit_of(c, e));
      }
  }
  free(expected);
}

static void check_case(CUmodule module, const attention_case *c, const char *what) {
  int32_t offsets[SEQUENCES + 1] = {0}, longest = 0;
  for (int s = 0; s < SEQUENCES; s++) {
    offsets[s + 1] = offsets[s] + c->lengths[s];
    longest = c->lengths[s] > longest ? c->lengths[s] : longest;
  }
  int64_t tokens = offsets[SEQUENCES], width = (int64_t)c->heads * c->head_dim;
  float *qkv = reference_random((size_t)(tokens * 3 * width), 41, 1.0f);
  float *y = malloc((size_t)(tokens * width) * sizeof *y);
  if (c->special != 0.0f) qkv[(offsets[1] + 1) * 3 * width + width + 1] = c->special; /* a key */
  cuda_round(qkv, (size_t)(tokens * 3 * width), c->dtype);
  cuda_matrix in = cuda_matrix_upload(qkv, c->dtype, tokens, 3 * width, 3 * width + c->pad, 0);
  cuda_matrix out = cuda_matrix_room(c->dtype, tokens, width, width + c->pad, 0);
  CUdeviceptr memory;
  tsr_cuda_attention_args args = {.qkv = in.data,
                                  .offsets = cuda_integers(offsets, SEQUENCES + 1, &memory),
                                  .y = out.data,
                                  .ld = in.ld,
                                  .ldy = out.ld,
                                  .sequences = SEQUENCES,
                                  .longest = longest,
                                  .heads = c->heads,
                                  .head_dim = c->head_dim,
                                  .scale = (float)(1 / sqrt((double)c->head_dim))};
  char name[64], where[600];
  snprintf(name, sizeof name, "tsr_%s_attention_64x64x%d__sm80", cuda_type_name(c->dtype),
           tsr__cuda_attention_dim(c->head_dim));
  snprintf(where, sizeof where, "%s: %s, head_dim %d", what, name, (int)c->head_dim);
  cuda_launch(module, name, tsr__cuda_attention_launch(&args), &args);
  cuda_matrix_read(&out, y);
  for (int s = 0; s < SEQUENCES; s++) check_sequence(c, qkv, y, offsets[s], c->lengths[s], where);
  device_free(memory);
  cuda_matrix_free(&in);
  cuda_matrix_free(&out);
  free(qkv);
  free(y);
}

static const tsr_dtype dtypes[] = {TSR_DTYPE_F16, TSR_DTYPE_BF16};

static void run_sizes(CUmodule module, const char *what) {
  static const struct {
    int32_t heads, head_dim, pad, lengths[SEQUENCES];
  } sizes[] = {{2, 32, 0, {1, 63, 64, 65}}, {1, 64, 8, {31, 0, 130, 33}},
               {3, 8, 0, {15, 16, 17, 2}},  {1, 40, 16, {128, 1, 1, 70}},
               {1, 72, 0, {5, 66, 0, 1}},   {1, 128, 8, {64, 3, 129, 1}}};
  for (size_t d = 0; d < COUNT(dtypes); d++)
    for (size_t i = 0; i < COUNT(sizes); i++) {
      attention_case c = {.dtype = dtypes[d],
                          .heads = sizes[i].heads,
                          .head_dim = sizes[i].head_dim,
                          .pad = sizes[i].pad};
      for (int s = 0; s < SEQUENCES; s++) c.lengths[s] = sizes[i].lengths[s];
      check_case(module, &c, what);
    }
}

Test(cuda_attention, sizes) {
  device_for_each_setting(TESSERA_IMAGES "/attention.fatbin", run_sizes);
}

/* A NaN in a key makes every output of its sequence and head NaN, and no other. */
static void run_nan(CUmodule module, const char *what) {
  for (size_t d = 0; d < COUNT(dtypes); d++) {
    attention_case c = {
        .dtype = dtypes[d], .heads = 2, .head_dim = 32, .lengths = {20, 70, 1, 64}, .special = NAN};
    check_case(module, &c, what);
  }
}

Test(cuda_attention, nan_passes_through) {
  device_for_each_setting(TESSERA_IMAGES "/attention.fatbin", run_nan);
}

static void run_conflicts(CUmodule module, const char *what) {
  static const int32_t dims[] = {32, 64, 128};
  for (size_t i = 0; i < COUNT(dims); i++) {
    attention_case c = {
        .dtype = TSR_DTYPE_F16, .heads = 1, .head_dim = dims[i], .lengths = {64, 128, 64, 192}};
    check_case(module, &c, what);
    char *text = gpusim_last_launch_json();
    json_t *launch = json_loads(text, 0, NULL);
    const json_t *conflicts =
        json_object_get(json_object_get(launch, "memory"), "shared_bank_conflicts");
    cr_assert(json_is_integer(conflicts));
    cr_assert_eq(json_integer_value(conflicts), 0, "%s: head_dim %d: %s", what, (int)dims[i], text);
    json_decref(launch);
    free(text);
  }
}

Test(cuda_attention, no_bank_conflicts) {
  device_for_each_setting(TESSERA_IMAGES "/attention.fatbin", run_conflicts);
}
