/* A parsed PTX module: names are resolved, nothing is decoded.
 *
 * A module owns its text; every string_view points into it. Variables and functions live in deques
 * so that pointers to them stay valid.
 */
#ifndef GPUSIM_PTX_MODULE_H
#define GPUSIM_PTX_MODULE_H

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/gpusim/ptx/types.h"

namespace gpusim::ptx {

struct Function;
struct Variable;

/* An initialiser's word that holds an address. */
struct Relocation {
  uint64_t offset = 0; /* into Variable::initial */
  unsigned bytes = 8;
  unsigned shift = 0;                 /* 0xff00(name): the address >> 8, cut to `bytes` */
  const Variable *variable = nullptr; /* one of the two */
  const Function *function = nullptr;
  int64_t addend = 0;
  bool generic = false; /* generic(name): a generic address */
};

/* A register, or memory declared in the module, in a function or as a parameter. */
struct Variable {
  std::string_view name;
  Space space = Space::reg;
  Type type = Type::none;
  unsigned vector = 1; /* .v2, .v4 */
  uint64_t bytes = 0;  /* of the whole array; 0 for an array without bound */
  uint32_t align = 1;
  bool is_extern = false;
  uint32_t line = 0;
  uint32_t index = 0;           /* of a register: its number within the function */
  std::vector<uint8_t> initial; /* as far as it is given; zero from there to `bytes` */
  std::vector<Relocation> relocations;
};

struct Operand {
  enum class Kind : uint8_t {
    reg,      /* variable (space reg) */
    integer,  /* bits: a literal, two's complement */
    real,     /* bits: the pattern of a literal of real_bytes bytes */
    variable, /* name of memory: its address is the value; offset */
    function, /* function */
    label,    /* target: index of an instruction, or their count for a label at the function's
                 end; of a .branchtargets table: targets; of a .calltargets table: elements */
    address,  /* [..]: elements[0] is its base (reg, integer, variable), offset; coordinates of a
                 tensor or texture are further elements */
    vector,   /* {..}: elements */
    list,     /* (..) of a call: elements */
    pair,     /* p|q: elements */
    special,  /* name and component of a special register, such as "%tid" and 'x' */
    sink      /* _ */
  };
  Kind kind = Kind::sink;
  bool negated = false; /* !p */
  char component = 0;   /* 'x' 'y' 'z' 'w' of a special register or vector register; 0 = none;
                           'b' or 'h' of a video instruction's selector, which is the name then */
  uint8_t real_bytes = 0;
  const Variable *variable = nullptr;
  const Function *function = nullptr;
  uint64_t bits = 0;
  int64_t offset = 0;
  uint32_t target = 0;
  std::string_view name;
  std::vector<Operand> elements;
  std::vector<uint32_t> targets; /* label tables of brx */
};

struct Instruction {
  std::string_view base;                    /* "mma" */
  std::vector<std::string_view> qualifiers; /* "sync", "aligned", "m16n8k16", ..., without dots */
  const Variable *guard = nullptr;
  bool guard_negated = false;
  std::vector<Operand> operands; /* of call: list of results, target, list of arguments (both lists
                                    stand even if empty), and a prototype if there is one */
  uint32_t line = 0;             /* of the PTX text, 1-based */
  uint32_t source_file = 0;      /* number of a .file; 0 = no .loc */
  uint32_t source_line = 0;
  std::string_view text; /* from guard to semicolon */
};

struct Function {
  std::string_view name;
  bool is_entry = false;
  bool is_declaration = false;
  bool is_noreturn = false;
  uint32_t line = 0;
  std::vector<const Variable *> results;    /* space param or reg */
  std::vector<const Variable *> parameters; /* space param or reg */
  std::vector<const Variable *> registers;  /* those used; registers[i]->index == i */
  std::vector<const Variable *> memory;     /* local, shared and param variables of the body */
  std::vector<Instruction> instructions;
  uint32_t max_threads[3] = {0, 0, 0};      /* .maxntid; 0 = not given */
  uint32_t required_threads[3] = {0, 0, 0}; /* .reqntid; 0 = not given */
  uint32_t min_ctas = 0;                    /* .minnctapersm */
  uint32_t max_registers = 0;               /* .maxnreg */
};

struct Module {
  std::string text;
  unsigned version_major = 0, version_minor = 0;
  unsigned target = 0; /* 80 of sm_80 */
  unsigned address_bytes = 8;
  std::deque<Variable> variables; /* all of them, of every scope */
  std::deque<Function> functions;
  std::vector<const Variable *> globals; /* module scope: global, constant, shared */
  std::vector<std::string_view> files;   /* by .file number */

  const Function *find(std::string_view name) const;
};

/* Null on a syntax error; then *error reads "line 12: ...". Never crashes on any bytes, and
 * allocates in proportion to the text: an array's claimed size costs nothing. */
std::unique_ptr<Module> parse(std::string_view text, std::string *error);

}  // namespace gpusim::ptx

#endif
