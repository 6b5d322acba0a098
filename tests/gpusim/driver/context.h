/* Contexts, and which one is current to a thread. */
#ifndef GPUSIM_DRIVER_CONTEXT_H
#define GPUSIM_DRIVER_CONTEXT_H

#include <thread>
#include <unordered_map>

#include "tests/gpusim/base/fault.h"
#include "tests/gpusim/driver/api.h"
#include "tests/gpusim/driver/handles.h"

namespace gpusim::driver {

struct Stream;

struct Context : Object {
  static constexpr ObjectKind kKind = ObjectKind::context;
  Context();

  bool primary = false;
  bool active = true; /* false: the primary context, released */
  unsigned retained = 0;
  unsigned flags = 0;
  uint64_t id = 0;
  CUresult sticky = CUDA_SUCCESS; /* what every call returns once a kernel has failed */
  size_t limits[CU_LIMIT_MAX];
  CUfunc_cache cache = CU_FUNC_CACHE_PREFER_NONE;
  void *legacy = nullptr; /* the default stream */
  std::unordered_map<std::thread::id, void *> per_thread;

  /* Work of this context has failed: what is queued is dropped. */
  void fail(const Fault &fault);
  void fail(CUresult result);
};

CUresult fault_result(FaultKind kind);

/* The top of this thread's stack of contexts; null when there is none. */
void *current_context();

/* Frees everything that the context owns. */
void empty_context(Context &context);

}  // namespace gpusim::driver

#endif
