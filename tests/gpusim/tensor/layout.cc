#include "tests/gpusim/tensor/layout.h"

#include <cstring>

namespace gpusim::tensor {
namespace {

constexpr unsigned kElementBits[] = {
    0,
#define GPUSIM_ELEMENT(name, bits) bits,
#include "tests/gpusim/tensor/elements.inc"
#undef GPUSIM_ELEMENT
};

constexpr unsigned kCoreRows = 8;
constexpr unsigned kCoreWords = 4;

unsigned word_bytes(Element element) { return element == Element::f64 ? 8 : 4; }

/* Registers that are core matrices of `kWord`-byte words, `blocks` of them one above the other. */
template <unsigned kWord>
void gather_words(const uint8_t *file, const Registers &registers, unsigned blocks,
                  unsigned row_bytes, uint8_t *image) {
  constexpr unsigned kBytes = kCoreWords * kWord;
  for (unsigned r = 0; r < registers.count; r++) {
    const uint8_t *from = file + registers.first[r].at;
    uint8_t *to = image + kCoreRows * (r % blocks) * row_bytes + kBytes * (r / blocks);
    for (unsigned g = 0; g < kCoreRows; g++) memcpy(to + g * row_bytes, from + g * kBytes, kBytes);
  }
}

void gather_cores(const uint8_t *file, const Registers &registers, unsigned word, unsigned blocks,
                  unsigned row_bytes, uint8_t *image) {
  if (word == 8) return gather_words<8>(file, registers, blocks, row_bytes, image);
  gather_words<4>(file, registers, blocks, row_bytes, image);
}

/* Of 4-byte words. */
void scatter_cores(uint8_t *file, const Registers &registers, unsigned blocks, unsigned row_bytes,
                   const uint8_t *image) {
  constexpr unsigned kBytes = kCoreWords * 4;
  for (unsigned r = 0; r < registers.count; r++) {
    uint8_t *to = file + registers.first[r].at;
    const uint8_t *from = image + kCoreRows * (r % blocks) * row_bytes + kBytes * (r / blocks);
    for (unsigned g = 0; g < kCoreRows; g++) memcpy(to + g * kBytes, from + g * row_bytes, kBytes);
  }
}

/* Accumulators with one element to a register: registers 2h and 2h + 1 hold even and odd columns of
 * rows 8h .. 8h + 7, which lie in the image as their lanes' elements in turn. */
template <class T>
void gather_pairs(const uint8_t *file, const Registers &registers, uint8_t *image) {
  T *to = reinterpret_cast<T *>(image);
  for (unsigned r = 0; r + 1 < registers.count; r += 2, to += 2 * kLanes) {
    const T *even = reinterpret_cast<const T *>(file + registers.first[r].at);
    const T *odd = reinterpret_cast<const T *>(file + registers.first[r + 1].at);
    for (unsigned lane = 0; lane < kLanes; lane++) {
      to[2 * lane] = even[lane];
      to[2 * lane + 1] = odd[lane];
    }
  }
}

template <class T>
void scatter_pairs(uint8_t *file, const Registers &registers, const uint8_t *image) {
  const T *from = reinterpret_cast<const T *>(image);
  for (unsigned r = 0; r + 1 < registers.count; r += 2, from += 2 * kLanes) {
    T *even = reinterpret_cast<T *>(file + registers.first[r].at);
    T *odd = reinterpret_cast<T *>(file + registers.first[r + 1].at);
    for (unsigned lane = 0; lane < kLanes; lane++) {
      even[lane] = from[2 * lane];
      odd[lane] = from[2 * lane + 1];
    }
  }
}

struct Place {
  unsigned row, column;
};

/* PTX ISA, "Matrix Fragments for mma.m8n8k4 with .f16 floating point type": element i of a lane.
 * Rows of B's image are its columns. */
Place quad_a(unsigned lane, unsigned i, bool by_column) {
  const unsigned high = lane < 16 ? 0 : 4;
  return by_column ? Place{i + high, lane % 4} : Place{lane % 4 + high, i};
}

Place quad_b(unsigned lane, unsigned i, bool by_row) {
  const unsigned high = lane < 16 ? 0 : 4;
  return by_row ? Place{i + high, lane % 4} : Place{lane % 4 + high, i};
}

Place quad_accumulator(unsigned lane, unsigned i, Element element) {
  const unsigned high = lane < 16 ? 0 : 4;
  if (element == Element::f16) return {lane % 4 + high, i};
  return {(lane & 1) + (i & 2) + high, (i & 4) + (lane & 2) + (i & 1)};
}

constexpr unsigned kQuadLanes = 8;

unsigned quad_lane(unsigned quad, unsigned i) { return 4 * quad + i % 4 + 16 * (i / 4); }

/* Element i of a lane's registers, of which each holds 4 / bytes. */
unsigned element_at(const Registers &registers, unsigned lane, unsigned i, unsigned bytes) {
  const unsigned in_word = 4 / bytes;
  return registers.first[i / in_word].at + 4 * lane + bytes * (i % in_word);
}

void gather_quad_ab(const uint8_t *file, const Registers &registers, unsigned quad, bool swapped,
                    Place (*place)(unsigned, unsigned, bool), uint8_t *image) {
  for (unsigned q = 0; q < kQuadLanes; q++) {
    const unsigned lane = quad_lane(quad, q);
    for (unsigned i = 0; i < 4; i++) {
      const Place at = place(lane, i, swapped);
      memcpy(image + 2 * (4 * at.row + at.column), file + element_at(registers, lane, i, 2), 2);
    }
  }
}

template <class T>
void transpose_elements(const uint8_t *__restrict matrix, unsigned rows, unsigned columns,
                        uint8_t *__restrict transposed) {
  const T *from = reinterpret_cast<const T *>(matrix);
  T *to = reinterpret_cast<T *>(transposed);
  for (unsigned column = 0; column < columns; column++) {
    for (unsigned row = 0; row < rows; row++) {
      to[column * rows + row] = from[row * columns + column];
    }
  }
}

}  // namespace

unsigned element_bits(Element element) { return kElementBits[static_cast<unsigned>(element)]; }

Fragments fragments_of(const Instruction &instruction, const Tile &tile) {
  const uint8_t *group = instruction.group;
  const auto part = [&](unsigned first, unsigned end) {
    return Registers{instruction.operands + first, end - first};
  };
  const bool dense = tile.sparsity == Sparsity::dense;
  return {part(group[0], group[1]), part(group[1], group[2]), part(group[2], group[3]),
          part(group[3], dense ? instruction.count : group[4])};
}

unsigned a_registers(const Tile &tile) {
  return tile.m * tile.a_row_bytes() / (kLanes * word_bytes(tile.a));
}

unsigned b_registers(const Tile &tile) {
  return tile.n * tile.b_row_bytes() / (kLanes * word_bytes(tile.b));
}

unsigned accumulator_registers(const Tile &tile, Element element) {
  return tile.m * tile.n * element_bits(element) / 8 / (kLanes * word_bytes(element));
}

void gather_a(const uint8_t *file, const Registers &registers, const Tile &tile, uint8_t *image) {
  gather_cores(file, registers, word_bytes(tile.a), tile.m / kCoreRows, tile.a_row_bytes(), image);
}

void gather_b(const uint8_t *file, const Registers &registers, const Tile &tile, uint8_t *image) {
  gather_cores(file, registers, word_bytes(tile.b), 1, tile.b_row_bytes(), image);
}

void gather_accumulator(const uint8_t *file, const Registers &registers, const Tile &tile,
                        Element element, uint8_t *image) {
  if (element == Element::f16) {
    gather_cores(file, registers, 4, tile.m / kCoreRows, 2u * tile.n, image);
  } else if (element == Element::f64) {
    gather_pairs<uint64_t>(file, registers, image);
  } else {
    gather_pairs<uint32_t>(file, registers, image);
  }
}

void scatter_accumulator(uint8_t *file, const Registers &registers, const Tile &tile,
                         Element element, const uint8_t *image) {
  if (element == Element::f16) {
    scatter_cores(file, registers, tile.m / kCoreRows, 2u * tile.n, image);
  } else if (element == Element::f64) {
    scatter_pairs<uint64_t>(file, registers, image);
  } else {
    scatter_pairs<uint32_t>(file, registers, image);
  }
}

void gather_quad_a(const uint8_t *file, const Registers &registers, const Tile &tile, unsigned quad,
                   uint8_t *image) {
  gather_quad_ab(file, registers, quad, tile.a_by_column, quad_a, image);
}

void gather_quad_b(const uint8_t *file, const Registers &registers, const Tile &tile, unsigned quad,
                   uint8_t *image) {
  gather_quad_ab(file, registers, quad, tile.b_by_row, quad_b, image);
}

void gather_quad_accumulator(const uint8_t *file, const Registers &registers, Element element,
                             unsigned quad, uint8_t *image) {
  const unsigned bytes = element_bits(element) / 8;
  for (unsigned q = 0; q < kQuadLanes; q++) {
    const unsigned lane = quad_lane(quad, q);
    for (unsigned i = 0; i < 8; i++) {
      const Place at = quad_accumulator(lane, i, element);
      memcpy(image + bytes * (8 * at.row + at.column), file + element_at(registers, lane, i, bytes),
             bytes);
    }
  }
}

void scatter_quad_accumulator(uint8_t *file, const Registers &registers, Element element,
                              unsigned quad, const uint8_t *image) {
  const unsigned bytes = element_bits(element) / 8;
  for (unsigned q = 0; q < kQuadLanes; q++) {
    const unsigned lane = quad_lane(quad, q);
    for (unsigned i = 0; i < 8; i++) {
      const Place at = quad_accumulator(lane, i, element);
      memcpy(file + element_at(registers, lane, i, bytes), image + bytes * (8 * at.row + at.column),
             bytes);
    }
  }
}

void transpose(const uint8_t *matrix, unsigned rows, unsigned columns, unsigned element_bytes,
               uint8_t *transposed) {
  switch (element_bytes) {
    case 1:
      return transpose_elements<uint8_t>(matrix, rows, columns, transposed);
    case 2:
      return transpose_elements<uint16_t>(matrix, rows, columns, transposed);
    case 4:
      return transpose_elements<uint32_t>(matrix, rows, columns, transposed);
    default:
      return transpose_elements<uint64_t>(matrix, rows, columns, transposed);
  }
}

}  // namespace gpusim::tensor
