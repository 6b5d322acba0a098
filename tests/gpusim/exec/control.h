/* Decoders and executors that lowering needs by name. */
#ifndef GPUSIM_EXEC_CONTROL_H
#define GPUSIM_EXEC_CONTROL_H

#include "tests/gpusim/exec/decoder.h"

namespace gpusim {

void decode_clock(Decoder &decoder);
Step execute_unsupported(Warp &warp, const Instruction &instruction, uint32_t mask);

}  // namespace gpusim

#endif
