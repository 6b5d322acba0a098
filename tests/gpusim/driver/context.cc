#include "tests/gpusim/driver/context.h"

#include <vector>

#include "tests/gpusim/driver/call.h"
#include "tests/gpusim/driver/capture.h"
#include "tests/gpusim/driver/config.h"
#include "tests/gpusim/driver/memory.h"
#include "tests/gpusim/driver/module.h"
#include "tests/gpusim/driver/queue.h"
#include "tests/gpusim/driver/stream.h"

namespace gpusim::driver {
namespace {

constexpr unsigned kContextFlags =
    CU_CTX_SCHED_MASK | CU_CTX_MAP_HOST | CU_CTX_LMEM_RESIZE_TO_MAX | CU_CTX_SYNC_MEMOPS;

thread_local std::vector<void *> stack;

uint64_t next_id = 1;

struct FaultResult {
  FaultKind kind;
  CUresult result;
};

constexpr FaultResult kResults[] = {
#define GPUSIM_FAULT(name, result, meaning) {FaultKind::name, result},
#include "tests/gpusim/base/faults.inc"
#undef GPUSIM_FAULT
};

template <class T>
std::vector<void *> owned(const Context &context) {
  std::vector<void *> found;
  Handles::all().each<T>([&](T &object) {
    if (object.context == context.handle) found.push_back(object.handle);
  });
  return found;
}

}  // namespace

Context::Context() : Object(kKind), id(next_id++) {
  for (size_t &limit : limits) limit = 0;
  limits[CU_LIMIT_STACK_SIZE] = 1024;
  limits[CU_LIMIT_PRINTF_FIFO_SIZE] = 7340032;
  limits[CU_LIMIT_MALLOC_HEAP_SIZE] = 8388608;
  limits[CU_LIMIT_MAX_L2_FETCH_GRANULARITY] = 64;
}

void Context::fail(const Fault &fault) {
  report_fault(fault);
  fail(fault_result(fault.kind));
}

void Context::fail(CUresult result) {
  sticky = result;
  Queue::device().drop(handle);
}

CUresult fault_result(FaultKind kind) {
  for (const FaultResult &row : kResults) {
    if (row.kind == kind) return row.result;
  }
  return CUDA_ERROR_UNKNOWN;
}

void *current_context() { return stack.empty() ? nullptr : stack.back(); }

void empty_context(Context &context) {
  Queue::device().finish_context(context.handle);
  for (void *stream : owned<Stream>(context)) Handles::all().destroy(stream);
  for (void *event : owned<Event>(context)) Handles::all().destroy(event);
  for (void *module : owned<Module>(context)) unload_module(module);
  free_context_memory(context.handle);
  context.legacy = nullptr;
  context.per_thread.clear();
  context.sticky = CUDA_SUCCESS;
}

namespace {

Context *primary_context() {
  static Context *const the = [] {
    auto *made = Handles::all().make<Context>();
    if (made != nullptr) {
      made->primary = true;
      made->active = false;
    }
    return made;
  }();
  return the;
}

CUresult bad_context(const Call &call) {
  return call.fail(CUDA_ERROR_INVALID_CONTEXT, "not a live context");
}

CUresult create(const Call &call, CUcontext *made, unsigned flags, CUdevice ordinal) {
  if (made == nullptr) return call.null("pctx");
  if (ordinal != 0) return call.fail(CUDA_ERROR_INVALID_DEVICE, "there is no device %d", ordinal);
  if ((flags & ~kContextFlags) != 0 || (flags & CU_CTX_SCHED_MASK) == 3) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "flags 0x%x", flags);
  }
  auto *context = Handles::all().make<Context>();
  if (context == nullptr) return call.fail(CUDA_ERROR_OUT_OF_MEMORY, "no more handles");
  context->flags = flags;
  stack.push_back(context->handle);
  *made = handle_of<CUcontext>(*context);
  return CUDA_SUCCESS;
}

CUresult synchronize(const Call &call, Context &context) {
  if (refuse_unsafe_capture(call)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  Queue::device().finish_context(context.handle);
  return context.sticky;
}

}  // namespace
}  // namespace gpusim::driver

using gpusim::driver::Call;
using gpusim::driver::Context;
using gpusim::driver::Handles;
using gpusim::driver::Needs;
using gpusim::driver::stack;

CUresult cuCtxCreate_v2(CUcontext *context, unsigned flags, CUdevice ordinal) {
  const Call call(__func__, Needs::driver);
  return call ? gpusim::driver::create(call, context, flags, ordinal) : call.result();
}

