/* What cuModuleLoadData is given: PTX text, or a fat binary that holds some. */
#ifndef GPUSIM_DRIVER_IMAGE_H
#define GPUSIM_DRIVER_IMAGE_H

#include <cstdint>
#include <string>
#include <unordered_map>

#include "tests/gpusim/driver/api.h"

namespace gpusim::driver {

/* Registers per thread of a cubin's kernels, by name. */
using RegisterCounts = std::unordered_map<std::string, int>;

struct Image {
  CUresult result = CUDA_SUCCESS;
  std::string error;
  std::string ptx;
  RegisterCounts registers; /* of the cubin that a driver would take for the device */
};

/* sm: the device's compute capability x 10. */
Image read_image(const void *image, unsigned sm);

/* Adds what a cubin says of its kernels; does nothing if it is none. */
void read_cubin(const uint8_t *bytes, uint64_t count, RegisterCounts *registers);

/* One LZ4 block. False when the input is malformed or does not yield exactly `size` bytes. */
bool expand_lz4(const uint8_t *from, uint64_t count, uint64_t size, std::string *to);

}  // namespace gpusim::driver

#endif
