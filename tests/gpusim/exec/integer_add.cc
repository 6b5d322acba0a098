/* add, sub, neg, abs, min, max, sad (PTX ISA 9.7.1). */
#include "tests/gpusim/exec/integer.h"

namespace gpusim {
namespace {

struct Add {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a + b);
  }
};

struct Subtract {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a - b);
  }
};

int32_t saturate(int64_t value) {
  if (value > INT32_MAX) return INT32_MAX;
  return value < INT32_MIN ? INT32_MIN : static_cast<int32_t>(value);
}

struct AddSaturated {
  static int32_t apply(int32_t a, int32_t b) { return saturate(int64_t{a} + b); }
};

struct SubtractSaturated {
  static int32_t apply(int32_t a, int32_t b) { return saturate(int64_t{a} - b); }
};

struct Negate {
  template <class T>
  static T apply(T a) {
    return static_cast<T>(0 - a);
  }
};

/* Of the unsigned type: the smallest signed value stays what it is. */
struct Absolute {
  template <class T>
  static T apply(T a) {
    const bool negative = static_cast<std::make_signed_t<T>>(a) < 0;
    return negative ? static_cast<T>(0 - a) : a;
  }
};

struct SumOfDifferences {
  template <class T>
  static T apply(T a, T b, T c) {
    using U = std::make_unsigned_t<T>;
    const U difference = static_cast<U>(a < b ? static_cast<U>(b) - static_cast<U>(a)
                                              : static_cast<U>(a) - static_cast<U>(b));
    return static_cast<T>(static_cast<U>(static_cast<U>(c) + difference));
  }
};

bool is_arithmetic(Type type) {
  return one_of(type, {Type::u16, Type::u32, Type::u64, Type::s16, Type::s32, Type::s64});
}

template <class Wrapping, class Saturated>
void decode_sum(Decoder &d) {
  const bool saturated = d.take("sat");
  const Type type = d.take_type();
  if (!is_arithmetic(type) || (saturated && type != Type::s32)) return;
  take_binary(d, type);
  if (saturated) return use_integer(d, binary<int32_t, Saturated>);
  with_unsigned(type, [&d](auto zero) { use_integer(d, binary<decltype(zero), Wrapping>); });
}

template <class Operation>
void decode_signed_unary(Decoder &d) {
  const Type type = d.take_type();
  if (!one_of(type, {Type::s16, Type::s32, Type::s64})) return;
  d.write(0, type_bytes(type));
  d.read(1, type);
  with_unsigned(type, [&d](auto zero) { use_integer(d, unary<decltype(zero), Operation>); });
}

template <class Operation>
void decode_extreme(Decoder &d) {
  const Type type = d.take_type();
  if (!is_arithmetic(type)) return;
  take_binary(d, type);
  with_integer(type, [&d](auto zero) { use_integer(d, binary<decltype(zero), Operation>); });
}

}  // namespace

void decode_add_carry(Decoder &d);
void decode_sub_carry(Decoder &d);

void decode_add(Decoder &d) {
  if (d.take("cc")) return decode_add_carry(d);
  decode_sum<Add, AddSaturated>(d);
}

void decode_sub(Decoder &d) {
  if (d.take("cc")) return decode_sub_carry(d);
  decode_sum<Subtract, SubtractSaturated>(d);
}

void decode_neg(Decoder &d) { decode_signed_unary<Negate>(d); }
void decode_abs(Decoder &d) { decode_signed_unary<Absolute>(d); }
void decode_min(Decoder &d) { decode_extreme<Minimum>(d); }
void decode_max(Decoder &d) { decode_extreme<Maximum>(d); }

void decode_sad(Decoder &d) {
  const Type type = d.take_type();
  if (!is_arithmetic(type)) return;
  take_binary(d, type);
  d.read(3, type);
  with_integer(type, [&d](auto zero) {
    using T = decltype(zero);
    use_integer(d, ternary<T, T, SumOfDifferences>);
  });
}

}  // namespace gpusim
