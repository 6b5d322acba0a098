// Numbers that travel as a launch's arguments: no copy from host memory, which would have to
// outlive the call or to be waited for, and which a captured graph would read again.
#include "kernels/cuda/layer_args.h"

extern "C" __global__ void __launch_bounds__(TSR_CUDA_CHUNK_THREADS)
    tsr_b32_words__sm80(const __grid_constant__ tsr_cuda_words_args args) {
  const int i = blockIdx.x * TSR_CUDA_CHUNK_THREADS + threadIdx.x;
  if (i < args.count) args.y[i] = args.words[i];
}
