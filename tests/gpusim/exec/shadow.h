/* Writing shadow registers. */
#ifndef GPUSIM_EXEC_SHADOW_H
#define GPUSIM_EXEC_SHADOW_H

#include "tests/gpusim/exec/float_lanes.h"

namespace gpusim {

/* The lanes of mask get undefined[lane * kWidth ...], ones for undefined bits. */
template <unsigned kWidth, class T>
inline void store_shadow(Warp &warp, const Operand &operand, uint32_t mask, const T *undefined) {
  T *shadow = shadow_lanes<T>(warp, operand);
  blend_lanes<kWidth>(shadow, mask, undefined);
  T any = 0;
  for (unsigned i = 0; i < kLanes * kWidth; i++) any |= shadow[i];
  warp.dirty[operand.index] = any != 0;
}

/* The same for a predicate, bit = lane. */
inline void store_shadow(Warp &warp, const Operand &operand, uint32_t mask, uint32_t undefined) {
  uint32_t *shadow = shadow_lanes<uint32_t>(warp, operand);
  *shadow = (*shadow & ~mask) | (undefined & mask);
  warp.dirty[operand.index] = *shadow != 0;
}

template <class T>
inline uint32_t nonzero_lanes(const T *values) {
  uint32_t result = 0;
  for (unsigned lane = 0; lane < kLanes; lane++) result |= values[lane] != 0 ? 1u << lane : 0;
  return result;
}

/* Lanes with any undefined bit of the operand. */
inline uint32_t undefined_lanes(Warp &warp, const Operand &operand) {
  switch (operand.bytes) {
    case 0:
      return *shadow_lanes<uint32_t>(warp, operand);
    case 1:
      return nonzero_lanes(shadow_lanes<uint8_t>(warp, operand));
    case 2:
      return nonzero_lanes(shadow_lanes<uint16_t>(warp, operand));
    case 4:
      return nonzero_lanes(shadow_lanes<uint32_t>(warp, operand));
    default:
      return nonzero_lanes(shadow_lanes<uint64_t>(warp, operand));
  }
}

}  // namespace gpusim

#endif
