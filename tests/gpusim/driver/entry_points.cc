#include <cstring>

#include "tests/gpusim/driver/call.h"
#include "tests/gpusim/driver/per_thread.h"

#pragma GCC visibility push(default)
#include <cudaProfiler.h>
#pragma GCC visibility pop

namespace gpusim::driver {
namespace {

/* A function under its name without _vN, and the first CUDA version that means it by that name. */
struct EntryPoint {
  const char *name;
  int version;
  void *function;
  void *per_thread;
};

const EntryPoint kEntryPoints[] = {
#define GPUSIM_ENTRY(name, version, entry)           \
  {#name, version, reinterpret_cast<void *>(&entry), \
   reinterpret_cast<void *>(PerThread<&entry>::function())},
#include "tests/gpusim/driver/entry_points.inc"
#undef GPUSIM_ENTRY
};

constexpr cuuint64_t kFlags =
    CU_GET_PROC_ADDRESS_LEGACY_STREAM | CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM;

CUresult look_up(const Call &call, const char *symbol, void **function, int version,
                 cuuint64_t flags, CUdriverProcAddressQueryResult *status) {
  if (symbol == nullptr || function == nullptr) return call.null("symbol or pfn");
  *function = nullptr;
  if (status != nullptr) *status = CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
  if ((flags & ~kFlags) != 0 || flags == kFlags) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "flags 0x%llx: one kind of default stream",
                     static_cast<unsigned long long>(flags));
  }
  const EntryPoint *best = nullptr;
  bool named = false;
  for (const EntryPoint &entry : kEntryPoints) {
    if (strcmp(entry.name, symbol) != 0) continue;
    named = true;
    if (entry.version <= version && (best == nullptr || entry.version >= best->version)) {
      best = &entry;
    }
  }
  if (best != nullptr) {
    const bool own = (flags & CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM) != 0;
    *function = own ? best->per_thread : best->function;
    if (status != nullptr) *status = CU_GET_PROC_ADDRESS_SUCCESS;
    return CUDA_SUCCESS;
  }
  if (status != nullptr && named) *status = CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT;
  return call.fail(CUDA_ERROR_NOT_FOUND, "%.100s of version %d", symbol, version);
}

}  // namespace
}  // namespace gpusim::driver

CUresult cuGetProcAddress_v2(const char *symbol, void **function, int version, cuuint64_t flags,
                             CUdriverProcAddressQueryResult *status) {
  const gpusim::driver::Call call(__func__, gpusim::driver::Needs::nothing);
  return gpusim::driver::look_up(call, symbol, function, version, flags, status);
}

CUresult cuGetProcAddress(const char *symbol, void **function, int version, cuuint64_t flags) {
  const gpusim::driver::Call call(__func__, gpusim::driver::Needs::nothing);
  return gpusim::driver::look_up(call, symbol, function, version, flags, nullptr);
}
