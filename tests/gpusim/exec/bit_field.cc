/* bfe, bfi, bmsk, szext (PTX ISA 9.7.1). */
#include "tests/gpusim/exec/integer.h"
#include "tests/gpusim/exec/undefined.h"

namespace gpusim {
namespace {

constexpr uint32_t kPositionBits = 0xff;

template <class T>
constexpr uint32_t kBits = 8 * sizeof(T);

/* The lowest `count` bits. */
template <class T>
T low_ones(uint32_t count) {
  return count >= kBits<T> ? static_cast<T>(~T{0}) : static_cast<T>((T{1} << count) - 1);
}

/* T signed: filled with the field's sign. */
struct Extract {
  template <class T>
  static T apply(T a, uint32_t b, uint32_t c) {
    const uint32_t position = b & kPositionBits;
    const uint32_t length = c & kPositionBits;
    using U = std::make_unsigned_t<T>;
    if (length == 0) return 0;
    const uint32_t last = kBits<T> - 1;
    if (position > last) return std::is_signed_v<T> ? static_cast<T>(a >> last) : static_cast<T>(0);
    const T shifted = static_cast<T>(a >> position);
    if (length > last) return shifted;
    const uint32_t unused = kBits<T> - length;
    return static_cast<T>(static_cast<T>(static_cast<U>(shifted) << unused) >> unused);
  }
};

struct Insert {
  template <class T>
  static T apply(T a, T b, uint32_t c, uint32_t d) {
    const uint32_t position = c & kPositionBits;
    const uint32_t length = d & kPositionBits;
    if (position >= kBits<T>) return b;
    const T field = static_cast<T>(low_ones<T>(length) << position);
    return static_cast<T>((b & ~field) | (static_cast<T>(a << position) & field));
  }
};

template <class T>
Step extract(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *operands = instruction.operands;
  const T *a = lanes<T>(warp, operands[1]);
  const uint32_t *position = lanes<uint32_t>(warp, operands[2]);
  const uint32_t *length = lanes<uint32_t>(warp, operands[3]);
  for_lanes(lanes<T>(warp, operands[0]), mask,
            [=](unsigned lane) { return Extract::apply(a[lane], position[lane], length[lane]); });
  return Step::next;
}

template <class T>
Step insert(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *operands = instruction.operands;
  const T *a = lanes<T>(warp, operands[1]);
  const T *b = lanes<T>(warp, operands[2]);
  const uint32_t *position = lanes<uint32_t>(warp, operands[3]);
  const uint32_t *length = lanes<uint32_t>(warp, operands[4]);
  for_lanes(lanes<T>(warp, operands[0]), mask, [=](unsigned lane) {
    return Insert::apply(a[lane], b[lane], position[lane], length[lane]);
  });
  return Step::next;
}

/* Undefined bits move as the bits do, unless position or length are undefined themselves. */
template <class T>
void undefined_extract(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *operands = instruction.operands;
  const T *a = undefined_lanes<T>(warp, operands[1]);
  const uint32_t *position = lanes<uint32_t>(warp, operands[2]);
  const uint32_t *length = lanes<uint32_t>(warp, operands[3]);
  const uint32_t whole = undefined_in(warp, operands[2]) | undefined_in(warp, operands[3]);
  mark<T>(warp, operands[0], mask, [=](unsigned lane) {
    if ((whole >> lane & 1) != 0) return static_cast<T>(~T{0});
    return Extract::apply(a[lane], position[lane], length[lane]);
  });
}

template <class T>
void undefined_insert(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *operands = instruction.operands;
  const T *a = undefined_lanes<T>(warp, operands[1]);
  const T *b = undefined_lanes<T>(warp, operands[2]);
  const uint32_t *position = lanes<uint32_t>(warp, operands[3]);
  const uint32_t *length = lanes<uint32_t>(warp, operands[4]);
  const uint32_t whole = undefined_in(warp, operands[3]) | undefined_in(warp, operands[4]);
  mark<T>(warp, operands[0], mask, [=](unsigned lane) {
    if ((whole >> lane & 1) != 0) return static_cast<T>(~T{0});
    return Insert::apply(a[lane], b[lane], position[lane], length[lane]);
  });
}

template <bool kClamp>
struct Mask {
  static uint32_t apply(uint32_t a, uint32_t b) {
    if (kClamp && a >= 32) return 0;
    const uint32_t first = a & 31;
    if (kClamp && b >= 32) return kAllLanes << first;
    return low_ones<uint32_t>(b & 31) << first;
  }
};

/* T signed: sign extension. */
template <bool kClamp>
struct Extend {
  template <class T>
  static T apply(T a, T b) {
    const uint32_t bits = static_cast<uint32_t>(b);
    if (kClamp && bits >= 32) return a;
    if ((bits & 31) == 0) return 0;
    const uint32_t unused = 32 - (bits & 31);
    return static_cast<T>(static_cast<T>(static_cast<uint32_t>(a) << unused) >> unused);
  }
};

/* False without .clamp and .wrap. */
bool take_mode(Decoder &d, bool *clamp) {
  *clamp = d.take("clamp");
  return *clamp || d.take("wrap");
}

}  // namespace

void decode_bfe(Decoder &d) {
  const Type type = d.take_type();
  if (!one_of(type, {Type::u32, Type::s32, Type::u64, Type::s64})) return;
  d.write(0, type_bytes(type));
  d.read(1, type);
  d.read(2, Type::u32);
  d.read(3, Type::u32);
  with_integer(type, [&d](auto zero) {
    using T = decltype(zero);
    d.use(extract<T>, undefined_extract<T>, InstructionClass::integer);
  });
}

void decode_bfi(Decoder &d) {
  const Type type = d.take_type();
  if (!one_of(type, {Type::b32, Type::b64})) return;
  take_binary(d, type);
  d.read(3, Type::u32);
  d.read(4, Type::u32);
  with_unsigned(type, [&d](auto zero) {
    using T = decltype(zero);
    d.use(insert<T>, undefined_insert<T>, InstructionClass::integer);
  });
}

void decode_bmsk(Decoder &d) {
  bool clamp;
  if (!take_mode(d, &clamp)) return d.fail("bmsk needs .clamp or .wrap");
  if (d.take_type() != Type::b32) return;
  take_binary(d, Type::b32);
  use_integer(d, clamp ? binary<uint32_t, Mask<true>> : binary<uint32_t, Mask<false>>);
}

void decode_szext(Decoder &d) {
  bool clamp;
  if (!take_mode(d, &clamp)) return d.fail("szext needs .clamp or .wrap");
  const Type type = d.take_type();
  if (!one_of(type, {Type::u32, Type::s32})) return;
  take_binary(d, type);
  with_integer(type, [&d, clamp](auto zero) {
    using T = decltype(zero);
    if constexpr (sizeof(T) == 4) {
      use_integer(d, clamp ? binary<T, Extend<true>> : binary<T, Extend<false>>);
    }
  });
}

}  // namespace gpusim
