/* match.sync, redux.sync (PTX ISA 9.7.13). */
#include "tests/gpusim/exec/integer.h"
#include "tests/gpusim/exec/undefined.h"

namespace gpusim {
namespace {

/* The lanes of `group` that hold the value. */
template <class T>
uint32_t holders(const T *values, T value, uint32_t group) {
  uint32_t found = 0;
  for (unsigned lane = 0; lane < kLanes; lane++) {
    found |= static_cast<uint32_t>(values[lane] == value) << lane;
  }
  return found & group;
}

/* Operands: d, a, member mask. */
template <class T>
Step match_any(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *operands = instruction.operands;
  alignas(64) T values[kLanes];
  memcpy(values, lanes<T>(warp, operands[1]), sizeof values);
  for (uint32_t rest = mask; rest != 0;) {
    const uint32_t same = holders(values, values[__builtin_ctz(rest)], mask);
    for_lanes(lanes<uint32_t>(warp, operands[0]), same, [same](unsigned) { return same; });
    rest &= ~same;
  }
  return Step::next;
}

/* Operands: d, p, a, member mask. */
template <class T>
Step match_all(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *operands = instruction.operands;
  const T *values = lanes<T>(warp, operands[2]);
  const bool all = holders(values, values[__builtin_ctz(mask)], mask) == mask;
  for_lanes(lanes<uint32_t>(warp, operands[0]), mask,
            [all, mask](unsigned) { return all ? mask : 0; });
  set_predicate(warp, operands[1], mask, all ? kAllLanes : 0);
  return Step::next;
}

/* One undefined value leaves the results of all lanes open. */
void undefined_group(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const bool open = undefined_sources(warp, instruction, mask) != 0;
  for (unsigned i = 0; i < instruction.targets; i++) {
    mark_whole(warp, instruction.operands[i], mask, open ? kAllLanes : 0);
  }
}

struct Sum {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
  }
};

struct Conjunction {
  template <class T>
  static T apply(T a, T b) {
    return a & b;
  }
};

struct Disjunction {
  template <class T>
  static T apply(T a, T b) {
    return a | b;
  }
};

struct Difference {
  template <class T>
  static T apply(T a, T b) {
    return a ^ b;
  }
};

/* Operands: d, a, member mask. */
template <class T, class Operation>
Step reduce(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const T *values = lanes<T>(warp, instruction.operands[1]);
  T result = values[__builtin_ctz(mask)];
  for (uint32_t rest = mask & (mask - 1); rest != 0; rest &= rest - 1) {
    result = Operation::apply(result, values[__builtin_ctz(rest)]);
  }
  for_lanes(lanes<T>(warp, instruction.operands[0]), mask, [result](unsigned) { return result; });
  return Step::next;
}

template <class Operation>
Execute arithmetic(Type type) {
  if (type == Type::u32) return reduce<uint32_t, Operation>;
  return type == Type::s32 ? reduce<int32_t, Operation> : nullptr;
}

template <class Operation>
Execute logic(Type type) {
  return type == Type::b32 ? reduce<uint32_t, Operation> : nullptr;
}

Execute take_reduction(Decoder &d) {
  const Type type = d.take_type();
  if (d.take("add")) return arithmetic<Sum>(type);
  if (d.take("min")) return arithmetic<Minimum>(type);
  if (d.take("max")) return arithmetic<Maximum>(type);
  if (d.take("and")) return logic<Conjunction>(type);
  if (d.take("or")) return logic<Disjunction>(type);
  return d.take("xor") ? logic<Difference>(type) : nullptr;
}

}  // namespace

void decode_match(Decoder &d) {
  if (!d.take("sync")) return d.fail("match needs .sync");
  const bool all = d.take("all");
  if (!all && !d.take("any")) return d.fail("match needs .all or .any");
  const Type type = d.take_type();
  if (!one_of(type, {Type::b32, Type::b64})) return;
  if (all) {
    d.write_with_predicate(0, 4);
  } else {
    d.write(0, 4);
  }
  d.read(1, type);
  d.read(2, Type::b32);
  d.members(2);
  with_unsigned(type, [&d, all](auto zero) {
    using T = decltype(zero);
    d.use(all ? match_all<T> : match_any<T>, undefined_group, InstructionClass::shuffle);
  });
}

void decode_redux(Decoder &d) {
  if (!d.take("sync")) return d.fail("redux needs .sync");
  const Execute execute = take_reduction(d);
  d.write(0, 4);
  d.read(1, Type::b32);
  d.read(2, Type::b32);
  d.members(2);
  d.use(execute, undefined_group, InstructionClass::shuffle);
}

}  // namespace gpusim
