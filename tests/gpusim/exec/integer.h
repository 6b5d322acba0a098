/* What executors of integer instructions share: loops over lanes for operations given as types, and
 * the choice of a C++ type for a PTX type.
 *
 *   struct Add {
 *     template <class T> static T apply(T a, T b) { return a + b; }
 *   };
 *   with_unsigned(type, [&](auto zero) { d.use(binary<decltype(zero), Add>, ...); });
 */
#ifndef GPUSIM_EXEC_INTEGER_H
#define GPUSIM_EXEC_INTEGER_H

#include <initializer_list>
#include <type_traits>

#include "tests/gpusim/exec/decoder.h"
#include "tests/gpusim/exec/lanes.h"

namespace gpusim {

inline bool one_of(Type type, std::initializer_list<Type> types) {
  for (const Type other : types) {
    if (type == other) return true;
  }
  return false;
}

inline bool is_signed(Type type) { return type_kind(type) == TypeKind::signed_integer; }

/* Calls use(T()) with the unsigned integer of the type's size: 16, 32 or 64 bits. */
template <class Use>
void with_unsigned(Type type, Use use) {
  switch (type_bytes(type)) {
    case 2:
      return use(uint16_t{});
    case 4:
      return use(uint32_t{});
    case 8:
      return use(uint64_t{});
    default:
      return;
  }
}

/* The signed integer for s16, s32 and s64. */
template <class Use>
void with_integer(Type type, Use use) {
  if (!is_signed(type)) return with_unsigned(type, use);
  with_unsigned(type, [use](auto zero) { use(std::make_signed_t<decltype(zero)>{}); });
}

struct Minimum {
  template <class T>
  static T apply(T a, T b) {
    return b < a ? b : a;
  }
};

struct Maximum {
  template <class T>
  static T apply(T a, T b) {
    return a < b ? b : a;
  }
};

template <class T, class Operation>
Step unary(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const T *a = lanes<T>(warp, instruction.operands[1]);
  using Result = decltype(Operation::apply(T{}));
  for_lanes(lanes<Result>(warp, instruction.operands[0]), mask,
            [a](unsigned lane) { return Operation::apply(a[lane]); });
  return Step::next;
}

template <class T, class Operation>
Step binary(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const T *a = lanes<T>(warp, instruction.operands[1]);
  const T *b = lanes<T>(warp, instruction.operands[2]);
  using Result = decltype(Operation::apply(T{}, T{}));
  for_lanes(lanes<Result>(warp, instruction.operands[0]), mask,
            [a, b](unsigned lane) { return Operation::apply(a[lane], b[lane]); });
  return Step::next;
}

/* The third source may have another type. */
template <class T, class C, class Operation>
Step ternary(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const T *a = lanes<T>(warp, instruction.operands[1]);
  const T *b = lanes<T>(warp, instruction.operands[2]);
  const C *c = lanes<C>(warp, instruction.operands[3]);
  using Result = decltype(Operation::apply(T{}, T{}, C{}));
  for_lanes(lanes<Result>(warp, instruction.operands[0]), mask,
            [a, b, c](unsigned lane) { return Operation::apply(a[lane], b[lane], c[lane]); });
  return Step::next;
}

/* Operands d, a, b of one type. */
inline void take_binary(Decoder &d, Type type) {
  d.write(0, type_bytes(type));
  d.read(1, type);
  d.read(2, type);
}

inline void use_integer(Decoder &d, Execute execute) {
  d.use(execute, undefined_any, InstructionClass::integer);
}

}  // namespace gpusim

#endif
