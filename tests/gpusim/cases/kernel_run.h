/* Runs PTX text inside a test, without the driver: buffers on the simulated device, parameters,
 * launch, fault. */
#ifndef GPUSIM_CASES_KERNEL_RUN_H
#define GPUSIM_CASES_KERNEL_RUN_H

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "tests/gpusim/base/fault.h"
#include "tests/gpusim/counters/counters.h"
#include "tests/gpusim/exec/launch.h"

namespace gpusim::cases {

/* Global memory for the life of the object. */
class DeviceBuffer {
 public:
  explicit DeviceBuffer(uint64_t bytes); /* undefined contents */
  template <class T>
  explicit DeviceBuffer(const std::vector<T> &values) : DeviceBuffer(values.size() * sizeof(T)) {
    write(0, values.data(), values.size() * sizeof(T));
  }
  ~DeviceBuffer();
  DeviceBuffer(const DeviceBuffer &) = delete;
  DeviceBuffer &operator=(const DeviceBuffer &) = delete;

  uint64_t address() const { return address_; }
  uint64_t bytes() const { return bytes_; }
  void write(uint64_t offset, const void *values, uint64_t bytes); /* defines them */
  void undefine(uint64_t offset, uint64_t bytes);
  void read(uint64_t offset, void *values, uint64_t bytes) const; /* defined or not */
  bool is_defined(uint64_t offset, uint64_t bytes) const;

  template <class T>
  std::vector<T> values() const {
    std::vector<T> all(bytes_ / sizeof(T));
    read(0, all.data(), all.size() * sizeof(T));
    return all;
  }

 private:
  uint64_t address_ = 0;
  uint64_t bytes_ = 0;
};

/* Parameters of an entry, each aligned to its size. */
class Parameters {
 public:
  template <class T>
  Parameters &add(const T &value) {
    return add_bytes(&value, sizeof value, alignof(T));
  }
  Parameters &add(const DeviceBuffer &buffer) { return add(buffer.address()); }
  Parameters &add_bytes(const void *value, size_t bytes, size_t align);
  const std::vector<uint8_t> &bytes() const { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
};

/* Everything checked, one host thread, a budget that an endless loop soon passes. */
gpusim_config checked_config();
/* Results only. */
gpusim_config fast_config();

struct KernelRun {
  std::string_view ptx;
  std::string_view entry; /* empty: the first one */
  uint32_t grid[3] = {1, 1, 1};
  uint32_t block[3] = {32, 1, 1};
  uint32_t dynamic_shared_bytes = 0;
  Parameters parameters;
  gpusim_config config = checked_config();
  bool keep_undefined = false; /* LaunchRequest's */
  bool hopper = false;
  unsigned sm = 80;
  /* Where to leave what was counted, and the line of JSON (an a100's, 32 registers a thread). */
  Counters *counters = nullptr;
  std::string *json = nullptr;
};

/* True when every CTA finished. A text that cannot be loaded or an entry that cannot be executed
 * fails the test, and gives false. */
bool run_kernel(const KernelRun &run, Fault *fault);

/* Fails the test unless every CTA finished. */
bool expect_runs(const KernelRun &run);

/* Fails the test unless the kernel stops with that fault; gives the fault. */
Fault expect_fault(const KernelRun &run, FaultKind kind);

/* Why the entry cannot be executed: a message of the parser or of the decoder; empty if it can. */
std::string why_unsupported(std::string_view ptx, std::string_view entry = {});

/* ".version 8.7\n.target sm_80\n.address_size 64\n", the head of every text of the tests. */
std::string ptx_head(unsigned sm = 80);

}  // namespace gpusim::cases

#endif
