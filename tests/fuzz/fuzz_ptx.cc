/* The input is a PTX module. What parses is loaded, and every entry that can run is launched with
 * parameters of zeros and a small budget: it ends, well or with a fault. */
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/fuzz.h"
#include "tests/gpusim/exec/launch.h"

namespace {

constexpr uint64_t kBudget = 2000;
/* The driver refuses launches beyond these. */
constexpr uint32_t kSharedMax = 163u << 10, kParametersMax = 32764, kLocalMax = 512u << 10;

void run_entry(const gpusim::LoadedModule &module, const gpusim::Code &code) {
  if (!code.unsupported.empty()) return;
  if (code.shared_bytes > kSharedMax || code.parameter_bytes > kParametersMax) return;
  if (code.local_bytes > kLocalMax) return;
  const std::vector<uint8_t> parameters(code.parameter_bytes + size_t{1});
  gpusim::LaunchRequest request;
  request.module = &module;
  request.entry = &code;
  request.block[0] = 40;
  request.parameters = parameters.data();
  request.config.budget = kBudget;
  request.config.threads = 1;
  for (gpusim_checks checks : {GPUSIM_CHECKS_ALL, GPUSIM_CHECKS_NONE}) {
    request.config.checks = checks;
    gpusim::Fault fault;
    const bool finished = gpusim::launch(request, nullptr, &fault);
    FUZZ_CHECK(finished == (fault.kind == gpusim::FaultKind::none));
    if (!finished) FUZZ_CHECK(!fault.text().empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view text(reinterpret_cast<const char *>(data), size);
  std::string error;
  const auto parsed = gpusim::ptx::parse(text, &error);
  FUZZ_CHECK(parsed ? error.empty() : error.substr(0, 5) == "line ");
  if (!parsed) return 0;
  const gpusim::LoadResult loaded = gpusim::load_module(text);
  FUZZ_CHECK(loaded.module || !loaded.error.empty());
  if (!loaded.module) return 0;
  for (const gpusim::ptx::Function &function : gpusim::module_source(*loaded.module).functions) {
    if (!function.is_entry) continue;
    const gpusim::Code *code = gpusim::find_entry(*loaded.module, function.name);
    if (code) run_entry(*loaded.module, *code);
  }
  return 0;
}
