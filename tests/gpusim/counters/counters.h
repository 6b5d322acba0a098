/* What a launch did. */
#ifndef GPUSIM_COUNTERS_COUNTERS_H
#define GPUSIM_COUNTERS_COUNTERS_H

#include <cstdint>
#include <vector>

#include "tests/gpusim/counters/memory.h"
#include "tests/gpusim/exec/instruction.h"

namespace gpusim {

constexpr unsigned kInstructionClasses = 0
#define GPUSIM_CLASS(name) +1
#include "tests/gpusim/exec/classes.inc"
#undef GPUSIM_CLASS
    ;

constexpr unsigned kTensorKinds = 0
#define GPUSIM_TENSOR_SHAPE(opcode, m, n, k, type) +1
#include "tests/gpusim/tensor/shapes.inc"
#undef GPUSIM_TENSOR_SHAPE
    ;

/* How often an instruction was executed: by warps, and by lanes that were not predicated off. */
struct ExecutionCount {
  uint64_t warps = 0;
  uint64_t lanes = 0;
};

struct InstructionCount {
  const Instruction *instruction = nullptr;
  ExecutionCount count;
};

/* When only a sample of the CTAs is executed, everything is scaled to the whole grid. */
struct Counters {
  uint64_t ctas = 0;
  uint64_t executed_ctas = 0;
  uint64_t warp_instructions = 0;
  uint64_t thread_instructions = 0;
  uint64_t by_class[kInstructionClasses] = {};
  uint64_t divergent_branches = 0;
  uint64_t tensor[kTensorKinds] = {}; /* by rows of tensor/shapes.inc */
  uint64_t unique_global_sectors = 0; /* touched at all, by the executed CTAs: never scaled */
  uint64_t unwatched_for_races = 0;   /* accesses of global memory, beyond the bookkeeping */
  MemoryCounters memory;
  std::vector<InstructionCount> instructions; /* those that were executed */
};

}  // namespace gpusim

#endif
