/* Whole models of the CUDA backend, compared with the CPU's. */
#include <criterion/criterion.h>
#include <cuda.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cuda/host.h"
#include "tessera/tessera.h"

enum { SEQUENCES = 3, TOKENS = 17 };

/* A batch without padding, as the preset's vocabulary allows it. */
typedef struct ids {
  int64_t offsets[SEQUENCES + 1];
  int32_t ids[TOKENS], types[TOKENS];
} ids;

static ids make_ids(void) {
  ids b = {.offsets = {0, 7, 8, TOKENS}};
  for (int i = 0; i < TOKENS; i++) {
    b.ids[i] = 100 + 37 * i;
    b.types[i] = i % 2;
  }
  return b;
}

static tsr_model_plan *plan_of(const tsr_model *model, tsr_backend backend) {
  tsr_model_plan_options options = {.linear = {.backend = backend, .max_tokens = 40, .threads = 1},
                                    .max_batch = 5,
                                    .max_seq = 20};
  tsr_model_plan *plan;
  cr_assert_eq(tsr_model_plan_create(model, &options, &plan), TSR_OK, "%s", tsr_last_error());
  return plan;
}

static void run_cpu(const tsr_model *model, const tsr_batch *batch, const tsr_output *output) {
  tsr_model_plan *plan = plan_of(model, TSR_BACKEND_CPU);
  size_t bytes = tsr_model_plan_workspace_bytes(plan);
  void *workspace = aligned_alloc(64, bytes / 64 * 64 + 64);
  cr_assert_eq(tsr_model_execute(plan, batch, output, workspace, bytes), TSR_OK);
  free(workspace);
  tsr_model_plan_destroy(plan);
}

static void run_cuda(const tsr_model *model, const tsr_batch *batch, const tsr_output *output) {
  tsr_model_plan *plan = plan_of(model, TSR_BACKEND_CUDA);
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

/* Hidden states may differ by 2e-2, embeddings by an angle whose cosine is 0.9995. */
static void compare(const tsr_model *model) {
  ids b = make_ids();
  tsr_batch batch = {SEQUENCES, b.offsets, b.ids, b.types};
  int64_t width = tsr_model_get_info(model)->hidden;
  float *values = calloc((size_t)(2 * (TOKENS + SEQUENCES) * width), sizeof *values);
  float *hidden[] = {values, values + TOKENS * width};
  float *embedding[] = {hidden[1] + TOKENS * width, hidden[1] + (TOKENS + SEQUENCES) * width};
  tsr_output cpu = {.hidden = hidden[0], .embedding = embedding[0], .normalise = 1};
  tsr_output cuda = {.hidden = hidden[1], .embedding = embedding[1], .normalise = 1};
  run_cpu(model, &batch, &cpu);
  run_cuda(model, &batch, &cuda);
  for (int64_t i = 0; i < TOKENS * width; i++)
    cr_assert_leq(fabs((double)hidden[0][i] - (double)hidden[1][i]), 2e-2,
                  "token %d, column %d: %g, not %g", (int)(i / width), (int)(i % width),
                  (double)hidden[1][i], (double)hidden[0][i]);
  for (int s = 0; s < SEQUENCES; s++) {
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

/* Packs the weight of every step-th linear layer again, with parts of it set to zero. */
static void sparsify(tsr_model *model, const char *text, tsr_format format, size_t step) {
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

static tsr_model *preset(void) {
  tsr_model *model;
  cr_assert_eq(tsr_model_preset("minilm", 5, &model), TSR_OK, "%s", tsr_last_error());
  return model;
}

Test(cuda_model, minilm_equals_the_cpu) {
  tsr_model *model = preset();
  compare(model);
  tsr_model_destroy(model);
}

Test(cuda_model, minilm_in_blocks_and_rows_equals_the_cpu) {
  tsr_model *model = preset();
  sparsify(model, "block:16x16", TSR_FORMAT_BCSR, 1);
  sparsify(model, "row", TSR_FORMAT_COMPACT, 4);
  compare(model);
  tsr_model_destroy(model);
}

Test(cuda_model, minilm_in_2_of_4_pooled_by_its_first_token_equals_the_cpu) {
  tsr_model *model = preset();
  cr_assert_eq(tsr_model_set_pooling(model, TSR_POOLING_CLS), TSR_OK);
  sparsify(model, "2:4", TSR_FORMAT_NM, 1);
  compare(model);
  tsr_model_destroy(model);
}

/* A second layer in bf16 beside the others in f16. */
Test(cuda_model, types_that_differ_are_named) {
  tsr_model *model = preset();
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
  tsr_model *model = preset();
  tsr_model_plan *plan = plan_of(model, TSR_BACKEND_CUDA);
  tsr__cuda_host *host;
  cr_assert_eq(tsr__cuda_host_create(plan, &host), TSR_OK);
  static int32_t many[21];
  int64_t offsets[] = {0, 21};
  float embedding[384];
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

/* ---- a captured graph ---- */

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

enum { WIDTH = 384 };

static void read_embeddings(CUstream stream, CUdeviceptr address, float *out) {
  cu(cuStreamSynchronize(stream));
  cu(cuMemcpyDtoH(out, address, SEQUENCES * WIDTH * sizeof *out));
  cu(cuMemsetD8Async(address, 0xff, SEQUENCES * WIDTH * sizeof *out, stream));
}

/* Nothing in an execution allocates, waits, or reads the caller's batch later: the graph gives the
 * same although the batch is gone. */
Test(cuda_model, an_execution_can_be_captured_and_replayed) {
  CUcontext context;
  CUstream stream;
  CUgraph graph;
  CUgraphExec executable;
  cu(cuInit(0));
  cu(cuDevicePrimaryCtxRetain(&context, 0));
  cu(cuCtxSetCurrent(context));
  cu(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
  tsr_model *model = preset();
  tsr_model_plan *plan = plan_of(model, TSR_BACKEND_CUDA);
  size_t bytes = tsr_model_plan_workspace_bytes(plan);
  CUdeviceptr workspace = room(bytes), embedding = room(SEQUENCES * WIDTH * sizeof(float));
  ids b = make_ids();
  tsr_batch batch = {SEQUENCES, b.offsets, b.ids, b.types};
  tsr_output output = {.embedding = pointer_to(embedding), .normalise = 1, .stream = stream};
  static float eager[SEQUENCES * WIDTH], replayed[SEQUENCES * WIDTH];
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
