#include "tests/gpusim/tensor/wmma_layout.h"

#include <cstring>

namespace gpusim::tensor {
namespace {

constexpr unsigned kHalfRegisters = 8; /* of an f16 fragment, whatever the shape */

template <class T>
bool gather_words(const uint8_t *file, const Registers &registers, unsigned words,
                  uint8_t *matrix) {
  T *to = reinterpret_cast<T *>(matrix);
  bool same = true;
  for (unsigned r = 0; r < registers.count; r++) {
    const T *from = reinterpret_cast<const T *>(file + registers.first[r].at);
    for (unsigned lane = 0; lane < kLanes; lane++) {
      const unsigned at = lane * registers.count + r;
      if (at < words) {
        to[at] = from[lane];
      } else {
        /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): no shape's matrix is empty. */
        same = same && to[at % words] == from[lane];
      }
    }
  }
  return same;
}

template <class T>
void scatter_words(uint8_t *file, const Registers &registers, unsigned words,
                   const uint8_t *matrix) {
  const T *from = reinterpret_cast<const T *>(matrix);
  for (unsigned r = 0; r < registers.count; r++) {
    T *to = reinterpret_cast<T *>(file + registers.first[r].at);
    for (unsigned lane = 0; lane < kLanes; lane++) {
      to[lane] = from[(lane * registers.count + r) % words];
    }
  }
}

}  // namespace

unsigned wmma_a_registers(const Tile &tile) {
  return tile.a == Element::f16 ? kHalfRegisters : a_registers(tile);
}

unsigned wmma_b_registers(const Tile &tile) {
  return tile.b == Element::f16 ? kHalfRegisters : b_registers(tile);
}

bool gather_fragment(const uint8_t *file, const Registers &registers, unsigned bytes,
                     uint8_t *matrix) {
  if (registers.first->bytes == 8) {
    return gather_words<uint64_t>(file, registers, bytes / 8, matrix);
  }
  return gather_words<uint32_t>(file, registers, bytes / 4, matrix);
}

void scatter_fragment(uint8_t *file, const Registers &registers, unsigned bytes,
                      const uint8_t *matrix) {
  if (registers.first->bytes == 8) {
    return scatter_words<uint64_t>(file, registers, bytes / 8, matrix);
  }
  scatter_words<uint32_t>(file, registers, bytes / 4, matrix);
}

}  // namespace gpusim::tensor
