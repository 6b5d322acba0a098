#include <algorithm>
#include <vector>

#include "tests/gpusim/exec/decoder.h"

namespace gpusim {

#define GPUSIM_OPCODE(base, function) void function(Decoder &decoder);
#define GPUSIM_REAL_OPCODE(base, function) void function(Decoder &decoder);
#include "tests/gpusim/exec/opcodes.inc"
#undef GPUSIM_OPCODE
#undef GPUSIM_REAL_OPCODE

namespace {

struct Opcode {
  std::string_view base;
  bool real;
  Decode decode;
};

bool operator<(const Opcode &a, const Opcode &b) {
  return a.base != b.base ? a.base < b.base : a.real < b.real;
}

std::vector<Opcode> sorted_opcodes() {
  std::vector<Opcode> opcodes = {
      {"", false, nullptr},
#define GPUSIM_OPCODE(base, function) {#base, false, function},
#define GPUSIM_REAL_OPCODE(base, function) {#base, true, function},
#include "tests/gpusim/exec/opcodes.inc"
#undef GPUSIM_OPCODE
#undef GPUSIM_REAL_OPCODE
  };
  std::sort(opcodes.begin(), opcodes.end());
  return opcodes;
}

bool first_type_is_real(const ptx::Instruction &instruction) {
  for (const std::string_view qualifier : instruction.qualifiers) {
    const Type type = type_from_name(qualifier);
    if (type != Type::none) return type_kind(type) == TypeKind::real;
  }
  return false;
}

Decode find(std::string_view base, bool real) {
  static const std::vector<Opcode> opcodes = sorted_opcodes();
  const auto found = std::lower_bound(opcodes.begin(), opcodes.end(), Opcode{base, real, nullptr});
  const bool same = found != opcodes.end() && found->base == base && found->real == real;
  return same ? found->decode : nullptr;
}

}  // namespace

Decode find_decode(const ptx::Instruction &instruction) {
  if (first_type_is_real(instruction)) {
    const Decode decode = find(instruction.base, true);
    if (decode != nullptr) return decode;
  }
  return find(instruction.base, false);
}

}  // namespace gpusim
