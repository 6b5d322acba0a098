#include "tests/gpusim/model/occupancy.h"

#include <algorithm>

namespace gpusim {
namespace {

/* Granularities of compute capability 8.0 to 9.0, from the vendor's occupancy calculator. */
constexpr int kRegisterUnit = 256; /* of a warp */
constexpr int kSubPartitions = 4;  /* each has a quarter of the registers */

}  // namespace

int warps_by_registers(int registers) {
  const int wanted = std::max(registers, 1) * driver::kWarp;
  const int of_warp = (wanted + kRegisterUnit - 1) / kRegisterUnit * kRegisterUnit;
  return driver::kRegistersPerSm / kSubPartitions / of_warp * kSubPartitions;
}

Occupancy occupancy(const driver::Device &device, const CtaNeeds &needs) {
  const int warps = (std::max(needs.threads, 1) + driver::kWarp - 1) / driver::kWarp;
  const uint64_t shared =
      (needs.shared_bytes + kSharedUnit - 1) / kSharedUnit * kSharedUnit + driver::kSharedReserved;
  Occupancy found;
  found.by_threads = device.threads_per_sm / driver::kWarp / warps;
  found.by_registers = warps_by_registers(needs.registers) / warps;
  found.by_shared = static_cast<int>(static_cast<uint64_t>(device.shared_per_sm) / shared);
  found.by_slots = device.blocks_per_sm;
  found.ctas = found.by_slots;
  found.limiter = "slots";
  const auto limit = [&](int ctas, const char *name) {
    if (ctas >= found.ctas) return;
    found.ctas = ctas;
    found.limiter = name;
  };
  limit(found.by_threads, "threads");
  limit(found.by_registers, "registers");
  limit(found.by_shared, "shared memory");
  return found;
}

}  // namespace gpusim
