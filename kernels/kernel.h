/* What every kernel takes and what the registry knows of it. kernels/README.md tells how to add
 * one.
 *
 * The equation: C[m,n] = A[m,k] B[k,n]. A = weights, sparse. B = activations, token-major in
 * memory: token t is k contiguous floats at b + t*ldb. C likewise: m floats at c + t*ldc. */
#ifndef TESSERA_KERNELS_KERNEL_H
#define TESSERA_KERNELS_KERNEL_H

#include "tessera/pack.h"
#include "tessera/plan.h"

typedef struct tsr_spmm_args {
  const void *weights; /* as the kernel's prepack left them, 64-byte aligned */
  int64_t m, k, n;
  const float *b; /* host, [n, ldb]; of a convolution: images, [..., height, width, ldb] */
  int64_t ldb;
  float *c; /* host, [n, ldc] */
  int64_t ldc;
  const float *bias;     /* host, [m], or NULL */
  const float *residual; /* host, [n, ldr], or NULL; added after the activation */
  int64_t ldr;
  int residual_first; /* added before the activation instead */
  tsr_activation activation;
  const tsr_conv_shape *conv; /* NULL: b holds tokens */
  int64_t first_token;        /* of a convolution: the output pixel in b that token 0 is */
  void *workspace;            /* host, 64-byte aligned, workspace_bytes of this part alone */
} tsr_spmm_args;

/* Terms of the cost model: predicted time = sum of coefficient x term. They
 * count what the busiest part does. */
typedef enum tsr_cost_term {
  TSR_COST_CALL,             /* 1 for every call; set by the caller of cost */
  TSR_COST_FMA,              /* vector FMAs, padding included */
  TSR_COST_STEP,             /* trips of the loop around the FMAs: its address and branch work */
  TSR_COST_WEIGHT_BYTES,     /* weights and indices read once */
  TSR_COST_FAR_BYTES,        /* those of them that no near cache holds; set by the caller of cost */
  TSR_COST_ACTIVATION_BYTES, /* activations read or packed, outputs written */
  TSR_COST_TERMS
} tsr_cost_term;

/* The functions behind one kernel. All are pure apart from what they write through pointers.
 * Work is cut into `parts` independent parts (one per thread); each call of run does one. */
typedef struct tsr_spmm_ops {
  /* NULL, or why this kernel cannot run the problem (static text). */
  const char *(*refusal)(const tsr_spmm_problem *problem);
  /* Weights in the kernel's own order; w->dtype is F32. out: prepacked_bytes, 64-byte aligned. */
  size_t (*prepacked_bytes)(const tsr_packed *w);
  void (*prepack)(const tsr_packed *w, void *out);
  /* Per part, for at most problem->n tokens in problem->threads parts. */
  size_t (*workspace_bytes)(const tsr_spmm_problem *problem);
  void (*run)(const tsr_spmm_args *args, int part, int parts);
  /* Fills cost[TSR_COST_TERMS], which is zeroed before. kernels/cpu/cost.h has the usual one. */
  void (*cost)(const tsr_spmm_problem *problem, double *cost);
} tsr_spmm_ops;

struct tsr_spmm_kernel {
  const char *name;
  tsr_format format;
  tsr_backend backend;
  tsr_isa isa;
  int32_t tile_m, tile_n;  /* rows and tokens of the register tile */
  const tsr_spmm_ops *ops; /* NULL: the CUDA backend has its own, kernels/cuda/kernel.h */
};

/* Every kernel's functions, defined beside its body. kernels.inc has one row per kernel; whoever
 * includes it defines TSR_SPMM_KERNEL first and undefines it afterwards. */
#define TSR_SPMM_KERNEL(format, name, backend, isa, tile_m, tile_n) \
  extern const tsr_spmm_ops name##_ops;
#include "kernels/kernels.inc"
#undef TSR_SPMM_KERNEL

#endif
