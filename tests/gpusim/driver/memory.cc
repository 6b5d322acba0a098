#include "tests/gpusim/driver/memory.h"

#include <cinttypes>
#include <unordered_map>

#include "tests/gpusim/driver/capture.h"
#include "tests/gpusim/driver/context.h"
#include "tests/gpusim/driver/host_memory.h"
#include "tests/gpusim/driver/stream.h"
#include "tests/gpusim/memory/heap.h"

namespace gpusim::driver {
namespace {

constexpr uint64_t kPitch = 512;

struct Owner {
  void *context = nullptr;
  bool freeing = false; /* cuMemFreeAsync is queued */
};

std::unordered_map<uint64_t, Owner> &owners() {
  static auto *const the = new std::unordered_map<uint64_t, Owner>;
  return *the;
}

CUresult allocate(const Call &call, CUdeviceptr *address, uint64_t bytes) {
  if (address == nullptr) return call.null("dptr");
  if (bytes == 0) return call.fail(CUDA_ERROR_INVALID_VALUE, "0 bytes");
  const uint64_t made = Heap::device().allocate(bytes);
  if (made == 0) {
    return call.fail(CUDA_ERROR_OUT_OF_MEMORY,
                     "%" PRIu64 " bytes: %" PRIu64 " of %" PRIu64 " are in use", bytes,
                     Heap::device().used(), Heap::device().limit());
  }
  owners()[made] = {call.context().handle, false};
  *address = made;
  return CUDA_SUCCESS;
}

/* Says what is wrong with a pointer that is to be freed. */
CUresult check_free(const Call &call, CUdeviceptr address) {
  const auto owner = owners().find(address);
  if (owner != owners().end() && !owner->second.freeing) return CUDA_SUCCESS;
  const Allocation *near = Heap::device().find(address);
  const bool twice =
      owner != owners().end() || (near != nullptr && near->first == address && near->freed);
  return call.fail(CUDA_ERROR_INVALID_VALUE, "0x%llx %s", address,
                   twice ? "was freed already" : "is not the first byte of an allocation");
}

void release(uint64_t address) {
  Heap::device().release(address);
  owners().erase(address);
}

}  // namespace

void *allocation_context(uint64_t first) {
  const auto owner = owners().find(first);
  return owner == owners().end() ? nullptr : owner->second.context;
}

void free_context_memory(const void *context) {
  for (auto owner = owners().begin(); owner != owners().end();) {
    if (owner->second.context != context) {
      ++owner;
      continue;
    }
    Heap::device().release(owner->first);
    owner = owners().erase(owner);
  }
  free_context_pinned(context);
}

}  // namespace gpusim::driver

using gpusim::Heap;
using gpusim::driver::Call;

CUresult cuMemGetInfo_v2(size_t *available, size_t *total) {
  const Call call(__func__);
  if (!call) return call.result();
  if (available == nullptr || total == nullptr) return call.null("free or total");
  *total = Heap::device().limit();
  *available = Heap::device().limit() - Heap::device().used();
  return CUDA_SUCCESS;
}

CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  const Call call(__func__);
  if (!call) return call.result();
  if (gpusim::driver::refuse_unsafe_capture(call)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  return gpusim::driver::allocate(call, address, bytes);
}

CUresult cuMemAllocPitch_v2(CUdeviceptr *address, size_t *pitch, size_t width, size_t height,
                            unsigned element) {
  const Call call(__func__);
  if (!call) return call.result();
  if (gpusim::driver::refuse_unsafe_capture(call)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  if (pitch == nullptr) return call.null("pPitch");
  if (element != 4 && element != 8 && element != 16) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "elements of %u bytes", element);
  }
  uint64_t row = 0, bytes = 0;
  if (width == 0 || height == 0 ||
      __builtin_add_overflow(width, gpusim::driver::kPitch - 1, &row) ||
      __builtin_mul_overflow(row / gpusim::driver::kPitch * gpusim::driver::kPitch, height,
                             &bytes)) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "%zu x %zu bytes", width, height);
  }
  *pitch = row / gpusim::driver::kPitch * gpusim::driver::kPitch;
  return gpusim::driver::allocate(call, address, bytes);
}

CUresult cuMemFree_v2(CUdeviceptr address) {
  const Call call(__func__);
  if (!call) return call.result();
  if (gpusim::driver::refuse_unsafe_capture(call)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  if (const CUresult error = gpusim::driver::check_free(call, address)) return error;
  /* Freeing waits for the work that may still use the memory. */
  gpusim::driver::Queue::device().finish_context(call.context().handle);
  gpusim::driver::release(address);
  return call.context().sticky;
}

CUresult cuMemAllocAsync(CUdeviceptr *address, size_t bytes, CUstream handle) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  const gpusim::driver::Stream *stream = gpusim::driver::find_stream(call, handle, &error);
  if (stream == nullptr) return error;
  if (const CUresult refused = gpusim::driver::refuse_captured(call, *stream)) return refused;
  return gpusim::driver::allocate(call, address, bytes);
}

CUresult cuMemFreeAsync(CUdeviceptr address, CUstream handle) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  gpusim::driver::Stream *stream = gpusim::driver::find_stream(call, handle, &error);
  if (stream == nullptr) return error;
  if (const CUresult refused = gpusim::driver::refuse_captured(call, *stream)) return refused;
  if (const CUresult wrong = gpusim::driver::check_free(call, address)) return wrong;
  gpusim::driver::owners()[address].freeing = true;
  gpusim::driver::enqueue(
      *stream, [address](gpusim::driver::Context &) { gpusim::driver::release(address); });
  return CUDA_SUCCESS;
}

CUresult cuMemAllocManaged(CUdeviceptr *address, size_t, unsigned) {
  const Call call(__func__);
  if (!call) return call.result();
  if (address == nullptr) return call.null("dptr");
  return call.fail(CUDA_ERROR_NOT_SUPPORTED, "the simulated device has no managed memory");
}

CUresult cuMemGetAddressRange_v2(CUdeviceptr *first, size_t *bytes, CUdeviceptr address) {
  const Call call(__func__);
  if (!call) return call.result();
  const gpusim::Allocation *found = Heap::device().find(address);
  if (!Heap::device().contains(address, 1) || found == nullptr) {
    return call.fail(CUDA_ERROR_NOT_FOUND, "0x%llx lies in no allocation", address);
  }
  if (first != nullptr) *first = found->first;
  if (bytes != nullptr) *bytes = found->bytes;
  return CUDA_SUCCESS;
}
