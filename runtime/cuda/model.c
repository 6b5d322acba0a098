#include "runtime/cuda/model.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cuda/linear.h"
#include "runtime/cuda/model_parts.h"
#include "runtime/cuda/nvtx.h"
#include "runtime/plan/linear_plan.h"

/* ---- making one ---- */

static tsr_status find_dtype(tsr__cuda_model *m) {
  const tsr_linear_plan *first = NULL;
  m->dtype = TSR_DTYPE_F16;
  for (size_t i = 0; i < m->model->layer_count; i++) {
    const tsr_linear_plan *plan = m->linear[i];
    if (!plan) continue;
    tsr_dtype dtype = tsr__cuda_linear_dtype(plan->cuda);
    if (!first) m->dtype = dtype;
    if (!first) first = plan;
    TSR_CHECK(dtype == m->dtype, TSR_UNSUPPORTED,
              "%s: computed in %s, but %s in %s: the CUDA backend takes one type a model",
              plan->name, tsr_dtype_name(dtype), first->name, tsr_dtype_name(m->dtype));
  }
  return TSR_OK;
}

static tsr_status place(tsr__cuda_model *m, const tsr__layer_limits *limits) {
  size_t slot_bytes, scratch = 0;
  TSR_CHECK(limits->max_tokens <= INT32_MAX && limits->max_batch < INT32_MAX, TSR_UNSUPPORTED_SHAPE,
            "batches of %lld tokens in %lld sequences", (long long)limits->max_tokens,
            (long long)limits->max_batch);
  TSR_TRY(tsr__slots_place(m->model, TSR_BACKEND_CUDA, limits->max_tokens, limits->max_batch,
                           m->slot_offsets, &slot_bytes));
  for (size_t i = 0; i < m->model->layer_count; i++) {
    size_t bytes = m->linear[i] ? tsr__cuda_linear_scratch_bytes(m->linear[i]->cuda) : 0;
    if (bytes > scratch) scratch = bytes;
  }
  size_t tokens = tsr__round_line((size_t)limits->max_tokens * sizeof(int32_t));
  m->ids_at = slot_bytes;
  m->types_at = m->ids_at + tokens;
  m->offsets_at = m->types_at + tokens;
  m->scratch_at =
      m->offsets_at + tsr__round_line(((size_t)limits->max_batch + 1) * sizeof(int32_t));
  m->workspace_bytes = m->scratch_at + scratch;
  return TSR_OK;
}

static tsr_status build(tsr__cuda_model *m, const tsr__layer_limits *limits) {
  TSR_TRY(find_dtype(m));
  TSR_TRY(place(m, limits));
  TSR_TRY(tsr__calloc(m->model->layer_count, sizeof *m->layers, "a plan", &m->layers));
  for (size_t i = 0; i < m->model->layer_count; i++)
    if (!m->linear[i])
      TSR_TRY(tsr__cuda_layer_prepare(m->cuda, &m->model->layers[i], m->dtype, &m->layers[i]));
  TSR_TRY(tsr__cuda_find(m->cuda, TSR__CUDA_IMAGE_words, "tsr_b32_words__sm80", &m->words));
  TSR_TRY(
      tsr__cuda_find_typed(m->cuda, TSR__CUDA_IMAGE_pixels, m->dtype, "from_nchw", &m->from_nchw));
  TSR_TRY(
      tsr__cuda_find_typed(m->cuda, TSR__CUDA_IMAGE_convert, m->dtype, "from_f32", &m->from_f32));
  return tsr__cuda_find_typed(m->cuda, TSR__CUDA_IMAGE_convert, m->dtype, "to_f32", &m->to_f32);
}

tsr_status tsr__cuda_model_create(const tsr_model *model, tsr_linear_plan *const *linear,
                                  const tsr__layer_limits *limits, tsr__cuda_model **out) {
  tsr__cuda_model *m;
  TSR_TRY(tsr__calloc(1, sizeof *m, "a plan", &m));
  m->model = model;
  m->linear = linear;
  tsr_status status = tsr__cuda_open(&m->cuda);
  if (status == TSR_OK) status = tsr__cuda_enter(m->cuda);
  if (status == TSR_OK) {
    status = build(m, limits);
    tsr__cuda_leave(m->cuda);
  }
  if (status == TSR_OK)
    *out = m;
  else
    tsr__cuda_model_destroy(m);
  return status;
}

void tsr__cuda_model_destroy(tsr__cuda_model *model) {
  if (!model) return;
  if (model->layers && tsr__cuda_enter(model->cuda) == TSR_OK) {
    for (size_t i = 0; i < model->model->layer_count; i++)
      tsr__cuda_layer_release(model->cuda, &model->layers[i]);
    tsr__cuda_leave(model->cuda);
  }
  tsr__cuda_close(model->cuda);
  free(model->layers);
  free(model);
}

size_t tsr__cuda_model_workspace_bytes(const tsr__cuda_model *model) {
  return model->workspace_bytes;
}

