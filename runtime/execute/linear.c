#include "kernels/kernel.h"
#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/plan/linear_plan.h"
#include "tessera/execute.h"

static tsr_status check_matrix(const char *layer, const char *name, const float *data, int64_t ld,
                               int64_t tokens, int64_t width) {
  TSR_CHECK(data || !tokens || !width, TSR_INVALID_ARGUMENT, "%s: %s is NULL", layer, name);
  TSR_CHECK(ld >= width || !tokens, TSR_INVALID_ARGUMENT, "%s: ld of %s is %lld, less than %lld",
            layer, name, (long long)ld, (long long)width);
  return TSR_OK;
}

static tsr_status check_tokens(const tsr_linear_plan *plan, const tsr_linear_io *io) {
  const tsr_conv_shape *s = &plan->conv;
  if (!s->channels) return check_matrix(plan->name, "x", io->x, io->ldx, io->tokens, plan->k);
  int64_t pixels = tsr_conv_output_size(s, 0) * tsr_conv_output_size(s, 1);
  TSR_CHECK(io->tokens % pixels == 0, TSR_INVALID_ARGUMENT,
            "%s: %lld tokens are no whole images of %lld output pixels", plan->name,
            (long long)io->tokens, (long long)pixels);
  return check_matrix(plan->name, "x", io->x, io->ldx, io->tokens, s->channels);
}

static tsr_status check(const tsr_linear_plan *plan, const tsr_linear_io *io, const void *workspace,
                        size_t workspace_bytes) {
  TSR_CHECK(io->tokens >= 0 && io->tokens <= plan->max_tokens, TSR_INVALID_ARGUMENT,
            "%s: %lld tokens, planned for 0 to %lld", plan->name, (long long)io->tokens,
            (long long)plan->max_tokens);
  TSR_TRY(check_tokens(plan, io));
  TSR_TRY(check_matrix(plan->name, "y", io->y, io->ldy, io->tokens, plan->m));
  if (io->residual)
    TSR_TRY(check_matrix(plan->name, "residual", io->residual, io->ldr, io->tokens, plan->m));
  size_t wanted = tsr_linear_plan_workspace_bytes(plan);
  TSR_CHECK(workspace_bytes >= wanted && (workspace || !wanted), TSR_INVALID_ARGUMENT,
            "%s: the workspace has %zu bytes, %zu are needed", plan->name,
            workspace ? workspace_bytes : 0, wanted);
  TSR_CHECK(!wanted || (uintptr_t)workspace % TSR__CACHE_LINE == 0, TSR_INVALID_ARGUMENT,
            "%s: the workspace is not aligned to %d bytes", plan->name, TSR__CACHE_LINE);
  return TSR_OK;
}

static void run_part(const tsr_linear_plan *plan, const tsr_spmm_args *shared, int part) {
  tsr_spmm_args args = *shared;
  if (plan->part_bytes)
    args.workspace = (char *)shared->workspace + (size_t)part * plan->part_bytes;
  plan->selection.kernel->ops->run(&args, part, plan->threads);
}

tsr_status tsr_linear_execute(const tsr_linear_plan *plan, const tsr_linear_io *io, void *workspace,
                              size_t workspace_bytes) {
  TSR_CHECK(plan && io, TSR_INVALID_ARGUMENT, "tsr_linear_execute: NULL argument");
  TSR_TRY(check(plan, io, workspace, workspace_bytes));
  if (!io->tokens || !plan->m) return TSR_OK;
  if (plan->cuda) return tsr__cuda_linear_execute(plan->cuda, io, workspace);
  tsr_spmm_args args = {.weights = plan->weights,
                        .m = plan->m,
                        .k = plan->k,
                        .n = io->tokens,
                        .b = io->x,
                        .ldb = io->ldx,
                        .c = io->y,
                        .ldc = io->ldy,
                        .bias = plan->bias,
                        .residual = io->residual,
                        .ldr = io->ldr,
                        .residual_first = plan->residual_first,
                        .activation = plan->activation,
                        .conv = plan->conv.channels ? &plan->conv : NULL,
                        .workspace = workspace};
  if (plan->threads == 1) {
    run_part(plan, &args, 0);
    return TSR_OK;
  }
  /* A loop over the parts, not one part a thread: OpenMP may give fewer threads than asked for. */
#pragma omp parallel for num_threads(plan->threads) schedule(static, 1)
  for (int part = 0; part < plan->threads; part++) run_part(plan, &args, part);
  return TSR_OK;
}
