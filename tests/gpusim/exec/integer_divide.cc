/* div, rem (PTX ISA 9.7.1). What a division by zero gives is unspecified: here what GPUs give, all
 * ones and the dividend. */
#include "tests/gpusim/exec/integer.h"

namespace gpusim {
namespace {

/* -1 is the one divisor whose quotient may overflow. */
template <class T>
bool is_minus_one(T value) {
  return std::is_signed_v<T> && value == static_cast<T>(-1);
}

template <class T>
T negated(T value) {
  return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(value));
}

struct Divide {
  template <class T>
  static T apply(T a, T b) {
    if (b == 0) return static_cast<T>(-1);
    return is_minus_one(b) ? negated(a) : static_cast<T>(a / b);
  }
};

struct Remainder {
  template <class T>
  static T apply(T a, T b) {
    if (b == 0) return a;
    return is_minus_one(b) ? static_cast<T>(0) : static_cast<T>(a % b);
  }
};

template <class Operation>
void decode_division(Decoder &d) {
  const Type type = d.take_type();
  if (!one_of(type, {Type::u16, Type::u32, Type::u64, Type::s16, Type::s32, Type::s64})) return;
  take_binary(d, type);
  with_integer(type, [&d](auto zero) { use_integer(d, binary<decltype(zero), Operation>); });
}

}  // namespace

void decode_div(Decoder &d) { decode_division<Divide>(d); }
void decode_rem(Decoder &d) { decode_division<Remainder>(d); }

}  // namespace gpusim
