#include <cuda.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <tessera/tessera.h>

enum { M = 1536, K = 384, TOKENS = 128 }; /* y[TOKENS, M] = x[TOKENS, K] W[M, K]^T */
static float w[M * K], x[TOKENS * K], y[TOKENS * M];

static void try(tsr_status status) {
  if (status != TSR_OK) exit((fprintf(stderr, "%s\n", tsr_last_error()), 1));
}
static void cu(CUresult result) {
  if (result != CUDA_SUCCESS) exit((fprintf(stderr, "CUDA error %d\n", (int)result), 1));
}
int main(void) {
  CUcontext context;
  CUstream stream;
  CUdeviceptr in, out, scratch;
  cu(cuInit(0));
  cu(cuDevicePrimaryCtxRetain(&context, 0));
  cu(cuCtxSetCurrent(context)); /* the plan is made for this one */
  cu(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
  for (int i = 0; i < M * K; i++) w[i] = (i / K / 16 + i % K / 16) % 10 ? 0 : (float)(i % 7) - 3;
  for (int i = 0; i < TOKENS * K; i++) x[i] = (float)(i % 11) / 8 - 0.5f;
  tsr_matrix dense = {.data = w, .dtype = TSR_DTYPE_F32, .rows = M, .cols = K, .ld = K};
  tsr_linear layer = {.name = "drop-in"};
  tsr_pattern pattern;
  double sparsity, worst = 0;
  try(tsr_recognise(&dense, &pattern, &sparsity));
  try(tsr_pack(&dense, tsr_pattern_format(&pattern), &pattern, &layer.weight));
  tsr_plan_options options = {.backend = TSR_BACKEND_CUDA, .max_tokens = TOKENS, .threads = 1};
  tsr_linear_plan *plan; /* chooses the kernel for this GPU and uploads the weights in f16 */
  try(tsr_linear_plan_create(&layer, &options, &plan));
  size_t bytes = tsr_linear_plan_workspace_bytes(plan);
  cu(cuMemAlloc(&in, sizeof x));
  cu(cuMemAlloc(&out, sizeof y));
  cu(cuMemAlloc(&scratch, bytes));
  tsr_linear_io io = {.tokens = TOKENS, .ldx = K, .ldy = M, .stream = stream};
  io.x = (const float *)(uintptr_t)in;
  io.y = (float *)(uintptr_t)out;
  cu(cuMemcpyHtoDAsync(in, x, sizeof x, stream));
  try(tsr_linear_execute(plan, &io, (void *)(uintptr_t)scratch, bytes)); /* does not wait */
  cu(cuMemcpyDtoHAsync(y, out, sizeof y, stream));
  cu(cuStreamSynchronize(stream));
  for (int i = 0; i < TOKENS * M; i++) { /* against the plain sum */
    double sum = 0;
    for (int k = 0; k < K; k++) sum += (double)w[i % M * K + k] * (double)x[i / M * K + k];
    worst = fmax(worst, fabs(sum - (double)y[i]));
  }
  printf("%.0f %% zeros, largest error %.2g\n", 100 * sparsity, worst);
  tsr_linear_plan_destroy(plan);
  tsr_packed_release(&layer.weight);
  cu(cuDevicePrimaryCtxRelease(0));
  return worst > 0.05;
}
