/* gpusim opcodes FILE.ptx */
#include <cinttypes>
#include <cstdio>
#include <map>

#include "tests/gpusim/exec/control.h"
#include "tests/gpusim/exec/launch.h"
#include "tests/gpusim/exec/loaded_module.h"
#include "tests/gpusim/tool/tool.h"

namespace gpusim::tool {
namespace {

struct Use {
  uint64_t count = 0;
  uint64_t missing = 0;
  uint32_t first_missing_line = 0;
};

/* "ld.global.v4.f32" */
std::string full_name(const ptx::Instruction &instruction) {
  std::string name(instruction.base);
  for (const std::string_view qualifier : instruction.qualifiers) {
    name += '.';
    name += qualifier;
  }
  return name;
}

using Uses = std::map<std::string, Use>;

/* Code::instructions stand in the source's order; those beyond what could be lowered are missing.
 */
void count_uses(const Code &code, Uses *uses) {
  const std::vector<ptx::Instruction> &sources = code.source->instructions;
  for (size_t i = 0; i < sources.size(); i++) {
    Use &use = (*uses)[full_name(sources[i])];
    use.count++;
    if (i < code.instructions.size() && code.instructions[i].execute != execute_unsupported) {
      continue;
    }
    if (use.missing++ == 0) use.first_missing_line = sources[i].line;
  }
}

}  // namespace

int list_opcodes(const char *path) {
  std::string text;
  if (!read_file(path, &text)) return kFailed;
  const LoadResult loaded = load_module(text);
  if (!loaded.module) {
    fprintf(stderr, "gpusim: %s: %s\n", path, loaded.error.c_str());
    return kFailed;
  }
  Uses uses;
  for (const Code &code : loaded.module->codes) count_uses(code, &uses);
  size_t missing = 0;
  for (const auto &[name, use] : uses) {
    printf("%8" PRIu64 "  %s", use.count, name.c_str());
    if (use.missing != 0) printf("  missing, first at line %u", use.first_missing_line);
    printf("\n");
    missing += use.missing != 0;
  }
  printf("%zu opcodes, %zu missing\n", uses.size(), missing);
  for (const std::string &why : unsupported_instructions(*loaded.module)) {
    fprintf(stderr, "gpusim: %s: %s\n", path, why.c_str());
  }
  return missing == 0 ? kOk : kFailed;
}

}  // namespace gpusim::tool
