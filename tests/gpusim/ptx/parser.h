/* The parser of PTX modules: recursive descent, one token ahead. Every function that returns bool
 * returns false after fail(), and its caller returns at once. */
#ifndef GPUSIM_PTX_PARSER_H
#define GPUSIM_PTX_PARSER_H

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tests/gpusim/ptx/lexer.h"
#include "tests/gpusim/ptx/literal.h"
#include "tests/gpusim/ptx/module.h"
#include "tests/gpusim/ptx/scopes.h"

namespace gpusim::ptx {

constexpr uint64_t kMaxRange = 1u << 20;          /* registers of one %r<..> */
constexpr uint64_t kMaxBytes = UINT64_C(1) << 46; /* of one variable */
constexpr uint64_t kMaxAlign = 1u << 20;
constexpr uint64_t kMaxFile = 1u << 14; /* number of a .file */
constexpr size_t kMaxDepth = 64;        /* of scopes, parentheses, dimensions */

/* As it stands in messages: names may have thousands of characters. */
std::string shown(std::string_view name);

class Parser {
 public:
  Parser(Module *module, std::string *error)
      : module_(module), error_(error), lexer_(module->text) {}
  bool parse();

 private:
  /* What a declaration says before its names. */
  struct Declaration {
    Space space = Space::reg;
    Type type = Type::none;
    unsigned vector = 1;
    uint32_t align = 0; /* 0 = not given */
    bool is_extern = false;
  };
  using Dimensions = std::vector<uint64_t>; /* the first may be 0: [] */

  /* parser.cc: tokens */
  bool fail(const char *format, ...) __attribute__((format(printf, 2, 3)));
  bool fail_at(uint32_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));
  bool unexpected(const char *wanted);
  void advance();
  bool at_word(std::string_view text) const;
  bool at_dotted(std::string_view text) const;
  bool accept(char c);
  bool expect(char c);
  bool take_word(std::string_view *name, const char *wanted);
  bool take_number(uint64_t *value, uint64_t maximum);
  bool skip_until(char c);
  bool skip_parentheses();

  /* parse_module.cc: directives at module scope */
  bool version();
  bool target();
  bool address_size();
  bool file();
  bool section();
  bool alias();
  bool module_directive();
  bool linked_directive();
  void resolve_aliases();
  void replace_aliases(Operand *operand);

  /* parse_function.cc */
  bool function(bool is_entry, bool is_extern);
  bool parameter_list(Function *function, std::vector<const Variable *> *list);
  bool parameter(Function *function, std::vector<const Variable *> *list);
  bool function_directives(Function *function);
  bool thread_counts(uint32_t counts[3]);
  bool count(uint32_t *value);
  bool add_function(Function *parsed, Function **added);
  bool body(Function *function);
  bool resolve_forwards();
  bool resolve_forward(const Forward &forward, const Symbol &symbol);
  bool call_prototype();

  /* parse_variable.cc */
  bool attributes(Declaration *declaration);
  bool attribute(Declaration *declaration);
  bool variables(Declaration declaration);
  bool variable(const Declaration &declaration);
  bool registers(const Declaration &declaration);
  bool dimensions(Dimensions *dimensions);
  bool set_size(Variable *variable, const Declaration &declaration, const Dimensions &dimensions);
  bool add_variable(const Variable &parsed, Variable **added);
  Variable *new_register(Function *function, std::string_view name, Type type, unsigned vector,
                         uint32_t line);

  /* parse_initial.cc */
  bool initialiser(Variable *variable, const Dimensions &dimensions);
  bool initial_list(Variable *variable, const Dimensions &dimensions, size_t level,
                    uint64_t *offset);
  bool initial_element(Variable *variable, uint64_t offset);
  bool initial_address(Variable *variable, uint64_t offset, uint64_t mask);
  bool initial_value(Variable *variable, uint64_t offset, const Literal &value);
  bool named_address(Relocation *relocation);
  bool reserve_initial(Variable *variable, uint64_t bytes);

  /* parse_statement.cc */
  bool statement();
  bool body_directive();
  bool location();
  bool enter_scope();
  bool labelled(std::string_view name, uint32_t line);
  bool branch_targets(std::string_view name);
  bool call_targets(std::string_view name);
  bool add_symbol(std::string_view name, const Symbol &symbol);
  bool guarded();
  bool instruction(Instruction instruction, std::string_view opcode, const char *begin);
  bool operands(Instruction *instruction);
  bool call_operands(Instruction *instruction);

  /* parse_operand.cc */
  bool operand(Operand *operand);
  bool top_operand(Instruction *instruction);
  bool named(Operand *operand);
  bool symbol_operand(Operand *operand, const Symbol &symbol);
  bool register_operand(Operand *operand, const Variable *variable);
  bool special_register(Operand *operand);
  bool component(Operand *operand);
  bool element_address(Operand *operand);
  bool negated(Operand *operand);
  bool address(Operand *operand);
  bool vector(Operand *operand);
  bool list(Operand *operand);
  bool operand_of_list(Operand *operand);
  bool pair(Operand *operand);
  bool offset(int64_t *offset);
  const Symbol *find(std::string_view name);

  /* parse_expression.cc: constant expressions */
  bool expression(Literal *value);
  bool conditional(Literal *value);
  bool binary(Literal *value, unsigned precedence);
  bool unary(Literal *value);
  bool primary(Literal *value);
  bool parenthesised(Literal *value);
  bool integer(uint64_t *value);

  Module *module_;
  std::string *error_;
  Lexer lexer_;
  Token token_;
  Token last_; /* before token_ */
  Scopes scopes_;
  Function *function_ = nullptr; /* whose body is read */
  uint64_t initial_bytes_ = 0;
  size_t expression_depth_ = 0;
  uint32_t source_file_ = 0, source_line_ = 0;
  Symbol found_; /* a register that find() brought to life */

  struct TableUse {
    uint32_t instruction, operand, table;
  };
  std::vector<std::vector<uint32_t>> branch_tables_; /* of the function */
  std::vector<TableUse> table_uses_;
  std::vector<std::vector<Function *>> call_tables_;
  std::unordered_map<const Function *, const Function *> aliases_;
};

}  // namespace gpusim::ptx

#endif
