/* One call of an entry point: the driver's lock, what the call needs, and what it says when it
 * fails. */
#ifndef GPUSIM_DRIVER_CALL_H
#define GPUSIM_DRIVER_CALL_H

#include "tests/gpusim/driver/api.h"
#include "tests/gpusim/driver/handles.h"

namespace gpusim::driver {

struct Context;

/* Held during every call. Recursive: host functions run inside of one, on the calling thread. */
class Lock {
 public:
  Lock();
  ~Lock();
  Lock(const Lock &) = delete;
  Lock &operator=(const Lock &) = delete;
};

enum class Needs : uint8_t {
  nothing,
  driver,  /* cuInit */
  current, /* and a live current context */
  healthy  /* in which nothing has failed */
};

class Call {
 public:
  explicit Call(const char *name, Needs needs = Needs::healthy);
  Call(const Call &) = delete;
  Call &operator=(const Call &) = delete;

  /* False when the call has to return result(). */
  explicit operator bool() const { return result_ == CUDA_SUCCESS; }
  CUresult result() const { return result_; }
  const char *name() const { return name_; }
  Context &context() const { return *context_; }

  /* Says why on stderr, and returns the result. */
  CUresult fail(CUresult result, const char *format, ...) const
      __attribute__((format(printf, 3, 4)));
  CUresult null(const char *argument) const;
  CUresult bad_handle(const char *what) const;

 private:
  Lock lock_;
  const char *name_;
  CUresult result_ = CUDA_SUCCESS;
  Context *context_ = nullptr;
};

bool initialised();
void set_initialised();

/* While a host function runs, this thread must not call the driver. */
class HostFunctionScope {
 public:
  HostFunctionScope();
  ~HostFunctionScope();
  HostFunctionScope(const HostFunctionScope &) = delete;
  HostFunctionScope &operator=(const HostFunctionScope &) = delete;
};

}  // namespace gpusim::driver

#endif
