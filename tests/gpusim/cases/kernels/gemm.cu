// C[m, n] (token-major: n rows of m) = A[m, k] row-major * B[k, n] (token-major: n rows of k).
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <mma.h>

// 16 x 16 threads, one 16 x 16 tile of C; any m, n, k.
extern "C" __global__ void gemm_f32(const float *a, const float *b, int m, int n, int k, float *c) {
  __shared__ float tile_a[16][17], tile_b[16][17];
  const int row = blockIdx.x * 16 + threadIdx.x, token = blockIdx.y * 16 + threadIdx.y;
  float sum = 0;
  for (int start = 0; start < k; start += 16) {
    const int row_a = blockIdx.x * 16 + threadIdx.y;
    const int i = start + threadIdx.x;
    tile_a[threadIdx.y][threadIdx.x] = row_a < m && i < k ? a[row_a * k + i] : 0;
    tile_b[threadIdx.y][threadIdx.x] = token < n && i < k ? b[token * k + i] : 0;
    __syncthreads();
    for (int j = 0; j < 16; j++) sum += tile_a[threadIdx.x][j] * tile_b[threadIdx.y][j];
    __syncthreads();
  }
  if (row < m && token < n) c[token * m + row] = sum;
}

// One warp, one 16 x 16 tile of C; m, n and k are multiples of 16.
template <class T, class Sum>
__device__ void gemm_wmma(const T *a, const T *b, int m, int n, int k, Sum *c) {
  using namespace nvcuda::wmma;
  fragment<matrix_a, 16, 16, 16, T, row_major> fragment_a;
  fragment<matrix_b, 16, 16, 16, T, col_major> fragment_b;
  fragment<accumulator, 16, 16, 16, Sum> sum;
  const int row = blockIdx.x * 16, token = blockIdx.y * 16;
  fill_fragment(sum, Sum(0));
  for (int start = 0; start < k; start += 16) {
    load_matrix_sync(fragment_a, a + row * k + start, k);
    load_matrix_sync(fragment_b, b + token * k + start, k);
    mma_sync(sum, fragment_a, fragment_b, sum);
  }
  for (int i = 0; i < sum.num_elements; i++) sum.x[i] = sum.x[i] + sum.x[i];
  store_matrix_sync(c + token * m + row, sum, m, mem_col_major);
}

// Twice the product: the epilogue works on the opaque fragment, element by element.
extern "C" __global__ void gemm_wmma_f16(const half *a, const half *b, int m, int n, int k,
                                         float *c) {
  gemm_wmma(a, b, m, n, k, c);
}

extern "C" __global__ void gemm_wmma_f16_f16(const half *a, const half *b, int m, int n, int k,
                                             half *c) {
  gemm_wmma(a, b, m, n, k, c);
}

extern "C" __global__ void gemm_wmma_bf16(const __nv_bfloat16 *a, const __nv_bfloat16 *b, int m,
                                          int n, int k, float *c) {
  gemm_wmma(a, b, m, n, k, c);
}

extern "C" __global__ void gemm_wmma_s8(const signed char *a, const signed char *b, int m, int n,
                                        int k, int *c) {
  gemm_wmma(a, b, m, n, k, c);
}
