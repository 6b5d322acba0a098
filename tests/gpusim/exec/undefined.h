/* Shadow bits of registers, for propagation rules. A register whose dirty flag is clear has a
 * shadow of zeros, which need not be read. */
#ifndef GPUSIM_EXEC_UNDEFINED_H
#define GPUSIM_EXEC_UNDEFINED_H

#include "tests/gpusim/exec/decoder.h"
#include "tests/gpusim/exec/lanes.h"

namespace gpusim {

alignas(64) inline constexpr uint8_t kZeroLanes[kLanes * 16] = {};

/* The undefined bits of a source, lane by lane. T has the register's size. */
template <class T>
inline const T *undefined_lanes(const Warp &warp, const Operand &operand) {
  return reinterpret_cast<const T *>(warp.dirty[operand.index] != 0 ? warp.shadow + operand.at
                                                                    : kZeroLanes);
}

/* The lanes whose predicate is undefined. */
inline uint32_t undefined_predicate(const Warp &warp, const Operand &operand) {
  if (warp.dirty[operand.index] == 0) return 0;
  uint32_t lanes_undefined;
  memcpy(&lanes_undefined, warp.shadow + operand.at, sizeof lanes_undefined);
  return lanes_undefined;
}

/* The undefined bits of target[lane] become undefined(lane), for the lanes of mask. */
template <class T, class Undefined>
inline void mark(Warp &warp, const Operand &target, uint32_t mask, Undefined undefined) {
  T *shadow = shadow_lanes<T>(warp, target);
  if (mask != kAllLanes && warp.dirty[target.index] == 0) memset(shadow, 0, sizeof(T) * kLanes);
  for_lanes(shadow, mask, undefined);
  T any = 0;
  for (unsigned lane = 0; lane < kLanes; lane++) any |= shadow[lane];
  warp.dirty[target.index] = any != 0;
}

inline void mark_predicate(Warp &warp, const Operand &target, uint32_t mask, uint32_t undefined) {
  const uint32_t kept = undefined_predicate(warp, target) & ~mask;
  const uint32_t all = kept | (undefined & mask);
  memcpy(warp.shadow + target.at, &all, sizeof all);
  warp.dirty[target.index] = all != 0;
}

/* All bits of the target's lanes, of any size; predicates too. */
void mark_whole(Warp &warp, const Operand &target, uint32_t mask, uint32_t undefined);
inline void mark_defined(Warp &warp, const Operand &target, uint32_t mask) {
  mark_whole(warp, target, mask, 0);
}

/* The lanes of mask of which any source has an undefined bit. */
uint32_t undefined_sources(const Warp &warp, const Instruction &instruction, uint32_t mask);
/* The lanes in which any bit of the operand is undefined. */
uint32_t undefined_in(const Warp &warp, const Operand &operand);

}  // namespace gpusim

#endif
