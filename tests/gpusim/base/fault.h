/* Why a launch stopped. */
#ifndef GPUSIM_BASE_FAULT_H
#define GPUSIM_BASE_FAULT_H

#include <cstdint>
#include <string>

namespace gpusim {

enum class FaultKind : uint8_t {
  none,
#define GPUSIM_FAULT(name, result, meaning) name,
#include "tests/gpusim/base/faults.inc"
#undef GPUSIM_FAULT
};

const char *fault_name(FaultKind kind);
const char *fault_meaning(FaultKind kind);

struct Fault {
  FaultKind kind = FaultKind::none;
  std::string kernel;
  std::string instruction;
  uint32_t ptx_line = 0;
  std::string source_file;
  uint32_t source_line = 0;
  uint32_t ctaid[3] = {0, 0, 0};
  int32_t warp = -1;
  int32_t lane = -1;
  std::string detail;

  /* One paragraph for a person. */
  std::string text() const;
};

}  // namespace gpusim

#endif
