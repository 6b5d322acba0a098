// Sums, scans and counts: warp shuffles, block barriers, atomics.

// grid x 256 threads; total += the sum of input[0 .. count). One f32 atomic per CTA.
extern "C" __global__ void reduce_sum(const float *input, int count, float *total) {
  __shared__ float partial[8];
  float sum = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    sum += input[i];
  }
  for (int step = 16; step > 0; step >>= 1) sum += __shfl_xor_sync(~0u, sum, step);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x < 32) {
    sum = threadIdx.x < blockDim.x / 32 ? partial[threadIdx.x] : 0;
    for (int step = 4; step > 0; step >>= 1) sum += __shfl_xor_sync(~0u, sum, step);
    if (threadIdx.x == 0) atomicAdd(total, sum);
  }
}

// One CTA of a power of two of threads: inclusive prefix sums of count <= blockDim.x integers.
extern "C" __global__ void scan_inclusive(const int *input, int count, int *output) {
  extern __shared__ int values[];
  const int i = threadIdx.x;
  values[i] = i < count ? input[i] : 0;
  __syncthreads();
  for (int step = 1; step < blockDim.x; step *= 2) {
    const int left = i >= step ? values[i - step] : 0;
    __syncthreads();
    values[i] += left;
    __syncthreads();
  }
  if (i < count) output[i] = values[i];
}

// bins[64] += how often each value & 63 occurs; shared-memory atomics, then global ones.
extern "C" __global__ void histogram(const unsigned char *input, int count, unsigned *bins) {
  __shared__ unsigned local[64];
  for (int i = threadIdx.x; i < 64; i += blockDim.x) local[i] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    atomicAdd(&local[input[i] & 63], 1u);
  }
  __syncthreads();
  for (int i = threadIdx.x; i < 64; i += blockDim.x) atomicAdd(&bins[i], local[i]);
}

// The last CTA to finish adds the partial sums: the pattern of a threadfence and a ticket.
extern "C" __global__ void reduce_last_block(const float *input, int count, float *partials,
                                             unsigned *tickets, float *total) {
  __shared__ float values[256];
  __shared__ bool last;
  float sum = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
    sum += input[i];
  }
  values[threadIdx.x] = sum;
  __syncthreads();
  for (int half = blockDim.x / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) values[threadIdx.x] += values[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    partials[blockIdx.x] = values[0];
    __threadfence();
    last = atomicAdd(tickets, 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (last && threadIdx.x == 0) {
    __threadfence();
    sum = 0;
    for (int i = 0; i < gridDim.x; i++) sum += partials[i];
    *total = sum;
  }
}
