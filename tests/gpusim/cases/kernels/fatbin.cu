/* What the tests of fat binaries run; its comments and code are long enough to be compressed. */
extern "C" __global__ void scale(unsigned *words, unsigned factor) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  words[i] = words[i] * factor + i;
}
