/* A launch's first fault. */
#ifndef GPUSIM_EXEC_FAULT_REPORT_H
#define GPUSIM_EXEC_FAULT_REPORT_H

#include "tests/gpusim/base/fault.h"
#include "tests/gpusim/exec/launch.h"

namespace gpusim {

/* Fills in kernel, instruction, PTX line and source line. `source` may be null. */
void locate_fault(const LaunchRequest &request, const ptx::Instruction *source, Fault *fault);

}  // namespace gpusim

#endif
