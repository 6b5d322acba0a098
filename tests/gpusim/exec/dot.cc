/* dp4a, dp2a (PTX ISA 9.7.1): products of small integers packed in 32 bits, summed without
 * saturation. */
#include "tests/gpusim/exec/integer.h"

namespace gpusim {
namespace {

/* Element i of the packed elements of A. */
template <class A>
int32_t element(uint32_t packed, unsigned i) {
  return static_cast<A>(packed >> (8 * sizeof(A) * i));
}

template <class A, class B>
struct FourWay {
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
    for (unsigned i = 0; i < 4; i++) {
      c += static_cast<uint32_t>(element<A>(a, i) * element<B>(b, i));
    }
    return c;
  }
};

template <class A, class B, bool kHigh>
struct TwoWay {
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
    for (unsigned i = 0; i < 2; i++) {
      c += static_cast<uint32_t>(element<A>(a, i) * element<B>(b, i + (kHigh ? 2 : 0)));
    }
    return c;
  }
};

template <class Operation>
constexpr Execute kDot = ternary<uint32_t, uint32_t, Operation>;

/* Chooses among the four combinations of signs; false if the types are others. */
bool take_types(Decoder &d, bool *a_signed, bool *b_signed) {
  const Type a = d.take_type();
  const Type b = d.take_type();
  if (!one_of(a, {Type::u32, Type::s32}) || !one_of(b, {Type::u32, Type::s32})) return false;
  *a_signed = is_signed(a);
  *b_signed = is_signed(b);
  take_binary(d, Type::b32);
  d.read(3, Type::b32);
  return true;
}

template <bool kHigh>
Execute two_way(bool a_signed, bool b_signed) {
  if (a_signed) {
    return b_signed ? kDot<TwoWay<int16_t, int8_t, kHigh>> : kDot<TwoWay<int16_t, uint8_t, kHigh>>;
  }
  return b_signed ? kDot<TwoWay<uint16_t, int8_t, kHigh>> : kDot<TwoWay<uint16_t, uint8_t, kHigh>>;
}

}  // namespace

void decode_dp4a(Decoder &d) {
  bool a_signed, b_signed;
  if (!take_types(d, &a_signed, &b_signed)) return;
  if (a_signed) {
    return use_integer(d,
                       b_signed ? kDot<FourWay<int8_t, int8_t>> : kDot<FourWay<int8_t, uint8_t>>);
  }
  use_integer(d, b_signed ? kDot<FourWay<uint8_t, int8_t>> : kDot<FourWay<uint8_t, uint8_t>>);
}

void decode_dp2a(Decoder &d) {
  const bool low = d.take("lo");
  if (!low && !d.take("hi")) return d.fail("dp2a needs .lo or .hi");
  bool a_signed, b_signed;
  if (!take_types(d, &a_signed, &b_signed)) return;
  use_integer(d, low ? two_way<false>(a_signed, b_signed) : two_way<true>(a_signed, b_signed));
}

}  // namespace gpusim
