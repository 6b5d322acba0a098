/* Functions (PTX ISA, sections 7.1 and 11.2), up to the statements of their bodies. */
#include <utility>

#include "tests/gpusim/ptx/parser.h"

namespace gpusim::ptx {

/* One parameter or result: .param .b64 name, .reg .f32 %f, .param .align 8 .b8 name[16]. */
bool Parser::parameter(Function *function, std::vector<const Variable *> *list) {
  Declaration declaration;
  if (!at_dotted("param") && !at_dotted("reg")) return unexpected(".param or .reg");
  declaration.space = at_dotted("reg") ? Space::reg : Space::param;
  advance();
  Variable parsed;
  parsed.line = token_.line;
  Dimensions sizes;
  if (!attributes(&declaration) || !take_word(&parsed.name, "a parameter's name") ||
      !dimensions(&sizes) || !set_size(&parsed, declaration, sizes)) {
    return false;
  }
  Variable *variable;
  if (declaration.space == Space::reg) {
    variable =
        new_register(function, parsed.name, declaration.type, declaration.vector, parsed.line);
  } else {
    module_->variables.push_back(parsed);
    variable = &module_->variables.back();
  }
  list->push_back(variable);
  if (parsed.name == "_") return true;
  return add_symbol(parsed.name, {Symbol::Kind::variable, variable, nullptr, 0});
}

bool Parser::parameter_list(Function *function, std::vector<const Variable *> *list) {
  if (!expect('(')) return false;
  if (accept(')')) return true;
  do {
    if (!parameter(function, list)) return false;
  } while (accept(','));
  return expect(')');
}

/* N [, N [, N]] */
bool Parser::thread_counts(uint32_t counts[3]) {
  for (unsigned i = 0; i < 3; i++) counts[i] = 1;
  for (unsigned i = 0; i < 3; i++) {
    if (!count(&counts[i])) return false;
    if (i == 2 || !accept(',')) break;
  }
  return true;
}

bool Parser::count(uint32_t *value) {
  uint64_t number = 0;
  if (!take_number(&number, UINT32_MAX)) return false;
  *value = static_cast<uint32_t>(number);
  return true;
}

bool Parser::function_directives(Function *function) {
  while (token_.kind == Token::Kind::dotted) {
    const std::string_view name = token_.text;
    uint32_t ignored[3];
    bool ok;
    if (name == "pragma") {
      if (!skip_until(';')) return false;
      continue;
    }
    advance();
    if (name == "maxntid") {
      ok = thread_counts(function->max_threads);
    } else if (name == "reqntid") {
      ok = thread_counts(function->required_threads);
    } else if (name == "minnctapersm") {
      ok = count(&function->min_ctas);
    } else if (name == "maxnreg") {
      ok = count(&function->max_registers);
    } else if (name == "noreturn") {
      ok = function->is_noreturn = true;
    } else if (name == "attribute" || name == "unified") {
      ok = skip_parentheses();
    } else if (name == "blocksareclusters" || name == "explicitcluster") {
      ok = true;
    } else if (name == "maxnctapersm" || name == "maxclusterrank" || name == "reqnctapercluster" ||
               name == "abi_preserve" || name == "abi_preserve_control") {
      ok = thread_counts(ignored);
    } else {
      ok = fail_at(last_.line, "unknown directive .%s of a function", shown(name).c_str());
    }
    if (!ok) return false;
  }
  return true;
}

/* Declarations may come before the definition, and after it. */
bool Parser::add_function(Function *parsed, Function **added) {
  Symbol *known = scopes_.find_outermost(parsed->name);
  if (!known) {
    module_->functions.push_back(std::move(*parsed));
    *added = &module_->functions.back();
    scopes_.declare_at(1, (*added)->name, {Symbol::Kind::function, nullptr, *added, 0});
    return true;
  }
  if (known->kind != Symbol::Kind::function ||
      (!known->function->is_declaration && !parsed->is_declaration)) {
    return fail_at(parsed->line, "%s is defined twice", shown(parsed->name).c_str());
  }
  *added = known->function;
  if (known->function->is_declaration) **added = std::move(*parsed);
  return true;
}

bool Parser::function(bool is_entry, bool is_extern) {
  Function parsed;
  parsed.is_entry = is_entry;
  scopes_.enter();
  if (at_dotted("attribute")) {
    advance();
    if (!skip_parentheses()) return false;
  }
  if (token_.is('(') && !parameter_list(&parsed, &parsed.results)) return false;
  parsed.line = token_.line;
  if (!take_word(&parsed.name, "a function's name")) return false;
  if (token_.is('(') && !parameter_list(&parsed, &parsed.parameters)) return false;
  if (!function_directives(&parsed)) return false;
  parsed.is_declaration = !token_.is('{');
  if (!parsed.is_declaration && is_extern) return unexpected("; after an .extern function");
  Function *added;
  if (!add_function(&parsed, &added)) return false;
  if (added->is_declaration || token_.is(';')) {
    scopes_.leave();
    return expect(';');
  }
  return body(added);
}

bool Parser::body(Function *function) {
  function_ = function;
  source_file_ = source_line_ = 0;
  branch_tables_.clear();
  table_uses_.clear();
  call_tables_.clear();
  if (!expect('{')) return false;
  const size_t depth = scopes_.depth();
  while (!(token_.is('}') && scopes_.depth() == depth)) {
    if (!statement()) return false;
  }
  advance();
  if (!resolve_forwards()) return false;
  for (const TableUse &use : table_uses_) {
    function->instructions[use.instruction].operands[use.operand].targets =
        branch_tables_[use.table];
  }
  function_ = nullptr;
  return true;
}

bool Parser::resolve_forward(const Forward &forward, const Symbol &symbol) {
  if (forward.in_table) {
    if (symbol.kind != Symbol::Kind::label) {
      return fail_at(forward.line, "%s is no label", shown(forward.name).c_str());
    }
    branch_tables_[forward.instruction][forward.operand] = symbol.target;
    return true;
  }
  Operand &operand = function_->instructions[forward.instruction].operands[forward.operand];
  operand.target = symbol.target;
  if (symbol.kind == Symbol::Kind::branch_table) {
    operand.target = 0;
    table_uses_.push_back({forward.instruction, forward.operand, symbol.target});
  } else if (symbol.kind == Symbol::Kind::call_table) {
    operand.target = 0;
    for (Function *function : call_tables_[symbol.target]) {
      operand.elements.emplace_back();
      operand.elements.back().kind = Operand::Kind::function;
      operand.elements.back().function = function;
      operand.elements.back().name = function->name;
    }
  } else if (symbol.kind != Symbol::Kind::label && symbol.kind != Symbol::Kind::prototype) {
    return fail_at(forward.line, "%s is used before it is declared", shown(forward.name).c_str());
  }
  return true;
}

/* At the end of a scope: what is not found in it may stand in the one around it. */
bool Parser::resolve_forwards() {
  const Scope scope = scopes_.leave();
  const bool last = scopes_.depth() == 1;
  for (const Forward &forward : scope.forwards) {
    const auto found = scope.symbols.find(forward.name);
    if (found != scope.symbols.end()) {
      if (!resolve_forward(forward, found->second)) return false;
    } else if (last) {
      return fail_at(forward.line, "%s is not declared", shown(forward.name).c_str());
    } else {
      scopes_.innermost().forwards.push_back(forward);
    }
  }
  return true;
}

/* name : .callprototype (results) _ (parameters) .noreturn; only the callee counts. */
bool Parser::call_prototype() {
  Function ignored;
  std::string_view name;
  scopes_.enter();
  if (token_.is('(') && !parameter_list(&ignored, &ignored.results)) return false;
  if (!take_word(&name, "_")) return false;
  if (token_.is('(') && !parameter_list(&ignored, &ignored.parameters)) return false;
  scopes_.leave();
  return function_directives(&ignored) && expect(';');
}

}  // namespace gpusim::ptx
