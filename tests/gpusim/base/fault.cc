#include "tests/gpusim/base/fault.h"

namespace gpusim {
namespace {

struct FaultRow {
  const char *name;
  const char *meaning;
};

constexpr FaultRow kFaults[] = {
    {"", ""},
#define GPUSIM_FAULT(name, result, meaning) {#name, meaning},
#include "tests/gpusim/base/faults.inc"
#undef GPUSIM_FAULT
};

}  // namespace

const char *fault_name(FaultKind kind) { return kFaults[static_cast<unsigned>(kind)].name; }

const char *fault_meaning(FaultKind kind) { return kFaults[static_cast<unsigned>(kind)].meaning; }

std::string Fault::text() const {
  std::string text = std::string(fault_name(kind)) + " in " + kernel + ": " + fault_meaning(kind);
  if (!detail.empty()) text += ": " + detail;
  text += "\n  cta (" + std::to_string(ctaid[0]) + ", " + std::to_string(ctaid[1]) + ", " +
          std::to_string(ctaid[2]) + ")";
  if (warp >= 0) text += ", warp " + std::to_string(warp);
  if (lane >= 0) text += ", lane " + std::to_string(lane);
  if (ptx_line != 0) text += "\n  PTX line " + std::to_string(ptx_line) + ": " + instruction;
  if (!source_file.empty()) text += "\n  " + source_file + ":" + std::to_string(source_line);
  return text;
}

}  // namespace gpusim
