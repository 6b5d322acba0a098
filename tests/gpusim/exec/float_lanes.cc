#include "tests/gpusim/exec/float_lanes.h"

#include "tests/gpusim/exec/undefined.h"

namespace gpusim {

bool take_rounding(Decoder &decoder, Rounding *rounding) {
  constexpr struct {
    const char *name;
    Rounding rounding;
  } kRoundings[] = {
      {"rn", Rounding::rn}, {"rz", Rounding::rz}, {"rm", Rounding::rm}, {"rp", Rounding::rp}};
  for (const auto &row : kRoundings) {
    if (!decoder.take(row.name)) continue;
    *rounding = row.rounding;
    return true;
  }
  return false;
}

void real_operands(Decoder &decoder, Type type, unsigned sources) {
  decoder.write(0, type_bytes(type));
  for (unsigned i = 1; i <= sources; i++) decoder.read(i, type);
}

InstructionClass real_class(Type type) {
  if (is_half(type)) return InstructionClass::float16;
  return type == Type::f64 ? InstructionClass::float64 : InstructionClass::float32;
}

Propagate real_undefined(Type type) { return is_pair(type) ? undefined_halves : undefined_any; }

void undefined_halves(Warp &warp, const Instruction &instruction, uint32_t mask) {
  alignas(64) uint32_t undefined[kLanes] = {};
  for (unsigned source = instruction.targets; source < instruction.count; source++) {
    const auto *bits = undefined_lanes<uint32_t>(warp, instruction.operands[source]);
    for (unsigned i = 0; i < kLanes; i++) {
      undefined[i] |=
          (bits[i] >> 16 != 0 ? 0xffff0000u : 0u) | ((bits[i] & 0xffff) != 0 ? 0xffffu : 0u);
    }
  }
  mark<uint32_t>(warp, instruction.operands[0], mask, [&](unsigned i) { return undefined[i]; });
}

}  // namespace gpusim
