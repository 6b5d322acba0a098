// A pipelined tensor-core GEMM (cp.async, ldmatrix, mma.sync) and an mbarrier producer-consumer.
#include <cuda_awbarrier_primitives.h>
#include <cuda_fp16.h>

#include <cstdint>

namespace {

constexpr int kTile = 64, kDepth = 32, kStages = 3;

__device__ uint32_t shared_address(const void *pointer) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}

__device__ void copy_16_bytes(void *target, const void *source, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(target)),
               "l"(source), "r"(bytes));
}

// 64 rows of 32 halves; the chunk index is swizzled, so that ldmatrix meets no bank conflict.
struct Tile {
  half values[kTile][kDepth];
  __device__ half *chunk(int row, int chunk) {
    return &values[row][(chunk ^ ((row >> 1) & 3)) * 8];
  }
};

__device__ void load_tile(Tile &tile, const half *matrix, int rows, int k, int first, int start) {
  for (int i = threadIdx.x; i < kTile * kDepth / 8; i += blockDim.x) {
    const int row = i / 4, chunk = i % 4, column = start + chunk * 8;
    const bool inside = first + row < rows && column < k;
    const half *source = inside ? matrix + static_cast<size_t>(first + row) * k + column : matrix;
    copy_16_bytes(tile.chunk(row, chunk), source, inside ? min(16, (k - column) * 2) : 0);
  }
}

__device__ void load_matrices(uint32_t (&registers)[4], const half *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(registers[0]), "=r"(registers[1]), "=r"(registers[2]), "=r"(registers[3])
               : "r"(shared_address(row)));
}

__device__ void multiply(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

}  // namespace

// 128 threads, a 64 x 64 tile of C, 32 x 32 a warp; any m and n, k a multiple of 8. Dynamic shared
// memory: kStages pairs of tiles. C is token-major.
extern "C" __global__ void gemm_pipelined(const half *a, const half *b, int m, int n, int k,
                                          float *c) {
  extern __shared__ __align__(128) unsigned char memory[];
  Tile *tiles_a = reinterpret_cast<Tile *>(memory), *tiles_b = tiles_a + kStages;
  const int first_row = blockIdx.x * kTile, first_token = blockIdx.y * kTile;
  const int steps = (k + kDepth - 1) / kDepth;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int row = warp / 2 * 32, token = warp % 2 * 32;
  float sum[2][4][4] = {};

  for (int stage = 0; stage < kStages - 1; stage++) {
    if (stage < steps) {
      load_tile(tiles_a[stage], a, m, k, first_row, stage * kDepth);
      load_tile(tiles_b[stage], b, n, k, first_token, stage * kDepth);
    }
    asm volatile("cp.async.commit_group;");
  }
  for (int step = 0; step < steps; step++) {
    asm volatile("cp.async.wait_group %0;" ::"n"(kStages - 2));
    __syncthreads();
    const int next = step + kStages - 1;
    if (next < steps) {
      load_tile(tiles_a[next % kStages], a, m, k, first_row, next * kDepth);
      load_tile(tiles_b[next % kStages], b, n, k, first_token, next * kDepth);
    }
    asm volatile("cp.async.commit_group;");
    Tile &tile_a = tiles_a[step % kStages], &tile_b = tiles_b[step % kStages];
    for (int half_step = 0; half_step < 2; half_step++) {
      uint32_t fragment_a[2][4], fragment_b[2][4];
      for (int i = 0; i < 2; i++) {
        load_matrices(fragment_a[i],
                      tile_a.chunk(row + i * 16 + lane % 16, half_step * 2 + lane / 16));
        load_matrices(fragment_b[i], tile_b.chunk(token + i * 16 + lane / 16 * 8 + lane % 8,
                                                  half_step * 2 + lane / 8 % 2));
      }
      for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 4; j++) {
          multiply(sum[i][j], fragment_a[i], fragment_b[j / 2][j % 2 * 2],
                   fragment_b[j / 2][j % 2 * 2 + 1]);
        }
      }
    }
  }
  for (int i = 0; i < 2; i++) {
    for (int j = 0; j < 4; j++) {
      for (int e = 0; e < 4; e++) {
        const int r = first_row + row + i * 16 + lane / 4 + e / 2 * 8;
        const int t = first_token + token + j * 8 + lane % 4 * 2 + e % 2;
        if (r < m && t < n) c[static_cast<size_t>(t) * m + r] = sum[i][j][e];
      }
    }
  }
}

__device__ static void arrive_and_wait(__mbarrier_t *barrier) {
  const __mbarrier_token_t token = __mbarrier_arrive(barrier);
  while (!__mbarrier_test_wait(barrier, token)) {
  }
}

// Two warps: the first fills one of two buffers of 32 integers while the second sums the other;
// full and empty are mbarriers. totals[lane] = sum over i of input[32 * i + lane] * (i + 1).
extern "C" __global__ void producer_consumer(const int *input, int rounds, int *totals) {
  __shared__ int buffers[2][32];
  __shared__ __mbarrier_t full[2], empty[2];
  const int lane = threadIdx.x % 32;
  if (threadIdx.x == 0) {
    for (int i = 0; i < 2; i++) {
      __mbarrier_init(&full[i], 64);
      __mbarrier_init(&empty[i], 64);
    }
  }
  __syncthreads();
  if (threadIdx.x < 32) {
    for (int i = 0; i < rounds; i++) {
      arrive_and_wait(&empty[i % 2]);
      buffers[i % 2][lane] = input[i * 32 + lane];
      __mbarrier_arrive(&full[i % 2]);
    }
  } else {
    int total = 0;
    __mbarrier_arrive(&empty[0]);
    __mbarrier_arrive(&empty[1]);
    for (int i = 0; i < rounds; i++) {
      arrive_and_wait(&full[i % 2]);
      total += buffers[i % 2][lane] * (i + 1);
      __mbarrier_arrive(&empty[i % 2]);
    }
    totals[lane] = total;
  }
}
