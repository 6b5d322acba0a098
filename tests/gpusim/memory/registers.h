/* Between memory and registers, which may be wider than the memory's type. */
#ifndef GPUSIM_MEMORY_REGISTERS_H
#define GPUSIM_MEMORY_REGISTERS_H

#include <cstring>
#include <type_traits>

#include "tests/gpusim/exec/lanes.h"

namespace gpusim {

struct Bits128 {
  uint64_t half[2];
};

template <class To, class From>
inline To widen(From value) {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (std::is_same_v<To, Bits128>) {
    return {{static_cast<uint64_t>(value), 0}};
  } else if constexpr (std::is_same_v<From, Bits128>) {
    return static_cast<To>(value.half[0]);
  } else {
    return static_cast<To>(value);
  }
}

/* Calls function(R()) with R of the register's size. */
template <class Function>
inline void with_register_type(const Operand &operand, Function function) {
  switch (operand.bytes) {
    case 1:
      return function(uint8_t{});
    case 2:
      return function(uint16_t{});
    case 4:
      return function(uint32_t{});
    case 8:
      return function(uint64_t{});
    default:
      return function(Bits128{});
  }
}

/* The register is defined in all lanes of the mask. */
void clear_shadow(Warp &warp, const Operand &operand, uint32_t mask);

/* Shadow of one lane: `bytes` of it, zero or sign extended to the register. */
void set_shadow(Warp &warp, const Operand &operand, unsigned lane, const uint8_t *undefined,
                unsigned bytes, bool sign_extended);

/* Low bytes of the shadow of one lane; true if any bit of them is undefined. */
bool get_shadow(const Warp &warp, const Operand &operand, unsigned lane, uint8_t *undefined,
                unsigned bytes);

inline bool is_dirty(const Warp &warp, const Operand &operand) {
  return warp.shadow != nullptr && warp.dirty[operand.index] != 0;
}

}  // namespace gpusim

#endif
