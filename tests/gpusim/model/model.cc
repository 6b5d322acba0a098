#include "tests/gpusim/model/model.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "tests/gpusim/memory/traffic.h"

namespace gpusim {
namespace {

constexpr uint64_t kSubPartitions = 4; /* each issues one instruction a clock */

struct Rates {
  const char *device;
  double f16, bf16, tf32, f64, s8, s4, b1, l2_bytes;
};

constexpr Rates kRates[] = {
#define GPUSIM_RATES(device, ...) {#device, __VA_ARGS__},
#include "tests/gpusim/model/rates.inc"
#undef GPUSIM_RATES
};

struct Shape {
  const char *opcode;
  unsigned m, n, k;
  double Rates::*rate;
};

constexpr Shape kShapes[] = {
#define GPUSIM_TENSOR_SHAPE(opcode, m, n, k, type) {#opcode, m, n, k, &Rates::type},
#include "tests/gpusim/tensor/shapes.inc"
#undef GPUSIM_TENSOR_SHAPE
};

const Rates &rates_of(const driver::Device &device) {
  for (const Rates &rates : kRates) {
    if (strcmp(rates.device, device.key) == 0) return rates;
  }
  return kRates[0];
}

double multiply_adds(const Shape &shape) {
  const double all = double{1} * shape.m * shape.n * shape.k;
  const std::string_view opcode = shape.opcode;
  if (opcode == "mma_sp") return all / 2;
  /* mma.m8n8k4 of f16 makes four products. */
  const bool quad = opcode == "mma" && shape.k == 4 && shape.rate == &Rates::f16;
  return quad ? all * 4 : all;
}

/* Clocks of all tensor cores of one SM, if it did everything. */
double tensor_clocks(const Counters &counters, const Rates &rates) {
  double clocks = 0;
  for (unsigned i = 0; i < kTensorKinds; i++) {
    clocks += static_cast<double>(counters.tensor[i]) * multiply_adds(kShapes[i]) /
              (rates.*kShapes[i].rate);
  }
  return clocks;
}

uint64_t shared_wavefronts(const MemoryCounters &memory) {
  return memory.shared_load_wavefronts + memory.shared_store_wavefronts +
         memory.async_shared_wavefronts + memory.shared_atomic_requests;
}

uint64_t l2_bytes(const MemoryCounters &memory) {
  return (memory.global_load_sectors + memory.global_store_sectors + memory.async_global_sectors +
          memory.global_atomic_requests) *
         kSectorBytes;
}

uint64_t rounded_up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit; }

}  // namespace

const char *limiter_name(Limiter limiter) {
  static constexpr const char *kNames[] = {"tensor", "instructions", "shared", "l2", "dram"};
  return kNames[static_cast<unsigned>(limiter)];
}

Model model_launch(const Counters &counters, const CtaNeeds &needs, const driver::Device &device) {
  Model model;
  model.occupancy = occupancy(device, needs);
  if (counters.ctas == 0 || model.occupancy.ctas == 0) return model;
  const Rates &rates = rates_of(device);
  const auto sms = static_cast<uint64_t>(device.sms);
  const auto fitting = static_cast<uint64_t>(model.occupancy.ctas);
  const auto warps = static_cast<uint64_t>((needs.threads + driver::kWarp - 1) / driver::kWarp);
  const uint64_t fullest = rounded_up(counters.ctas, sms);
  const uint64_t resident = std::min(fitting, fullest) * warps;
  model.occupied = static_cast<double>(fitting * warps * driver::kWarp) / device.threads_per_sm;
  model.waves = rounded_up(counters.ctas, sms * fitting);
  model.wave_efficiency =
      static_cast<double>(counters.ctas) / static_cast<double>(model.waves * sms * fitting);

  /* Microseconds of one clock, and the part of the work that the fullest SM has. */
  const double clock_us = 1e3 / device.clock_khz;
  const double part_us =
      clock_us * static_cast<double>(fullest) / static_cast<double>(counters.ctas);
  const auto busy = static_cast<double>(std::min(resident, kSubPartitions));
  const uint64_t moves = counters.by_class[static_cast<unsigned>(InstructionClass::move)];
  const auto issued = static_cast<double>(counters.warp_instructions - moves);
  /* kHz * 2 transfers of a double data rate * bits / 8 = bytes a millisecond. */
  const double dram_us_bytes = device.memory_clock_khz * 2.0 * device.bus_bits / 8 / 1e3;
  model.term_us[0] = tensor_clocks(counters, rates) * kSubPartitions / busy * part_us;
  model.term_us[1] = issued / busy * part_us;
  model.term_us[2] = static_cast<double>(shared_wavefronts(counters.memory)) * part_us;
  model.term_us[3] = static_cast<double>(l2_bytes(counters.memory)) / rates.l2_bytes * clock_us;
  model.term_us[4] =
      static_cast<double>(counters.unique_global_sectors * kSectorBytes) / dram_us_bytes;
  for (unsigned i = 0; i < kLimiters; i++) {
    if (model.term_us[i] <= model.modelled_lower_bound_us) continue;
    model.modelled_lower_bound_us = model.term_us[i];
    model.limiter = static_cast<Limiter>(i);
  }
  return model;
}

}  // namespace gpusim
