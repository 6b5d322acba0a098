/* Extended precision: add.cc, addc, sub.cc, subc, mad.cc, madc (PTX ISA 9.7.2). The flag of a
 * subtraction is its borrow. Signed and unsigned differ in mad.hi only. */
#include "tests/gpusim/exec/integer.h"
#include "tests/gpusim/exec/integer_product.h"

namespace gpusim {
namespace {

/* x + y + carry or x - y - carry; the carry comes from the last operand if detail[0] is set, and
 * goes to the second target if there is one. */
template <class T, bool kSubtract>
Step sum_with_carry(Warp &warp, const Instruction &instruction, uint32_t mask, const T *x,
                    const T *y) {
  const Operand *operands = instruction.operands;
  const uint32_t in =
      instruction.detail[0] != 0 ? predicate(warp, operands[instruction.count - 1]) : 0;
  alignas(64) T sums[kLanes];
  uint32_t out = 0;
  for (unsigned lane = 0; lane < kLanes; lane++) {
    const T carry = in >> lane & 1;
    const T first = kSubtract ? x[lane] - y[lane] : x[lane] + y[lane];
    sums[lane] = kSubtract ? first - carry : first + carry;
    const bool over = kSubtract ? (x[lane] < y[lane]) | (first < carry)
                                : (first < x[lane]) | (sums[lane] < carry);
    out |= static_cast<uint32_t>(over) << lane;
  }
  for_lanes(lanes<T>(warp, operands[0]), mask, [&sums](unsigned lane) { return sums[lane]; });
  if (instruction.targets == 2) set_predicate(warp, operands[1], mask, out);
  return Step::next;
}

template <class T, bool kSubtract>
Step add_carry(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *sources = instruction.operands + instruction.targets;
  return sum_with_carry<T, kSubtract>(warp, instruction, mask, lanes<T>(warp, sources[0]),
                                      lanes<T>(warp, sources[1]));
}

template <class T, class Part>
Step multiply_add_carry(Warp &warp, const Instruction &instruction, uint32_t mask) {
  using U = std::make_unsigned_t<T>;
  const Operand *sources = instruction.operands + instruction.targets;
  const T *a = lanes<T>(warp, sources[0]);
  const T *b = lanes<T>(warp, sources[1]);
  alignas(64) U products[kLanes];
  for (unsigned lane = 0; lane < kLanes; lane++) {
    products[lane] = static_cast<U>(Part::product(a[lane], b[lane]));
  }
  return sum_with_carry<U, false>(warp, instruction, mask, products, lanes<U>(warp, sources[2]));
}

/* Operands of `sources` sources around the flag. False if the type does not fit. */
bool take_carry(Decoder &d, Type type, size_t sources, bool in, bool out) {
  if (!one_of(type, {Type::u32, Type::s32, Type::u64, Type::s64})) return false;
  d.write(0, type_bytes(type));
  if (out) d.write_carry();
  for (size_t i = 1; i <= sources; i++) d.read(i, type);
  if (in) d.read_carry();
  d.detail(0, in ? 1 : 0);
  return true;
}

template <bool kSubtract>
void decode_sum(Decoder &d, bool in, bool out) {
  const Type type = d.take_type();
  if (!take_carry(d, type, 2, in, out)) return;
  with_unsigned(type, [&d](auto zero) {
    using T = decltype(zero);
    if constexpr (sizeof(T) >= 4) use_integer(d, add_carry<T, kSubtract>);
  });
}

void decode_multiply(Decoder &d, bool in, bool out) {
  const bool low = d.take("lo");
  if (!low && !d.take("hi")) return d.fail("mad of integers needs .lo, .hi or .wide");
  const Type type = d.take_type();
  if (!take_carry(d, type, 3, in, out)) return;
  with_integer(type, [&d, low](auto zero) {
    using T = decltype(zero);
    if constexpr (sizeof(T) >= 4) {
      use_integer(d, low ? multiply_add_carry<T, LowHalf> : multiply_add_carry<T, HighHalf>);
    }
  });
}

}  // namespace

void decode_add_carry(Decoder &d) { decode_sum<false>(d, false, true); }
void decode_sub_carry(Decoder &d) { decode_sum<true>(d, false, true); }
void decode_mad_carry(Decoder &d) { decode_multiply(d, false, true); }

void decode_addc(Decoder &d) { decode_sum<false>(d, true, d.take("cc")); }
void decode_subc(Decoder &d) { decode_sum<true>(d, true, d.take("cc")); }
void decode_madc(Decoder &d) { decode_multiply(d, true, d.take("cc")); }

}  // namespace gpusim
