#include "tests/gpusim/driver/kernel.h"

#include <cstring>

#include "tests/gpusim/driver/config.h"
#include "tests/gpusim/driver/context.h"
#include "tests/gpusim/driver/device.h"
#include "tests/gpusim/driver/memory.h"
#include "tests/gpusim/driver/module.h"
#include "tests/gpusim/driver/occupancy.h"
#include "tests/gpusim/memory/heap.h"
#include "tests/gpusim/model/report.h"

namespace gpusim::driver {
namespace {

/* A buffer and its size, by the tags of cuLaunchKernel's `extra`. */
CUresult read_extra(const Call &call, void **extra, const uint8_t **buffer, size_t *bytes) {
  for (unsigned i = 0; extra[i] != CU_LAUNCH_PARAM_END; i += 2) {
    if (extra[i] == CU_LAUNCH_PARAM_BUFFER_POINTER) {
      *buffer = static_cast<const uint8_t *>(extra[i + 1]);
    } else if (extra[i] == CU_LAUNCH_PARAM_BUFFER_SIZE && extra[i + 1] != nullptr) {
      memcpy(bytes, extra[i + 1], sizeof *bytes);
    } else {
      return call.fail(CUDA_ERROR_INVALID_VALUE, "extra[%u] is not known", i);
    }
  }
  return CUDA_SUCCESS;
}

CUresult pack_values(const Call &call, const Function &function, void **values,
                     std::vector<uint8_t> *packed) {
  const auto &parameters = function.code->source->parameters;
  if (values == nullptr) return call.null("kernelParams");
  for (size_t i = 0; i < parameters.size(); i++) {
    size_t offset = 0, bytes = 0;
    if (const CUresult error = parameter_info(call, function, i, &offset, &bytes)) return error;
    if (!host_mapped(host_address(values[i]), bytes) || offset + bytes > packed->size()) {
      return call.fail(CUDA_ERROR_INVALID_VALUE, "kernelParams[%zu] = %p: no %zu bytes there", i,
                       values[i], bytes);
    }
    memcpy(packed->data() + offset, values[i], bytes);
  }
  return CUDA_SUCCESS;
}

CUresult pack(const Call &call, const Function &function, void **values, void **extra,
              std::vector<uint8_t> *packed) {
  packed->assign(function.code->parameter_bytes, 0);
  if (values != nullptr && extra != nullptr) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "kernelParams and extra are both given");
  }
  if (function.code->source->parameters.empty()) return CUDA_SUCCESS;
  if (extra == nullptr) return pack_values(call, function, values, packed);
  const uint8_t *buffer = nullptr;
  size_t bytes = 0, last = 0, last_bytes = 0;
  if (const CUresult error = read_extra(call, extra, &buffer, &bytes)) return error;
  const size_t count = function.code->source->parameters.size();
  if (const CUresult error = parameter_info(call, function, count - 1, &last, &last_bytes)) {
    return error;
  }
  if (buffer == nullptr || bytes < last + last_bytes || !host_mapped(host_address(buffer), bytes)) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "a buffer of %zu bytes for parameters of %zu", bytes,
                     last + last_bytes);
  }
  memcpy(packed->data(), buffer, std::min(bytes, packed->size()));
  return CUDA_SUCCESS;
}

CUresult check_shape(const Call &call, const Kernel &kernel) {
  for (int i = 0; i < 3; i++) {
    if (kernel.grid[i] == 0 || kernel.grid[i] > kMaxGrid[i]) {
      return call.fail(CUDA_ERROR_INVALID_VALUE, "grid %c of %u", "xyz"[i], kernel.grid[i]);
    }
    if (kernel.block[i] == 0 || kernel.block[i] > kMaxBlock[i]) {
      return call.fail(CUDA_ERROR_INVALID_VALUE, "block %c of %u", "xyz"[i], kernel.block[i]);
    }
  }
  return CUDA_SUCCESS;
}

CUresult check_threads(const Call &call, const Function &function, const Kernel &kernel) {
  const ptx::Function &source = *function.code->source;
  const uint32_t threads = kernel.block[0] * kernel.block[1] * kernel.block[2];
  const uint32_t(&required)[3] = source.required_threads;
  for (int i = 0; required[0] != 0 && i < 3; i++) {
    if (kernel.block[i] == std::max(required[i], 1u)) continue;
    return call.fail(CUDA_ERROR_INVALID_VALUE, "block %c of %u: .reqntid says %u", "xyz"[i],
                     kernel.block[i], std::max(required[i], 1u));
  }
  if (threads > static_cast<uint32_t>(kThreadsPerBlock)) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "%u threads in a block", threads);
  }
  const bool bounded = source.max_threads[0] != 0 || required[0] != 0;
  if (threads > static_cast<uint32_t>(function.max_threads)) {
    return call.fail(bounded ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES,
                     "%u threads in a block: the kernel (%d registers) allows %d", threads,
                     function.registers, function.max_threads);
  }
  return CUDA_SUCCESS;
}

