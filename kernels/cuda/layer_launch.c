#include "kernels/cuda/layer_launch.h"

enum { WARP = 32 };

static uint32_t ceil_div(int64_t a, int64_t b) { return (uint32_t)((a + b - 1) / b); }

/* A warp for each row. */
static tsr_cuda_launch rows(int32_t count) {
  return (tsr_cuda_launch){.grid = {ceil_div(count, TSR_CUDA_ROW_WARPS), 1, 1},
                           .threads = TSR_CUDA_ROW_WARPS * WARP};
}

/* A thread for each chunk of a row. */
static tsr_cuda_launch chunks(int32_t count, int32_t width) {
  int64_t all = (int64_t)ceil_div(width, TSR_CUDA_CHUNK_ELEMENTS) * count;
  return (tsr_cuda_launch){.grid = {ceil_div(all, TSR_CUDA_CHUNK_THREADS), 1, 1},
                           .threads = TSR_CUDA_CHUNK_THREADS};
}

tsr_cuda_launch tsr__cuda_layernorm_launch(const tsr_cuda_layernorm_args *args) {
  return rows(args->n);
}

tsr_cuda_launch tsr__cuda_embedding_launch(const tsr_cuda_embedding_args *args) {
  return rows(args->n);
}

tsr_cuda_launch tsr__cuda_pool_launch(const tsr_cuda_pool_args *args) {
  return (tsr_cuda_launch){.grid = {(uint32_t)args->sequences, 1, 1},
                           .threads = TSR_CUDA_POOL_WARPS * WARP};
}

tsr_cuda_launch tsr__cuda_convert_launch(const tsr_cuda_convert_args *args) {
  return chunks(args->n, args->padded);
}

tsr_cuda_launch tsr__cuda_nchw_launch(const tsr_cuda_nchw_args *args) {
  return chunks(args->n, args->padded);
}

tsr_cuda_launch tsr__cuda_pool2d_launch(const tsr_cuda_pool2d_args *args) {
  return chunks(args->n, args->conv.channels);
}

/* A thread for each output. */
tsr_cuda_launch tsr__cuda_grouped_launch(const tsr_cuda_grouped_args *args) {
  int64_t outputs = (int64_t)args->n * args->filters;
  return (tsr_cuda_launch){.grid = {ceil_div(outputs, TSR_CUDA_CHUNK_THREADS), 1, 1},
                           .threads = TSR_CUDA_CHUNK_THREADS};
}

tsr_cuda_launch tsr__cuda_softmax_launch(const tsr_cuda_softmax_args *args) {
  return rows(args->n);
}

tsr_cuda_launch tsr__cuda_gather_launch(const tsr_cuda_gather_args *args) {
  return chunks(args->n, args->padded);
}

tsr_cuda_launch tsr__cuda_words_launch(const tsr_cuda_words_args *args) {
  return (tsr_cuda_launch){.grid = {ceil_div(args->count, TSR_CUDA_CHUNK_THREADS), 1, 1},
                           .threads = TSR_CUDA_CHUNK_THREADS};
}

tsr_cuda_launch tsr__cuda_transpose_launch(const tsr_cuda_transpose_args *args) {
  return (tsr_cuda_launch){.grid = {ceil_div(args->padded, TSR_CUDA_TRANSPOSE_TILE),
                                    ceil_div(args->width, TSR_CUDA_TRANSPOSE_TILE), 1},
                           .threads = TSR_CUDA_TRANSPOSE_WARPS * WARP};
}

tsr_cuda_launch tsr__cuda_fold_launch(const tsr_cuda_fold_args *args) {
  const tsr_cuda_fold *f = &args->fold;
  int64_t lanes = (int64_t)f->groups * f->rows * f->columns * TSR_CUDA_CHUNK_ELEMENTS;
  return (tsr_cuda_launch){.grid = {ceil_div(lanes, TSR_CUDA_TRANSPOSE_TILE),
                                    ceil_div(args->conv.channels, TSR_CUDA_TRANSPOSE_TILE), 1},
                           .threads = TSR_CUDA_TRANSPOSE_WARPS * WARP};
}

tsr_cuda_launch tsr__cuda_split_k_launch(const tsr_cuda_spmm_args *args) {
  return chunks(args->n, args->scatter ? args->rows : args->m);
}

int tsr__cuda_attention_dim(int32_t head_dim) {
  int dim = 32;
  while (dim < head_dim && dim < TSR_CUDA_ATTENTION_MAX_DIM) dim *= 2;
  return dim;
}

/* Shared memory: a tile of Q, and two of K and V each. */
tsr_cuda_launch tsr__cuda_attention_launch(const tsr_cuda_attention_args *args) {
  int tile = TSR_CUDA_ATTENTION_KEYS * tsr__cuda_attention_dim(args->head_dim) * 2;
  return (tsr_cuda_launch){.grid = {(uint32_t)args->sequences, (uint32_t)args->heads,
                                    ceil_div(args->longest, TSR_CUDA_ATTENTION_QUERIES)},
                           .threads = TSR_CUDA_ATTENTION_WARPS * WARP,
                           .shared_bytes = (uint32_t)(5 * tile)};
}
