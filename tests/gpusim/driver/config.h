/* Settings and the last fault, as gpusim.h shows them. The driver's lock guards them. */
#ifndef GPUSIM_DRIVER_CONFIG_H
#define GPUSIM_DRIVER_CONFIG_H

#include <cstdint>
#include <string>

#include "tests/gpusim/base/fault.h"
#include "tests/gpusim/gpusim.h"

namespace gpusim::driver {

/* Read from the environment on the first call. */
gpusim_config &config();

/* GPUSIM_QUIET=1: nothing is written to stderr. */
bool quiet();
void complain(const std::string &text);

/* Keeps the fault for gpusim_last_fault and writes it to stderr. */
void report_fault(const Fault &fault);

/* The counters of the last launch, as gpusim_last_launch_json gives them; "" if it failed.
 * GPUSIM_COUNTERS=FILE: one line a launch is added to the file. */
void set_launch_json(std::string json);

/* xorshift64*, started from the configured seed. */
uint64_t next_random();

}  // namespace gpusim::driver

#endif
