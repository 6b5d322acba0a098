/* Declarations of registers and memory (PTX ISA, section 5.4). */
#include "tests/gpusim/ptx/parser.h"

namespace gpusim::ptx {

bool Parser::attribute(Declaration *declaration) {
  const std::string_view name = token_.text;
  advance();
  if (name == "align") {
    uint64_t align = 0;
    if (!take_number(&align, kMaxAlign)) return false;
    if (align == 0 || (align & (align - 1)) != 0) {
      return fail_at(last_.line, "alignment %llu is no power of two",
                     static_cast<unsigned long long>(align));
    }
    declaration->align = static_cast<uint32_t>(align);
    return true;
  }
  /* .param .u64 .ptr .global .align 8 p: promises about the pointer, not about the parameter. */
  if (name == "ptr") {
    Space ignored;
    uint64_t align;
    if (token_.kind == Token::Kind::dotted && space_from_name(token_.text, &ignored)) advance();
    if (!at_dotted("align")) return true;
    advance();
    return take_number(&align, kMaxAlign);
  }
  if (name == "attribute") return skip_parentheses();
  if (name == "v2" || name == "v4" || name == "v8") {
    declaration->vector = static_cast<unsigned>(name[1] - '0');
    return true;
  }
  const Type type = type_from_name(name);
  if (type == Type::none) return fail_at(last_.line, "unknown type .%s", shown(name).c_str());
  if (declaration->type != Type::none) return fail_at(last_.line, "a second type");
  declaration->type = type;
  return true;
}

/* What stands between the space and the first name. */
bool Parser::attributes(Declaration *declaration) {
  while (token_.kind == Token::Kind::dotted) {
    if (!attribute(declaration)) return false;
  }
  return declaration->type != Type::none || unexpected("a type");
}

/* [2][3], [] */
bool Parser::dimensions(Dimensions *dimensions) {
  while (accept('[')) {
    uint64_t extent = 0;
    if (!token_.is(']') && !integer(&extent)) return false;
    if (extent == 0 && !dimensions->empty()) return fail("only the first dimension can be open");
    if (dimensions->size() == kMaxDepth) return fail("too many dimensions");
    dimensions->push_back(extent);
    if (!expect(']')) return false;
  }
  return true;
}

bool Parser::set_size(Variable *variable, const Declaration &declaration,
                      const Dimensions &dimensions) {
  variable->space = declaration.space;
  variable->type = declaration.type;
  variable->vector = declaration.vector;
  variable->is_extern = declaration.is_extern;
  uint64_t bytes = uint64_t{type_bytes(declaration.type)} * declaration.vector;
  if (declaration.space != Space::reg && bytes == 0) {
    return fail_at(variable->line, ".%s is for registers only", type_name(declaration.type));
  }
  variable->align = declaration.align ? declaration.align : static_cast<uint32_t>(bytes);
  if (variable->align == 0) variable->align = 1;
  for (uint64_t extent : dimensions) {
    if (__builtin_mul_overflow(bytes, extent ? extent : 1, &bytes) || bytes > kMaxBytes) {
      return fail_at(variable->line, "%s is larger than any memory", shown(variable->name).c_str());
    }
  }
  if (declaration.space == Space::reg && !dimensions.empty()) {
    return fail_at(variable->line, "registers have no dimensions");
  }
  variable->bytes = !dimensions.empty() && dimensions[0] == 0 ? 0 : bytes;
  return true;
}

Variable *Parser::new_register(Function *function, std::string_view name, Type type,
                               unsigned vector, uint32_t line) {
  module_->variables.emplace_back();
  Variable &variable = module_->variables.back();
  variable.name = name;
  variable.space = Space::reg;
  variable.type = type;
  variable.vector = vector;
  variable.bytes = uint64_t{type_bytes(type)} * vector;
  variable.line = line;
  variable.index = static_cast<uint32_t>(function->registers.size());
  function->registers.push_back(&variable);
  return &variable;
}

/* %name or %name<count> */
bool Parser::registers(const Declaration &declaration) {
  std::string_view name;
  const uint32_t line = token_.line;
  if (!take_word(&name, "a register's name")) return false;
  if (accept('<')) {
    RegisterRange range{declaration.type, declaration.vector, 0, line};
    uint64_t number = 0;
    if (!take_number(&number, kMaxRange)) return false;
    range.count = static_cast<uint32_t>(number);
    if (!scopes_.declare_range(name, range)) {
      return fail_at(line, "%s is declared twice", shown(name).c_str());
    }
    return expect('>');
  }
  Variable *variable = new_register(function_, name, declaration.type, declaration.vector, line);
  return add_symbol(name, {Symbol::Kind::variable, variable, nullptr, 0});
}

/* An .extern declaration may come before the definition, and after it. */
bool Parser::add_variable(const Variable &parsed, Variable **added) {
  const Symbol *known = scopes_.find_here(parsed.name);
  const bool same = known && known->kind == Symbol::Kind::variable && !function_ &&
                    known->variable->space == parsed.space &&
                    (known->variable->is_extern || parsed.is_extern);
  if (same) {
    *added = known->variable;
    if (!parsed.is_extern) **added = parsed;
    return true;
  }
  module_->variables.push_back(parsed);
  *added = &module_->variables.back();
  (function_ ? function_->memory : module_->globals).push_back(*added);
  return add_symbol(parsed.name, {Symbol::Kind::variable, *added, nullptr, 0});
}

bool Parser::variable(const Declaration &declaration) {
  Variable parsed;
  parsed.line = token_.line;
  Dimensions sizes;
  if (!take_word(&parsed.name, "a variable's name") || !dimensions(&sizes) ||
      !set_size(&parsed, declaration, sizes)) {
    return false;
  }
  Variable *added;
  if (!add_variable(parsed, &added)) return false;
  if (!accept('=')) return true;
  if (parsed.is_extern || (parsed.space != Space::global && parsed.space != Space::constant)) {
    return fail_at(last_.line, "%s can't have an initial value", shown(parsed.name).c_str());
  }
  return initialiser(added, sizes);
}

bool Parser::variables(Declaration declaration) {
  if (!attributes(&declaration)) return false;
  do {
    if (declaration.space == Space::reg ? !registers(declaration) : !variable(declaration)) {
      return false;
    }
  } while (accept(','));
  return expect(';');
}

}  // namespace gpusim::ptx
