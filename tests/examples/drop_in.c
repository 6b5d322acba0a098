#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <tessera/tessera.h>

enum { M = 1536, K = 384, TOKENS = 128 }; /* y[TOKENS, M] = x[TOKENS, K] W[M, K]^T */
static float w[M * K], x[TOKENS * K], y[TOKENS * M];

static void try(tsr_status status) {
  if (status != TSR_OK) exit((fprintf(stderr, "%s\n", tsr_last_error()), 1));
}
int main(void) {
  for (int i = 0; i < M * K; i++) /* pruned elsewhere, to a tenth of its 16x16 blocks */
    w[i] = (i / K / 16 + i % K / 16) % 10 ? 0 : (float)rand() / (float)RAND_MAX + 0.5f;
  for (int i = 0; i < TOKENS * K; i++) x[i] = (float)rand() / (float)RAND_MAX - 0.5f;
  tsr_matrix dense = {.data = w, .dtype = TSR_DTYPE_F32, .rows = M, .cols = K, .ld = K};
  tsr_linear layer = {.name = "drop-in"}; /* it may have a bias and an activation */
  tsr_pattern pattern;
  double sparsity, worst = 0;
  try(tsr_recognise(&dense, &pattern, &sparsity));
  try(tsr_pack(&dense, tsr_pattern_format(&pattern), &pattern, &layer.weight));
  tsr_linear_plan *plan; /* chooses the kernel for this CPU; threads may share it */
  try(tsr_linear_plan_create(&layer, &(tsr_plan_options){.max_tokens = TOKENS, .threads = 1},
                             &plan));
  size_t bytes = tsr_linear_plan_workspace_bytes(plan);
  void *workspace = aligned_alloc(64, bytes + 64 - bytes % 64);
  tsr_linear_io io = {.tokens = TOKENS, .x = x, .ldx = K, .y = y, .ldy = M};
  try(tsr_linear_execute(plan, &io, workspace, bytes)); /* allocates nothing */
  for (int i = 0; i < TOKENS * M; i++) {                /* against the plain sum */
    double sum = 0;
    for (int k = 0; k < K; k++) sum += (double)w[i % M * K + k] * (double)x[i / M * K + k];
    worst = fmax(worst, fabs(sum - (double)y[i]));
  }
  printf("%.0f %% zeros, largest error %.2g\n", 100 * sparsity, worst);
  free(workspace);
  tsr_linear_plan_destroy(plan);
  tsr_packed_release(&layer.weight);
  return worst > 1e-4;
}
