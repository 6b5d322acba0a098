/* Operands (PTX ISA, section 6). */
#include "tests/gpusim/ptx/parser.h"

namespace gpusim::ptx {
namespace {

constexpr std::string_view kSpecialRegisters[] = {
#define GPUSIM_SPECIAL(name) std::string_view("%" #name),
#include "tests/gpusim/ptx/special_registers.inc"
#undef GPUSIM_SPECIAL
};

/* %pm3, %pm3_64, %envreg31 */
bool is_numbered(std::string_view name, std::string_view prefix, std::string_view suffix) {
  if (name.substr(0, prefix.size()) != prefix) return false;
  name.remove_prefix(prefix.size());
  size_t digits = 0;
  while (digits < name.size() && name[digits] >= '0' && name[digits] <= '9') digits++;
  return digits >= 1 && digits <= 2 && name.substr(digits) == suffix;
}

bool is_special_register(std::string_view name) {
  for (std::string_view special : kSpecialRegisters) {
    if (special == name) return true;
  }
  return is_numbered(name, "%pm", "") || is_numbered(name, "%pm", "_64") ||
         is_numbered(name, "%envreg", "");
}

}  // namespace

/* Null if the name is not declared; the next call overwrites it. */
const Symbol *Parser::find(std::string_view name) {
  const Found found = scopes_.find(name);
  if (found.symbol) return found.symbol;
  if (!found.range) return nullptr;
  Variable *variable =
      new_register(function_, name, found.range->type, found.range->vector, found.range->line);
  found_ = {Symbol::Kind::variable, variable, nullptr, 0};
  scopes_.declare_at(found.depth, name, found_);
  return &found_;
}

/* .x of %tid.x, .y or .g of a vector register, .b0 or .h10 of a video instruction's operand. */
bool Parser::component(Operand *operand) {
  if (token_.kind != Token::Kind::dotted) return true;
  constexpr std::string_view kComponents = "xyzwrgba";
  const std::string_view text = token_.text;
  const size_t at = text.size() == 1 ? kComponents.find(text[0]) : std::string_view::npos;
  const bool selector = text.size() >= 2 && text.size() <= 5 &&
                        (text[0] == 'b' || text[0] == 'h') &&
                        text.find_first_not_of("01234567", 1) == std::string_view::npos;
  if (at != std::string_view::npos) {
    operand->component = kComponents[at % 4];
  } else if (selector) {
    operand->component = text[0];
    operand->name = text;
  } else {
    return fail("unknown component .%s", shown(text).c_str());
  }
  advance();
  return true;
}

bool Parser::register_operand(Operand *operand, const Variable *variable) {
  operand->kind = Operand::Kind::reg;
  operand->variable = variable;
  operand->name = variable->name;
  return component(operand);
}

bool Parser::special_register(Operand *operand) {
  operand->kind = Operand::Kind::special;
  operand->name = token_.text;
  advance();
  return component(operand);
}

/* array[4]: an address. */
bool Parser::element_address(Operand *operand) {
  uint64_t index = 0;
  advance();
  if (!integer(&index)) return false;
  Operand base;
  base.kind = Operand::Kind::variable;
  base.variable = operand->variable;
  base.name = operand->name;
  operand->kind = Operand::Kind::address;
  operand->offset = static_cast<int64_t>(index * type_bytes(operand->variable->type));
  operand->variable = nullptr;
  operand->elements.push_back(base);
  return expect(']');
}

bool Parser::symbol_operand(Operand *operand, const Symbol &symbol) {
  const std::string_view name = token_.text;
  advance();
  operand->name = name;
  if (symbol.kind == Symbol::Kind::function) {
    operand->kind = Operand::Kind::function;
    operand->function = symbol.function;
    return true;
  }
  if (symbol.kind != Symbol::Kind::variable) {
    return fail_at(last_.line, "%s is no operand here", shown(name).c_str());
  }
  if (symbol.variable->space == Space::reg) return register_operand(operand, symbol.variable);
  operand->kind = Operand::Kind::variable;
  operand->variable = symbol.variable;
  if (token_.is('[')) return element_address(operand);
  return offset(&operand->offset);
}

bool Parser::named(Operand *operand) {
  const std::string_view name = token_.text;
  if (name == "_") {
    advance();
    return true;
  }
  const Symbol *symbol = find(name);
  if (symbol) return symbol_operand(operand, *symbol);
  if (is_special_register(name)) return special_register(operand);
  return fail("%s is not declared", shown(name).c_str());
}

/* !p */
bool Parser::negated(Operand *operand) {
  advance();
  if (token_.kind != Token::Kind::word || !named(operand)) return unexpected("a predicate");
  if (operand->kind != Operand::Kind::reg || operand->variable->type != Type::pred) {
    return fail_at(last_.line, "! of what is no predicate");
  }
  operand->negated = true;
  return true;
}

/* [base + offset], [map, {x, y}] */
bool Parser::address(Operand *operand) {
  operand->kind = Operand::Kind::address;
  advance();
  operand->elements.emplace_back();
  Operand &base = operand->elements.back();
  if (token_.kind == Token::Kind::word && !at_word("WARP_SZ")) {
    if (!named(&base)) return false;
    operand->offset = base.offset;
    base.offset = 0;
    if (base.kind == Operand::Kind::reg && !offset(&operand->offset)) return false;
    if (base.kind != Operand::Kind::reg && base.kind != Operand::Kind::variable) {
      return fail_at(last_.line, "no base of an address");
    }
  } else {
    base.kind = Operand::Kind::integer;
    if (!integer(&base.bits)) return false;
  }
  while (accept(',')) {
    Operand further;
    if (token_.is('{') ? !vector(&further) : !operand_of_list(&further)) return false;
    operand->elements.push_back(further);
  }
  return expect(']');
}

/* A scalar: register, name, literal, _. */
bool Parser::operand_of_list(Operand *operand) {
  if (token_.kind == Token::Kind::word && !at_word("WARP_SZ")) return named(operand);
  if (token_.is('!')) return negated(operand);
  Literal value;
  if (!expression(&value)) return false;
  operand->kind = value.real_bytes ? Operand::Kind::real : Operand::Kind::integer;
  operand->bits = value.bits;
  operand->real_bytes = value.real_bytes;
  return true;
}

bool Parser::vector(Operand *operand) {
  operand->kind = Operand::Kind::vector;
  advance();
  do {
    operand->elements.emplace_back();
    if (!operand_of_list(&operand->elements.back())) return false;
  } while (accept(','));
  return expect('}');
}

/* ( .. ) of a call */
bool Parser::list(Operand *operand) {
  operand->kind = Operand::Kind::list;
  advance();
  if (accept(')')) return true;
  do {
    operand->elements.emplace_back();
    if (!operand_of_list(&operand->elements.back())) return false;
  } while (accept(','));
  return expect(')');
}

/* p|q: the first has been read. */
bool Parser::pair(Operand *operand) {
  Operand both;
  both.kind = Operand::Kind::pair;
  both.elements.push_back(*operand);
  both.elements.emplace_back();
  advance();
  if (token_.kind != Token::Kind::word) return unexpected("a register");
  if (!named(&both.elements.back())) return false;
  *operand = both;
  return true;
}

bool Parser::operand(Operand *operand) {
  if (token_.is('[')) return address(operand);
  if (token_.is('{')) return vector(operand);
  if (!operand_of_list(operand)) return false;
  const bool may_pair = operand->kind == Operand::Kind::reg || operand->kind == Operand::Kind::sink;
  return may_pair && token_.is('|') ? pair(operand) : true;
}

/* Names that stand for a place in the code are resolved when their scope ends. */
bool Parser::top_operand(Instruction *instruction) {
  instruction->operands.emplace_back();
  Operand &added = instruction->operands.back();
  if (token_.kind != Token::Kind::word || at_word("_") || at_word("WARP_SZ")) {
    return operand(&added);
  }
  const std::string_view name = token_.text;
  const Symbol *symbol = find(name);
  const bool is_place =
      symbol ? symbol->kind != Symbol::Kind::variable && symbol->kind != Symbol::Kind::function
             : !is_special_register(name);
  if (!is_place) return operand(&added);
  added.kind = Operand::Kind::label;
  added.name = name;
  scopes_.innermost().forwards.push_back(
      {name, token_.line, static_cast<uint32_t>(function_->instructions.size()),
       static_cast<uint32_t>(instruction->operands.size() - 1), false});
  advance();
  return true;
}

}  // namespace gpusim::ptx
