/* Module scope: PTX ISA, sections 4.3 and 11.1. */
#include <cstdlib>

#include "tests/gpusim/ptx/parser.h"

namespace gpusim::ptx {

bool Parser::version() {
  if (!at_dotted("version")) return unexpected(".version");
  advance();
  if (token_.kind != Token::Kind::number) return unexpected("a version such as 8.0");
  const size_t dot = token_.text.find('.');
  if (dot == std::string_view::npos || token_.text.size() > 8) {
    return unexpected("a version such as 8.0");
  }
  module_->version_major =
      static_cast<unsigned>(atoi(std::string(token_.text.substr(0, dot)).c_str()));
  module_->version_minor =
      static_cast<unsigned>(atoi(std::string(token_.text.substr(dot + 1)).c_str()));
  advance();
  return true;
}

/* .target sm_90a, debug */
bool Parser::target() {
  do {
    advance();
    std::string_view name;
    if (!take_word(&name, "a target such as sm_80")) return false;
    if (name.substr(0, 3) != "sm_") continue;
    if (name.size() > 8) return fail_at(last_.line, "unknown target");
    module_->target = static_cast<unsigned>(atoi(std::string(name.substr(3)).c_str()));
  } while (token_.is(','));
  return module_->target != 0 || unexpected("a target such as sm_80");
}

bool Parser::address_size() {
  advance();
  uint64_t bits = 0;
  if (!take_number(&bits, 64)) return false;
  if (bits != 64) return fail_at(last_.line, "only .address_size 64 is supported");
  module_->address_bytes = 8;
  return true;
}

/* .file 1 "name" [, timestamp, size] */
bool Parser::file() {
  advance();
  uint64_t number = 0, ignored;
  if (!take_number(&number, kMaxFile)) return false;
  if (token_.kind != Token::Kind::string) return unexpected("a file name");
  if (module_->files.size() <= number) module_->files.resize(number + 1);
  module_->files[number] = token_.text;
  advance();
  while (accept(',')) {
    if (!take_number(&ignored, UINT64_MAX)) return false;
  }
  return true;
}

/* Debug information: skipped. */
bool Parser::section() {
  advance();
  while (!token_.is('{')) {
    if (token_.kind != Token::Kind::dotted && token_.kind != Token::Kind::word && !token_.is(',')) {
      return unexpected("{ of a section");
    }
    advance();
  }
  size_t depth = 0;
  do {
    if (token_.is('{')) depth++;
    if (token_.is('}')) depth--;
    if (token_.kind == Token::Kind::end || token_.kind == Token::Kind::bad) {
      return unexpected("} of a section");
    }
    advance();
  } while (depth != 0);
  return true;
}

/* .alias name, function; both are declared before. */
bool Parser::alias() {
  advance();
  Function *both[2];
  for (unsigned i = 0; i < 2; i++) {
    std::string_view name;
    if (i == 1 && !expect(',')) return false;
    if (!take_word(&name, "a function")) return false;
    const Symbol *symbol = find(name);
    if (!symbol || symbol->kind != Symbol::Kind::function) {
      return fail_at(last_.line, "%s is no function", shown(name).c_str());
    }
    both[i] = symbol->function;
  }
  aliases_[both[0]] = both[1];
  return expect(';');
}

/* After .visible, .extern, ..: a function or a variable. */
bool Parser::linked_directive() {
  Declaration declaration;
  for (;; advance()) {
    if (at_dotted("extern")) {
      declaration.is_extern = true;
    } else if (!at_dotted("visible") && !at_dotted("weak") && !at_dotted("common")) {
      break;
    }
  }
  if (token_.kind != Token::Kind::dotted) return unexpected("a directive");
  if (at_dotted("entry") || at_dotted("func")) {
    const bool is_entry = at_dotted("entry");
    advance();
    return function(is_entry, declaration.is_extern);
  }
  if (!space_from_name(token_.text, &declaration.space) || declaration.space == Space::param ||
      declaration.space == Space::reg || declaration.space == Space::sreg ||
      declaration.space == Space::local) {
    return unexpected("a directive of module scope");
  }
  advance();
  return variables(declaration);
}

bool Parser::module_directive() {
  if (at_dotted("target")) return target();
  if (at_dotted("address_size")) return address_size();
  if (at_dotted("file")) return file();
  if (at_dotted("section")) return section();
  if (at_dotted("alias")) return alias();
  if (at_dotted("loc")) return location();
  if (at_dotted("pragma")) return skip_until(';');
  if (token_.is(';')) return expect(';');
  if (module_->target == 0) return unexpected(".target");
  return linked_directive();
}

void Parser::replace_aliases(Operand *operand) {
  const auto found = aliases_.find(operand->function);
  if (found != aliases_.end()) operand->function = found->second;
  for (Operand &element : operand->elements) replace_aliases(&element);
}

void Parser::resolve_aliases() {
  if (aliases_.empty()) return;
  for (Function &function : module_->functions) {
    for (Instruction &instruction : function.instructions) {
      for (Operand &operand : instruction.operands) replace_aliases(&operand);
    }
  }
  for (Variable &variable : module_->variables) {
    for (Relocation &relocation : variable.relocations) {
      const auto found = aliases_.find(relocation.function);
      if (found != aliases_.end()) relocation.function = found->second;
    }
  }
}

bool Parser::parse() {
  advance();
  if (!version()) return false;
  while (token_.kind != Token::Kind::end) {
    if (!module_directive()) return false;
  }
  if (module_->target == 0) return unexpected(".target");
  resolve_aliases();
  return true;
}

}  // namespace gpusim::ptx
