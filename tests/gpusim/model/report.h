/* Counters and model as JSON. */
#ifndef GPUSIM_MODEL_REPORT_H
#define GPUSIM_MODEL_REPORT_H

#include <string>

#include "tests/gpusim/model/model.h"

namespace gpusim {

struct LaunchRequest;

/* One line; empty when memory is short. */
std::string launch_json(const LaunchRequest &request, const Counters &counters,
                        const CtaNeeds &needs, const driver::Device &device);

}  // namespace gpusim

#endif
