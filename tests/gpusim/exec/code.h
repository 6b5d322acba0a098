/* A function ready to run, and what its frames need. */
#ifndef GPUSIM_EXEC_CODE_H
#define GPUSIM_EXEC_CODE_H

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tests/gpusim/exec/instruction.h"
#include "tests/gpusim/ptx/module.h"

namespace gpusim {

struct Code;
struct Special;

/* A register that no instruction writes: its lanes are filled when the frame is made. */
struct Fill {
  enum class Kind : uint8_t {
    literal, /* value */
    special, /* special, component */
    shared,  /* address of shared variable `number` in the entry that runs, plus value */
    local,   /* the frame's local base plus value */
    param    /* the frame's param base plus value */
  };
  Kind kind = Kind::literal;
  uint8_t bytes = 0; /* of one lane */
  uint8_t component = 0;
  uint16_t index = 0;
  uint32_t at = 0;
  uint32_t number = 0;
  uint64_t value = 0;
  const Special *special = nullptr;
};

/* A variable in the frame's part of a stack. */
struct Extent {
  uint32_t offset = 0;
  uint32_t bytes = 0;
};

/* An argument or a result, formal or actual: a register, or bytes of the frame's param memory. */
struct Passed {
  bool in_register = false;
  Operand reg;
  uint32_t offset = 0;
  uint32_t bytes = 0;
};

struct CallSite {
  const ptx::Function *function = nullptr; /* null: through operand 0 of the instruction */
  const Code *target = nullptr;
  std::vector<Passed> results;
  std::vector<Passed> arguments;
};

struct Code {
  const ptx::Function *source = nullptr;
  std::vector<Instruction> instructions;
  uint32_t register_bytes = 0; /* of a frame's register file, literals included */
  uint32_t register_count = 0; /* dirty flags */
  uint32_t local_bytes = 0, local_align = 1;
  uint32_t parameter_bytes = 0; /* of an entry's parameters, with their alignment padding */
  uint32_t shared_bytes = 0;    /* static, of an entry and all that it may call */
  /* Why it can't be executed: the first unsupported instruction; empty when it can. Functions of a
   * module that can't run do no harm until they are launched. */
  std::string unsupported;

  uint32_t number = 0;            /* within the module */
  uint32_t param_bytes = 0;       /* of a frame's param memory */
  std::vector<Operand> registers; /* all that can be written */
  std::vector<Extent> locals, params;
  std::vector<Fill> fills;
  std::vector<Passed> formal_results, formal_arguments;
  std::deque<CallSite> calls;
  std::deque<std::vector<Operand>> operands;
  std::vector<uint32_t> shared_offsets;              /* of an entry: by number of shared variable */
  std::vector<uint32_t> uses_shared;                 /* numbers of shared variables, its own only */
  std::vector<std::string> unsupported_instructions; /* its own, all of them */
  const ptx::Instruction *first_unsupported = nullptr; /* of `unsupported` */
  bool calls_indirectly = false;
};

}  // namespace gpusim

#endif
