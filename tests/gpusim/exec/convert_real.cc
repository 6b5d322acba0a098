/* cvt from, to and between floating-point formats (PTX ISA 9.7.9). */
#include <cmath>
#include <limits>

#include "tests/gpusim/exec/convert.h"
#include "tests/gpusim/exec/undefined.h"

namespace gpusim {
namespace {

inline float native(F16 format, uint16_t bits) { return to_float(format, bits); }
inline float native(BF16 format, uint16_t bits) { return to_float(format, bits); }
inline float native(F32, uint32_t bits) { return bit_cast<float>(bits); }
inline double native(F64, uint64_t bits) { return bit_cast<double>(bits); }

/* tf32 as a target: an f32 with fewer bits. */
struct TF32 : F32 {
  static constexpr uint32_t kLargest = 0x7f7fe000;
};

/* Each rounds to a format: from_single() a float, from_double() a double, from_integer() a
 * magnitude with its sign. */
template <class Format, Rounding kRounding>
struct Rounder {
  using Bits = typename Format::Bits;

  static Bits from_single(float value) {
    if constexpr (std::is_same_v<Format, F32>) return bit_cast<uint32_t>(canonical(value));
    if constexpr (std::is_same_v<Format, F64>) {
      return bit_cast<uint64_t>(static_cast<double>(value));
    }
    if constexpr (std::is_same_v<Format, TF32>) return tf32_from_float<kRounding>(value);
    if constexpr (sizeof(Bits) == 2) return from_float<kRounding>(Format{}, value);
  }

  static Bits from_double(double value) {
    if constexpr (std::is_same_v<Format, F64>) return bit_cast<uint64_t>(value);
    if constexpr (std::is_same_v<Format, F32> && kRounding == Rounding::rn) {
      return bit_cast<uint32_t>(canonical(static_cast<float>(value)));
    }
    const uint64_t bits = bit_cast<uint64_t>(value);
    const uint64_t magnitude = bits & F64::kMagnitude;
    const bool negative = magnitude != bits;
    if (magnitude > F64::kInfinity) return Format::kNan;
    if (magnitude == F64::kInfinity) {
      return static_cast<Bits>((negative ? Format::kSign : Bits{0}) | Format::kInfinity);
    }
    /* Subnormal doubles are far below every format here: their scale needs no care. */
    const uint64_t hidden = F64::kSmallestNormal;
    const uint64_t significand =
        magnitude < hidden ? magnitude : (magnitude & (hidden - 1)) | hidden;
    const int exponent = magnitude < hidden ? 1 : static_cast<int>(magnitude >> 52);
    return round_significand<Format, kRounding>(negative, significand, exponent - 1075);
  }

