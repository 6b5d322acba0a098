// Row-wise operations of a transformer, a transpose, and a sort within a warp.

// 32 x 8 threads, grid (columns / 32, rows / 32) rounded up; the padding avoids bank conflicts.
extern "C" __global__ void transpose(const float *input, int rows, int columns, float *output) {
  __shared__ float tile[32][33];
  const int column = blockIdx.x * 32 + threadIdx.x;
  for (int i = threadIdx.y; i < 32; i += 8) {
    const int row = blockIdx.y * 32 + i;
    if (row < rows && column < columns) tile[i][threadIdx.x] = input[row * columns + column];
  }
  __syncthreads();
  const int row = blockIdx.y * 32 + threadIdx.x;
  for (int i = threadIdx.y; i < 32; i += 8) {
    const int out = blockIdx.x * 32 + i;
    if (row < rows && out < columns) output[out * rows + row] = tile[threadIdx.x][i];
  }
}

__device__ static float block_sum(float value, float *shared) {
  for (int step = 16; step > 0; step >>= 1) value += __shfl_xor_sync(~0u, value, step);
  __syncthreads();
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
  __syncthreads();
  value = 0;
  for (int i = 0; i < blockDim.x / 32; i++) value += shared[i];
  return value;
}

__device__ static float block_max(float value, float *shared) {
  for (int step = 16; step > 0; step >>= 1) {
    value = fmaxf(value, __shfl_xor_sync(~0u, value, step));
  }
  __syncthreads();
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
  __syncthreads();
  for (int i = 0; i < blockDim.x / 32; i++) value = fmaxf(value, shared[i]);
  return value;
}

// One CTA a row.
extern "C" __global__ void softmax(const float *input, int columns, float *output) {
  __shared__ float shared[32];
  input += blockIdx.x * columns;
  output += blockIdx.x * columns;
  float largest = -INFINITY;
  for (int i = threadIdx.x; i < columns; i += blockDim.x) largest = fmaxf(largest, input[i]);
  largest = block_max(largest, shared);
  float sum = 0;
  for (int i = threadIdx.x; i < columns; i += blockDim.x) sum += expf(input[i] - largest);
  sum = block_sum(sum, shared);
  for (int i = threadIdx.x; i < columns; i += blockDim.x) {
    output[i] = expf(input[i] - largest) / sum;
  }
}

// One CTA a row.
extern "C" __global__ void layernorm(const float *input, const float *gamma, const float *beta,
                                     int columns, float epsilon, float *output) {
  __shared__ float shared[32];
  input += blockIdx.x * columns;
  output += blockIdx.x * columns;
  float sum = 0;
  for (int i = threadIdx.x; i < columns; i += blockDim.x) sum += input[i];
  const float mean = block_sum(sum, shared) / columns;
  float squares = 0;
  for (int i = threadIdx.x; i < columns; i += blockDim.x) {
    squares += (input[i] - mean) * (input[i] - mean);
  }
  const float scale = rsqrtf(block_sum(squares, shared) / columns + epsilon);
  for (int i = threadIdx.x; i < columns; i += blockDim.x) {
    output[i] = (input[i] - mean) * scale * gamma[i] + beta[i];
  }
}

// One warp: bitonic sort of 32 integers by shuffles.
extern "C" __global__ void warp_sort(int *values) {
  const int lane = threadIdx.x;
  int value = values[blockIdx.x * 32 + lane];
  for (int size = 2; size <= 32; size *= 2) {
    for (int step = size / 2; step > 0; step /= 2) {
      const int other = __shfl_xor_sync(~0u, value, step);
      const bool ascending = (lane & size) == 0;
      const bool lower = (lane & step) == 0;
      value = (ascending == lower) ? min(value, other) : max(value, other);
    }
  }
  values[blockIdx.x * 32 + lane] = value;
}

__device__ __noinline__ static int ackermann(int m, int n) {
  if (m == 0) return n + 1;
  if (n == 0) return ackermann(m - 1, 1);
  return ackermann(m - 1, ackermann(m, n - 1));
}

// Each lane recurses differently deep.
extern "C" __global__ void recursion(int *output) {
  output[threadIdx.x] = ackermann(threadIdx.x % 3, threadIdx.x % 5);
}
