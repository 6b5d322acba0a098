#include "tests/cuda/cuda_model_case.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "runtime/cuda/host.h"
#include "runtime/model/bert.h"

case_ids case_make_ids(void) {
  case_ids b = {.offsets = {0, 7, 8, CASE_TOKENS}};
  for (int i = 0; i < CASE_TOKENS; i++) {
    b.ids[i] = 100 + 37 * i;
    b.types[i] = i % 2;
  }
  return b;
}

tsr_model_plan *case_plan(const tsr_model *model, tsr_backend backend) {
  tsr_model_plan_options options = {
      .linear = {.backend = backend, .max_tokens = CASE_MAX_TOKENS, .threads = 1},
      .max_batch = 5,
      .max_seq = CASE_MAX_SEQ};
  tsr_model_plan *plan;
  cr_assert_eq(tsr_model_plan_create(model, &options, &plan), TSR_OK, "%s", tsr_last_error());
  return plan;
}

void case_run_cpu(const tsr_model *model, const tsr_batch *batch, const tsr_output *output) {
  tsr_model_plan *plan = case_plan(model, TSR_BACKEND_CPU);
  size_t bytes = tsr_model_plan_workspace_bytes(plan);
  void *workspace = aligned_alloc(64, bytes / 64 * 64 + 64);
  cr_assert_eq(tsr_model_execute(plan, batch, output, workspace, bytes), TSR_OK);
  free(workspace);
  tsr_model_plan_destroy(plan);
}

void case_run_cuda(const tsr_model *model, const tsr_batch *batch, const tsr_output *output) {
  tsr_model_plan *plan = case_plan(model, TSR_BACKEND_CUDA);
  tsr__cuda_host *host;
  cr_assert_eq(tsr__cuda_host_create(plan, &host), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(tsr__cuda_host_execute(host, batch, output), TSR_OK, "%s", tsr_last_error());
  tsr__cuda_host_destroy(host);
  tsr_model_plan_destroy(plan);
}

static double cosine(const float *a, const float *b, int64_t width) {
  double ab = 0, aa = 0, bb = 0;
  for (int64_t i = 0; i < width; i++) {
    ab += (double)a[i] * (double)b[i];
    aa += (double)a[i] * (double)a[i];
    bb += (double)b[i] * (double)b[i];
  }
  return ab / sqrt(aa * bb);
}

void case_compare(const tsr_model *model) {
  case_ids b = case_make_ids();
  tsr_batch batch = {CASE_SEQUENCES, b.offsets, b.ids, b.types};
  int64_t width = tsr_model_get_info(model)->hidden;
  float *values = calloc((size_t)(2 * (CASE_TOKENS + CASE_SEQUENCES) * width), sizeof *values);
  float *hidden[] = {values, values + CASE_TOKENS * width};
  float *embedding[] = {hidden[1] + CASE_TOKENS * width,
                        hidden[1] + (CASE_TOKENS + CASE_SEQUENCES) * width};
  tsr_output cpu = {.hidden = hidden[0], .embedding = embedding[0], .normalise = 1};
  tsr_output cuda = {.hidden = hidden[1], .embedding = embedding[1], .normalise = 1};
  case_run_cpu(model, &batch, &cpu);
  case_run_cuda(model, &batch, &cuda);
  for (int64_t i = 0; i < CASE_TOKENS * width; i++)
    cr_assert_leq(fabs((double)hidden[0][i] - (double)hidden[1][i]), 2e-2,
                  "token %d, column %d: %g, not %g", (int)(i / width), (int)(i % width),
                  (double)hidden[1][i], (double)hidden[0][i]);
  for (int s = 0; s < CASE_SEQUENCES; s++) {
    double same = cosine(embedding[0] + s * width, embedding[1] + s * width, width);
    cr_assert_geq(same, 0.9995, "sequence %d: cosine %g", s, same);
    cr_assert_float_eq(cosine(embedding[1] + s * width, embedding[1] + s * width, width), 1, 1e-9);
  }
  free(values);
}

static int is_zero(tsr_format format, int64_t r, int64_t c) {
  if (format == TSR_FORMAT_NM) return (r + c) % 4 < 2;
  return format == TSR_FORMAT_COMPACT ? r % 3 == 0 : (r / 16 + c / 16) % 2;
}

void case_sparsify(tsr_model *model, const char *text, tsr_format format, size_t step) {
  tsr_pattern pattern;
  cr_assert_eq(tsr_pattern_parse(text, &pattern), TSR_OK);
  for (size_t i = 0; i < tsr_model_layer_count(model); i += step) {
    const tsr_linear *linear = tsr_model_linear(model, i);
    if (!linear) continue;
    int64_t rows = linear->weight.rows, cols = linear->weight.cols;
    float *w = malloc((size_t)rows * (size_t)cols * sizeof *w);
    cr_assert_eq(tsr_unpack_f32(&linear->weight, w, cols), TSR_OK);
    for (int64_t r = 0; r < rows; r++)
      for (int64_t c = 0; c < cols; c++)
        if (is_zero(format, r, c)) w[r * cols + c] = 0;
    tsr_matrix matrix = {w, TSR_DTYPE_F32, rows, cols, cols};
    tsr_packed packed = {0};
    cr_assert_eq(tsr_pack(&matrix, format, &pattern, &packed), TSR_OK, "%s", tsr_last_error());
    cr_assert_eq(tsr_model_set_weight(model, i, &packed), TSR_OK);
    free(w);
  }
}

tsr_model *case_model(void) {
  tsr__bert_config config = {.layers = 2,
                             .hidden = CASE_HIDDEN,
                             .heads = 3,
                             .intermediate = 192,
                             .vocabulary = 1000,
                             .max_positions = 32,
                             .types = 2,
                             .epsilon = 1e-12f,
                             .activation = TSR_ACTIVATION_GELU,
                             .pooling = TSR_POOLING_MEAN};
  tsr_model *model;
  cr_assert_eq(tsr__model_create("bert", "a small BERT", &model), TSR_OK);
  tsr__weights weights = tsr__weights_random(5, model);
  cr_assert_eq(tsr__bert_build(&config, &weights, model), TSR_OK, "%s", tsr_last_error());
  return model;
}
