/* What a tensor-core instruction multiplies: D[m][n] = A[m][k] * B[k][n] + C[m][n]. */
#ifndef GPUSIM_TENSOR_TILE_H
#define GPUSIM_TENSOR_TILE_H

#include <cstdint>
#include <cstring>

#include "tests/gpusim/exec/instruction.h"

namespace gpusim::tensor {

enum class Element : uint8_t {
  none,
#define GPUSIM_ELEMENT(name, bits) name,
#include "tests/gpusim/tensor/elements.inc"
#undef GPUSIM_ELEMENT
};

unsigned element_bits(Element element);

/* 2:4 (or 1:2) sparse A: a row keeps half of its k elements, and metadata says which. */
enum class Sparsity : uint8_t { dense, any_order, ordered };

/* b1 only: how bits are multiplied. */
enum class BitOperation : uint8_t { exclusive_or, conjunction };

struct Tile {
  uint8_t m = 0, n = 0;
  uint16_t k = 0;
  Element a = Element::none, b = Element::none, c = Element::none, d = Element::none;
  Sparsity sparsity = Sparsity::dense;
  uint8_t selector = 0; /* which lanes hold the metadata */
  bool a_by_column = false, b_by_row = false;
  bool saturate = false;
  BitOperation bit_operation = BitOperation::exclusive_or;
  uint8_t kind = 0; /* of the counters */

  /* Elements of a row of A that are stored and multiplied. */
  unsigned kept() const { return sparsity == Sparsity::dense ? k : k / 2u; }
  unsigned a_row_bytes() const { return kept() * element_bits(a) / 8; }
  unsigned b_row_bytes() const { return k * element_bits(b) / 8; } /* of B transposed */
};

/* A decoded instruction carries its tile in `detail`. */
static_assert(sizeof(Tile) <= sizeof Instruction::detail, "a tile fits");

inline Tile tile_of(const Instruction &instruction) {
  Tile tile;
  memcpy(&tile, instruction.detail, sizeof tile);
  return tile;
}

inline void set_tile(Instruction &instruction, const Tile &tile) {
  memcpy(instruction.detail, &tile, sizeof tile);
}

/* The operands of one instruction as matrices, row by row and without gaps: A, B transposed (a row
 * is a column of B), C and D. All sub-byte elements lie low bits first. 1024 bytes hold the largest
 * of every shape. */
struct Images {
  alignas(64) uint8_t a[1024];
  alignas(64) uint8_t b[1024];
  alignas(64) uint8_t c[1024];
  alignas(64) uint8_t d[1024];
};

constexpr unsigned kMaxOutputs = 256;  /* m * n */
constexpr unsigned kMaxElements = 512; /* m * kept, k * n, of all but b1 */

/* Where the kept elements of A belong. */
struct Selection {
  uint8_t column[kMaxElements]; /* [m][kept]: the element's logical column */
  uint32_t illegal_rows;        /* bit = row whose metadata the instruction does not allow */
};

}  // namespace gpusim::tensor

#endif
