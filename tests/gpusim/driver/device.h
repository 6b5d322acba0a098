/* The forged device. */
#ifndef GPUSIM_DRIVER_DEVICE_H
#define GPUSIM_DRIVER_DEVICE_H

#include <cstdint>

namespace gpusim::driver {

struct Device {
  const char *key; /* GPUSIM_DEVICE */
  const char *name;
  int major, minor;
  int sms;
  int clock_khz, memory_clock_khz;
  int bus_bits;
  uint64_t memory_bytes;
  int l2_bytes;
  int shared_per_sm, shared_optin; /* bytes; of a block without opting in: 48 KiB */
  int threads_per_sm, blocks_per_sm;
  int double_ratio;  /* single to double precision */
  int persisting_l2; /* bytes */
};

constexpr int kDriverVersion = 13000;
constexpr int kRegistersPerSm = 65536;
constexpr int kRegistersPerBlock = 65536;
constexpr int kRegistersPerThread = 255;
constexpr int kThreadsPerBlock = 1024;
constexpr int kSharedPerBlock = 49152;
constexpr int kSharedReserved = 1024; /* of each block, from sm_80 on */
constexpr int kWarp = 32;
constexpr uint32_t kMaxGrid[3] = {0x7fffffffu, 65535, 65535};
constexpr uint32_t kMaxBlock[3] = {1024, 1024, 64};

/* A row of devices.inc; null if there is none of that key. */
const Device *find_device(const char *key);
/* As GPUSIM_DEVICE names it; a100 if it is not set. */
const Device &device();

}  // namespace gpusim::driver

#endif
