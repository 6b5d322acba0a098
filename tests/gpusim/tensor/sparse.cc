#include "tests/gpusim/tensor/sparse.h"

namespace gpusim::tensor {
namespace {

/* Four bits of metadata: two elements of four, or one tf32 of two. */
constexpr unsigned kChunkBits = 4;

unsigned kept_of_chunk(const Tile &tile) { return tile.a == Element::tf32 ? 1 : 2; }

unsigned metadata_bits(const Tile &tile) { return kChunkBits * tile.kept() / kept_of_chunk(tile); }

constexpr uint32_t pattern(unsigned index1, unsigned index0) {
  return UINT32_C(1) << (index1 << 2 | index0);
}

/* Bit = value of a chunk. */
constexpr uint32_t kOrdered =
    pattern(1, 0) | pattern(2, 0) | pattern(3, 0) | pattern(2, 1) | pattern(3, 1) | pattern(3, 2);
constexpr uint32_t kSame = pattern(0, 0) | pattern(1, 1) | pattern(2, 2) | pattern(3, 3);
constexpr uint32_t kAnyOrder = 0xffff & ~kSame;
constexpr uint32_t kSingles = pattern(1, 0) | pattern(3, 2);

uint32_t legal_patterns(const Tile &tile) {
  if (tile.a == Element::tf32) return kSingles;
  return tile.sparsity == Sparsity::ordered ? kOrdered : kAnyOrder;
}

}  // namespace

/* A group of four lanes holds the metadata of rows g and g + 8. One lane, a pair or all four are
 * needed. */
unsigned selector_limit(const Tile &tile) { return 64 / metadata_bits(tile); }

/* Sixteen bits of a row or less: lane 4g + selector, row g low and row g + 8 high.
 * Elements of 16 bits and more: the pair's lane h holds the h-th half of both rows.
 * Elements of 8 bits: the pair's lane h holds row g + 8h; of four, lane t has row g + 8 * (t % 2)
 * and the (t / 2)-th half of the row. */
void gather_metadata(const uint32_t *words, const Tile &tile, uint64_t *rows) {
  const unsigned bits = metadata_bits(tile);
  const bool bytes = element_bits(tile.a) == 8;
  const unsigned lanes = bits / 16;
  for (unsigned row = 0; row < 16; row++) {
    const unsigned first = 4 * (row % 8) + tile.selector * lanes;
    const unsigned lower = row / 8;
    uint64_t metadata = 0;
    for (unsigned i = 0; i < lanes; i++) {
      if (!bytes) {
        metadata |= uint64_t{words[first + i] >> 16 * lower & 0xffff} << 16 * i;
      } else if (i % 2 == lower) {
        metadata |= uint64_t{words[first + i]} << 32 * (i / 2);
      }
    }
    rows[row] = metadata;
  }
}

void select_columns(const uint64_t *rows, const Tile &tile, Selection *selection) {
  const unsigned kept = tile.kept();
  const unsigned in_chunk = kept_of_chunk(tile);
  const uint32_t legal = legal_patterns(tile);
  selection->illegal_rows = 0;
  for (unsigned row = 0; row < tile.m; row++) {
    uint64_t rest = rows[row];
    uint8_t *columns = selection->column + row * kept;
    for (unsigned i = 0; i < kept; i += in_chunk, rest >>= kChunkBits) {
      const auto chunk = static_cast<unsigned>(rest & 15);
      if ((legal >> chunk & 1) == 0) selection->illegal_rows |= UINT32_C(1) << row;
      if (in_chunk == 1) {
        columns[i] = static_cast<uint8_t>(2 * i + (chunk >> 1 & 1));
      } else {
        columns[i] = static_cast<uint8_t>(2 * i + (chunk & 3));
        columns[i + 1] = static_cast<uint8_t>(2 * i + (chunk >> 2));
      }
    }
  }
}

}  // namespace gpusim::tensor
