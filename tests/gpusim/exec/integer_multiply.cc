/* mul, mad, mul24, mad24 (PTX ISA 9.7.1). */
#include "tests/gpusim/exec/integer.h"
#include "tests/gpusim/exec/integer_product.h"

namespace gpusim {
namespace {

/* Sign or zero extension of the low 24 bits. */
template <class T>
T low_24(T value) {
  return static_cast<T>(static_cast<T>(static_cast<uint32_t>(value) << 8) >> 8);
}

struct Low24 {
  template <class T>
  static T product(T a, T b) {
    return static_cast<T>(whole_product(low_24(a), low_24(b)));
  }
};

/* Bits 47 to 16. */
struct High24 {
  template <class T>
  static T product(T a, T b) {
    return static_cast<T>(whole_product(low_24(a), low_24(b)) >> 16);
  }
};

template <class Part>
struct Multiply {
  template <class T>
  static T apply(T a, T b) {
    return Part::product(a, b);
  }
};

template <class Part>
struct MultiplyAdd {
  template <class T>
  static T apply(T a, T b, T c) {
    return wrapping_sum(Part::product(a, b), c);
  }
};

template <class Part>
struct MultiplyAddSaturated {
  static int32_t apply(int32_t a, int32_t b, int32_t c) {
    const int64_t sum = int64_t{Part::product(a, b)} + c;
    if (sum > INT32_MAX) return INT32_MAX;
    return sum < INT32_MIN ? INT32_MIN : static_cast<int32_t>(sum);
  }
};

struct MultiplyWide {
  template <class T>
  static Wider<T> apply(T a, T b) {
    return whole_product(a, b);
  }
};

struct MultiplyAddWide {
  template <class T>
  static Wider<T> apply(T a, T b, Wider<T> c) {
    return wrapping_sum(whole_product(a, b), c);
  }
};

bool is_arithmetic(Type type) {
  return one_of(type, {Type::u16, Type::u32, Type::u64, Type::s16, Type::s32, Type::s64});
}

Type wider_type(Type type) {
  switch (type) {
    case Type::u16:
      return Type::u32;
    case Type::s16:
      return Type::s32;
    case Type::u32:
      return Type::u64;
    case Type::s32:
      return Type::s64;
    default:
      return Type::none;
  }
}

template <class Operation>
void use_multiply(Decoder &d, Type type) {
  with_integer(type, [&d](auto zero) { use_integer(d, binary<decltype(zero), Operation>); });
}

template <class Operation>
void use_multiply_add(Decoder &d, Type type) {
  d.read(3, type);
  with_integer(type, [&d](auto zero) {
    using T = decltype(zero);
    use_integer(d, ternary<T, T, Operation>);
  });
}

/* 16 and 32 bits only. */
template <class Use>
void with_narrow(Type type, Use use) {
  switch (type) {
    case Type::u16:
      return use(uint16_t{});
    case Type::s16:
      return use(int16_t{});
    case Type::u32:
      return use(uint32_t{});
    case Type::s32:
      return use(int32_t{});
    default:
      return;
  }
}

void decode_wide(Decoder &d, bool adds) {
  const Type type = d.take_type();
  const Type wide = wider_type(type);
  if (wide == Type::none) return;
  d.write(0, type_bytes(wide));
  d.read(1, type);
  d.read(2, type);
  if (adds) d.read(3, wide);
  with_narrow(type, [&d, adds](auto zero) {
    using T = decltype(zero);
    use_integer(d, adds ? ternary<T, Wider<T>, MultiplyAddWide> : binary<T, MultiplyWide>);
  });
}

}  // namespace

void decode_mad_carry(Decoder &d);

void decode_mul(Decoder &d) {
  if (d.take("wide")) return decode_wide(d, false);
  const bool low = d.take("lo");
  if (!low && !d.take("hi")) return d.fail("mul of integers needs .lo, .hi or .wide");
  const Type type = d.take_type();
  if (!is_arithmetic(type)) return;
  take_binary(d, type);
  if (low) return use_multiply<Multiply<LowHalf>>(d, type);
  use_multiply<Multiply<HighHalf>>(d, type);
}

void decode_mad(Decoder &d) {
  if (d.take("wide")) return decode_wide(d, true);
  if (d.take("cc")) return decode_mad_carry(d);
  const bool low = d.take("lo");
  if (!low && !d.take("hi")) return d.fail("mad of integers needs .lo, .hi or .wide");
  const bool saturated = d.take("sat");
  const Type type = d.take_type();
  if (!is_arithmetic(type) || (saturated && (low || type != Type::s32))) return;
  take_binary(d, type);
  if (low) return use_multiply_add<MultiplyAdd<LowHalf>>(d, type);
  if (!saturated) return use_multiply_add<MultiplyAdd<HighHalf>>(d, type);
  d.read(3, type);
  use_integer(d, ternary<int32_t, int32_t, MultiplyAddSaturated<HighHalf>>);
}

void decode_mul24(Decoder &d) {
  const bool low = d.take("lo");
  if (!low && !d.take("hi")) return d.fail("mul24 needs .lo or .hi");
  const Type type = d.take_type();
  if (!one_of(type, {Type::u32, Type::s32})) return;
  take_binary(d, type);
  if (low) return use_multiply<Multiply<Low24>>(d, type);
  use_multiply<Multiply<High24>>(d, type);
}

void decode_mad24(Decoder &d) {
  const bool low = d.take("lo");
  if (!low && !d.take("hi")) return d.fail("mad24 needs .lo or .hi");
  const bool saturated = d.take("sat");
  const Type type = d.take_type();
  if (!one_of(type, {Type::u32, Type::s32}) || (saturated && (low || type != Type::s32))) return;
  take_binary(d, type);
  if (low) return use_multiply_add<MultiplyAdd<Low24>>(d, type);
  if (!saturated) return use_multiply_add<MultiplyAdd<High24>>(d, type);
  d.read(3, type);
  use_integer(d, ternary<int32_t, int32_t, MultiplyAddSaturated<High24>>);
}

}  // namespace gpusim
