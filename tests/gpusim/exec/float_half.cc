/* add, sub, mul and fma of f16, bf16 and pairs of them (PTX ISA 9.7.4). */
#include "tests/gpusim/exec/float_arithmetic.h"

namespace gpusim {
namespace {

/* Each gives a float whose rounding to the format is the exact result's. */
struct Add {
  static constexpr unsigned kSources = 2;
  /* f32 has more than twice the bits plus two, so rounding twice is rounding once; sums that are
   * subnormal are exact. */
  template <class Format>
  static float apply(Format, float a, float b, float) {
    return a + b;
  }
};

struct Sub {
  static constexpr unsigned kSources = 2;
  template <class Format>
  static float apply(Format, float a, float b, float) {
    return a - b;
  }
};

struct Mul {
  static constexpr unsigned kSources = 2;
  template <class Format>
  static float apply(Format, float a, float b, float) {
    using Wide = typename Format::Wide;
    return narrow_to_odd(static_cast<Wide>(a) * static_cast<Wide>(b));
  }
};

struct Fma {
  static constexpr unsigned kSources = 3;
  template <class Format>
  static float apply(Format, float a, float b, float c) {
    using Wide = typename Format::Wide;
    return narrow_to_odd(
        fma_to_odd(static_cast<Wide>(a), static_cast<Wide>(b), static_cast<Wide>(c)));
  }
};

template <class Format, bool kFtz>
inline float load(uint16_t bits) {
  return to_float(Format{}, kFtz ? flush<Format>(bits) : bits);
}

template <class Format, bool kFtz, Clamp kClamp>
inline uint16_t finish(float value) {
  const uint16_t rounded = from_float<Rounding::rn>(Format{}, value);
  const uint16_t bits = kFtz ? flush<Format>(rounded) : rounded;
  if (kClamp == Clamp::none) return bits;
  if (kClamp == Clamp::relu) return bits > Format::kSign ? uint16_t{0} : bits & Format::kMagnitude;
  return from_float<Rounding::rn>(Format{}, saturate(to_float(Format{}, bits)));
}

template <class Operation, class Format, unsigned kWidth, bool kFtz, Clamp kClamp>
Step run(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const uint16_t *a = source_lanes<uint16_t>(warp, instruction, 0);
  const uint16_t *b = source_lanes<uint16_t>(warp, instruction, 1);
  const uint16_t *c = source_lanes<uint16_t>(warp, instruction, Operation::kSources - 1);
  for_elements<kWidth>(target_lanes<uint16_t>(warp, instruction), mask, [=](unsigned i) {
    return finish<Format, kFtz, kClamp>(Operation::apply(
        Format{}, load<Format, kFtz>(a[i]), load<Format, kFtz>(b[i]), load<Format, kFtz>(c[i])));
  });
  return Step::next;
}

template <class Operation, class Format, Clamp kClamp>
Execute pick(Type type, bool ftz) {
  return with_flags(
      [](auto pair, auto flushes) -> Execute {
        return run < Operation, Format, decltype(pair)::value ? 2 : 1, decltype(flushes)::value,
               kClamp > ;
      },
      is_pair(type), ftz);
}

/* bf16 knows neither .ftz nor .sat; .relu is fma's alone. */
template <class Operation>
Execute choose(Type type, const ArithmeticModifiers &m) {
  if (m.rounding != Rounding::rn || (m.sat && m.relu)) return nullptr;
  if (is_brain(type)) {
    if (m.ftz || m.sat) return nullptr;
    return m.relu ? pick<Operation, BF16, Clamp::relu>(type, false)
                  : pick<Operation, BF16, Clamp::none>(type, false);
  }
  if (m.relu) return pick<Operation, F16, Clamp::relu>(type, m.ftz);
  return m.sat ? pick<Operation, F16, Clamp::sat>(type, m.ftz)
               : pick<Operation, F16, Clamp::none>(type, m.ftz);
}

}  // namespace

Execute half_arithmetic(Arithmetic operation, Type type, const ArithmeticModifiers &modifiers) {
  switch (operation) {
    case Arithmetic::add:
      return choose<Add>(type, modifiers);
    case Arithmetic::sub:
      return choose<Sub>(type, modifiers);
    case Arithmetic::mul:
      return choose<Mul>(type, modifiers);
    case Arithmetic::fma:
      return choose<Fma>(type, modifiers);
  }
  return nullptr;
}

}  // namespace gpusim
