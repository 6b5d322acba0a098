/* and, or, xor, not, lop3 (PTX ISA 9.7.8). */
#include "tests/gpusim/exec/integer.h"
#include "tests/gpusim/exec/undefined.h"

namespace gpusim {
namespace {

/* undefined(): a known zero decides an and, a known one an or. Values of undefined bits are
 * whatever the register holds. */
struct And {
  template <class T>
  static T apply(T a, T b) {
    return a & b;
  }
  template <class T>
  static T undefined(T a, T b, T a_undefined, T b_undefined) {
    return (a_undefined | b_undefined) & (a_undefined | a) & (b_undefined | b);
  }
};

struct Or {
  template <class T>
  static T apply(T a, T b) {
    return a | b;
  }
  template <class T>
  static T undefined(T a, T b, T a_undefined, T b_undefined) {
    return (a_undefined | b_undefined) & (a_undefined | static_cast<T>(~a)) &
           (b_undefined | static_cast<T>(~b));
  }
};

struct Xor {
  template <class T>
  static T apply(T a, T b) {
    return a ^ b;
  }
  template <class T>
  static T undefined(T, T, T a_undefined, T b_undefined) {
    return a_undefined | b_undefined;
  }
};

struct Not {
  template <class T>
  static T apply(T a) {
    return static_cast<T>(~a);
  }
};

template <class T, class Operation>
void undefined_binary(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *operands = instruction.operands;
  const T *a = lanes<T>(warp, operands[1]);
  const T *b = lanes<T>(warp, operands[2]);
  const T *a_undefined = undefined_lanes<T>(warp, operands[1]);
  const T *b_undefined = undefined_lanes<T>(warp, operands[2]);
  mark<T>(warp, operands[0], mask, [=](unsigned lane) {
    return Operation::undefined(a[lane], b[lane], a_undefined[lane], b_undefined[lane]);
  });
}

template <class Operation>
Step binary_predicate(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *operands = instruction.operands;
  set_predicate(warp, operands[0], mask,
                Operation::apply(predicate(warp, operands[1]), predicate(warp, operands[2])));
  return Step::next;
}

template <class Operation>
void undefined_predicates(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *operands = instruction.operands;
  mark_predicate(warp, operands[0], mask,
                 Operation::undefined(predicate(warp, operands[1]), predicate(warp, operands[2]),
                                      undefined_predicate(warp, operands[1]),
                                      undefined_predicate(warp, operands[2])));
}

Step not_predicate(Warp &warp, const Instruction &instruction, uint32_t mask) {
  set_predicate(warp, instruction.operands[0], mask, ~predicate(warp, instruction.operands[1]));
  return Step::next;
}

template <class Operation>
void decode_binary(Decoder &d) {
  const Type type = d.take_type();
  if (type == Type::pred) {
    d.write_predicate(0);
    d.read_predicate(1);
    d.read_predicate(2);
    return d.use(binary_predicate<Operation>, undefined_predicates<Operation>,
                 InstructionClass::integer);
  }
  if (!one_of(type, {Type::b16, Type::b32, Type::b64})) return;
  take_binary(d, type);
  with_unsigned(type, [&d](auto zero) {
    using T = decltype(zero);
    d.use(binary<T, Operation>, undefined_binary<T, Operation>, InstructionClass::integer);
  });
}

/* lop3's table as an exclusive or of products: factor[i] is all ones if the product of the sources
 * named by the bits of i (4 = a, 2 = b, 1 = c) takes part. */
struct Table {
  uint32_t factor[8];

  explicit Table(uint64_t bits) {
    uint32_t value = static_cast<uint32_t>(bits);
    for (unsigned i = 0; i < 8; i++) factor[i] = value >> i & 1;
    for (unsigned step = 1; step < 8; step *= 2) {
      for (unsigned i = 0; i < 8; i++) {
        if ((i & step) != 0) factor[i] ^= factor[i - step];
      }
    }
    for (uint32_t &each : factor) each = 0 - each;
  }

