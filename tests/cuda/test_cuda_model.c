/* Whole models of the CUDA backend, compared with the CPU's. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cuda/host.h"
#include "tests/cuda/cuda_model_case.h"

/* pattern: NULL = dense. */
static void compare(const char *pattern, tsr_format format, tsr_pooling pooling) {
  tsr_model *model = case_model();
  cr_assert_eq(tsr_model_set_pooling(model, pooling), TSR_OK);
  if (pattern) case_sparsify(model, pattern, format, 1);
  case_compare(model);
  tsr_model_destroy(model);
}

Test(cuda_model, dense_equals_the_cpu) { compare(NULL, TSR_FORMAT_DENSE, TSR_POOLING_MEAN); }

Test(cuda_model, blocks_equal_the_cpu) {
  compare("block:16x16", TSR_FORMAT_BCSR, TSR_POOLING_MEAN);
}

Test(cuda_model, rows_equal_the_cpu) { compare("row", TSR_FORMAT_COMPACT, TSR_POOLING_MEAN); }

Test(cuda_model, irregular_equals_the_cpu) {
  compare("irregular", TSR_FORMAT_CSR, TSR_POOLING_MEAN);
}

Test(cuda_model, n_of_m_pooled_by_its_first_token_equals_the_cpu) {
  compare("2:4", TSR_FORMAT_NM, TSR_POOLING_CLS);
}

/* A second layer in bf16 beside the others in f16. */
Test(cuda_model, types_that_differ_are_named) {
  tsr_model *model = case_model();
  size_t index = tsr_model_layer_count(model);
  while (!tsr_model_linear(model, --index)) continue;
  int64_t rows = tsr_model_linear(model, index)->weight.rows;
  int64_t cols = tsr_model_linear(model, index)->weight.cols;
  uint16_t *w = calloc((size_t)(rows * cols), sizeof *w);
  tsr_matrix matrix = {w, TSR_DTYPE_BF16, rows, cols, cols};
  tsr_pattern dense = {.kind = TSR_PATTERN_DENSE};
  tsr_packed packed = {0};
  cr_assert_eq(tsr_pack(&matrix, TSR_FORMAT_DENSE, &dense, &packed), TSR_OK);
  cr_assert_eq(tsr_model_set_weight(model, index, &packed), TSR_OK);
  tsr_model_plan_options options = {
      .linear = {.backend = TSR_BACKEND_CUDA, .max_tokens = 4, .threads = 1},
      .max_batch = 1,
      .max_seq = 4};
  tsr_model_plan *plan;
  cr_assert_eq(tsr_model_plan_create(model, &options, &plan), TSR_UNSUPPORTED);
  cr_assert(strstr(tsr_last_error(), tsr_model_layer_name(model, index)), "%s", tsr_last_error());
  cr_assert(strstr(tsr_last_error(), "BF16"), "%s", tsr_last_error());
  tsr_model_destroy(model);
  free(w);
}

Test(cuda_model, a_batch_that_is_too_large_is_refused) {
  tsr_model *model = case_model();
  tsr_model_plan *plan = case_plan(model, TSR_BACKEND_CUDA);
  tsr__cuda_host *host;
  cr_assert_eq(tsr__cuda_host_create(plan, &host), TSR_OK);
  static int32_t many[21];
  int64_t offsets[] = {0, 21};
  float embedding[CASE_HIDDEN];
  tsr_batch batch = {1, offsets, many, NULL};
  tsr_output output = {.embedding = embedding};
  cr_assert_eq(tsr__cuda_host_execute(host, &batch, &output), TSR_INVALID_ARGUMENT);
  offsets[1] = 20;
  many[3] = -1;
  cr_assert_eq(tsr__cuda_host_execute(host, &batch, &output), TSR_INVALID_ARGUMENT);
  cr_assert(strstr(tsr_last_error(), "token 3"), "%s", tsr_last_error());
  tsr__cuda_host_destroy(host);
  tsr_model_plan_destroy(plan);
  tsr_model_destroy(model);
}
