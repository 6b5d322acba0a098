#include "tests/gpusim/exec/control.h"
#include "tests/gpusim/exec/decoder.h"
#include "tests/gpusim/exec/layout.h"
#include "tests/gpusim/exec/special.h"
#include "tests/gpusim/exec/targets.h"

namespace gpusim {
namespace {

/* What Operand::index can number. */
constexpr uint32_t kMaxRegisters = 65000;

/* mov of a clock can't be a register that is filled once. */
bool reads_clock(const ptx::Instruction &instruction) {
  if (instruction.base != "mov" || instruction.operands.size() != 2 ||
      instruction.operands[1].kind != ptx::Operand::Kind::special) {
    return false;
  }
  const Special *special = find_special(instruction.operands[1].name);
  return special != nullptr && special->changes;
}

/* Falling off a function's end returns. */
const ptx::Instruction &implicit_return() {
  static const ptx::Instruction instruction = [] {
    ptx::Instruction made;
    made.base = "ret";
    made.text = "ret;";
    return made;
  }();
  return instruction;
}

void report(Code &code, const ptx::Instruction &source, const std::string &why) {
  if (code.first_unsupported == nullptr) code.first_unsupported = &source;
  const std::string text(source.text.substr(0, 200));
  code.unsupported_instructions.push_back("unsupported instruction '" + text + "' at PTX line " +
                                          std::to_string(source.line) + ": " + why);
}

}  // namespace

void lower(const LoadedModule &module, Code &code) {
  Layout layout(module, code);
  const std::vector<ptx::Instruction> &sources = code.source->instructions;
  code.instructions.reserve(sources.size() + 1);
  for (size_t i = 0; i <= sources.size(); i++) {
    const ptx::Instruction &source = i < sources.size() ? sources[i] : implicit_return();
    Decoder decoder(source, layout);
    const Decode decode = reads_clock(source) ? decode_clock : find_decode(source);
    const unsigned needed = needed_target(source);
    if (needed > module.source->target) {
      decoder.fail("needs .target sm_" + std::to_string(needed) +
                   " or higher, and the module's is sm_" + std::to_string(module.source->target));
    } else if (decode == nullptr) {
      decoder.fail("unknown opcode");
    } else {
      decode(decoder);
      decoder.finish();
    }
    if (code.register_count > kMaxRegisters) decoder.fail("too many registers");
    Instruction &result = decoder.result();
    if (!decoder.error_.empty()) {
      report(code, source, decoder.error_);
      result.execute = execute_unsupported;
      result.propagate = nullptr;
      result.converge = Converge::none;
      decoder.operands_.clear();
      result.count = result.targets = 0;
    }
    code.operands.push_back(std::move(decoder.operands_));
    result.operands = code.operands.back().data();
    code.instructions.push_back(result);
    if (code.register_count > kMaxRegisters) break;
  }
  if (!code.unsupported_instructions.empty()) code.unsupported = code.unsupported_instructions[0];
}

}  // namespace gpusim
