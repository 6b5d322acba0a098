// 2:4 products by mma.sp, one warp a 16 x 8 tile of C, from plain compressed operands:
// values[m][k / 2] and, two bits a value, their positions within groups of four, lowest first.
#include <cuda_fp16.h>

#include <cstdint>

// indices[m][k / 16]: one 16-bit word holds the eight 2-bit indices of 16 logical columns.
// b token-major [n][k]; c token-major [n][m]. k is a multiple of 32.
extern "C" __global__ void sparse_f16(const half *values, const uint16_t *indices, const half *b,
                                      int m, int k, float *c) {
  const int lane = threadIdx.x, g = lane / 4, t = lane % 4;
  const int row = blockIdx.x * 16, token = blockIdx.y * 8;
  float sum[4] = {};
  for (int start = 0; start < k; start += 32) {
    uint32_t a[4], operand_b[4];
    for (int i = 0; i < 4; i++) {
      const half *source = values + (row + g + i % 2 * 8) * (k / 2) + start / 2 + 2 * t + i / 2 * 8;
      a[i] = *reinterpret_cast<const uint32_t *>(source);
      operand_b[i] =
          *reinterpret_cast<const uint32_t *>(b + (token + g) * k + start + 8 * i + 2 * t);
    }
    const uint16_t *meta = indices + start / 16 + t % 2;
    const uint32_t low = meta[(row + g) * (k / 16)], high = meta[(row + g + 8) * (k / 16)];
    asm volatile(
        "mma.sp::ordered_metadata.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9, %10, %11}, {%0, %1, %2, %3}, %12, 0x0;"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(operand_b[0]), "r"(operand_b[1]),
          "r"(operand_b[2]), "r"(operand_b[3]), "r"(low | high << 16));
  }
  for (int i = 0; i < 4; i++) {
    c[(token + 2 * t + i % 2) * m + row + g + i / 2 * 8] = sum[i];
  }
}

// indices[m][k / 32]: one 32-bit word holds the sixteen 2-bit indices of 32 logical columns.
// k is a multiple of 64.
extern "C" __global__ void sparse_s8(const int8_t *values, const uint32_t *indices, const int8_t *b,
                                     int m, int k, int *c) {
  const int lane = threadIdx.x, g = lane / 4, t = lane % 4;
  const int row = blockIdx.x * 16, token = blockIdx.y * 8;
  int sum[4] = {};
  for (int start = 0; start < k; start += 64) {
    uint32_t a[4], operand_b[4];
    for (int i = 0; i < 4; i++) {
      const int8_t *source =
          values + (row + g + i % 2 * 8) * (k / 2) + start / 2 + 4 * t + i / 2 * 16;
      a[i] = *reinterpret_cast<const uint32_t *>(source);
      operand_b[i] =
          *reinterpret_cast<const uint32_t *>(b + (token + g) * k + start + 16 * i + 4 * t);
    }
    const uint32_t meta = indices[(row + g + t % 2 * 8) * (k / 32) + start / 32 + t / 2];
    asm volatile(
        "mma.sp::ordered_metadata.sync.aligned.m16n8k64.row.col.s32.s8.s8.s32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9, %10, %11}, {%0, %1, %2, %3}, %12, 0x0;"
        : "+r"(sum[0]), "+r"(sum[1]), "+r"(sum[2]), "+r"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(operand_b[0]), "r"(operand_b[1]),
          "r"(operand_b[2]), "r"(operand_b[3]), "r"(meta));
  }
  for (int i = 0; i < 4; i++) {
    c[(token + 2 * t + i % 2) * m + row + g + i / 2 * 8] = sum[i];
  }
}
