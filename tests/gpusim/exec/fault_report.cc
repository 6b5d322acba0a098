#include "tests/gpusim/exec/fault_report.h"

#include <cstdarg>
#include <cstdio>

#include "tests/gpusim/exec/schedule.h"

namespace gpusim {

void locate_fault(const LaunchRequest &request, const ptx::Instruction *source, Fault *fault) {
  fault->kernel = std::string(request.entry->source->name);
  if (source == nullptr) return;
  fault->instruction = std::string(source->text);
  fault->ptx_line = source->line;
  const std::vector<std::string_view> &files = module_source(*request.module).files;
  if (source->source_file == 0 || source->source_file >= files.size()) return;
  fault->source_file = std::string(files[source->source_file]);
  fault->source_line = source->source_line;
}

Step Warp::fault(const Instruction &instruction, FaultKind kind, int lane, const char *format,
                 ...) {
  Launch &launch = *cta->launch;
  const std::lock_guard<std::mutex> lock(launch.mutex);
  if (launch.fault.kind != FaultKind::none) return Step::fault;
  char detail[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(detail, sizeof detail, format, arguments);
  va_end(arguments);
  launch.fault.kind = kind;
  launch.fault.detail = detail;
  launch.fault.warp = static_cast<int32_t>(id);
  launch.fault.lane = lane;
  for (unsigned i = 0; i < 3; i++) launch.fault.ctaid[i] = cta->id[i];
  locate_fault(*launch.request, instruction.source, &launch.fault);
  launch.stop = true;
  return Step::fault;
}

}  // namespace gpusim
