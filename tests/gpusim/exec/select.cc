/* selp and slct (PTX ISA 9.7.7): the chosen operand's undefined bits move with it. */
#include "tests/gpusim/exec/float_lanes.h"
#include "tests/gpusim/exec/undefined.h"

namespace gpusim {
namespace {

const Operand &selector(const Instruction &instruction) {
  return instruction.operands[instruction.targets + 2];
}

/* Each gives the lanes that take the first operand. */
struct ByPredicate {
  static uint32_t first(const Warp &warp, const Instruction &instruction) {
    return predicate(warp, selector(instruction));
  }
};

template <class T, bool kFtz>
struct ByValue {
  static uint32_t first(const Warp &warp, const Instruction &instruction) {
    const T *c = source_lanes<T>(warp, instruction, 2);
    uint32_t result = 0;
    for (unsigned lane = 0; lane < kLanes; lane++) {
      result |= at_least_zero(c[lane]) ? 1u << lane : 0;
    }
    return result;
  }

 private:
  static bool at_least_zero(T value) {
    if constexpr (kFtz) return flush(value) >= T(0);
    return value >= T(0);
  }
};

template <class T, class Selector>
Step run(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const uint32_t first = Selector::first(warp, instruction);
  const T *a = source_lanes<T>(warp, instruction, 0);
  const T *b = source_lanes<T>(warp, instruction, 1);
  for_elements<1>(target_lanes<T>(warp, instruction), mask,
                  [=](unsigned i) { return (first >> i) & 1 ? a[i] : b[i]; });
  return Step::next;
}

/* With an undefined selector, bits on which both operands agree stay defined. */
template <class T, class Selector>
void propagate(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const uint32_t first = Selector::first(warp, instruction);
  const uint32_t unknown = undefined_in(warp, selector(instruction));
  const Operand *sources = instruction.operands + instruction.targets;
  const T *a = source_lanes<T>(warp, instruction, 0);
  const T *b = source_lanes<T>(warp, instruction, 1);
  const T *a_undefined = undefined_lanes<T>(warp, sources[0]);
  const T *b_undefined = undefined_lanes<T>(warp, sources[1]);
  /* Not in place: the target may be a source. */
  alignas(64) T undefined[kLanes];
  for (unsigned i = 0; i < kLanes; i++) {
    const T chosen = (first >> i) & 1 ? a_undefined[i] : b_undefined[i];
    const T either = static_cast<T>((a[i] ^ b[i]) | a_undefined[i] | b_undefined[i]);
    undefined[i] = (unknown >> i) & 1 ? either : chosen;
  }
  mark<T>(warp, instruction.operands[0], mask, [&](unsigned i) { return undefined[i]; });
}

template <class Selector>
void finish(Decoder &d, Type type) {
  switch (type_kind(type)) {
    case TypeKind::bits:
    case TypeKind::unsigned_integer:
    case TypeKind::signed_integer:
      break;
    default:
      if (type != Type::f32 && type != Type::f64) return;
  }
  d.write(0, type_bytes(type));
  d.read(1, type);
  d.read(2, type);
  constexpr InstructionClass kClass = InstructionClass::compare;
  switch (type_bytes(type)) {
    case 2:
      return d.use(run<uint16_t, Selector>, propagate<uint16_t, Selector>, kClass);
    case 4:
      return d.use(run<uint32_t, Selector>, propagate<uint32_t, Selector>, kClass);
    case 8:
      return d.use(run<uint64_t, Selector>, propagate<uint64_t, Selector>, kClass);
    default:
      return;
  }
}

}  // namespace

void decode_selp(Decoder &d) {
  finish<ByPredicate>(d, d.take_type());
  d.read_predicate(3);
}

void decode_slct(Decoder &d) {
  const bool ftz = d.take("ftz");
  const Type type = d.take_type();
  const Type by = d.take_type();
  if (by == Type::s32 && !ftz) {
    finish<ByValue<int32_t, false>>(d, type);
  } else if (by == Type::f32) {
    ftz ? finish<ByValue<float, true>>(d, type) : finish<ByValue<float, false>>(d, type);
  } else {
    return;
  }
  d.read(3, by);
}

}  // namespace gpusim
