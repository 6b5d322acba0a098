/* Executors of instructions that work lane by lane: give the operation, get the loop. */
#ifndef GPUSIM_EXEC_LANES_H
#define GPUSIM_EXEC_LANES_H

#include <cstring>

#include "tests/gpusim/exec/warp.h"

namespace gpusim {

/* The 32 lanes of a register. T has the register's size. */
template <class T>
inline T *lanes(Warp &warp, const Operand &operand) {
  return reinterpret_cast<T *>(warp.registers + operand.at);
}

template <class T>
inline T *shadow_lanes(Warp &warp, const Operand &operand) {
  return reinterpret_cast<T *>(warp.shadow + operand.at);
}

/* A predicate's value, bit = lane, with ! applied. */
inline uint32_t predicate(const Warp &warp, const Operand &operand) {
  uint32_t value;
  memcpy(&value, warp.registers + operand.at, sizeof value);
  return operand.negated ? ~value : value;
}

inline void set_predicate(Warp &warp, const Operand &operand, uint32_t mask, uint32_t value) {
  uint32_t old;
  memcpy(&old, warp.registers + operand.at, sizeof old);
  value = (value & mask) | (old & ~mask);
  memcpy(warp.registers + operand.at, &value, sizeof value);
}

/* target[lane] = operation(lane) for the lanes of mask; the full warp is a plain loop, which the
 * compiler vectorises. */
template <class T, class Operation>
inline void for_lanes(T *__restrict target, uint32_t mask, Operation operation) {
  if (mask == kAllLanes) {
    for (unsigned lane = 0; lane < kLanes; lane++) target[lane] = operation(lane);
    return;
  }
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    target[lane] = operation(lane);
  }
}

}  // namespace gpusim

#endif