CUresult cuCtxCreate_v3(CUcontext *context, CUexecAffinityParam *affinity, int count,
                        unsigned flags, CUdevice ordinal) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (affinity != nullptr || count != 0) {
    return call.fail(CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY, "execution affinity");
  }
  return gpusim::driver::create(call, context, flags, ordinal);
}

CUresult cuCtxCreate_v4(CUcontext *context, CUctxCreateParams *parameters, unsigned flags,
                        CUdevice ordinal) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (parameters != nullptr &&
      (parameters->numExecAffinityParams != 0 || parameters->cigParams != nullptr)) {
    return call.fail(CUDA_ERROR_NOT_SUPPORTED, "execution affinity and graphics contexts");
  }
  return gpusim::driver::create(call, context, flags, ordinal);
}

CUresult cuCtxDestroy_v2(CUcontext handle) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  auto *context = Handles::all().find<Context>(handle);
  if (context == nullptr || context->primary) return gpusim::driver::bad_context(call);
  gpusim::driver::empty_context(*context);
  if (!stack.empty() && stack.back() == context->handle) stack.pop_back();
  Handles::all().destroy(handle);
  return CUDA_SUCCESS;
}

CUresult cuCtxPushCurrent_v2(CUcontext handle) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  auto *context = Handles::all().find<Context>(handle);
  if (context == nullptr || !context->active) return gpusim::driver::bad_context(call);
  stack.push_back(context->handle);
  return CUDA_SUCCESS;
}

CUresult cuCtxPopCurrent_v2(CUcontext *handle) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (stack.empty()) return call.fail(CUDA_ERROR_INVALID_CONTEXT, "no context is current");
  if (handle != nullptr) *handle = static_cast<CUcontext>(stack.back());
  stack.pop_back();
  return CUDA_SUCCESS;
}

CUresult cuCtxSetCurrent(CUcontext handle) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  auto *context = Handles::all().find<Context>(handle);
  if (handle != nullptr && (context == nullptr || !context->active)) {
    return gpusim::driver::bad_context(call);
  }
  if (!stack.empty()) stack.pop_back();
  if (handle != nullptr) stack.push_back(handle);
  return CUDA_SUCCESS;
}

CUresult cuCtxGetCurrent(CUcontext *handle) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (handle == nullptr) return call.null("pctx");
  *handle = static_cast<CUcontext>(gpusim::driver::current_context());
  return CUDA_SUCCESS;
}

CUresult cuCtxGetDevice(CUdevice *ordinal) {
  const Call call(__func__, Needs::current);
  if (!call) return call.result();
  if (ordinal == nullptr) return call.null("device");
  *ordinal = 0;
  return CUDA_SUCCESS;
}

CUresult cuCtxGetFlags(unsigned *flags) {
  const Call call(__func__, Needs::current);
  if (!call) return call.result();
  if (flags == nullptr) return call.null("flags");
  *flags = call.context().flags;
  return CUDA_SUCCESS;
}

CUresult cuCtxSetFlags(unsigned flags) {
  const Call call(__func__, Needs::current);
  if (!call) return call.result();
  if ((flags & ~gpusim::driver::kContextFlags) != 0) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "flags 0x%x", flags);
  }
  call.context().flags = flags;
  return CUDA_SUCCESS;
}

CUresult cuCtxGetId(CUcontext handle, unsigned long long *id) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (id == nullptr) return call.null("ctxId");
  const void *wanted = handle != nullptr ? handle : gpusim::driver::current_context();
  auto *context = Handles::all().find<Context>(wanted);
  if (context == nullptr) return gpusim::driver::bad_context(call);
  *id = context->id;
  return CUDA_SUCCESS;
}

CUresult cuCtxSynchronize(void) {
  const Call call(__func__);
  return call ? gpusim::driver::synchronize(call, call.context()) : call.result();
}

CUresult cuCtxSynchronize_v2(CUcontext handle) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  auto *context = Handles::all().find<Context>(handle);
  if (context == nullptr) return gpusim::driver::bad_context(call);
  return context->sticky != CUDA_SUCCESS ? context->sticky
                                         : gpusim::driver::synchronize(call, *context);
}

CUresult cuCtxSetLimit(CUlimit limit, size_t value) {
  const Call call(__func__);
  if (!call) return call.result();
  if (static_cast<unsigned>(limit) >= CU_LIMIT_MAX) {
    return call.fail(CUDA_ERROR_UNSUPPORTED_LIMIT, "limit %d", static_cast<int>(limit));
  }
  call.context().limits[limit] = value;
  return CUDA_SUCCESS;
}

