#include "runtime/cuda/replay.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cuda/context.h"
#include "runtime/cuda/nvtx.h"

/* All that the launches of a model's layers depend on. */
typedef struct key {
  tsr__cuda_shape shape;
  const void *workspace;
  const void *hidden, *embedding;
  int32_t normalise;
  /* Of images, whose shape above is all zeros; else zeros. */
  tsr_image_batch images;
  const void *logits, *probabilities;
} key;

struct tsr__cuda_replay {
  const tsr__cuda_model *model;
  tsr__cuda *cuda;
  void *stream;     /* what is captured goes through it */
  void *executable; /* of the key; NULL: not captured yet */
  key key;          /* of the last batch */
  int64_t captured, replayed;
};

static void forget(tsr__cuda_replay *r) {
  if (r->executable) tsr__cuda_driver(r->cuda)->GraphExecDestroy(r->executable);
  r->executable = NULL;
}

static tsr_status build(tsr__cuda_replay *r) {
  const tsr__cu *cu = tsr__cuda_driver(r->cuda);
  TSR__CU_TRY("a graph", StreamCreate, &r->stream, TSR__CU_STREAM_NON_BLOCKING);
  return TSR_OK;
}

tsr_status tsr__cuda_replay_create(const tsr__cuda_model *model, tsr__cuda_replay **out) {
  TSR_TRY(tsr__calloc(1, sizeof **out, "a graph", out));
  tsr__cuda_replay *r = *out;
  r->model = model;
  r->cuda = tsr__cuda_model_context(model);
  tsr_status status = tsr__cuda_enter(r->cuda);
  if (status == TSR_OK) {
    status = build(r);
    tsr__cuda_leave(r->cuda);
  }
  if (status == TSR_OK) return TSR_OK;
  free(r);
  *out = NULL;
  return status;
}

void tsr__cuda_replay_destroy(tsr__cuda_replay *r) {
  if (!r) return;
  if (tsr__cuda_enter(r->cuda) == TSR_OK) {
    forget(r);
    tsr__cuda_driver(r->cuda)->StreamDestroy(r->stream);
    tsr__cuda_leave(r->cuda);
  }
  free(r);
}

/* ---- capturing ---- */

/* Those of one kind are set, and the stream in both. */
typedef struct outputs {
  tsr_output tokens;
  tsr_image_output images;
} outputs;

static tsr_status instantiate(tsr__cuda_replay *r, void *graph) {
  const tsr__cu *cu = tsr__cuda_driver(r->cuda);
  TSR__CU_TRY("the model's graph", GraphInstantiate, &r->executable, graph, 0);
  r->captured++;
  return TSR_OK;
}

static tsr_status compute(const tsr__cuda_replay *r, const outputs *to, void *workspace) {
  if (r->key.images.images)
    return tsr__cuda_model_compute_images(r->model, &r->key.images, &to->images, workspace);
  return tsr__cuda_model_compute(r->model, &r->key.shape, &to->tokens, workspace);
}

static tsr_status capture(tsr__cuda_replay *r, outputs to, void *workspace) {
  const tsr__cu *cu = tsr__cuda_driver(r->cuda);
  void *graph = NULL;
  to.tokens.stream = to.images.stream = r->stream;
  TSR__CU_TRY("the model's graph", StreamBeginCapture, r->stream, TSR__CU_CAPTURE_THREAD_LOCAL);
  tsr_status status = compute(r, &to, workspace);
  int ended = cu->StreamEndCapture(r->stream, &graph);
  if (status == TSR_OK) status = tsr__cu_check(ended, "cuStreamEndCapture", "the model's graph");
  if (status == TSR_OK) status = instantiate(r, graph);
  if (graph) cu->GraphDestroy(graph);
  return status;
}

static tsr_status launch(tsr__cuda_replay *r, void *stream) {
  r->replayed++;
  tsr__nvtx_push(tsr__cuda_model_name(r->model));
  int result = tsr__cuda_driver(r->cuda)->GraphLaunch(r->executable, stream);
  tsr__nvtx_pop();
  return tsr__cu_check(result, "cuGraphLaunch", "the model's graph");
}

static int same_images(const tsr_image_batch *a, const tsr_image_batch *b) {
  return a->images == b->images && a->height == b->height && a->width == b->width &&
         a->channels == b->channels && a->pixels == b->pixels && a->layout == b->layout;
}

static int same(const key *a, const key *b) {
  return a->shape.tokens == b->shape.tokens && a->shape.sequences == b->shape.sequences &&
         a->shape.longest == b->shape.longest && a->shape.typed == b->shape.typed &&
         a->hidden == b->hidden && a->embedding == b->embedding && a->workspace == b->workspace &&
         a->normalise == b->normalise && same_images(&a->images, &b->images) &&
         a->logits == b->logits && a->probabilities == b->probabilities;
}

static tsr_status run(tsr__cuda_replay *r, const key *now, const outputs *to, void *workspace) {
  if (!same(now, &r->key)) {
    forget(r);
    r->key = *now;
    return compute(r, to, workspace);
  }
  if (!r->executable) TSR_TRY(capture(r, *to, workspace));
  return launch(r, to->tokens.stream);
}

tsr_status tsr__cuda_replay_execute(tsr__cuda_replay *r, const tsr_batch *batch,
                                    const tsr_output *output, void *workspace) {
  outputs to = {.tokens = *output};
  key now = {.shape = tsr__cuda_shape_of(batch),
             .workspace = workspace,
             .hidden = output->hidden,
             .embedding = output->embedding,
             .normalise = output->normalise};
  TSR_TRY(tsr__cuda_enter(r->cuda));
  tsr_status status = tsr__cuda_model_write(r->model, batch, workspace, output->stream);
  if (status == TSR_OK) status = run(r, &now, &to, workspace);
  tsr__cuda_leave(r->cuda);
  return status;
}

tsr_status tsr__cuda_replay_execute_images(tsr__cuda_replay *r, const tsr_image_batch *batch,
                                           const tsr_image_output *output, void *workspace) {
  outputs to = {.tokens = {.stream = output->stream}, .images = *output};
  key now = {.workspace = workspace,
             .images = *batch,
             .logits = output->logits,
             .probabilities = output->probabilities};
  TSR_TRY(tsr__cuda_enter(r->cuda));
  tsr_status status = run(r, &now, &to, workspace);
  tsr__cuda_leave(r->cuda);
  return status;
}

void tsr__cuda_replay_counts(const tsr__cuda_replay *r, int64_t *captured, int64_t *replayed) {
  *captured = r->captured;
  *replayed = r->replayed;
}
