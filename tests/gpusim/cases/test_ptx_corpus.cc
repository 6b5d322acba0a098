/* What nvcc emits: cases/ptx holds its output for small kernels (sm_80; -O3, -O1 -lineinfo, -G). */
#include <criterion/criterion.h>

#include <fstream>
#include <sstream>
#include <string>

#include "tests/gpusim/ptx/module.h"

using gpusim::ptx::Function;
using gpusim::ptx::Module;

namespace {

std::unique_ptr<Module> read(const std::string &name) {
  std::ifstream file(std::string(GPUSIM_CASES) + "/ptx/" + name + ".ptx");
  std::stringstream text;
  text << file.rdbuf();
  std::string error;
  auto module = gpusim::ptx::parse(text.str(), &error);
  cr_assert(module != nullptr, "%s: %s", name.c_str(), error.c_str());
  return module;
}

size_t instruction_count(const Module &module) {
  size_t count = 0;
  for (const Function &function : module.functions) count += function.instructions.size();
  return count;
}

}  // namespace

/* Expected counts: statements between semicolons and braces, counted with a script. */
Test(ptx_corpus, no_instruction_is_lost) {
  cr_expect_eq(instruction_count(*read("calls")), 63u);
  cr_expect_eq(instruction_count(*read("debug")), 30u);
  cr_expect_eq(instruction_count(*read("scopes")), 60u);
}

Test(ptx_corpus, calls) {
  const auto module = read("calls");
  const Function *entry = module->find("_Z5callsiPi");
  cr_assert(entry && entry->is_entry && entry->parameters.size() == 2);
  unsigned direct = 0, indirect = 0;
  for (const auto &instruction : entry->instructions) {
    if (instruction.base != "call") continue;
    direct += instruction.operands[1].function != nullptr;
    indirect += instruction.operands.size() == 4;
  }
  cr_expect_eq(direct, 1u);
  cr_expect_eq(indirect, 1u);
}

/* Lines of the CUDA source reach the instructions. */
Test(ptx_corpus, source_lines) {
  for (const char *name : {"debug", "scopes"}) {
    const auto module = read(name);
    bool any = false;
    for (const Function &function : module->functions) {
      for (const auto &instruction : function.instructions) {
        any = any || (instruction.source_file == 1 && instruction.source_line >= 1);
        cr_expect_leq(instruction.source_line, 1000u);
      }
    }
    cr_expect(any, "%s", name);
    cr_expect_gt(module->files.size(), 1u);
  }
}
