/* What names mean: a table per scope, the innermost wins (PTX ISA, section 4.4). */
#ifndef GPUSIM_PTX_SCOPES_H
#define GPUSIM_PTX_SCOPES_H

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tests/gpusim/ptx/module.h"

namespace gpusim::ptx {

struct Symbol {
  enum class Kind : uint8_t {
    none,
    variable,
    function,
    label,
    branch_table,
    call_table,
    prototype
  };
  Kind kind = Kind::none;
  Variable *variable = nullptr;
  Function *function = nullptr;
  uint32_t target = 0; /* of a label: index of an instruction; of a table: its number */
};

/* .reg .b32 %r<12>: names %r0 .. %r11. Registers come to life when they are first named, so that a
 * range costs nothing. */
struct RegisterRange {
  Type type = Type::none;
  unsigned vector = 1;
  uint32_t count = 0;
  uint32_t line = 0;
};

/* A name that was used before it was declared: a label further down, in this scope or around it. */
struct Forward {
  std::string_view name;
  uint32_t line = 0;
  uint32_t instruction = 0; /* of an operand; or the table's number */
  uint32_t operand = 0;     /* of the instruction, or entry of the table */
  bool in_table = false;
};

struct Scope {
  std::unordered_map<std::string_view, Symbol> symbols;
  std::unordered_map<std::string_view, RegisterRange> ranges;
  std::vector<Forward> forwards;
};

/* Nothing, a symbol, or a range whose register has not been named before. */
struct Found {
  const Symbol *symbol = nullptr;
  const RegisterRange *range = nullptr;
  size_t depth = 0; /* of its scope */
};

class Scopes {
 public:
  Scopes() : scopes_(1) {}

  /* The innermost meaning of a name. */
  Found find(std::string_view name) const;
  /* False if the innermost scope has one of that name already. */
  bool declare(std::string_view name, const Symbol &symbol);
  bool declare_range(std::string_view prefix, const RegisterRange &range);
  /* Null if there is none. */
  Symbol *find_here(std::string_view name) { return find_in(scopes_.back(), name); }
  Symbol *find_outermost(std::string_view name) { return find_in(scopes_.front(), name); }
  /* Brings a register of a range to life, in the range's scope. */
  void declare_at(size_t depth, std::string_view name, const Symbol &symbol);

  void enter() { scopes_.emplace_back(); }
  Scope leave();
  Scope &innermost() { return scopes_.back(); }
  size_t depth() const { return scopes_.size(); }

 private:
  static Symbol *find_in(Scope &scope, std::string_view name);
  std::vector<Scope> scopes_;
};

}  // namespace gpusim::ptx

#endif
