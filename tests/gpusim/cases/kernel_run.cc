#include "tests/gpusim/cases/kernel_run.h"

#include <criterion/criterion.h>

#include "tests/gpusim/driver/device.h"
#include "tests/gpusim/memory/heap.h"
#include "tests/gpusim/model/report.h"

namespace gpusim::cases {
namespace {

const Code *find_code(const LoadedModule &module, std::string_view entry) {
  if (!entry.empty()) return find_entry(module, entry);
  for (const ptx::Function &function : module_source(module).functions) {
    if (function.is_entry && !function.is_declaration) return find_entry(module, function.name);
  }
  return nullptr;
}

}  // namespace

DeviceBuffer::DeviceBuffer(uint64_t bytes) : bytes_(bytes) {
  address_ = Heap::device().allocate(bytes == 0 ? 1 : bytes);
  cr_assert(address_ != 0, "no simulated memory for %llu bytes",
            static_cast<unsigned long long>(bytes));
}

DeviceBuffer::~DeviceBuffer() { Heap::device().release(address_); }

void DeviceBuffer::write(uint64_t offset, const void *values, uint64_t bytes) {
  if (bytes == 0) return;
  memcpy(Heap::device().host(address_ + offset), values, bytes);
  Heap::device().define(address_ + offset, bytes);
}

void DeviceBuffer::undefine(uint64_t offset, uint64_t bytes) {
  if (bytes != 0) Heap::device().undefine(address_ + offset, bytes);
}

void DeviceBuffer::read(uint64_t offset, void *values, uint64_t bytes) const {
  if (bytes != 0) memcpy(values, Heap::device().host(address_ + offset), bytes);
}

bool DeviceBuffer::is_defined(uint64_t offset, uint64_t bytes) const {
  const uint64_t first = address_ + offset;
  return Heap::device().first_undefined(first, bytes) == first + bytes;
}

Parameters &Parameters::add_bytes(const void *value, size_t bytes, size_t align) {
  const size_t at = (bytes_.size() + align - 1) / align * align;
  bytes_.resize(at + bytes);
  memcpy(bytes_.data() + at, value, bytes);
  return *this;
}

gpusim_config checked_config() {
  gpusim_config config = {};
  config.checks = GPUSIM_CHECKS_ALL;
  config.async = GPUSIM_ASYNC_LATE;
  config.seed = 1;
  config.budget = 10u << 20;
  config.threads = 1;
  return config;
}

gpusim_config fast_config() {
  gpusim_config config = checked_config();
  config.checks = GPUSIM_CHECKS_NONE;
  return config;
}

bool run_kernel(const KernelRun &run, Fault *fault) {
  const LoadResult loaded = load_module(run.ptx);
  cr_assert(loaded.module != nullptr, "%s in\n%.*s", loaded.error.c_str(),
            static_cast<int>(run.ptx.size()), run.ptx.data());
  const Code *code = find_code(*loaded.module, run.entry);
  cr_assert(code != nullptr, "no entry %.*s", static_cast<int>(run.entry.size()), run.entry.data());
  cr_assert(code->unsupported.empty(), "%s", code->unsupported.c_str());
  std::vector<uint8_t> parameters = run.parameters.bytes();
  cr_assert(parameters.size() <= code->parameter_bytes, "%zu bytes of parameters, %u in the entry",
            parameters.size(), code->parameter_bytes);
  parameters.resize(code->parameter_bytes);

  LaunchRequest request;
  request.module = loaded.module.get();
  request.entry = code;
  memcpy(request.grid, run.grid, sizeof request.grid);
  memcpy(request.block, run.block, sizeof request.block);
  request.dynamic_shared_bytes = run.dynamic_shared_bytes;
  request.parameters = parameters.data();
  request.config = run.config;
  request.keep_undefined = run.keep_undefined;
  request.hopper = run.hopper;
  request.sm = run.sm;
  Counters counters;
  const bool finished = launch(request, &counters, fault);
  if (run.counters != nullptr) *run.counters = counters;
  if (finished && run.json != nullptr) {
    const auto threads = static_cast<int>(run.block[0] * run.block[1] * run.block[2]);
    const CtaNeeds needs = {threads, 32, uint64_t{code->shared_bytes} + run.dynamic_shared_bytes};
    *run.json = launch_json(request, counters, needs, *driver::find_device("a100"));
  }
  return finished;
}

bool expect_runs(const KernelRun &run) {
  Fault fault;
  const bool finished = run_kernel(run, &fault);
  cr_expect(finished, "%s", fault.text().c_str());
  return finished;
}

Fault expect_fault(const KernelRun &run, FaultKind kind) {
  Fault fault;
  const bool finished = run_kernel(run, &fault);
  cr_expect(!finished, "the kernel finished instead of stopping with %s", fault_name(kind));
  cr_expect(finished || fault.kind == kind, "expected %s: %s", fault_name(kind),
            fault.text().c_str());
  return fault;
}

std::string why_unsupported(std::string_view ptx, std::string_view entry) {
  const LoadResult loaded = load_module(ptx);
  if (loaded.module == nullptr) return loaded.error.empty() ? "no module" : loaded.error;
  const Code *code = find_code(*loaded.module, entry);
  return code == nullptr ? "no entry" : code->unsupported;
}

std::string ptx_head(unsigned sm) {
  return ".version 8.7\n.target sm_" + std::to_string(sm) + "\n.address_size 64\n";
}

}  // namespace gpusim::cases
