#include "tests/gpusim/driver/call.h"

#pragma GCC visibility push(default)
#include <cudaProfiler.h>
#pragma GCC visibility pop

CUresult cuProfilerStart(void) { return gpusim::driver::Call(__func__).result(); }

CUresult cuProfilerStop(void) { return gpusim::driver::Call(__func__).result(); }