  template <class T>
  static Bits from_integer(T value) {
    if constexpr (sizeof(T) <= 2) return from_single(static_cast<float>(value));
    if constexpr (std::is_same_v<Format, F64> && sizeof(T) == 4) {
      return bit_cast<uint64_t>(static_cast<double>(value));
    }
    if constexpr (kRounding == Rounding::rn && sizeof(Bits) >= 4) {
      return bit_cast<Bits>(static_cast<typename Format::Native>(value));
    }
    const bool negative = value < T{0};
    const uint64_t wide = static_cast<uint64_t>(value); /* sign-extended */
    return round_significand<Format, kRounding>(negative, negative ? 0 - wide : wide, 0);
  }
};

/* NaN becomes zero, but for 64-bit integers and from f64 it becomes the highest bit alone; what
 * does not fit is clamped. */
template <class Format, class T>
inline T to_integer(double value) {
  constexpr unsigned kBits = 8 * sizeof(T);
  constexpr T kLow = std::numeric_limits<T>::min();
  constexpr T kHigh = std::numeric_limits<T>::max();
  constexpr bool kHighBit = kBits == 64 || std::is_same_v<Format, F64>;
  constexpr T kNanResult = kHighBit ? static_cast<T>(1ull << (kBits - 1)) : T{0};
  const double limit = std::is_signed_v<T> ? std::ldexp(1.0, kBits - 1) : std::ldexp(1.0, kBits);
  const bool low = value <= static_cast<double>(kLow);
  const bool high = value >= limit;
  const double inside = low || high || value != value ? 0.0 : value;
  T result = static_cast<T>(inside);
  result = low ? kLow : result;
  result = high ? kHigh : result;
  return value != value ? kNanResult : result;
}

template <Integral kMode, class T>
inline T round_integral(T value) {
  switch (kMode) {
    case Integral::nearest:
      return std::nearbyint(value);
    case Integral::zero:
      return std::trunc(value);
    case Integral::down:
      return std::floor(value);
    case Integral::up:
      return std::ceil(value);
  }
  return value;
}

/* The operations. Each names the formats (or integers) it goes between. */
template <class T, class Format, Rounding kRounding>
struct FromInteger {
  using From = T;
  using To = typename Format::Bits;
  using TargetFormat = Format;
  static To apply(From value) { return Rounder<Format, kRounding>::from_integer(value); }
};

template <class Format, class T, Integral kMode>
struct ToInteger {
  using From = typename Format::Bits;
  using To = T;
  using SourceFormat = Format;
  static To apply(From bits) {
    return to_integer<Format, T>(
        round_integral<kMode>(static_cast<double>(native(Format{}, bits))));
  }
};

template <class To_, class From_, Rounding kRounding>
struct Between {
  using From = typename From_::Bits;
  using To = typename To_::Bits;
  using SourceFormat = From_;
  using TargetFormat = To_;
  static To apply(From bits) {
    if constexpr (std::is_same_v<From_, F64>) {
      return Rounder<To_, kRounding>::from_double(native(From_{}, bits));
    } else {
      return Rounder<To_, kRounding>::from_single(native(From_{}, bits));
    }
  }
};

template <class Format, Integral kMode>
struct ToIntegral {
  using From = typename Format::Bits;
  using To = From;
  using SourceFormat = Format;
  using TargetFormat = Format;
  static To apply(From bits) {
    const auto rounded = round_integral<kMode>(native(Format{}, bits));
    if constexpr (std::is_same_v<Format, F64>) return bit_cast<uint64_t>(rounded);
    if constexpr (!std::is_same_v<Format, F64>) {
      return Rounder<Format, Rounding::rn>::from_single(rounded);
    }
  }
};

template <class Operation, class = void>
struct Flushes : std::false_type {};
template <class Operation>
struct Flushes<Operation, std::void_t<typename Operation::SourceFormat>>
    : std::is_same<typename Operation::SourceFormat, F32> {};

template <class Operation, class = void>
struct Finishes : std::false_type {};
template <class Operation>
struct Finishes<Operation, std::void_t<typename Operation::TargetFormat>> : std::true_type {};

template <class Operation>
Step run(Warp &warp, const Instruction &instruction, uint32_t mask) {
  using From = typename Operation::From;
  alignas(64) From scratch[kLanes];
  alignas(64) typename Operation::To results[kLanes];
  const Operand &source = instruction.operands[instruction.targets];
  const From *a = fetch_lanes(warp.registers, source, scratch);
  const uint64_t flags = instruction.detail[0];
  if constexpr (Flushes<Operation>::value) {
    if ((flags & kFlushSource) != 0) {
      for (unsigned i = 0; i < kLanes; i++) scratch[i] = flush<F32>(a[i]);
      a = scratch;
    }
  }
  for (unsigned i = 0; i < kLanes; i++) results[i] = Operation::apply(a[i]);
  if constexpr (Finishes<Operation>::value) {
    if (flags != 0) finish_lanes<typename Operation::TargetFormat>(results, flags);
  }
  store_lanes(warp.registers, instruction.operands[0], mask, results);
  return Step::next;
}

template <class Format, Rounding kRounding>
Step run_pair(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const float *high = source_lanes<float>(warp, instruction, 0);
  const float *low = source_lanes<float>(warp, instruction, 1);
  alignas(64) uint16_t highs[kLanes];
  alignas(64) uint16_t lows[kLanes];
  for (unsigned i = 0; i < kLanes; i++) highs[i] = from_float<kRounding>(Format{}, high[i]);
  for (unsigned i = 0; i < kLanes; i++) lows[i] = from_float<kRounding>(Format{}, low[i]);
  if (instruction.detail[0] != 0) {
    finish_lanes<Format>(highs, instruction.detail[0]);
    finish_lanes<Format>(lows, instruction.detail[0]);
  }
  for_elements<1>(target_lanes<uint32_t>(warp, instruction), mask,
                  [&](unsigned i) { return static_cast<uint32_t>(highs[i]) << 16 | lows[i]; });
  return Step::next;
}

/* Each half depends on its source alone. */
void undefined_pair(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *sources = instruction.operands + instruction.targets;
  const uint32_t high = undefined_in(warp, sources[0]);
  const uint32_t low = undefined_in(warp, sources[1]);
  mark<uint32_t>(warp, instruction.operands[0], mask, [=](unsigned i) {
    return ((high >> i) & 1 ? 0xffff0000u : 0u) | ((low >> i) & 1 ? 0xffffu : 0u);
  });
}

template <class Function>
Execute with_integral(Integral mode, Function function) {
  switch (mode) {
    case Integral::nearest:
      return function(std::integral_constant<Integral, Integral::nearest>{});
    case Integral::zero:
      return function(std::integral_constant<Integral, Integral::zero>{});
    case Integral::down:
      return function(std::integral_constant<Integral, Integral::down>{});
    case Integral::up:
      return function(std::integral_constant<Integral, Integral::up>{});
  }
  return nullptr;
}

/* Formats that hold all values of another one need no rounding. */
bool widens(Type to, Type from) {
  if (to == from) return true;
  return to == Type::f64 || (to == Type::f32 && from != Type::f64);
}

/* .tf32 comes from f32 only; .rna is its own rounding. */
Execute to_tf32(Type from, const ConvertModifiers &m) {
  if (from != Type::f32 || !m.rounded) return nullptr;
  if (m.rounding == Rounding::rna) return run<Between<TF32, F32, Rounding::rna>>;
  if (m.rounding == Rounding::rn) return run<Between<TF32, F32, Rounding::rn>>;
  return m.rounding == Rounding::rz ? run<Between<TF32, F32, Rounding::rz>> : nullptr;
}

}  // namespace

Conversion integer_to_real(Type to, Type from, Rounding rounding) {
  return {with_format(to, [&](auto format) {
    return for_integer(from, [&](auto source) {
      return with_rounding(rounding, [](auto constant) -> Execute {
        return run<FromInteger<decltype(source), decltype(format), decltype(constant)::value>>;
      });
    });
  })};
}

Conversion real_to_integer(Type to, Type from, Integral mode) {
  return {with_format(from, [&](auto format) {
    return for_integer(to, [&](auto target) {
      return with_integral(mode, [](auto constant) -> Execute {
        return run<ToInteger<decltype(format), decltype(target), decltype(constant)::value>>;
      });
    });
  })};
}

Conversion real_to_real(Type to, Type from, const ConvertModifiers &m) {
  if (to == Type::tf32) return {to_tf32(from, m)};
  if (m.integral) {
    if (to != from) return {};
    return {with_format(to, [&](auto format) {
      return with_integral(m.to_integral, [](auto constant) -> Execute {
        return run<ToIntegral<decltype(format), decltype(constant)::value>>;
      });
    })};
  }
  if (m.rounded == widens(to, from)) return {};
  return {with_format(to, [&](auto target) {
    return with_format(from, [&](auto source) {
      return with_rounding(m.rounding, [](auto constant) -> Execute {
        return run<Between<decltype(target), decltype(source), decltype(constant)::value>>;
      });
    });
  })};
}

Conversion singles_to_pair(Type to, Rounding rounding) {
  const bool nearest = rounding == Rounding::rn;
  if (!nearest && rounding != Rounding::rz) return {};
  if (to == Type::f16x2) {
    return {nearest ? run_pair<F16, Rounding::rn> : run_pair<F16, Rounding::rz>, undefined_pair};
  }
  return {nearest ? run_pair<BF16, Rounding::rn> : run_pair<BF16, Rounding::rz>, undefined_pair};
}

}  // namespace gpusim
