/* prmt (PTX ISA 9.7.9). The special modes are tables of generic selectors. */
#include "tests/gpusim/exec/integer.h"
#include "tests/gpusim/exec/undefined.h"

namespace gpusim {
namespace {

struct Mode {
  const char *name;
  uint16_t selectors[4]; /* by the two lowest bits of c */
};

constexpr Mode kModes[] = {
    {"f4e", {0x3210, 0x4321, 0x5432, 0x6543}}, {"b4e", {0x5670, 0x6701, 0x7012, 0x0123}},
    {"rc8", {0x0000, 0x1111, 0x2222, 0x3333}}, {"ecl", {0x3210, 0x3211, 0x3222, 0x3333}},
    {"ecr", {0x0000, 0x1110, 0x2210, 0x3210}}, {"rc16", {0x1010, 0x3232, 0x1010, 0x3232}},
};

/* Each nibble of the selector names a byte of b:a, or with its bit 3 that byte's sign. */
struct Generic {
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t selector) {
    const uint64_t both = uint64_t{b} << 32 | a;
    uint32_t result = 0;
    for (unsigned i = 0; i < 4; i++) {
      const uint32_t nibble = selector >> (4 * i) & 0xf;
      const uint32_t byte = static_cast<uint32_t>(both >> (8 * (nibble & 7))) & 0xff;
      const uint32_t sign = 0xff & (0 - (byte >> 7));
      result |= ((nibble & 8) != 0 ? sign : byte) << (8 * i);
    }
    return result;
  }
};

/* The mode's four selectors are in detail[0]. */
struct Special {
  uint64_t selectors;
  uint32_t operator()(uint32_t a, uint32_t b, uint32_t c) const {
    return Generic::apply(a, b, static_cast<uint32_t>(selectors >> (16 * (c & 3))) & 0xffff);
  }
};

Step special(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *operands = instruction.operands;
  const uint32_t *a = lanes<uint32_t>(warp, operands[1]);
  const uint32_t *b = lanes<uint32_t>(warp, operands[2]);
  const uint32_t *c = lanes<uint32_t>(warp, operands[3]);
  const Special permute{instruction.detail[0]};
  for_lanes(lanes<uint32_t>(warp, operands[0]), mask,
            [=](unsigned lane) { return permute(a[lane], b[lane], c[lane]); });
  return Step::next;
}

/* Undefined bits move as the bits do; a replicated sign is as undefined as the sign. */
template <class Permute>
void mark_permuted(Warp &warp, const Instruction &instruction, uint32_t mask, uint32_t used,
                   Permute permute) {
  const Operand *operands = instruction.operands;
  const uint32_t *a = undefined_lanes<uint32_t>(warp, operands[1]);
  const uint32_t *b = undefined_lanes<uint32_t>(warp, operands[2]);
  const uint32_t *c = lanes<uint32_t>(warp, operands[3]);
  const uint32_t *c_undefined = undefined_lanes<uint32_t>(warp, operands[3]);
  mark<uint32_t>(warp, operands[0], mask, [=](unsigned lane) {
    const uint32_t moved = permute(a[lane], b[lane], c[lane]);
    return (c_undefined[lane] & used) != 0 ? kAllLanes : moved;
  });
}

void undefined_generic(Warp &warp, const Instruction &instruction, uint32_t mask) {
  mark_permuted(warp, instruction, mask, 0xffff,
                [](uint32_t a, uint32_t b, uint32_t c) { return Generic::apply(a, b, c); });
}

void undefined_special(Warp &warp, const Instruction &instruction, uint32_t mask) {
  mark_permuted(warp, instruction, mask, 3, Special{instruction.detail[0]});
}

}  // namespace

void decode_prmt(Decoder &d) {
  if (d.take_type() != Type::b32) return;
  take_binary(d, Type::b32);
  d.read(3, Type::b32);
  for (const Mode &mode : kModes) {
    if (!d.take(mode.name)) continue;
    uint64_t selectors = 0;
    for (unsigned i = 0; i < 4; i++) selectors |= uint64_t{mode.selectors[i]} << (16 * i);
    d.detail(0, selectors);
    return d.use(special, undefined_special, InstructionClass::integer);
  }
  d.use(ternary<uint32_t, uint32_t, Generic>, undefined_generic, InstructionClass::integer);
}

}  // namespace gpusim
