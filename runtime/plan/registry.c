#include "runtime/plan/registry.h"

#include <string.h>

#include "tessera/plan.h"

static const tsr_spmm_kernel kernels[] = {
#define TSR_SPMM_KERNEL(format, name, backend, isa, tile_m, tile_n) \
  {#name, TSR_FORMAT_##format, TSR_BACKEND_##backend, TSR_ISA_##isa, tile_m, tile_n, &name##_ops},
#include "kernels/kernels.inc"
#undef TSR_SPMM_KERNEL
#define TSR_CUDA_SPMM_KERNEL(format, ops, dtype, name, tile_m, tile_n, tile_k, stages, threads) \
  {#name, TSR_FORMAT_##format, TSR_BACKEND_CUDA, TSR_ISA_SM80, tile_m, tile_n, NULL},
#include "kernels/cuda/kernels.inc"
#undef TSR_CUDA_SPMM_KERNEL
};

enum {
  KERNEL_COUNT = sizeof kernels / sizeof kernels[0],
#define TSR_CUDA_SPMM_KERNEL(...) +1
  CUDA_COUNT = 0
#include "kernels/cuda/kernels.inc"
#undef TSR_CUDA_SPMM_KERNEL
};

/* What a kernel's instruction set wants, as a refusal says it. */
static const char *const needs[TSR_ISA_COUNT] = {"needs plain C", "needs AVX2 and FMA",
                                                 "needs AVX-512", "needs a GPU of sm_80 or newer"};

const tsr_spmm_kernel *tsr_spmm_kernel_at(size_t index) {
  return index < KERNEL_COUNT ? &kernels[index] : NULL;
}

const tsr_spmm_kernel *tsr__spmm_kernel_find(const char *name) {
  for (size_t i = 0; i < KERNEL_COUNT; i++)
    if (strcmp(kernels[i].name, name) == 0) return &kernels[i];
  return NULL;
}

const char *tsr_spmm_kernel_name(const tsr_spmm_kernel *kernel) {
  return kernel ? kernel->name : "";
}

tsr_format tsr_spmm_kernel_format(const tsr_spmm_kernel *kernel) {
  return kernel ? kernel->format : TSR_FORMAT_COUNT;
}

tsr_isa tsr_spmm_kernel_isa(const tsr_spmm_kernel *kernel) {
  return kernel ? kernel->isa : TSR_ISA_COUNT;
}

enum { GROUP = 4, KEPT = 2 };

static int as_two_of_four(const tsr_spmm_kernel *kernel, const tsr_spmm_problem *problem) {
  return kernel->backend == TSR_BACKEND_CUDA && kernel->format == TSR_FORMAT_NM &&
         problem->format == TSR_FORMAT_VNM && problem->conv.channels &&
         problem->pattern.m % GROUP == 0;
}

int tsr__spmm_kernel_suits(const tsr_spmm_kernel *kernel, const tsr_spmm_problem *problem) {
  return kernel->format == problem->format || kernel->format == TSR_FORMAT_DENSE ||
         as_two_of_four(kernel, problem);
}

tsr_spmm_problem tsr__problem_for(const tsr_spmm_kernel *kernel, const tsr_spmm_problem *problem) {
  tsr_spmm_problem other = *problem;
  if (kernel->format == problem->format || !tsr__spmm_kernel_suits(kernel, problem)) return other;
  other.format = kernel->format;
  other.weight = NULL;
  if (kernel->format == TSR_FORMAT_DENSE) {
    other.pattern = (tsr_pattern){.kind = TSR_PATTERN_DENSE};
    other.stored = problem->m * problem->k;
  } else {
    other.pattern = (tsr_pattern){.kind = TSR_PATTERN_NM, .n = KEPT, .m = GROUP};
    other.stored = problem->m * ((problem->k + GROUP - 1) / GROUP) * KEPT;
  }
  return other;
}

const tsr_cuda_spmm_kernel *tsr__spmm_kernel_cuda(const tsr_spmm_kernel *kernel) {
  return tsr__cuda_spmm_kernel_at((size_t)(kernel - kernels) - (KERNEL_COUNT - CUDA_COUNT));
}

int tsr__spmm_kernel_competes(const tsr_spmm_kernel *kernel, const tsr_spmm_problem *problem) {
  if (kernel->backend != problem->backend) return 0;
  return kernel->backend != TSR_BACKEND_CUDA ||
         !tsr__spmm_kernel_cuda(kernel)->ops->convolution == !problem->conv.channels;
}

static const char *cuda_refusal(const tsr_spmm_kernel *kernel, const tsr_spmm_problem *problem,
                                const tsr_hardware *hardware) {
  const tsr_cuda_spmm_kernel *cuda = tsr__spmm_kernel_cuda(kernel);
  if (!tsr__spmm_kernel_competes(kernel, problem))
    return cuda->ops->convolution ? "runs convolutions only" : "has no convolutions";
  if (cuda->dtype != problem->dtype) return "is for another element type";
  if (cuda->ops->shared_bytes(cuda) > (uint32_t)hardware->gpu_shared_bytes)
    return "needs more shared memory than the GPU has";
  return cuda->ops->refusal(cuda, problem);
}

const char *tsr_spmm_kernel_refusal(const tsr_spmm_kernel *kernel, const tsr_spmm_problem *problem,
                                    const tsr_hardware *hardware) {
  if (!kernel || !problem || !hardware) return "NULL argument";
  if (kernel->backend != problem->backend) return "is for another backend";
  if (!tsr__spmm_kernel_suits(kernel, problem)) return "is for another format";
  if (!hardware->isa[kernel->isa]) return needs[kernel->isa];
  tsr_spmm_problem seen = tsr__problem_for(kernel, problem);
  return kernel->backend == TSR_BACKEND_CUDA ? cuda_refusal(kernel, &seen, hardware)
                                             : kernel->ops->refusal(&seen);
}
