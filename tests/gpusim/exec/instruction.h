/* The executable form of a PTX instruction: operands are offsets into a register file, qualifiers
 * have chosen a function.
 *
 * Register file of a frame: each register holds its 32 lanes side by side (uint16_t[32],
 * uint32_t[32], uint64_t[32], 16 bytes x 32); a predicate is one uint32_t, bit = lane. Literals and
 * special registers that stay constant for a warp (tid, laneid, ...) are registers too, filled when
 * the frame is made; so an executor always reads arrays of lanes. A shadow of the same layout marks
 * undefined bits with ones; `dirty` says per register whether any lane may have some.
 */
#ifndef GPUSIM_EXEC_INSTRUCTION_H
#define GPUSIM_EXEC_INSTRUCTION_H

#include <cstdint>

#include "tests/gpusim/ptx/module.h"

namespace gpusim {

struct Warp;
struct Instruction;

constexpr unsigned kLanes = 32;
constexpr uint32_t kAllLanes = 0xffffffffu;

/* What the engine does after an instruction. */
enum class Step : uint8_t {
  next,   /* go on with the following instruction */
  jumped, /* the executor has set the split's pc (or ended or divided the split) */
  wait,   /* nothing happened: execute the same instruction again later */
  yield,  /* like next, but let others run first */
  fault   /* Warp::fault has been called */
};

/* Executes one instruction for the lanes of `mask` (active and not predicated off; never 0). */
using Execute = Step (*)(Warp &warp, const Instruction &instruction, uint32_t mask);

/* Marks the undefined bits of the targets. Called before Execute, while the sources still have
 * their values, in checked mode only, when a source is dirty or a target is; never for instructions
 * that do it themselves (null). */
using Propagate = void (*)(Warp &warp, const Instruction &instruction, uint32_t mask);

struct Operand {
  uint32_t at = 0;    /* byte offset into the frame's register file */
  uint16_t index = 0; /* of the dirty flag; literals and special registers are never dirty */
  uint8_t bytes = 0;  /* of one lane in the register file; 0 = predicate */
  bool negated = false;
};

/* Which lanes have to execute an instruction together. */
enum class Converge : uint8_t {
  none,
  aligned, /* .aligned: every lane of the warp that has not exited */
  members  /* .sync with a mask in operand `members`; lanes that exited don't count. The executor
            * sees the lanes of one mask at a time. */
};

/* Classes that counters tell apart. */
enum class InstructionClass : uint8_t {
#define GPUSIM_CLASS(name) name,
#include "tests/gpusim/exec/classes.inc"
#undef GPUSIM_CLASS
};

struct Instruction {
  Execute execute = nullptr;
  Propagate propagate = nullptr;
  const Operand *operands = nullptr; /* flattened: vectors and pairs element by element */
  uint8_t count = 0;
  uint8_t targets = 0;   /* operands[0 .. targets) are written, the rest is read */
  uint8_t group[8] = {}; /* operands[group[i]] is the first of the i-th PTX operand */
  bool guarded = false;
  Operand guard;
  Converge converge = Converge::none;
  uint8_t members = 0;
  InstructionClass instruction_class = InstructionClass::integer;
  Space space = Space::generic; /* of memory instructions */
  int64_t offset = 0;           /* added to the address operand */
  uint32_t target = 0;          /* of branches: index of an instruction */
  uint64_t detail[4] = {};      /* what the decoder found in the qualifiers, for the executor */
  const ptx::Instruction *source = nullptr;
};

}  // namespace gpusim

#endif