  uint32_t apply(uint32_t a, uint32_t b, uint32_t c) const {
    const uint32_t without_a = factor[0] ^ (factor[1] & c) ^ (b & (factor[2] ^ (factor[3] & c)));
    const uint32_t with_a = factor[4] ^ (factor[5] & c) ^ (b & (factor[6] ^ (factor[7] & c)));
    return without_a ^ (a & with_a);
  }
};

struct Sources {
  const uint32_t *a, *b, *c;
  Sources(Warp &warp, const Operand *operands)
      : a(lanes<uint32_t>(warp, operands[0])),
        b(lanes<uint32_t>(warp, operands[1])),
        c(lanes<uint32_t>(warp, operands[2])) {}
};

Step lop3(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Table table(instruction.detail[0]);
  const Sources from(warp, instruction.operands + 1);
  for_lanes(lanes<uint32_t>(warp, instruction.operands[0]), mask,
            [&](unsigned lane) { return table.apply(from.a[lane], from.b[lane], from.c[lane]); });
  return Step::next;
}

/* A bit that may be both, over all values of undefined source bits. */
uint32_t undefined_bits(uint64_t table, const uint32_t value[3], const uint32_t undefined[3]) {
  uint32_t may_be[2] = {0, 0};
  for (unsigned i = 0; i < 8; i++) {
    uint32_t possible = kAllLanes;
    for (unsigned source = 0; source < 3; source++) {
      const bool one = (i >> (2 - source) & 1) != 0;
      possible &= undefined[source] | (one ? value[source] : ~value[source]);
    }
    may_be[table >> i & 1] |= possible;
  }
  return may_be[0] & may_be[1];
}

void undefined_table(Warp &warp, const Instruction &instruction, const Operand *sources,
                     const Operand &target, uint32_t mask) {
  const uint32_t *values[3], *undefined[3];
  for (unsigned i = 0; i < 3; i++) {
    values[i] = lanes<uint32_t>(warp, sources[i]);
    undefined[i] = undefined_lanes<uint32_t>(warp, sources[i]);
  }
  mark<uint32_t>(warp, target, mask, [&](unsigned lane) {
    const uint32_t value[3] = {values[0][lane], values[1][lane], values[2][lane]};
    const uint32_t unknown[3] = {undefined[0][lane], undefined[1][lane], undefined[2][lane]};
    return undefined_bits(instruction.detail[0], value, unknown);
  });
}

void undefined_lop3(Warp &warp, const Instruction &instruction, uint32_t mask) {
  undefined_table(warp, instruction, instruction.operands + 1, instruction.operands[0], mask);
}

/* d|p = table(a, b, c), (d != 0) and/or q. */
template <class Operation>
Step lop3_predicate(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *operands = instruction.operands;
  const Table table(instruction.detail[0]);
  const Sources from(warp, operands + 2);
  uint32_t *target = lanes<uint32_t>(warp, operands[0]);
  for_lanes(target, mask,
            [&](unsigned lane) { return table.apply(from.a[lane], from.b[lane], from.c[lane]); });
  uint32_t nonzero = 0;
  for (unsigned lane = 0; lane < kLanes; lane++) {
    nonzero |= static_cast<uint32_t>(target[lane] != 0) << lane;
  }
  set_predicate(warp, operands[1], mask, Operation::apply(nonzero, predicate(warp, operands[5])));
  return Step::next;
}

/* The predicate: any undefined source bit, or an undefined q. */
void undefined_lop3_predicate(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *operands = instruction.operands;
  const uint32_t any = undefined_sources(warp, instruction, mask);
  undefined_table(warp, instruction, operands + 2, operands[0], mask);
  mark_predicate(warp, operands[1], mask, any);
}

}  // namespace

void decode_and(Decoder &d) { decode_binary<And>(d); }
void decode_or(Decoder &d) { decode_binary<Or>(d); }
void decode_xor(Decoder &d) { decode_binary<Xor>(d); }

void decode_not(Decoder &d) {
  const Type type = d.take_type();
  if (type == Type::pred) {
    d.write_predicate(0);
    d.read_predicate(1);
    return d.use(not_predicate, undefined_copy, InstructionClass::integer);
  }
  if (!one_of(type, {Type::b16, Type::b32, Type::b64})) return;
  d.write(0, type_bytes(type));
  d.read(1, type);
  with_unsigned(type, [&d](auto zero) {
    d.use(unary<decltype(zero), Not>, undefined_copy, InstructionClass::integer);
  });
}

void decode_lop3(Decoder &d) {
  const bool is_and = d.take("and");
  const bool with_predicate = is_and || d.take("or");
  if (d.take_type() != Type::b32) return;
  uint64_t table;
  if (!d.literal(4, &table) || table > 0xff) return d.fail("lop3's table is no literal 0 .. 255");
  d.detail(0, table);
  if (with_predicate) {
    d.write_with_predicate(0, 4);
  } else {
    d.write(0, 4);
  }
  for (size_t i = 1; i <= 3; i++) d.read(i, Type::b32);
  if (!with_predicate) return d.use(lop3, undefined_lop3, InstructionClass::integer);
  d.read_predicate(5);
  d.use(is_and ? lop3_predicate<And> : lop3_predicate<Or>, undefined_lop3_predicate,
        InstructionClass::integer);
}

}  // namespace gpusim
