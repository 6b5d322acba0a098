// d += a b of 16x8x32 on tensor cores, a with two of every four elements, f32 sums (PTX ISA,
// "mma.sp::ordered_metadata"). With g = lane / 4, t = lane % 4: a holds the kept elements as the
// dense 16x8x16 does; b: k 8r + 2t and + 1 in register r, column g; d as the dense one. Selector f
// takes the metadata of lanes 4g + 2f + h, h = 0, 1: bits 0-15 row g, bits 16-31 row g + 8, of
// columns 16h .. 16h + 15, four bits for each four columns.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace tessera {

template <class T, int selector>
struct MmaSp;

template <int selector>
struct MmaSp<half, selector> {
  static __device__ __forceinline__ void run(float (&d)[4], const unsigned (&a)[4],
                                             const unsigned (&b)[4], unsigned meta) {
    asm volatile(
        "mma.sp::ordered_metadata.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, "
        "{%4, %5, %6, %7}, {%8, %9, %10, %11}, {%0, %1, %2, %3}, %12, %13;"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(b[2]), "r"(b[3]),
          "r"(meta), "n"(selector));
  }
};

template <int selector>
struct MmaSp<__nv_bfloat16, selector> {
  static __device__ __forceinline__ void run(float (&d)[4], const unsigned (&a)[4],
                                             const unsigned (&b)[4], unsigned meta) {
    asm volatile(
        "mma.sp::ordered_metadata.sync.aligned.m16n8k32.row.col.f32.bf16.bf16.f32 {%0, %1, %2, "
        "%3}, "
        "{%4, %5, %6, %7}, {%8, %9, %10, %11}, {%0, %1, %2, %3}, %12, %13;"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(b[2]), "r"(b[3]),
          "r"(meta), "n"(selector));
  }
};

}  // namespace tessera
