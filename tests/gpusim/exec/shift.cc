/* shl, shr, shf (PTX ISA 9.7.8): amounts beyond the width clamp. */
#include "tests/gpusim/exec/integer.h"
#include "tests/gpusim/exec/undefined.h"

namespace gpusim {
namespace {

template <class T>
constexpr uint32_t kBits = 8 * sizeof(T);

struct Left {
  template <class T>
  static T apply(T a, uint32_t amount) {
    const T shifted = static_cast<T>(a << (amount & (kBits<T> - 1)));
    return amount < kBits<T> ? shifted : static_cast<T>(0);
  }
};

/* T signed: filled with the sign. */
struct Right {
  template <class T>
  static T apply(T a, uint32_t amount) {
    if (std::is_signed_v<T>) {
      return static_cast<T>(a >> (amount < kBits<T> ? amount : kBits<T> - 1));
    }
    const T shifted = static_cast<T>(a >> (amount & (kBits<T> - 1)));
    return amount < kBits<T> ? shifted : static_cast<T>(0);
  }
};

template <class T, class Operation>
Step shift(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const T *a = lanes<T>(warp, instruction.operands[1]);
  const uint32_t *amount = lanes<uint32_t>(warp, instruction.operands[2]);
  for_lanes(lanes<T>(warp, instruction.operands[0]), mask,
            [=](unsigned lane) { return Operation::apply(a[lane], amount[lane]); });
  return Step::next;
}

/* Undefined bits move as the bits do; an undefined sign fills. */
template <class T, class Operation>
void undefined_shift(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const T *a = undefined_lanes<T>(warp, instruction.operands[1]);
  const uint32_t *amount = lanes<uint32_t>(warp, instruction.operands[2]);
  const uint32_t whole = undefined_in(warp, instruction.operands[2]);
  mark<T>(warp, instruction.operands[0], mask, [=](unsigned lane) {
    const T moved = Operation::apply(a[lane], amount[lane]);
    return (whole >> lane & 1) != 0 ? static_cast<T>(~T{0}) : moved;
  });
}

/* 32 bits of b:a. */
template <bool kLeft, bool kClamp>
struct Funnel {
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
    const uint64_t both = uint64_t{b} << 32 | a;
    const uint32_t amount = kClamp ? (c < 32 ? c : 32) : c & 31;
    return static_cast<uint32_t>(kLeft ? both << amount >> 32 : both >> amount);
  }
};

template <class Operation>
void undefined_funnel(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *operands = instruction.operands;
  const uint32_t *a = undefined_lanes<uint32_t>(warp, operands[1]);
  const uint32_t *b = undefined_lanes<uint32_t>(warp, operands[2]);
  const uint32_t *amount = lanes<uint32_t>(warp, operands[3]);
  const uint32_t whole = undefined_in(warp, operands[3]);
  mark<uint32_t>(warp, operands[0], mask, [=](unsigned lane) {
    const uint32_t moved = Operation::apply(a[lane], b[lane], amount[lane]);
    return (whole >> lane & 1) != 0 ? kAllLanes : moved;
  });
}

template <bool kLeft, bool kClamp>
void use_funnel(Decoder &d) {
  using Operation = Funnel<kLeft, kClamp>;
  d.use(ternary<uint32_t, uint32_t, Operation>, undefined_funnel<Operation>,
        InstructionClass::integer);
}

template <class T, class Operation>
void use_shift(Decoder &d) {
  d.use(shift<T, Operation>, undefined_shift<T, Operation>, InstructionClass::integer);
}

}  // namespace

void decode_shl(Decoder &d) {
  const Type type = d.take_type();
  if (!one_of(type, {Type::b16, Type::b32, Type::b64})) return;
  d.write(0, type_bytes(type));
  d.read(1, type);
  d.read(2, Type::u32);
  with_unsigned(type, [&d](auto zero) { use_shift<decltype(zero), Left>(d); });
}

void decode_shr(Decoder &d) {
  const Type type = d.take_type();
  if (!one_of(type, {Type::b16, Type::b32, Type::b64, Type::u16, Type::u32, Type::u64, Type::s16,
                     Type::s32, Type::s64})) {
    return;
  }
  d.write(0, type_bytes(type));
  d.read(1, type);
  d.read(2, Type::u32);
  with_integer(type, [&d](auto zero) { use_shift<decltype(zero), Right>(d); });
}

void decode_shf(Decoder &d) {
  const bool left = d.take("l");
  if (!left && !d.take("r")) return d.fail("shf needs .l or .r");
  const bool clamp = d.take("clamp");
  if (!clamp && !d.take("wrap")) return d.fail("shf needs .clamp or .wrap");
  if (d.take_type() != Type::b32) return;
  take_binary(d, Type::b32);
  d.read(3, Type::u32);
  if (left) return clamp ? use_funnel<true, true>(d) : use_funnel<true, false>(d);
  clamp ? use_funnel<false, true>(d) : use_funnel<false, false>(d);
}

}  // namespace gpusim