CUresult check_fit(const Call &call, const Function &function, const Kernel &kernel) {
  if (kernel.dynamic_bytes > static_cast<uint32_t>(function.max_dynamic)) {
    return call.fail(CUDA_ERROR_INVALID_VALUE,
                     "%u bytes of dynamic shared memory: the function's attribute allows %d",
                     kernel.dynamic_bytes, function.max_dynamic);
  }
  const int threads = static_cast<int>(kernel.block[0] * kernel.block[1] * kernel.block[2]);
  const int blocks = active_blocks(function, threads, kernel.dynamic_bytes);
  if (blocks == 0) {
    return call.fail(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES,
                     "a block of %d threads with %u + %u bytes of shared memory fits on no SM",
                     threads, function.code->shared_bytes, kernel.dynamic_bytes);
  }
  const uint64_t ctas = uint64_t{kernel.grid[0]} * kernel.grid[1] * kernel.grid[2];
  const auto resident = static_cast<uint64_t>(blocks) * static_cast<uint64_t>(device().sms);
  if (kernel.cooperative && ctas > resident) {
    return call.fail(CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE, "%llu CTAs: %llu run at once",
                     static_cast<unsigned long long>(ctas),
                     static_cast<unsigned long long>(resident));
  }
  return CUDA_SUCCESS;
}

}  // namespace

CUresult make_kernel(const Call &call, const CUDA_KERNEL_NODE_PARAMS &wanted, bool cooperative,
                     Kernel *kernel) {
  const void *handle = wanted.func;
  if (handle == nullptr) handle = wanted.kern;
  const auto *function = Handles::all().find<Function>(handle);
  if (function == nullptr) return call.bad_handle("function");
  const auto *module = Handles::all().find<Module>(function->module);
  if (module == nullptr ||
      (module->context != nullptr && module->context != call.context().handle)) {
    return call.fail(CUDA_ERROR_INVALID_HANDLE, "the function belongs to another context");
  }
  if (!function->code->unsupported.empty()) {
    return call.fail(CUDA_ERROR_NOT_SUPPORTED, "%.100s: %s", function->name.c_str(),
                     function->code->unsupported.c_str());
  }
  *kernel = {function->handle,
             {wanted.gridDimX, wanted.gridDimY, wanted.gridDimZ},
             {wanted.blockDimX, wanted.blockDimY, wanted.blockDimZ},
             wanted.sharedMemBytes,
             cooperative,
             {}};
  if (const CUresult error = check_shape(call, *kernel)) return error;
  if (const CUresult error = check_threads(call, *function, *kernel)) return error;
  if (const CUresult error = check_fit(call, *function, *kernel)) return error;
  return pack(call, *function, wanted.kernelParams, wanted.extra, &kernel->parameters);
}

namespace {

/* What a cooperative grid meets at: zeros, as long as the launch lasts. */
class GridWorkspace {
 public:
  explicit GridWorkspace(bool needed)
      : address_(needed ? Heap::device().allocate(kBytes, "the grid's barrier") : 0) {
    if (address_ == 0) return;
    memset(Heap::device().host(address_), 0, kBytes);
    Heap::device().define(address_, kBytes);
  }
  ~GridWorkspace() {
    if (address_ != 0) Heap::device().release(address_);
  }
  GridWorkspace(const GridWorkspace &) = delete;
  GridWorkspace &operator=(const GridWorkspace &) = delete;

  uint64_t address() const { return address_; }

 private:
  static constexpr uint64_t kBytes = 8;
  const uint64_t address_;
};

}  // namespace

void run_kernel(Context &context, const Kernel &kernel) {
  const auto *function = Handles::all().find<Function>(kernel.function);
  const auto *module =
      function != nullptr ? Handles::all().find<Module>(function->module) : nullptr;
  if (module == nullptr) {
    complain("a queued launch's module was unloaded");
    context.fail(CUDA_ERROR_INVALID_HANDLE);
    return;
  }
  LaunchRequest request;
  request.module = module->loaded.get();
  request.entry = function->code;
  memcpy(request.grid, kernel.grid, sizeof request.grid);
  memcpy(request.block, kernel.block, sizeof request.block);
  request.dynamic_shared_bytes = kernel.dynamic_bytes;
  request.parameters = kernel.parameters.data();
  request.config = config();
  request.hopper = device().major >= 9;
  request.sm = static_cast<unsigned>(device().major * 10 + device().minor);
  request.sm_count = static_cast<unsigned>(device().sms);
  const GridWorkspace workspace(kernel.cooperative);
  request.grid_workspace = workspace.address();
  if (kernel.cooperative) request.config.sample = 0; /* CTAs wait for all others */
  Fault fault;
  Counters counters;
  if (!launch(request, &counters, &fault)) {
    set_launch_json("");
    context.fail(fault);
    return;
  }
  const uint32_t threads = kernel.block[0] * kernel.block[1] * kernel.block[2];
  const CtaNeeds needs = {static_cast<int>(threads), function->registers,
                          uint64_t{function->code->shared_bytes} + kernel.dynamic_bytes};
  set_launch_json(launch_json(request, counters, needs, device()));
}

}  // namespace gpusim::driver
