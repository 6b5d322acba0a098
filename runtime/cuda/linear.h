/* A linear layer on the GPU. */
#ifndef TESSERA_CUDA_LINEAR_H
#define TESSERA_CUDA_LINEAR_H

#include "runtime/cuda/context.h"
#include "tessera/execute.h"
#include "tessera/layer.h"

typedef struct tsr__cuda_linear tsr__cuda_linear;

typedef struct tsr__cuda_linear_plan {
  const tsr_cuda_spmm_kernel *kernel;
  const tsr_conv_shape *conv; /* NULL: x holds tokens; copied */
  int64_t max_tokens;
} tsr__cuda_linear_plan;

/* weight: layer's, in the kernel's format with values of F32. Fails if one of them is too large for
 * the kernel's type. *weight_bytes, *workspace_bytes: device memory. */
tsr_status tsr__cuda_linear_create(const tsr__cuda_linear_plan *plan, const tsr_linear *layer,
                                   const tsr_packed *weight, tsr__cuda_linear **out);
void tsr__cuda_linear_destroy(tsr__cuda_linear *linear); /* NULL is fine */
size_t tsr__cuda_linear_weight_bytes(const tsr__cuda_linear *linear);
size_t tsr__cuda_linear_workspace_bytes(const tsr__cuda_linear *linear);

tsr_dtype tsr__cuda_linear_dtype(const tsr__cuda_linear *linear); /* F16 or BF16 */

/* One product whose operands are in the layer's type already, in device memory. Called between
 * enter and leave. */
typedef struct tsr__cuda_linear_io {
  int32_t tokens;       /* >= 1 */
  const void *x;        /* [tokens, ldx], 16-byte aligned; ldx a multiple of 8. Or images */
  const void *residual; /* [tokens, ldr], or NULL; may be y */
  void *y;              /* [tokens, ldy] */
  int64_t ldx, ldr, ldy;
  void *scratch; /* scratch_bytes, 16-byte aligned */
  void *stream;
} tsr__cuda_linear_io;

size_t tsr__cuda_linear_scratch_bytes(const tsr__cuda_linear *linear);
tsr_status tsr__cuda_linear_multiply(const tsr__cuda_linear *linear, const tsr__cuda_linear_io *io);

/* io: device memory, checked; tokens >= 1. */
tsr_status tsr__cuda_linear_execute(const tsr__cuda_linear *linear, const tsr_linear_io *io,
                                    void *workspace);

#endif
