#include "tests/gpusim/driver/host_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

#include "tests/gpusim/driver/capture.h"
#include "tests/gpusim/driver/context.h"
#include "tests/gpusim/driver/memory.h"
#include "tests/gpusim/driver/queue.h"

namespace gpusim::driver {
namespace {

constexpr unsigned kAllocationFlags =
    CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP | CU_MEMHOSTALLOC_WRITECOMBINED;
constexpr unsigned kRegistrationFlags =
    CU_MEMHOSTREGISTER_PORTABLE | CU_MEMHOSTREGISTER_DEVICEMAP | CU_MEMHOSTREGISTER_READ_ONLY;

/* By first byte. */
std::map<uint64_t, HostRange> &ranges() {
  static auto *const the = new std::map<uint64_t, HostRange>;
  return *the;
}

uint64_t page_bytes() { return static_cast<uint64_t>(sysconf(_SC_PAGESIZE)); }

uint64_t physical_bytes() { return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * page_bytes(); }

CUresult allocate(const Call &call, void **made, uint64_t bytes, unsigned flags) {
  if (refuse_unsafe_capture(call)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  if (made == nullptr) return call.null("pp");
  if (bytes == 0) return call.fail(CUDA_ERROR_INVALID_VALUE, "0 bytes");
  if ((flags & ~kAllocationFlags) != 0) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "flags 0x%x", flags);
  }
  /* malloc would promise more than there is, and pinned memory is not overcommitted. */
  void *memory = nullptr;
  if (bytes <= physical_bytes()) {
    memory = aligned_alloc(page_bytes(), (bytes + page_bytes() - 1) / page_bytes() * page_bytes());
  }
  if (memory == nullptr)
    return call.fail(CUDA_ERROR_OUT_OF_MEMORY, "%llu bytes",
                     static_cast<unsigned long long>(bytes));
  const uint64_t first = host_address(memory);
  ranges()[first] = {call.context().handle, first, bytes, flags, false};
  *made = memory;
  return CUDA_SUCCESS;
}

CUresult release(const Call &call, const void *pointer, bool registered) {
  if (refuse_unsafe_capture(call)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  const auto found = ranges().find(host_address(pointer));
  if (found == ranges().end() || found->second.registered != registered) {
    return registered ? call.fail(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, "not registered")
                      : call.fail(CUDA_ERROR_INVALID_VALUE, "not the start of pinned memory");
  }
  Queue::device().finish_context(call.context().handle);
  ranges().erase(found);
  return call.context().sticky;
}

}  // namespace

const HostRange *find_pinned(uint64_t address) {
  auto after = ranges().upper_bound(address);
  if (after == ranges().begin()) return nullptr;
  const HostRange &range = std::prev(after)->second;
  return address - range.first < range.bytes ? &range : nullptr;
}

bool host_mapped(uint64_t address, uint64_t bytes) {
  if (bytes == 0) return true;
  uint64_t end = 0;
  if (address == 0 || __builtin_add_overflow(address, bytes, &end)) return false;
  const uint64_t first = address / page_bytes() * page_bytes();
  /* Does nothing, except that it fails where a page is missing. */
  return msync(host_pointer(first), end - first, MS_ASYNC) == 0;
}

void free_context_pinned(const void *context) {
  for (auto range = ranges().begin(); range != ranges().end();) {
    if (range->second.context != context) {
      ++range;
      continue;
    }
    if (!range->second.registered) free(host_pointer(range->first));
    range = ranges().erase(range);
  }
}

}  // namespace gpusim::driver

using gpusim::driver::Call;

CUresult cuMemAllocHost_v2(void **made, size_t bytes) {
  const Call call(__func__);
  return call ? gpusim::driver::allocate(call, made, bytes, 0) : call.result();
}

CUresult cuMemHostAlloc(void **made, size_t bytes, unsigned flags) {
  const Call call(__func__);
  return call ? gpusim::driver::allocate(call, made, bytes, flags) : call.result();
}

CUresult cuMemFreeHost(void *pointer) {
  const Call call(__func__);
  if (!call) return call.result();
  const CUresult result = gpusim::driver::release(call, pointer, false);
  if (result == CUDA_SUCCESS) free(pointer);
  return result;
}

CUresult cuMemHostRegister_v2(void *pointer, size_t bytes, unsigned flags) {
  const Call call(__func__);
  if (!call) return call.result();
  if (gpusim::driver::refuse_unsafe_capture(call)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  if (pointer == nullptr || bytes == 0) return call.null("p (or bytesize is 0)");
  if ((flags & ~gpusim::driver::kRegistrationFlags) != 0) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "flags 0x%x", flags);
  }
  const uint64_t first = gpusim::driver::host_address(pointer);
  if (!gpusim::driver::host_mapped(first, bytes)) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "%p: %zu bytes are not mapped", pointer, bytes);
  }
  const auto after = gpusim::driver::ranges().lower_bound(first);
  if (gpusim::driver::find_pinned(first) != nullptr ||
      (after != gpusim::driver::ranges().end() && after->first - first < bytes)) {
    return call.fail(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED, "%p", pointer);
  }
  gpusim::driver::ranges()[first] = {call.context().handle, first, bytes, flags, true};
  return CUDA_SUCCESS;
}

CUresult cuMemHostUnregister(void *pointer) {
  const Call call(__func__);
  return call ? gpusim::driver::release(call, pointer, true) : call.result();
}

CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *address, void *pointer, unsigned) {
  const Call call(__func__);
  if (!call) return call.result();
  if (address == nullptr || pointer == nullptr) return call.null("pdptr or p");
  return call.fail(CUDA_ERROR_NOT_SUPPORTED, "kernels can't reach host memory");
}

CUresult cuMemHostGetFlags(unsigned *flags, void *pointer) {
  const Call call(__func__);
  if (!call) return call.result();
  if (flags == nullptr) return call.null("pFlags");
  const gpusim::driver::HostRange *range =
      gpusim::driver::find_pinned(gpusim::driver::host_address(pointer));
  if (range == nullptr) return call.fail(CUDA_ERROR_INVALID_VALUE, "%p is not pinned", pointer);
  *flags = range->flags;
  return CUDA_SUCCESS;
}
