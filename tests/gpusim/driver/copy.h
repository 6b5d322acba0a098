/* Copies and fills: up to three dimensions, checked when they are asked for and when they run. */
#ifndef GPUSIM_DRIVER_COPY_H
#define GPUSIM_DRIVER_COPY_H

#include <cstdint>
#include <memory>
#include <vector>

#include "tests/gpusim/driver/call.h"

namespace gpusim::driver {

/* Rows `pitch` bytes apart, slices `slice` bytes apart. */
struct Side {
  bool on_device = false;
  uint64_t first = 0;
  uint64_t pitch = 0, slice = 0;
};

struct Copy {
  const char *name = ""; /* of the call, for messages */
  Side from, to;
  uint64_t width = 0, height = 1, depth = 1;    /* bytes, rows, slices */
  std::shared_ptr<std::vector<uint8_t>> staged; /* owns `from` when it was read early */
};

struct Fill {
  const char *name = "";
  uint64_t first = 0, pitch = 0;
  uint32_t value = 0;
  unsigned element = 1;
  uint64_t width = 0, height = 1; /* elements, rows */
};

CUresult check_copy(const Call &call, const Copy &copy);
CUresult check_fill(const Call &call, const Fill &fill);
void run_copy(Context &context, const Copy &copy);
void run_fill(Context &context, const Fill &fill);

/* Pageable memory is read when the copy is asked for, as a driver stages it. */
void stage(Copy *copy);

/* From the driver's structure. */
CUresult copy_of(const Call &call, const CUDA_MEMCPY3D &parameters, Copy *copy);

}  // namespace gpusim::driver

#endif
