/* Statements of a function's body (PTX ISA, sections 4.3 and 9.1). */
#include <utility>

#include "tests/gpusim/ptx/parser.h"

namespace gpusim::ptx {

/* .loc file line column [, function_name label [+ offset], inlined_at file line column] */
bool Parser::location() {
  advance();
  uint64_t file = 0, line = 0, ignored;
  if (!take_number(&file, UINT32_MAX) || !take_number(&line, UINT32_MAX) ||
      !take_number(&ignored, UINT64_MAX)) {
    return false;
  }
  source_file_ = static_cast<uint32_t>(file);
  source_line_ = static_cast<uint32_t>(line);
  while (accept(',')) {
    std::string_view word, label;
    int64_t offset_ignored = 0;
    if (!take_word(&word, "function_name or inlined_at")) return false;
    if (word == "function_name") {
      if (!take_word(&label, "a label") || !offset(&offset_ignored)) return false;
    } else {
      for (unsigned i = 0; i < 3; i++) {
        if (!take_number(&ignored, UINT64_MAX)) return false;
      }
    }
  }
  return true;
}

bool Parser::body_directive() {
  if (at_dotted("loc")) return location();
  if (at_dotted("pragma")) return skip_until(';');
  if (at_dotted("file")) return file();
  if (at_dotted("section")) return section();
  Declaration declaration;
  if (!space_from_name(token_.text, &declaration.space) || declaration.space == Space::sreg) {
    return fail("unknown directive .%s", shown(token_.text).c_str());
  }
  advance();
  return variables(declaration);
}

bool Parser::enter_scope() {
  if (scopes_.depth() == kMaxDepth) return fail("scopes too deep");
  scopes_.enter();
  return true;
}

bool Parser::add_symbol(std::string_view name, const Symbol &symbol) {
  if (scopes_.declare(name, symbol)) return true;
  return fail_at(last_.line, "%s is declared twice", shown(name).c_str());
}

/* name : .branchtargets a, b, c; */
bool Parser::branch_targets(std::string_view name) {
  advance();
  const uint32_t table = static_cast<uint32_t>(branch_tables_.size());
  if (!add_symbol(name, {Symbol::Kind::branch_table, nullptr, nullptr, table})) return false;
  uint32_t count = 0;
  do {
    Forward forward{{}, token_.line, table, count++, true};
    if (!take_word(&forward.name, "a label")) return false;
    scopes_.innermost().forwards.push_back(forward);
  } while (accept(','));
  branch_tables_.emplace_back(count);
  return expect(';');
}

/* name : .calltargets f, g; */
bool Parser::call_targets(std::string_view name) {
  advance();
  const uint32_t table = static_cast<uint32_t>(call_tables_.size());
  if (!add_symbol(name, {Symbol::Kind::call_table, nullptr, nullptr, table})) return false;
  call_tables_.emplace_back();
  do {
    std::string_view target;
    if (!take_word(&target, "a function")) return false;
    const Symbol *symbol = find(target);
    if (!symbol || symbol->kind != Symbol::Kind::function) {
      return fail_at(last_.line, "%s is no function", shown(target).c_str());
    }
    call_tables_.back().push_back(symbol->function);
  } while (accept(','));
  return expect(';');
}

/* Behind "name :". */
bool Parser::labelled(std::string_view name, uint32_t line) {
  if (at_dotted("branchtargets")) return branch_targets(name);
  if (at_dotted("calltargets")) return call_targets(name);
  Symbol symbol;
  symbol.kind = Symbol::Kind::label;
  symbol.target = static_cast<uint32_t>(function_->instructions.size());
  if (at_dotted("callprototype")) symbol.kind = Symbol::Kind::prototype;
  if (!scopes_.declare(name, symbol)) {
    return fail_at(line, "%s is declared twice", shown(name).c_str());
  }
  if (symbol.kind == Symbol::Kind::label) return true;
  advance();
  return call_prototype();
}

/* @p or @!p in front of an instruction. */
bool Parser::guarded() {
  Instruction guarded_instruction;
  guarded_instruction.line = token_.line;
  const char *begin = token_.begin;
  advance();
  guarded_instruction.guard_negated = accept('!');
  std::string_view name, opcode;
  if (!take_word(&name, "a predicate")) return false;
  const Symbol *symbol = find(name);
  if (!symbol || symbol->kind != Symbol::Kind::variable || symbol->variable->type != Type::pred) {
    return fail_at(last_.line, "%s is no predicate", shown(name).c_str());
  }
  guarded_instruction.guard = symbol->variable;
  if (!take_word(&opcode, "an instruction")) return false;
  return instruction(std::move(guarded_instruction), opcode, begin);
}

bool Parser::statement() {
  if (token_.is(';')) return expect(';');
  if (token_.is('{')) return expect('{') && enter_scope();
  if (token_.is('}')) return expect('}') && resolve_forwards();
  if (token_.is('@')) return guarded();
  if (token_.kind == Token::Kind::dotted) return body_directive();
  const Token first = token_;
  std::string_view name;
  if (!take_word(&name, "a statement")) return false;
  if (accept(':')) return labelled(name, first.line);
  Instruction plain;
  plain.line = first.line;
  return instruction(std::move(plain), name, first.begin);
}

/* Its opcode has been taken, and is the last token. */
bool Parser::instruction(Instruction instruction, std::string_view opcode, const char *begin) {
  instruction.base = opcode;
  instruction.source_file = source_file_;
  instruction.source_line = source_line_;
  while (token_.kind == Token::Kind::dotted) {
    instruction.qualifiers.push_back(token_.text);
    advance();
  }
  if (!token_.is(';')) {
    if (opcode == "call" ? !call_operands(&instruction) : !operands(&instruction)) return false;
  }
  instruction.text = {begin, static_cast<size_t>(last_.end() - begin)};
  if (!expect(';')) return false;
  function_->instructions.push_back(std::move(instruction));
  return true;
}

bool Parser::operands(Instruction *instruction) {
  do {
    if (!top_operand(instruction)) return false;
  } while (accept(','));
  return true;
}

/* call (results), target, (arguments), prototype; all but the target may be missing. */
bool Parser::call_operands(Instruction *instruction) {
  instruction->operands.resize(3);
  instruction->operands[0].kind = Operand::Kind::list;
  instruction->operands[2].kind = Operand::Kind::list;
  if (token_.is('(') && (!list(&instruction->operands[0]) || !expect(','))) return false;
  if (!operand(&instruction->operands[1])) return false;
  const Operand::Kind target = instruction->operands[1].kind;
  if (target != Operand::Kind::function && target != Operand::Kind::reg) {
    return fail_at(last_.line, "call of what is no function");
  }
  if (!accept(',')) return true;
  if (token_.is('(')) {
    if (!list(&instruction->operands[2])) return false;
    if (!accept(',')) return true;
  }
  return top_operand(instruction);
}

}  // namespace gpusim::ptx
