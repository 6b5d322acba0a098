/* What an instruction needs of the module's .target. */
#ifndef GPUSIM_EXEC_TARGETS_H
#define GPUSIM_EXEC_TARGETS_H

#include "tests/gpusim/ptx/module.h"

namespace gpusim {

/* The lowest target that has the instruction, 90 for sm_90; 0 if it is not beyond sm_80's. */
unsigned needed_target(const ptx::Instruction &instruction);

}  // namespace gpusim

#endif
