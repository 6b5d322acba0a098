/* What works on the bit patterns: abs, neg, copysign, min, max, testp (PTX ISA 9.7.3, 9.7.4). */
#include "tests/gpusim/exec/float_lanes.h"

namespace gpusim {
namespace {

/* Calls function(Format, width) for a type; null for no floating-point type. */
template <class Function>
Execute for_format(Type type, Function function) {
  switch (type) {
    case Type::f16:
      return function(F16{}, std::integral_constant<unsigned, 1>{});
    case Type::f16x2:
      return function(F16{}, std::integral_constant<unsigned, 2>{});
    case Type::bf16:
      return function(BF16{}, std::integral_constant<unsigned, 1>{});
    case Type::bf16x2:
      return function(BF16{}, std::integral_constant<unsigned, 2>{});
    case Type::f32:
      return function(F32{}, std::integral_constant<unsigned, 1>{});
    case Type::f64:
      return function(F64{}, std::integral_constant<unsigned, 1>{});
    default:
      return nullptr;
  }
}

template <class Format, unsigned kWidth, bool kNegate, bool kFtz>
Step run_sign(Warp &warp, const Instruction &instruction, uint32_t mask) {
  using Bits = typename Format::Bits;
  const Bits *a = source_lanes<Bits>(warp, instruction, 0);
  for_elements<kWidth>(target_lanes<Bits>(warp, instruction), mask, [=](unsigned i) {
    const Bits bits = kFtz ? flush<Format>(a[i]) : a[i];
    return static_cast<Bits>(kNegate ? bits ^ Format::kSign : bits & Format::kMagnitude);
  });
  return Step::next;
}

template <bool kNegate>
void decode_sign(Decoder &d) {
  const bool ftz = d.take("ftz");
  const Type type = d.take_type();
  if (ftz && (type == Type::f64 || is_brain(type))) return;
  const Execute execute = for_format(type, [ftz](auto format, auto width) -> Execute {
    using Format = decltype(format);
    constexpr unsigned kWidth = decltype(width)::value;
    return ftz ? run_sign<Format, kWidth, kNegate, true> : run_sign<Format, kWidth, kNegate, false>;
  });
  if (execute == nullptr) return;
  real_operands(d, type, 1);
  d.use(execute, real_undefined(type), real_class(type));
}

/* Orders all numbers, -0 below +0. */
template <class Format>
inline auto order(typename Format::Bits bits) {
  using Bits = typename Format::Bits;
  using Signed = std::make_signed_t<Bits>;
  const Bits flip = (bits & Format::kSign) != 0 ? Format::kMagnitude : Bits{0};
  return static_cast<Signed>(bits ^ flip);
}

template <class Format, bool kMax, bool kNan>
inline typename Format::Bits extreme(typename Format::Bits a, typename Format::Bits b) {
  const bool a_nan = is_nan<Format>(a);
  const bool b_nan = is_nan<Format>(b);
  const bool first = (order<Format>(a) < order<Format>(b)) != kMax;
  typename Format::Bits result = first ? a : b;
  result = a_nan ? b : result;
  result = b_nan ? a : result;
  return (kNan ? a_nan || b_nan : a_nan && b_nan) ? Format::kNan : result;
}

template <class Format, unsigned kWidth, bool kMax, bool kNan, bool kXorSign, bool kFtz>
Step run_extreme(Warp &warp, const Instruction &instruction, uint32_t mask) {
  using Bits = typename Format::Bits;
  const Bits *a = source_lanes<Bits>(warp, instruction, 0);
  const Bits *b = source_lanes<Bits>(warp, instruction, 1);
  for_elements<kWidth>(target_lanes<Bits>(warp, instruction), mask, [=](unsigned i) {
    const Bits x = kFtz ? flush<Format>(a[i]) : a[i];
    const Bits y = kFtz ? flush<Format>(b[i]) : b[i];
    if (!kXorSign) return extreme<Format, kMax, kNan>(x, y);
    const Bits result = extreme<Format, kMax, kNan>(x & Format::kMagnitude, y & Format::kMagnitude);
    const Bits sign = (x ^ y) & Format::kSign;
    return static_cast<Bits>(is_nan<Format>(result) ? result : result | sign);
  });
  return Step::next;
}

template <bool kMax>
void decode_extreme(Decoder &d) {
  const bool ftz = d.take("ftz");
  const bool nan = d.take("NaN");
  const bool xorsign = d.take("xorsign");
  if (xorsign != d.take("abs")) return;
  const Type type = d.take_type();
  if (type == Type::f64 && (ftz || nan || xorsign)) return;
  if (is_brain(type) && ftz) return;
  const Execute execute = for_format(type, [=](auto format, auto width) {
    using Format = decltype(format);
    constexpr unsigned kWidth = decltype(width)::value;
    return with_flags(
        [](auto keep, auto sign, auto flushes) -> Execute {
          return run_extreme<Format, kWidth, kMax, decltype(keep)::value, decltype(sign)::value,
                             decltype(flushes)::value>;
        },
        nan, xorsign, ftz);
  });
  if (execute == nullptr || d.operand_count() != 3) return;
  real_operands(d, type, 2);
  d.use(execute, real_undefined(type), real_class(type));
}

template <class Format>
Step run_copysign(Warp &warp, const Instruction &instruction, uint32_t mask) {
  using Bits = typename Format::Bits;
  const Bits *a = source_lanes<Bits>(warp, instruction, 0);
  const Bits *b = source_lanes<Bits>(warp, instruction, 1);
  for_elements<1>(target_lanes<Bits>(warp, instruction), mask,
                  [=](unsigned i) { return (b[i] & Format::kMagnitude) | (a[i] & Format::kSign); });
  return Step::next;
}

/* Classes of numbers, as testp names them. */
enum class Kind : uint8_t { finite, infinite, number, notanumber, normal, subnormal };

template <class Format, Kind kKind>
inline bool is_kind(typename Format::Bits bits) {
  const typename Format::Bits magnitude = bits & Format::kMagnitude;
  switch (kKind) {
    case Kind::finite:
      return magnitude < Format::kInfinity;
    case Kind::infinite:
      return magnitude == Format::kInfinity;
    case Kind::number:
      return magnitude <= Format::kInfinity;
    case Kind::notanumber:
      return magnitude > Format::kInfinity;
    case Kind::normal: /* zeros too */
      return magnitude == 0 ||
             (magnitude >= Format::kSmallestNormal && magnitude < Format::kInfinity);
    case Kind::subnormal:
      return magnitude != 0 && magnitude < Format::kSmallestNormal;
  }
  return false;
}

template <class Format, Kind kKind>
Step run_testp(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const auto *a = source_lanes<typename Format::Bits>(warp, instruction, 0);
  uint32_t result = 0;
  for (unsigned i = 0; i < kLanes; i++) result |= is_kind<Format, kKind>(a[i]) ? 1u << i : 0;
  set_predicate(warp, instruction.operands[0], mask, result);
  return Step::next;
}

template <class Format>
Execute choose_testp(Decoder &d) {
  if (d.take("finite")) return run_testp<Format, Kind::finite>;
  if (d.take("infinite")) return run_testp<Format, Kind::infinite>;
  if (d.take("number")) return run_testp<Format, Kind::number>;
  if (d.take("notanumber")) return run_testp<Format, Kind::notanumber>;
  if (d.take("normal")) return run_testp<Format, Kind::normal>;
  return d.take("subnormal") ? run_testp<Format, Kind::subnormal> : nullptr;
}

}  // namespace

void decode_abs_real(Decoder &d) { decode_sign<false>(d); }
void decode_neg_real(Decoder &d) { decode_sign<true>(d); }
void decode_min_real(Decoder &d) { decode_extreme<false>(d); }
void decode_max_real(Decoder &d) { decode_extreme<true>(d); }

void decode_copysign(Decoder &d) {
  const Type type = d.take_type();
  if (type != Type::f32 && type != Type::f64) return;
  real_operands(d, type, 2);
  d.use(type == Type::f32 ? run_copysign<F32> : run_copysign<F64>, undefined_any, real_class(type));
}

void decode_testp(Decoder &d) {
  const Type type = d.take_type();
  if (type != Type::f32 && type != Type::f64) return;
  const Execute execute = type == Type::f32 ? choose_testp<F32>(d) : choose_testp<F64>(d);
  if (execute == nullptr) return;
  d.write_predicate(0);
  d.read(1, type);
  d.use(execute, undefined_any, InstructionClass::compare);
}

}  // namespace gpusim