tsr__cuda *tsr__cuda_model_context(const tsr__cuda_model *model) { return model->cuda; }
const char *tsr__cuda_model_name(const tsr__cuda_model *model) { return model->model->info.name; }

/* ---- the batch ---- */

static int32_t longest(const tsr_batch *batch) {
  int64_t most = 0;
  for (int64_t s = 0; s < batch->sequences; s++) {
    int64_t length = batch->offsets[s + 1] - batch->offsets[s];
    if (length > most) most = length;
  }
  return (int32_t)most;
}

tsr__cuda_shape tsr__cuda_shape_of(const tsr_batch *batch) {
  return (tsr__cuda_shape){.tokens = (int32_t)batch->offsets[batch->sequences],
                           .sequences = (int32_t)batch->sequences,
                           .longest = longest(batch),
                           .typed = batch->types != NULL};
}

/* Copies numbers as arguments of launches. */
static tsr_status write_words(const tsr__cuda_model *m, void *to, const int32_t *words,
                              int64_t count, void *stream, const char *what) {
  tsr_cuda_words_args args = {0};
  for (int64_t first = 0; first < count; first += TSR_CUDA_WORDS) {
    int64_t left = count - first;
    args.count = left < TSR_CUDA_WORDS ? (int32_t)left : TSR_CUDA_WORDS;
    args.y = (int32_t *)to + first;
    memcpy(args.words, words + first, (size_t)args.count * sizeof *words);
    tsr_cuda_launch launch = tsr__cuda_words_launch(&args);
    TSR_TRY(tsr__cuda_launch(m->cuda, &m->words, &launch, &args, stream, what));
  }
  return TSR_OK;
}

/* They were checked to fit 32 bits. */
static tsr_status write_offsets(const tsr__cuda_model *m, const tsr_batch *batch, char *to,
                                void *stream) {
  int32_t words[TSR_CUDA_WORDS];
  int64_t count = batch->sequences + 1;
  for (int64_t first = 0; first < count; first += TSR_CUDA_WORDS) {
    int64_t piece = count - first < TSR_CUDA_WORDS ? count - first : TSR_CUDA_WORDS;
    for (int64_t i = 0; i < piece; i++) words[i] = (int32_t)batch->offsets[first + i];
    TSR_TRY(write_words(m, to + (size_t)first * sizeof *words, words, piece, stream, "offsets"));
  }
  return TSR_OK;
}

tsr_status tsr__cuda_model_write(const tsr__cuda_model *m, const tsr_batch *batch, void *workspace,
                                 void *stream) {
  char *at = workspace;
  int64_t tokens = batch->offsets[batch->sequences];
  TSR_TRY(write_words(m, at + m->ids_at, batch->ids, tokens, stream, "token ids"));
  if (batch->types)
    TSR_TRY(write_words(m, at + m->types_at, batch->types, tokens, stream, "token types"));
  return write_offsets(m, batch, at + m->offsets_at, stream);
}

/* ---- an execution ---- */

static const int32_t *words_at(const void *workspace, size_t at) {
  return (const int32_t *)(const void *)((const char *)workspace + at);
}

/* What is pooled goes to the caller at once. */
tsr_status tsr__cuda_model_compute(const tsr__cuda_model *m, const tsr__cuda_shape *shape,
                                   const tsr_output *output, void *workspace) {
  tsr__cuda_execution e = {.model = m,
                           .workspace = workspace,
                           .io = {.ids = words_at(workspace, m->ids_at),
                                  .types = shape->typed ? words_at(workspace, m->types_at) : NULL,
                                  .offsets = words_at(workspace, m->offsets_at),
                                  .tokens = shape->tokens,
                                  .sequences = shape->sequences,
                                  .longest = shape->longest,
                                  .normalise = output->normalise,
                                  .stream = output->stream},
                           .result_slot = m->model->pooled_slot,
                           .result = output->embedding};
  tsr__nvtx_push(m->model->info.name);
  tsr_status status = tsr__cuda_run_layers(&e);
  if (status == TSR_OK)
    status = tsr__cuda_hand_out(&e, m->model->hidden_slot, shape->tokens, output->hidden,
                                "hidden states");
  tsr__nvtx_pop();
  return status;
}

static tsr_status run(const tsr__cuda_model *model, const tsr_batch *batch,
                      const tsr_output *output, void *workspace) {
  tsr__cuda_shape shape = tsr__cuda_shape_of(batch);
  TSR_TRY(tsr__cuda_model_write(model, batch, workspace, output->stream));
  return tsr__cuda_model_compute(model, &shape, output, workspace);
}

tsr_status tsr__cuda_model_execute(const tsr__cuda_model *model, const tsr_batch *batch,
                                   const tsr_output *output, void *workspace) {
  TSR_TRY(tsr__cuda_enter(model->cuda));
  tsr_status status = run(model, batch, output, workspace);
  tsr__cuda_leave(model->cuda);
  return status;
}
