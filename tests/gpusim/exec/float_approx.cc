/* Approximate functions (PTX ISA 9.7.3 and 9.7.4). Where the ISA bounds an error, the results here
 * are the rounded exact ones; where it says what happens outside a range, that happens. */
#include "tests/gpusim/exec/float_approx.h"

#include <cmath>

#include "tests/gpusim/exec/elementary.h"
#include "tests/gpusim/exec/float_lanes.h"

namespace gpusim {
namespace {

struct Reciprocal {
  static float apply(float x) { return 1.0f / x; }
};

struct Sqrt {
  static float apply(float x) { return std::sqrt(x); }
};

struct ReciprocalSqrt {
  static float apply(float x) {
    return static_cast<float>(1.0 / std::sqrt(static_cast<double>(x)));
  }
};

struct Lg2 {
  static float apply(float x) { return static_cast<float>(log2_of(static_cast<double>(x))); }
};

struct Ex2 {
  static float apply(float x) { return static_cast<float>(exp2_of(static_cast<double>(x))); }
};

struct Tanh {
  static float apply(float x) { return static_cast<float>(tanh_of(static_cast<double>(x))); }
};

template <bool kFtz>
inline float flush_if(float x) {
  return kFtz ? flush(x) : x;
}

template <class Operation, bool kFtz>
Step run_single(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const float *a = source_lanes<float>(warp, instruction, 0);
  for_elements<1>(target_lanes<float>(warp, instruction), mask, [=](unsigned i) {
    return flush_if<kFtz>(canonical(Operation::apply(flush_if<kFtz>(a[i]))));
  });
  return Step::next;
}

template <class Operation, class Format, unsigned kWidth, bool kFtz>
Step run_half(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const uint16_t *a = source_lanes<uint16_t>(warp, instruction, 0);
  for_elements<kWidth>(target_lanes<uint16_t>(warp, instruction), mask, [=](unsigned i) {
    const uint16_t bits = kFtz ? flush<Format>(a[i]) : a[i];
    const float result = Operation::apply(to_float(Format{}, bits));
    const uint16_t rounded = from_float<Rounding::rn>(Format{}, result);
    return kFtz ? flush<Format>(rounded) : rounded;
  });
  return Step::next;
}

/* Angles beyond the vectorised range are rare: libm takes them one by one. */
template <int32_t kQuarter, bool kFtz>
Step run_sine(Warp &warp, const Instruction &instruction, uint32_t mask) {
  alignas(64) double angles[kLanes];
  const float *a = source_lanes<float>(warp, instruction, 0);
  for (unsigned i = 0; i < kLanes; i++) angles[i] = static_cast<double>(flush_if<kFtz>(a[i]));
  uint32_t large = 0;
  for (unsigned i = 0; i < kLanes; i++) {
    large |= std::fabs(angles[i]) <= kLargestAngle ? 0 : 1u << i; /* infinite and NaN too */
  }
  alignas(64) float results[kLanes];
  for (unsigned i = 0; i < kLanes; i++) {
    const double angle = std::fabs(angles[i]) <= kLargestAngle ? angles[i] : 0.0;
    results[i] = static_cast<float>(sin_of(angle, kQuarter));
  }
  for (uint32_t rest = large & mask; rest != 0; rest &= rest - 1) {
    const unsigned i = static_cast<unsigned>(__builtin_ctz(rest));
    results[i] = static_cast<float>(kQuarter == 0 ? std::sin(angles[i]) : std::cos(angles[i]));
  }
  for_elements<1>(target_lanes<float>(warp, instruction), mask,
                  [&](unsigned i) { return flush_if<kFtz>(canonical(results[i])); });
  return Step::next;
}

/* Above 2^126 div.approx multiplies by a reciprocal that is zero: infinity gives NaN, others 0. */
template <bool kFull, bool kFtz>
Step run_div(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const float *a = source_lanes<float>(warp, instruction, 0);
  const float *b = source_lanes<float>(warp, instruction, 1);
  for_elements<1>(target_lanes<float>(warp, instruction), mask, [=](unsigned i) {
    const float x = flush_if<kFtz>(a[i]);
    const float y = flush_if<kFtz>(b[i]);
    const bool far = !kFull && std::fabs(y) > 0x1p126f;
    const float result = far ? x * std::copysign(0.0f, y) : x / y;
    return flush_if<kFtz>(canonical(y == y ? result : y));
  });
  return Step::next;
}

/* 1/x and 1/sqrt(x) of doubles whose low words count as zero, and are zero in the result. */
template <bool kRoot>
Step run_high_word(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const uint64_t *a = source_lanes<uint64_t>(warp, instruction, 0);
  for_elements<1>(target_lanes<uint64_t>(warp, instruction), mask, [=](unsigned i) {
    constexpr uint64_t kHigh = 0xffffffff00000000ull;
    const bool nan = is_nan<F64>(a[i]);
    const double x = bit_cast<double>(flush<F64>(a[i] & kHigh));
    const uint64_t result = bit_cast<uint64_t>(1.0 / (kRoot ? std::sqrt(x) : x));
    const bool finite = (result & F64::kInfinity) != F64::kInfinity;
    const uint64_t rounded = flush<F64>(((finite ? result + 0x80000000u : result)) & kHigh);
    return nan || is_nan<F64>(result) ? F64::kNan : rounded;
  });
  return Step::next;
}

Step run_rsqrt_double(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const double *a = source_lanes<double>(warp, instruction, 0);
  for_elements<1>(target_lanes<double>(warp, instruction), mask,
                  [=](unsigned i) { return 1.0 / std::sqrt(a[i]); });
  return Step::next;
}

template <class Operation>
Execute single(Type type, bool ftz) {
  if (type != Type::f32) return nullptr;
  return ftz ? run_single<Operation, true> : run_single<Operation, false>;
}

/* bf16's ex2 is written with .ftz, the others without. */
template <class Operation, bool kBrainFtz>
Execute any(Type type, bool ftz) {
  if (!is_half(type)) return single<Operation>(type, ftz);
  if (ftz != (kBrainFtz && is_brain(type))) return nullptr;
  if (type == Type::f16) return run_half<Operation, F16, 1, false>;
  if (type == Type::f16x2) return run_half<Operation, F16, 2, false>;
  return type == Type::bf16 ? run_half<Operation, BF16, 1, kBrainFtz>
                            : run_half<Operation, BF16, 2, kBrainFtz>;
}

Execute divide(bool full, Type type, bool ftz) {
  if (type != Type::f32) return nullptr;
  return with_flags(
      [](auto is_full, auto flushes) -> Execute {
        return run_div<decltype(is_full)::value, decltype(flushes)::value>;
      },
      full, ftz);
}

template <int32_t kQuarter>
Execute sine(Type type, bool ftz) {
  if (type != Type::f32) return nullptr;
  return ftz ? run_sine<kQuarter, true> : run_sine<kQuarter, false>;
}

Execute reciprocal(Type type, bool ftz) {
  if (type == Type::f64) return ftz ? run_high_word<false> : nullptr;
  return single<Reciprocal>(type, ftz);
}

Execute reciprocal_root(Type type, bool ftz) {
  if (type == Type::f64) return ftz ? run_high_word<true> : run_rsqrt_double;
  return single<ReciprocalSqrt>(type, ftz);
}

Execute choose(Approximation approximation, Type type, bool ftz) {
  switch (approximation) {
    case Approximation::div:
      return divide(false, type, ftz);
    case Approximation::div_full:
      return divide(true, type, ftz);
    case Approximation::rcp:
      return reciprocal(type, ftz);
    case Approximation::rsqrt:
      return reciprocal_root(type, ftz);
    case Approximation::sqrt:
      return single<Sqrt>(type, ftz);
    case Approximation::sin:
      return sine<0>(type, ftz);
    case Approximation::cos:
      return sine<1>(type, ftz);
    case Approximation::lg2:
      return single<Lg2>(type, ftz);
    case Approximation::ex2:
      return any<Ex2, true>(type, ftz);
    case Approximation::tanh:
      return ftz ? nullptr : any<Tanh, false>(type, false);
  }
  return nullptr;
}

}  // namespace

void decode_approximation(Decoder &d, Approximation approximation, bool ftz) {
  const bool full = approximation == Approximation::div_full;
  if (!full && !d.take("approx")) return;
  const Type type = d.take_type();
  const Execute execute = choose(approximation, type, ftz);
  if (execute == nullptr) return;
  const bool binary = full || approximation == Approximation::div;
  real_operands(d, type, binary ? 2 : 1);
  d.use(execute, real_undefined(type), InstructionClass::special_function);
}

void decode_cos(Decoder &d) { decode_approximation(d, Approximation::cos, d.take("ftz")); }
void decode_ex2(Decoder &d) { decode_approximation(d, Approximation::ex2, d.take("ftz")); }
void decode_lg2(Decoder &d) { decode_approximation(d, Approximation::lg2, d.take("ftz")); }
void decode_rsqrt(Decoder &d) { decode_approximation(d, Approximation::rsqrt, d.take("ftz")); }
void decode_sin(Decoder &d) { decode_approximation(d, Approximation::sin, d.take("ftz")); }
void decode_tanh(Decoder &d) { decode_approximation(d, Approximation::tanh, false); }

}  // namespace gpusim
