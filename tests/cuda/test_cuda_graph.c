/* Executions as CUDA graphs: captured by a caller, and by the backend itself. */
#include <criterion/criterion.h>
#include <cuda.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cuda/host.h"
#include "tests/cuda/cuda_model_case.h"

/* ---- by a caller ---- */

static void cu(CUresult result) {
  cr_assert_eq(result, CUDA_SUCCESS, "CUDA error %d", (int)result);
}

static CUdeviceptr room(size_t bytes) {
  CUdeviceptr address;
  cu(cuMemAlloc(&address, bytes));
  return address;
}

static void *pointer_to(CUdeviceptr address) {
  void *pointer;
  memcpy(&pointer, &address, sizeof pointer);
  return pointer;
}

static void read_embeddings(CUstream stream, CUdeviceptr address, float *out) {
  cu(cuStreamSynchronize(stream));
  cu(cuMemcpyDtoH(out, address, CASE_SEQUENCES * CASE_HIDDEN * sizeof *out));
  cu(cuMemsetD8Async(address, 0xff, CASE_SEQUENCES * CASE_HIDDEN * sizeof *out, stream));
}

/* Nothing in an execution allocates, waits, or reads the caller's batch later: the graph gives the
 * same although the batch is gone. */
Test(cuda_graph, an_execution_can_be_captured_and_replayed) {
  CUcontext context;
  CUstream stream;
  CUgraph graph;
  CUgraphExec executable;
  cu(cuInit(0));
  cu(cuDevicePrimaryCtxRetain(&context, 0));
  cu(cuCtxSetCurrent(context));
  cu(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
  tsr_model *model = case_model();
  tsr_model_plan *plan = case_plan(model, TSR_BACKEND_CUDA);
  size_t bytes = tsr_model_plan_workspace_bytes(plan);
  CUdeviceptr workspace = room(bytes),
              embedding = room(CASE_SEQUENCES * CASE_HIDDEN * sizeof(float));
  case_ids b = case_make_ids();
  tsr_batch batch = {CASE_SEQUENCES, b.offsets, b.ids, b.types};
  tsr_output output = {.embedding = pointer_to(embedding), .normalise = 1, .stream = stream};
  static float eager[CASE_SEQUENCES * CASE_HIDDEN], replayed[CASE_SEQUENCES * CASE_HIDDEN];
  cr_assert_eq(tsr_model_execute(plan, &batch, &output, pointer_to(workspace), bytes), TSR_OK, "%s",
               tsr_last_error());
  read_embeddings(stream, embedding, eager);
  cu(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
  cr_assert_eq(tsr_model_execute(plan, &batch, &output, pointer_to(workspace), bytes), TSR_OK, "%s",
               tsr_last_error());
  cu(cuStreamEndCapture(stream, &graph));
  cu(cuGraphInstantiate(&executable, graph, 0));
  memset(&b, 0xff, sizeof b);
  for (int replay = 0; replay < 2; replay++) {
    cu(cuGraphLaunch(executable, stream));
    read_embeddings(stream, embedding, replayed);
    cr_assert_eq(memcmp(eager, replayed, sizeof eager), 0, "replay %d", replay);
  }
  cu(cuGraphExecDestroy(executable));
  cu(cuGraphDestroy(graph));
  tsr_model_plan_destroy(plan);
  tsr_model_destroy(model);
}

/* ---- by the backend ---- */

enum { BATCHES = 7 };

/* Shapes a a a b b a a, with ids that differ from batch to batch. */
static void make_batch(int i, case_ids *ids, tsr_batch *batch) {
  int is_b = i == 3 || i == 4;
  *ids = case_make_ids();
  for (int t = 0; t < CASE_TOKENS; t++) ids->ids[t] = (ids->ids[t] + 17 * i) % 1000;
  *batch = (tsr_batch){is_b ? 2 : CASE_SEQUENCES, ids->offsets, ids->ids, NULL};
}

typedef struct result {
  float hidden[CASE_TOKENS * CASE_HIDDEN], embedding[CASE_SEQUENCES * CASE_HIDDEN];
} result;

/* The first batch of a shape is executed as it is, the second one captured. */
Test(cuda_graph, batches_of_one_shape_replay_it_and_give_what_an_execution_gives) {
  static const int64_t captured[] = {0, 1, 1, 1, 2, 2, 3}, replayed[] = {0, 1, 2, 2, 3, 3, 4};
  tsr_model *model = case_model();
  tsr_model_plan *plan = case_plan(model, TSR_BACKEND_CUDA);
  tsr__cuda_host *host;
  cr_assert_eq(tsr__cuda_host_create(plan, &host), TSR_OK, "%s", tsr_last_error());
  static result eager, graph;
  for (int i = 0; i < BATCHES; i++) {
    case_ids ids;
    tsr_batch batch;
    make_batch(i, &ids, &batch);
    memset(&eager, 0, sizeof eager);
    memset(&graph, 0, sizeof graph);
    tsr_output output = {.hidden = eager.hidden, .embedding = eager.embedding, .normalise = 1};
    case_run_cuda(model, &batch, &output);
    output.hidden = graph.hidden;
    output.embedding = graph.embedding;
    cr_assert_eq(tsr__cuda_host_execute(host, &batch, &output), TSR_OK, "%s", tsr_last_error());
    cr_assert_eq(memcmp(&eager, &graph, sizeof eager), 0, "batch %d", i);
    int64_t captures, replays;
    tsr__cuda_replay_counts(tsr__cuda_host_replay(host), &captures, &replays);
    cr_assert_eq(captures, captured[i], "batch %d: %d captures", i, (int)captures);
    cr_assert_eq(replays, replayed[i], "batch %d: %d replays", i, (int)replays);
  }
  tsr__cuda_host_destroy(host);
  tsr_model_plan_destroy(plan);
  tsr_model_destroy(model);
}

/* What else the launches depend on: outputs, and whether there are token types. */
Test(cuda_graph, other_outputs_are_another_shape) {
  tsr_model *model = case_model();
  tsr_model_plan *plan = case_plan(model, TSR_BACKEND_CUDA);
  tsr__cuda_host *host;
  cr_assert_eq(tsr__cuda_host_create(plan, &host), TSR_OK, "%s", tsr_last_error());
  case_ids ids = case_make_ids();
  static result r;
  tsr_output outputs[] = {{.hidden = r.hidden},
                          {.embedding = r.embedding},
                          {.embedding = r.embedding, .normalise = 1},
                          {.embedding = r.embedding, .normalise = 1}};
  for (int i = 0; i < 4; i++) {
    tsr_batch batch = {CASE_SEQUENCES, ids.offsets, ids.ids, i == 3 ? ids.types : NULL};
    int64_t captures, replays;
    cr_assert_eq(tsr__cuda_host_execute(host, &batch, &outputs[i]), TSR_OK, "%s", tsr_last_error());
    tsr__cuda_replay_counts(tsr__cuda_host_replay(host), &captures, &replays);
    cr_assert_eq(captures + replays, 0, "execution %d", i);
  }
  tsr__cuda_host_destroy(host);
  tsr_model_plan_destroy(plan);
  tsr_model_destroy(model);
}
