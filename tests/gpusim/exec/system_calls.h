/* Functions that every device has without anybody defining them. */
#ifndef GPUSIM_EXEC_SYSTEM_CALLS_H
#define GPUSIM_EXEC_SYSTEM_CALLS_H

#include "tests/gpusim/exec/code.h"
#include "tests/gpusim/exec/frame.h"

namespace gpusim {

/* Where a passed value lies: lane l at bytes + l * stride. */
struct LaneView {
  uint8_t *bytes = nullptr;
  uint8_t *undefined = nullptr;
  size_t stride = 0;
};
LaneView passed_lanes(Warp &warp, const Frame &frame, const Passed &passed);

/* What executes a call of __assertfail or vprintf; null for other functions. The instruction's
 * detail 0 is its CallSite. */
Execute find_system_call(const CallSite &call);

}  // namespace gpusim

#endif
