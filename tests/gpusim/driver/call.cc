#include "tests/gpusim/driver/call.h"

#include <cstdarg>
#include <cstdio>
#include <mutex>

#include "tests/gpusim/driver/config.h"
#include "tests/gpusim/driver/context.h"

namespace gpusim::driver {
namespace {

std::recursive_mutex &mutex() {
  static auto *const the = new std::recursive_mutex;
  return *the;
}

bool is_initialised = false;
thread_local unsigned host_functions = 0;

}  // namespace

Lock::Lock() { mutex().lock(); }

Lock::~Lock() { mutex().unlock(); }

bool initialised() { return is_initialised; }

void set_initialised() { is_initialised = true; }

HostFunctionScope::HostFunctionScope() { host_functions++; }

HostFunctionScope::~HostFunctionScope() { host_functions--; }

Call::Call(const char *name, Needs needs) : name_(name) {
  if (needs == Needs::nothing) return;
  if (!is_initialised) {
    result_ = fail(CUDA_ERROR_NOT_INITIALIZED, "cuInit has not been called");
    return;
  }
  if (host_functions != 0) {
    result_ = fail(CUDA_ERROR_NOT_PERMITTED, "host functions must not call the driver");
    return;
  }
  if (needs == Needs::driver) return;
  void *const handle = current_context();
  if (handle == nullptr) {
    result_ = fail(CUDA_ERROR_INVALID_CONTEXT, "no context is current to this thread");
    return;
  }
  context_ = Handles::all().find<Context>(handle);
  if (context_ == nullptr || !context_->active) {
    result_ = fail(CUDA_ERROR_CONTEXT_IS_DESTROYED, "the current context was destroyed");
  } else if (needs == Needs::healthy) {
    result_ = context_->sticky;
  }
}

CUresult Call::fail(CUresult result, const char *format, ...) const {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  complain(std::string(name_) + ": " + text);
  return result;
}

CUresult Call::null(const char *argument) const {
  return fail(CUDA_ERROR_INVALID_VALUE, "%s is NULL", argument);
}

CUresult Call::bad_handle(const char *what) const {
  return fail(CUDA_ERROR_INVALID_HANDLE, "not a live %s", what);
}

}  // namespace gpusim::driver
