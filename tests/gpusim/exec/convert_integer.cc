/* cvt between integers, and cvt.pack (PTX ISA 9.7.9). */
#include <limits>

#include "tests/gpusim/exec/convert.h"
#include "tests/gpusim/exec/undefined.h"

namespace gpusim {
namespace {

template <class To, class From>
inline To clamp_to(From value) {
  constexpr To kLow = std::numeric_limits<To>::min();
  constexpr To kHigh = std::numeric_limits<To>::max();
  const bool negative = value < From{0};
  if (negative) {
    if (std::is_unsigned_v<To>) return kLow;
    return static_cast<int64_t>(value) < static_cast<int64_t>(kLow) ? kLow : static_cast<To>(value);
  }
  return static_cast<uint64_t>(value) > static_cast<uint64_t>(kHigh) ? kHigh
                                                                     : static_cast<To>(value);
}

template <class To, class From, bool kSat>
void convert(uint8_t *file, const Instruction &instruction, uint32_t mask) {
  alignas(64) From scratch[kLanes];
  alignas(64) To results[kLanes];
  const From *a = fetch_lanes(file, instruction.operands[instruction.targets], scratch);
  for (unsigned i = 0; i < kLanes; i++) {
    results[i] = kSat ? clamp_to<To>(a[i]) : static_cast<To>(a[i]);
  }
  store_lanes(file, instruction.operands[0], mask, results);
}

template <class To, class From, bool kSat>
Step run(Warp &warp, const Instruction &instruction, uint32_t mask) {
  convert<To, From, kSat>(warp.registers, instruction, mask);
  return Step::next;
}

/* Undefined bits are truncated and extended as the bits themselves. */
template <class To, class From>
void move_undefined(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand &target = instruction.operands[0];
  if (undefined_in(warp, instruction.operands[instruction.targets]) == 0) {
    return mark_defined(warp, target, mask);
  }
  /* A clean register's shadow is stale: all lanes become zeros before some are set. */
  if (warp.dirty[target.index] == 0) {
    warp.dirty[target.index] = 1;
    mark_defined(warp, target, kAllLanes);
  }
  convert<To, From, false>(warp.shadow, instruction, mask);
  warp.dirty[target.index] = 1;
  warp.dirty[target.index] = undefined_in(warp, target) != 0;
}

template <class To, class From>
Conversion choose(bool sat) {
  if (sat) return {run<To, From, true>, undefined_any};
  return {run<To, From, false>, move_undefined<To, From>};
}

template <unsigned kBits, bool kSigned>
Step run_pack(Warp &warp, const Instruction &instruction, uint32_t mask) {
  constexpr int32_t kLow = kSigned ? -(1 << (kBits - 1)) : 0;
  constexpr int32_t kHigh = (1 << (kSigned ? kBits - 1 : kBits)) - 1;
  constexpr uint32_t kField = (1u << kBits) - 1;
  const int32_t *a = source_lanes<int32_t>(warp, instruction, 0);
  const int32_t *b = source_lanes<int32_t>(warp, instruction, 1);
  const auto clamp = [](int32_t value) {
    const int32_t clamped = value < kLow ? kLow : (value > kHigh ? kHigh : value);
    return static_cast<uint32_t>(clamped) & kField;
  };
  /* Narrow fields push the third operand up; two 16-bit ones leave it no room. */
  const uint32_t *c = kBits < 16 ? source_lanes<uint32_t>(warp, instruction, 2) : nullptr;
  for_elements<1>(target_lanes<uint32_t>(warp, instruction), mask, [=](unsigned i) {
    const uint32_t low = clamp(a[i]) << kBits | clamp(b[i]);
    if constexpr (kBits < 16) return c[i] << (2 * kBits) | low;
    return low;
  });
  return Step::next;
}

Execute take_pack_type(Decoder &d, bool *narrow) {
  *narrow = true;
  if (d.take("u2")) return run_pack<2, false>;
  if (d.take("s2")) return run_pack<2, true>;
  if (d.take("u4")) return run_pack<4, false>;
  if (d.take("s4")) return run_pack<4, true>;
  const Type type = d.take_type();
  if (type == Type::u8) return run_pack<8, false>;
  if (type == Type::s8) return run_pack<8, true>;
  *narrow = false;
  if (type == Type::u16) return run_pack<16, false>;
  return type == Type::s16 ? run_pack<16, true> : nullptr;
}

}  // namespace

Conversion integer_to_integer(Type to, Type from, bool sat) {
  Conversion found;
  for_integer(to, [&](auto target) {
    return for_integer(from, [&](auto source) {
      found = choose<decltype(target), decltype(source)>(sat);
      return found.execute;
    });
  });
  return found;
}

void decode_pack(Decoder &d) {
  bool narrow = false;
  const bool sat = d.take("sat");
  const Execute execute = take_pack_type(d, &narrow);
  if (!sat || execute == nullptr || d.take_type() != Type::s32) return;
  d.write(0, 4);
  d.read(1, Type::s32);
  d.read(2, Type::s32);
  if (narrow) {
    if (d.take_type() != Type::b32) return;
    d.read(3, Type::b32);
  }
  d.use(execute, undefined_any, InstructionClass::convert);
}

}  // namespace gpusim
