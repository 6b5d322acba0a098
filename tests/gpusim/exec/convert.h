/* The frame of cvt: lanes are fetched from a register that may be wider than the type, converted,
 * clamped if asked, and stored into a register that may be wider (PTX ISA 9.4.1). */
#ifndef GPUSIM_EXEC_CONVERT_H
#define GPUSIM_EXEC_CONVERT_H

#include "tests/gpusim/exec/float_lanes.h"

namespace gpusim {

/* What follows or precedes the conversion itself; in detail[0]. */
enum ConvertFlags : unsigned {
  kFlushSource = 1, /* .ftz */
  kFlushTarget = 2,
  kSaturate = 4, /* .sat: to [0, 1] */
  kRelu = 8,
  kFinite = 16 /* .satfinite: infinities become the largest numbers */
};

enum class Integral : uint8_t { nearest, zero, down, up };

/* Modifiers of a cvt, as written. */
struct ConvertModifiers {
  bool rounded = false; /* .rn .rz .rm .rp .rna */
  Rounding rounding = Rounding::rn;
  bool integral = false; /* .rni .rzi .rmi .rpi */
  Integral to_integral = Integral::nearest;
  bool ftz = false, sat = false, relu = false, satfinite = false;
};

/* Executors by type; null where PTX has no such conversion. */
struct Conversion {
  Execute execute = nullptr;
  Propagate propagate = undefined_any;
};
Conversion integer_to_integer(Type to, Type from, bool sat);
Conversion integer_to_real(Type to, Type from, Rounding rounding);
Conversion real_to_integer(Type to, Type from, Integral mode);
Conversion real_to_real(Type to, Type from, const ConvertModifiers &modifiers);

/* f16x2 and bf16x2 of two f32: the first source is the high half. */
Conversion singles_to_pair(Type to, Rounding rounding);

/* cvt.pack */
void decode_pack(Decoder &decoder);

template <class Wide, class T>
inline void narrow_lanes(const uint8_t *place, T *scratch) {
  const Wide *lanes_of = reinterpret_cast<const Wide *>(place);
  for (unsigned i = 0; i < kLanes; i++) scratch[i] = static_cast<T>(lanes_of[i]);
}

/* The lanes of an operand as T, in place where the register is as wide. */
template <class T>
inline const T *fetch_lanes(const uint8_t *file, const Operand &operand, T *scratch) {
  const uint8_t *place = file + operand.at;
  if (operand.bytes == sizeof(T)) return reinterpret_cast<const T *>(place);
  if (operand.bytes == 2) narrow_lanes<uint16_t>(place, scratch);
  if (operand.bytes == 4) narrow_lanes<uint32_t>(place, scratch);
  if (operand.bytes == 8) narrow_lanes<uint64_t>(place, scratch);
  return scratch;
}

template <class Wide, class T>
inline void widen_lanes(uint8_t *place, uint32_t mask, const T *results) {
  alignas(64) Wide wide[kLanes];
  for (unsigned i = 0; i < kLanes; i++) wide[i] = static_cast<Wide>(results[i]);
  blend_lanes<1>(reinterpret_cast<Wide *>(place), mask, wide);
}

/* Signed types are extended by their sign, all others by zeros. */
template <class T>
inline void store_lanes(uint8_t *file, const Operand &operand, uint32_t mask, const T *results) {
  uint8_t *place = file + operand.at;
  if (operand.bytes == sizeof(T)) {
    if (mask == kAllLanes) {
      memcpy(place, results, kLanes * sizeof(T));
    } else {
      blend_lanes<1>(reinterpret_cast<T *>(place), mask, results);
    }
    return;
  }
  if (operand.bytes == 2) widen_lanes<uint16_t>(place, mask, results);
  if (operand.bytes == 4) widen_lanes<uint32_t>(place, mask, results);
  if (operand.bytes == 8) widen_lanes<uint64_t>(place, mask, results);
}

/* Calls function with a value of the integer type; nullptr for others. */
template <class Function>
inline Execute for_integer(Type type, Function function) {
  switch (type) {
    case Type::u8:
      return function(uint8_t{});
    case Type::s8:
      return function(int8_t{});
    case Type::u16:
      return function(uint16_t{});
    case Type::s16:
      return function(int16_t{});
    case Type::u32:
      return function(uint32_t{});
    case Type::s32:
      return function(int32_t{});
    case Type::u64:
      return function(uint64_t{});
    case Type::s64:
      return function(int64_t{});
    default:
      return nullptr;
  }
}

/* The same with a format. */
template <class Function>
inline Execute with_format(Type type, Function function) {
  switch (type) {
    case Type::f16:
      return function(F16{});
    case Type::bf16:
      return function(BF16{});
    case Type::f32:
      return function(F32{});
    case Type::f64:
      return function(F64{});
    default:
      return nullptr;
  }
}

template <Rounding kRounding>
using RoundingConstant = std::integral_constant<Rounding, kRounding>;

template <class Function>
inline Execute with_rounding(Rounding rounding, Function function) {
  switch (rounding) {
    case Rounding::rn:
      return function(RoundingConstant<Rounding::rn>{});
    case Rounding::rz:
      return function(RoundingConstant<Rounding::rz>{});
    case Rounding::rm:
      return function(RoundingConstant<Rounding::rm>{});
    case Rounding::rp:
      return function(RoundingConstant<Rounding::rp>{});
    default:
      return nullptr;
  }
}

/* Clamps of a result's bits. */
template <class Format>
inline void finish_lanes(typename Format::Bits *results, uint64_t flags) {
  using Bits = typename Format::Bits;
  constexpr Bits kOne = static_cast<Bits>(static_cast<Bits>(Format::kBias) << Format::kFraction);
  for (unsigned i = 0; i < kLanes && (flags & kFlushTarget) != 0; i++) {
    results[i] = flush<Format>(results[i]);
  }
  for (unsigned i = 0; i < kLanes && (flags & kSaturate) != 0; i++) {
    const bool inside = results[i] <= Format::kInfinity;
    results[i] = inside ? (results[i] < kOne ? results[i] : kOne) : Bits{0};
  }
  for (unsigned i = 0; i < kLanes && (flags & kFinite) != 0; i++) {
    const bool infinite = (results[i] & Format::kMagnitude) == Format::kInfinity;
    const Bits largest = static_cast<Bits>((results[i] & Format::kSign) | Format::kLargest);
    results[i] = infinite ? largest : results[i];
  }
  for (unsigned i = 0; i < kLanes && (flags & kRelu) != 0; i++) {
    const bool negative = (results[i] & Format::kSign) != 0 && !is_nan<Format>(results[i]);
    results[i] = negative ? Bits{0} : results[i];
  }
}

}  // namespace gpusim

#endif
