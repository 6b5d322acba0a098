#include "tests/gpusim/exec/targets.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "tests/gpusim/exec/special.h"

namespace gpusim {
namespace {

struct Rule {
  std::string_view opcode;
  unsigned sm;
  std::string_view words;
};

constexpr Rule kRules[] = {
#define GPUSIM_NEEDS(opcode, sm, words) {opcode, sm, words},
#include "tests/gpusim/exec/targets.inc"
#undef GPUSIM_NEEDS
};

/* Cuts off what stands before the separator. */
std::string_view next_part(std::string_view *text, char separator) {
  const std::string_view part = text->substr(0, text->find(separator));
  text->remove_prefix(std::min(part.size() + 1, text->size()));
  return part;
}

using Qualifiers = std::vector<std::string_view>;

bool take(Qualifiers *qualifiers, std::string_view names) {
  while (!names.empty()) {
    const auto found = std::find(qualifiers->begin(), qualifiers->end(), next_part(&names, '|'));
    if (found == qualifiers->end()) continue;
    qualifiers->erase(found);
    return true;
  }
  return false;
}

bool matches(const Rule &rule, const ptx::Instruction &instruction) {
  if (!rule.opcode.empty() && rule.opcode != instruction.base) return false;
  Qualifiers rest(instruction.qualifiers.begin(), instruction.qualifiers.end());
  for (std::string_view words = rule.words; !words.empty();) {
    const std::string_view word = next_part(&words, ' ');
    if (word[0] == '#') {
      if (instruction.operands.size() < static_cast<size_t>(word[1] - '0')) return false;
    } else if (take(&rest, word[0] == '!' ? word.substr(1) : word) == (word[0] == '!')) {
      return false;
    }
  }
  return true;
}

}  // namespace

unsigned needed_target(const ptx::Instruction &instruction) {
  unsigned sm = 0;
  for (const Rule &rule : kRules) {
    if (rule.sm > sm && matches(rule, instruction)) sm = rule.sm;
  }
  for (const ptx::Operand &operand : instruction.operands) {
    if (operand.kind != ptx::Operand::Kind::special) continue;
    const Special *const special = find_special(operand.name);
    if (special != nullptr) sm = std::max(sm, special->sm);
  }
  return sm;
}

}  // namespace gpusim
