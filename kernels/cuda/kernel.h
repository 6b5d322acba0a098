/* What the registry knows of a CUDA SpMM kernel, and the host's part of it. The rows are in
 * kernels.inc; the bodies are CUDA C++ in spmm_*.cu, called by the row's name. */
#ifndef TESSERA_KERNELS_CUDA_KERNEL_H
#define TESSERA_KERNELS_CUDA_KERNEL_H

#include <stddef.h>

#include "kernels/cuda/args.h"
#include "tessera/pack.h"
#include "tessera/plan.h"

typedef struct tsr_cuda_spmm_kernel tsr_cuda_spmm_kernel;

typedef struct tsr_cuda_work tsr_cuda_work; /* work.h */

typedef struct tsr_cuda_launch {
  uint32_t grid[3];
  uint32_t threads;
  uint32_t shared_bytes; /* dynamic */
} tsr_cuda_launch;

/* The host's functions of a family of kernels. All are pure apart from what they write through
 * pointers. */
typedef struct tsr_cuda_spmm_ops {
  /* NULL, or why the kernel cannot run the problem, of its own format and type (static text). */
  const char *(*refusal)(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem);
  /* The image of the weights in the kernel's own order; w->dtype is the kernel's. out:
   * prepacked_bytes, host, 16-byte aligned; it is copied to the device as it is. */
  size_t (*prepacked_bytes)(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w);
  void (*prepack)(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, void *out);
  /* Sets m, k and the pointers into the image, which lies at `image` on the device. */
  void (*bind)(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, const void *image,
               tsr_cuda_spmm_args *args);
  /* Dynamic shared memory of a CTA. */
  uint32_t (*shared_bytes)(const tsr_cuda_spmm_kernel *kernel);
  /* Adds to *work, all zeros before, what a launch with `splits` parts of k does. */
  void (*work)(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem, int32_t splits,
               tsr_cuda_work *work);
  int feature_major; /* 1: args.b is [k, ldb], the activations transposed, or args.fold is set */
  int convolution;   /* 1: args.b is images, args.conv is set, and k is in pitches of channels */
} tsr_cuda_spmm_ops;

struct tsr_cuda_spmm_kernel {
  const char *name;
  tsr_format format;
  tsr_dtype dtype; /* F16 or BF16: of weights, activations and outputs; sums are f32 */
  int32_t tile_m, tile_n, tile_k; /* of a CTA; tile_k in columns of A that are kept */
  int32_t stages;                 /* steps in flight */
  int32_t threads;
  const tsr_cuda_spmm_ops *ops;
};

/* What args.conv holds of a shape that no kernel of convolutions refuses. */
tsr_cuda_conv tsr__cuda_conv_of(const tsr_conv_shape *shape);

/* How activations of so many images are folded: so that the fewest chunks of tokens result. */
tsr_cuda_fold tsr__cuda_fold_of(const tsr_cuda_conv *conv, int64_t images);
/* Chunks of 16 bytes that folded activations of up to so many images take. */
int64_t tsr__cuda_fold_chunks(const tsr_cuda_conv *conv, int64_t images);

/* Tokens of the grid, those outside of images included. */
int64_t tsr__cuda_tokens(const tsr_cuda_spmm_args *args);

/* The grid of a bound kernel, whose n and splits are set. m, n >= 1. */
void tsr__cuda_spmm_launch(const tsr_cuda_spmm_kernel *kernel, const tsr_cuda_spmm_args *args,
                           tsr_cuda_launch *launch);

/* Fragments that a step of a kernel of spmm_tile.cuh holds at most. */
int tsr__cuda_step_fragments(const tsr_cuda_spmm_kernel *kernel);

/* Into how many parts k should be cut so that a GPU of problem->threads multiprocessors is busy.
 * Sums of the parts take at most one tile for each multiprocessor. */
int32_t tsr__cuda_spmm_splits(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem);

/* Microseconds: a modelled lower bound with the rates of an A100, by which kernels are ranked. */
double tsr__cuda_spmm_bound_us(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem);

/* The registry, in the order of kernels.inc; NULL past the end. */
const tsr_cuda_spmm_kernel *tsr__cuda_spmm_kernel_at(size_t index);

#endif
