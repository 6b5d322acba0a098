// A grid that meets as a whole; for cuLaunchCooperativeKernel.
#include <cooperative_groups.h>

// words[2][gridDim.x * blockDim.x]: in each round a thread adds its number to what the thread
// behind it, across CTAs, had in the round before.
extern "C" __global__ void shift_around(unsigned *words, int rounds) {
  const unsigned count = gridDim.x * blockDim.x, i = blockIdx.x * blockDim.x + threadIdx.x;
  for (int round = 0; round < rounds; round++) {
    const unsigned *from = words + round % 2 * count;
    unsigned *to = words + (round + 1) % 2 * count;
    to[i] = from[(i + 1) % count] + i;
    cooperative_groups::this_grid().sync();
  }
}

// The same without meeting.
extern "C" __global__ void shift_at_once(unsigned *words, int rounds) {
  const unsigned count = gridDim.x * blockDim.x, i = blockIdx.x * blockDim.x + threadIdx.x;
  for (int round = 0; round < rounds; round++) {
    words[(round + 1) % 2 * count + i] = words[round % 2 * count + (i + 1) % count] + i;
    __syncthreads();
  }
}
