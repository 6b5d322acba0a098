#include "tests/gpusim/exec/undefined.h"

namespace gpusim {
namespace {

template <class T>
uint32_t nonzero_lanes(const uint8_t *shadow) {
  const T *undefined = reinterpret_cast<const T *>(shadow);
  uint32_t found = 0;
  for (unsigned lane = 0; lane < kLanes; lane++) {
    found |= static_cast<uint32_t>(undefined[lane] != 0) << lane;
  }
  return found;
}

template <class T>
void spread(Warp &warp, const Operand &target, uint32_t mask, uint32_t undefined) {
  mark<T>(warp, target, mask, [undefined](unsigned lane) {
    return static_cast<T>(-static_cast<T>(undefined >> lane & 1));
  });
}

void clear(Warp &warp, const Operand &target) {
  const size_t bytes = target.bytes == 0 ? sizeof(uint32_t) : size_t{target.bytes} * kLanes;
  memset(warp.shadow + target.at, 0, bytes);
  warp.dirty[target.index] = 0;
}

template <class T>
void copy(Warp &warp, const Operand &target, const Operand &source, uint32_t mask) {
  const T *undefined = undefined_lanes<T>(warp, source);
  mark<T>(warp, target, mask, [undefined](unsigned lane) { return undefined[lane]; });
}

void copy_any_size(Warp &warp, const Operand &target, const Operand &source, uint32_t mask) {
  switch (target.bytes) {
    case 0:
      return mark_predicate(warp, target, mask, undefined_predicate(warp, source));
    case 1:
      return copy<uint8_t>(warp, target, source, mask);
    case 2:
      return copy<uint16_t>(warp, target, source, mask);
    case 4:
      return copy<uint32_t>(warp, target, source, mask);
    case 8:
      return copy<uint64_t>(warp, target, source, mask);
    default:
      return copy<unsigned __int128>(warp, target, source, mask);
  }
}

}  // namespace

uint32_t undefined_in(const Warp &warp, const Operand &operand) {
  if (warp.dirty[operand.index] == 0) return 0;
  const uint8_t *shadow = warp.shadow + operand.at;
  switch (operand.bytes) {
    case 0:
      return undefined_predicate(warp, operand);
    case 1:
      return nonzero_lanes<uint8_t>(shadow);
    case 2:
      return nonzero_lanes<uint16_t>(shadow);
    case 4:
      return nonzero_lanes<uint32_t>(shadow);
    case 8:
      return nonzero_lanes<uint64_t>(shadow);
    default:
      return nonzero_lanes<unsigned __int128>(shadow);
  }
}

uint32_t undefined_sources(const Warp &warp, const Instruction &instruction, uint32_t mask) {
  uint32_t found = 0;
  for (unsigned i = instruction.targets; i < instruction.count; i++) {
    found |= undefined_in(warp, instruction.operands[i]);
  }
  return found & mask;
}

void mark_whole(Warp &warp, const Operand &target, uint32_t mask, uint32_t undefined) {
  if (undefined == 0) {
    if (warp.dirty[target.index] == 0) return;
    if (mask == kAllLanes) return clear(warp, target);
  }
  switch (target.bytes) {
    case 0:
      return mark_predicate(warp, target, mask, undefined);
    case 1:
      return spread<uint8_t>(warp, target, mask, undefined);
    case 2:
      return spread<uint16_t>(warp, target, mask, undefined);
    case 4:
      return spread<uint32_t>(warp, target, mask, undefined);
    case 8:
      return spread<uint64_t>(warp, target, mask, undefined);
    default:
      return spread<unsigned __int128>(warp, target, mask, undefined);
  }
}

void undefined_any(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const uint32_t undefined = undefined_sources(warp, instruction, mask);
  for (unsigned i = 0; i < instruction.targets; i++) {
    mark_whole(warp, instruction.operands[i], mask, undefined);
  }
}

void undefined_copy(Warp &warp, const Instruction &instruction, uint32_t mask) {
  for (unsigned i = 0; i < instruction.targets; i++) {
    copy_any_size(warp, instruction.operands[i], instruction.operands[instruction.targets + i],
                  mask);
  }
}

}  // namespace gpusim
