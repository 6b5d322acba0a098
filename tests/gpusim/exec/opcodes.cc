#include <algorithm>
#include <vector>

#include "tests/gpusim/exec/decoder.h"

namespace gpusim {

#define GPUSIM_OPCODE(base, function) void function(Decoder &decoder);
#include "tests/gpusim/exec/opcodes.inc"
#undef GPUSIM_OPCODE

namespace {

struct Opcode {
  std::string_view base;
  Decode decode;
};

bool operator<(const Opcode &a, const Opcode &b) { return a.base < b.base; }

std::vector<Opcode> sorted_opcodes() {
  std::vector<Opcode> opcodes = {
      {"", nullptr},
#define GPUSIM_OPCODE(base, function) {#base, function},
#include "tests/gpusim/exec/opcodes.inc"
#undef GPUSIM_OPCODE
  };
  std::sort(opcodes.begin(), opcodes.end());
  return opcodes;
}

}  // namespace

Decode find_decode(std::string_view base) {
  static const std::vector<Opcode> opcodes = sorted_opcodes();
  const auto found = std::lower_bound(opcodes.begin(), opcodes.end(), Opcode{base, nullptr});
  return found != opcodes.end() && found->base == base ? found->decode : nullptr;
}

}  // namespace gpusim