CUresult cuCtxGetLimit(size_t *value, CUlimit limit) {
  const Call call(__func__);
  if (!call) return call.result();
  if (value == nullptr) return call.null("pvalue");
  if (static_cast<unsigned>(limit) >= CU_LIMIT_MAX) {
    return call.fail(CUDA_ERROR_UNSUPPORTED_LIMIT, "limit %d", static_cast<int>(limit));
  }
  *value = call.context().limits[limit];
  return CUDA_SUCCESS;
}

CUresult cuCtxGetCacheConfig(CUfunc_cache *cache) {
  const Call call(__func__);
  if (!call) return call.result();
  if (cache == nullptr) return call.null("pconfig");
  *cache = call.context().cache;
  return CUDA_SUCCESS;
}

CUresult cuCtxSetCacheConfig(CUfunc_cache cache) {
  const Call call(__func__);
  if (!call) return call.result();
  if (static_cast<unsigned>(cache) > CU_FUNC_CACHE_PREFER_EQUAL) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "config %d", static_cast<int>(cache));
  }
  call.context().cache = cache;
  return CUDA_SUCCESS;
}

CUresult cuCtxGetApiVersion(CUcontext handle, unsigned *version) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (version == nullptr) return call.null("version");
  const void *wanted = handle != nullptr ? handle : gpusim::driver::current_context();
  if (Handles::all().find<Context>(wanted) == nullptr) return gpusim::driver::bad_context(call);
  *version = 3020;
  return CUDA_SUCCESS;
}

CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) {
  const Call call(__func__);
  if (!call) return call.result();
  if (least != nullptr) *least = gpusim::driver::kLeastPriority;
  if (greatest != nullptr) *greatest = gpusim::driver::kGreatestPriority;
  return CUDA_SUCCESS;
}

CUresult cuCtxResetPersistingL2Cache(void) { return Call(__func__).result(); }

CUresult cuCtxEnablePeerAccess(CUcontext, unsigned) {
  const Call call(__func__);
  return call ? call.fail(CUDA_ERROR_PEER_ACCESS_UNSUPPORTED, "there is one device")
              : call.result();
}

CUresult cuCtxDisablePeerAccess(CUcontext) {
  const Call call(__func__);
  return call ? call.fail(CUDA_ERROR_PEER_ACCESS_NOT_ENABLED, "there is one device")
              : call.result();
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *handle, CUdevice ordinal) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (handle == nullptr) return call.null("pctx");
  if (ordinal != 0) return call.fail(CUDA_ERROR_INVALID_DEVICE, "there is no device %d", ordinal);
  Context *context = gpusim::driver::primary_context();
  if (context == nullptr) return call.fail(CUDA_ERROR_OUT_OF_MEMORY, "no more handles");
  context->retained++;
  context->active = true;
  *handle = gpusim::driver::handle_of<CUcontext>(*context);
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice ordinal) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (ordinal != 0) return call.fail(CUDA_ERROR_INVALID_DEVICE, "there is no device %d", ordinal);
  Context *context = gpusim::driver::primary_context();
  if (context == nullptr || context->retained == 0) {
    return call.fail(CUDA_ERROR_INVALID_CONTEXT, "the primary context is not retained");
  }
  if (--context->retained == 0) {
    gpusim::driver::empty_context(*context);
    context->active = false;
  }
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxReset_v2(CUdevice ordinal) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (ordinal != 0) return call.fail(CUDA_ERROR_INVALID_DEVICE, "there is no device %d", ordinal);
  Context *context = gpusim::driver::primary_context();
  if (context != nullptr) gpusim::driver::empty_context(*context);
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice ordinal, unsigned flags) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (ordinal != 0) return call.fail(CUDA_ERROR_INVALID_DEVICE, "there is no device %d", ordinal);
  if ((flags & ~gpusim::driver::kContextFlags) != 0) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "flags 0x%x", flags);
  }
  if (Context *context = gpusim::driver::primary_context()) context->flags = flags;
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxGetState(CUdevice ordinal, unsigned *flags, int *active) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (flags == nullptr || active == nullptr) return call.null("flags or active");
  if (ordinal != 0) return call.fail(CUDA_ERROR_INVALID_DEVICE, "there is no device %d", ordinal);
  Context *context = gpusim::driver::primary_context();
  *flags = context != nullptr ? context->flags : 0;
  *active = context != nullptr && context->active ? 1 : 0;
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease(CUdevice ordinal) {
  return cuDevicePrimaryCtxRelease_v2(ordinal);
}
CUresult cuDevicePrimaryCtxReset(CUdevice ordinal) { return cuDevicePrimaryCtxReset_v2(ordinal); }
CUresult cuDevicePrimaryCtxSetFlags(CUdevice ordinal, unsigned flags) {
  return cuDevicePrimaryCtxSetFlags_v2(ordinal, flags);
}
