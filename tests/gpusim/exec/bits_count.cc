/* popc, clz, bfind, fns, brev, cnot (PTX ISA 9.7.1 and 9.7.8). */
#include "tests/gpusim/exec/integer.h"

namespace gpusim {
namespace {

constexpr uint32_t kNotFound = 0xffffffffu;

struct CountOnes {
  template <class T>
  static uint32_t apply(T a) {
    return static_cast<uint32_t>(__builtin_popcountll(a));
  }
};

template <class T>
uint32_t leading_zeros(T a) {
  if (a == 0) return 8 * sizeof(T);
  return static_cast<uint32_t>(__builtin_clzll(a)) - (64 - 8 * sizeof(T));
}

struct LeadingZeros {
  template <class T>
  static uint32_t apply(T a) {
    return leading_zeros(a);
  }
};

/* The highest bit that differs from the sign. */
template <bool kShiftAmount>
struct FindBit {
  template <class T>
  static uint32_t apply(T a) {
    using U = std::make_unsigned_t<T>;
    const U bits = static_cast<U>(a < 0 ? ~a : a);
    if (bits == 0) return kNotFound;
    const uint32_t shift = leading_zeros(bits);
    return kShiftAmount ? shift : static_cast<uint32_t>(8 * sizeof(T) - 1) - shift;
  }
};

uint32_t reversed(uint32_t a) {
  a = (a >> 1 & 0x55555555u) | (a & 0x55555555u) << 1;
  a = (a >> 2 & 0x33333333u) | (a & 0x33333333u) << 2;
  a = (a >> 4 & 0x0f0f0f0fu) | (a & 0x0f0f0f0fu) << 4;
  return __builtin_bswap32(a);
}

struct Reverse {
  static uint32_t apply(uint32_t a) { return reversed(a); }
  static uint64_t apply(uint64_t a) {
    const uint64_t low = reversed(static_cast<uint32_t>(a));
    return low << 32 | reversed(static_cast<uint32_t>(a >> 32));
  }
};

struct IsZero {
  template <class T>
  static T apply(T a) {
    return a == 0;
  }
};

/* The |offset|-th set bit of the mask from `base` on, upwards or downwards. A base beyond 31 is
 * undefined in PTX; here there is nothing to be found. */
struct FindNth {
  static uint32_t apply(uint32_t mask, uint32_t base, int32_t offset) {
    if (base >= 32) return kNotFound;
    if (offset == 0) return (mask >> base & 1) != 0 ? base : kNotFound;
    uint32_t left = offset < 0 ? mask & (kAllLanes >> (31 - base)) : mask & (kAllLanes << base);
    const uint32_t count =
        offset < 0 ? 0u - static_cast<uint32_t>(offset) : static_cast<uint32_t>(offset);
    if (count > static_cast<uint32_t>(__builtin_popcount(left))) return kNotFound;
    for (uint32_t skipped = 1; skipped < count; skipped++) {
      left &= offset < 0 ? ~(0x80000000u >> __builtin_clz(left)) : left - 1;
    }
    return static_cast<uint32_t>(offset < 0 ? 31 - __builtin_clz(left) : __builtin_ctz(left));
  }
};

/* d has `bytes` bytes, or (0) those of the type. */
template <class Operation>
void decode_bits(Decoder &d, unsigned bytes) {
  const Type type = d.take_type();
  if (!one_of(type, {Type::b32, Type::b64})) return;
  d.write(0, bytes == 0 ? type_bytes(type) : bytes);
  d.read(1, type);
  use_integer(d, type == Type::b32 ? unary<uint32_t, Operation> : unary<uint64_t, Operation>);
}

}  // namespace

void decode_popc(Decoder &d) { decode_bits<CountOnes>(d, 4); }
void decode_clz(Decoder &d) { decode_bits<LeadingZeros>(d, 4); }
void decode_brev(Decoder &d) { decode_bits<Reverse>(d, 0); }

void decode_bfind(Decoder &d) {
  const bool shift_amount = d.take("shiftamt");
  const Type type = d.take_type();
  if (!one_of(type, {Type::u32, Type::s32, Type::u64, Type::s64})) return;
  d.write(0, 4);
  d.read(1, type);
  with_integer(type, [&d, shift_amount](auto zero) {
    using T = decltype(zero);
    use_integer(d, shift_amount ? unary<T, FindBit<true>> : unary<T, FindBit<false>>);
  });
}

void decode_cnot(Decoder &d) {
  const Type type = d.take_type();
  if (!one_of(type, {Type::b16, Type::b32, Type::b64})) return;
  d.write(0, type_bytes(type));
  d.read(1, type);
  with_unsigned(type, [&d](auto zero) { use_integer(d, unary<decltype(zero), IsZero>); });
}

void decode_fns(Decoder &d) {
  if (d.take_type() != Type::b32) return;
  take_binary(d, Type::b32);
  d.read(3, Type::s32);
  use_integer(d, ternary<uint32_t, int32_t, FindNth>);
}

}  // namespace gpusim
