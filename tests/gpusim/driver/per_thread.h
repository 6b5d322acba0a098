/* The variants of entry points for which no stream means the calling thread's own, where others
 * mean the legacy one (cuGetProcAddress with CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM).
 *
 * Synchronous copies take no stream. They wait for the legacy one in both variants. */
#ifndef GPUSIM_DRIVER_PER_THREAD_H
#define GPUSIM_DRIVER_PER_THREAD_H

#include <type_traits>

#include "tests/gpusim/driver/api.h"

namespace gpusim::driver {

template <class T>
T with_own_stream(T argument) {
  return argument;
}

inline CUstream with_own_stream(CUstream stream) {
  return stream == nullptr ? CU_STREAM_PER_THREAD : stream;
}

template <auto kFunction, class Type = decltype(kFunction)>
struct PerThread;

template <auto kFunction, class... Arguments>
struct PerThread<kFunction, CUresult (*)(Arguments...)> {
  static CUresult call(Arguments... arguments) { return kFunction(with_own_stream(arguments)...); }

  /* The function itself where no argument is a stream. */
  static constexpr auto function() {
    if constexpr ((std::is_same_v<Arguments, CUstream> || ...)) {
      return &call;
    } else {
      return kFunction;
    }
  }
};

/* Its stream is in the configuration. */
template <>
struct PerThread<&cuLaunchKernelEx> {
  static CUresult call(const CUlaunchConfig *config, CUfunction function, void **values,
                       void **extra) {
    if (config == nullptr) return cuLaunchKernelEx(config, function, values, extra);
    CUlaunchConfig own = *config;
    own.hStream = with_own_stream(own.hStream);
    return cuLaunchKernelEx(&own, function, values, extra);
  }
  static constexpr auto function() { return &call; }
};

}  // namespace gpusim::driver

#endif
