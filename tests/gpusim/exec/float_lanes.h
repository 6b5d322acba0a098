/* Loops over lanes for operations that no operand can hurt, and the modifiers of floating-point
 * instructions. */
#ifndef GPUSIM_EXEC_FLOAT_LANES_H
#define GPUSIM_EXEC_FLOAT_LANES_H

#include <type_traits>

#include "tests/gpusim/exec/decoder.h"
#include "tests/gpusim/exec/half.h"
#include "tests/gpusim/exec/lanes.h"

namespace gpusim {

/* Lanes of mask get results[lane * kWidth ...]. */
template <unsigned kWidth, class T>
inline void blend_lanes(T *target, uint32_t mask, const T *results) {
  for (unsigned i = 0; i < kLanes * kWidth; i++) {
    target[i] = (mask >> (i / kWidth)) & 1 ? results[i] : target[i];
  }
}

/* target[i] = operation(i) for the kWidth elements of each lane of mask. Other lanes are computed
 * and dropped, so that a partial warp is a plain loop too. */
template <unsigned kWidth, class T, class Operation>
inline void for_elements(T *__restrict target, uint32_t mask, Operation operation) {
  if (mask == kAllLanes) {
    for (unsigned i = 0; i < kLanes * kWidth; i++) target[i] = operation(i);
    return;
  }
  alignas(64) T results[kLanes * kWidth];
  for (unsigned i = 0; i < kLanes * kWidth; i++) results[i] = operation(i);
  blend_lanes<kWidth>(target, mask, results);
}

template <class T>
inline const T *source_lanes(const Warp &warp, const Instruction &instruction, unsigned i) {
  const Operand &operand = instruction.operands[instruction.targets + i];
  return reinterpret_cast<const T *>(warp.registers + operand.at);
}

template <class T>
inline T *target_lanes(const Warp &warp, const Instruction &instruction) {
  return reinterpret_cast<T *>(warp.registers + instruction.operands[0].at);
}

/* f(std::bool_constant...) for flags known at run time. */
template <class Function>
inline auto with_flags(Function function) {
  return function();
}

template <class Function, class... Rest>
inline auto with_flags(Function function, bool first, Rest... rest) {
  const auto chosen = [&](auto flag) {
    return with_flags([&](auto... others) { return function(flag, others...); }, rest...);
  };
  return first ? chosen(std::true_type{}) : chosen(std::false_type{});
}

/* .rn, .rz, .rm, .rp; false when none is written. */
bool take_rounding(Decoder &decoder, Rounding *rounding);

inline bool is_half(Type type) {
  return type == Type::f16 || type == Type::bf16 || type == Type::f16x2 || type == Type::bf16x2;
}
inline bool is_pair(Type type) { return type == Type::f16x2 || type == Type::bf16x2; }
inline bool is_brain(Type type) { return type == Type::bf16 || type == Type::bf16x2; }

/* Operands of an instruction all of one type: the target, then `sources` of them. */
void real_operands(Decoder &decoder, Type type, unsigned sources);

/* The class that counters give to arithmetic of a type, and how its undefined bits spread: the
 * halves of a pair are apart. */
InstructionClass real_class(Type type);
Propagate real_undefined(Type type);

/* Any undefined bit of a half makes that half of the result undefined. */
void undefined_halves(Warp &warp, const Instruction &instruction, uint32_t mask);

}  // namespace gpusim

#endif
