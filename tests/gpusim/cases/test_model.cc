/* The model's terms, limiters, occupancy and waves, computed by hand from published figures. */
#include <criterion/criterion.h>

#include <cmath>

#include "tests/gpusim/model/model.h"

namespace gpusim::cases {
namespace {

const driver::Device &a100() { return *driver::find_device("a100"); }

/* One full wave of a100: a CTA of 128 threads on each of the 108 SMs. */
Counters one_wave() {
  Counters counters;
  counters.ctas = counters.executed_ctas = 108;
  return counters;
}

const CtaNeeds kPlain = {128, 32, 0};

void expect_bound(const Counters &counters, const CtaNeeds &needs, Limiter limiter, double us) {
  const Model model = model_launch(counters, needs, a100());
  cr_expect_str_eq(limiter_name(model.limiter), limiter_name(limiter));
  cr_expect(std::fabs(model.modelled_lower_bound_us - us) < 1e-9 * us, "%.9g, expected %.9g",
            model.modelled_lower_bound_us, us);
}

unsigned class_of(InstructionClass kind) { return static_cast<unsigned>(kind); }

Test(model, instructions) {
  Counters counters = one_wave();
  counters.warp_instructions = 108 * 4 * 1410 + 1000;
  counters.by_class[class_of(InstructionClass::move)] = 1000;
  expect_bound(counters, kPlain, Limiter::instructions, 1);
  /* Two of four sub-partitions have a warp. */
  expect_bound(counters, {64, 32, 0}, Limiter::instructions, 2);
}

/* An m16n8k16 keeps its sub-partition busy for eight clocks; a sparse one of k32 as long. */
Test(model, tensor) {
  for (const unsigned kind : {2u, 18u}) {
    Counters counters = one_wave();
    counters.tensor[kind] = 108 * 4 * 1410;
    counters.warp_instructions = 108 * 4 * 1410;
    expect_bound(counters, kPlain, Limiter::tensor, 8);
  }
}

Test(model, shared) {
  Counters counters = one_wave();
  counters.memory.shared_load_wavefronts = 108 * 1000;
  counters.memory.shared_store_wavefronts = 108 * 300;
  counters.memory.async_shared_wavefronts = 108 * 100;
  counters.memory.shared_atomic_requests = 108 * 10;
  expect_bound(counters, kPlain, Limiter::shared, 1);
}

Test(model, l2) {
  Counters counters = one_wave();
  counters.memory.global_load_sectors = uint64_t{160} * 1410 / 2;
  counters.memory.async_global_sectors = uint64_t{160} * 1410 / 2;
  expect_bound(counters, kPlain, Limiter::l2, 1);
}

/* 1593 MHz, both edges, 5120 bits: 2039.04 bytes a nanosecond. */
Test(model, dram) {
  Counters counters = one_wave();
  counters.unique_global_sectors = 2039040;
  expect_bound(counters, kPlain, Limiter::dram, 32);
}

/* The 109th CTA makes one SM work for two. */
Test(model, waves) {
  Counters counters = one_wave();
  counters.ctas = 109;
  counters.warp_instructions = uint64_t{109} * 4 * 1410;
  expect_bound(counters, kPlain, Limiter::instructions, 2);
  const CtaNeeds large = {1024, 64, 0};
  Model model = model_launch(counters, large, a100());
  cr_expect_eq(model.occupancy.ctas, 1);
  cr_expect_eq(model.waves, 2);
  cr_expect_float_eq(model.wave_efficiency, 109.0 / 216, 1e-12);
  cr_expect_float_eq(model.occupied, 0.5, 1e-12);
  counters.ctas = 216;
  model = model_launch(counters, large, a100());
  cr_expect_eq(model.waves, 2);
  cr_expect_float_eq(model.wave_efficiency, 1, 1e-12);
}

Test(model, occupancy) {
  struct Row {
    const char *device;
    CtaNeeds needs;
    int threads, registers, shared, slots, ctas;
    const char *limiter;
  };
  /* 128 threads are 4 warps; 33 registers are rounded to 40; shared memory to 128 bytes, and 1024
   * more are reserved. */
  const Row rows[] = {
      {"a100", {32, 16, 0}, 64, 128, 164, 32, 32, "slots"},
      {"a100", {256, 32, 0}, 8, 8, 164, 32, 8, "threads"},
      {"a100", {128, 33, 0}, 16, 12, 164, 32, 12, "registers"},
      {"a100", {128, 255, 0}, 16, 2, 164, 32, 2, "registers"},
      {"a100", {128, 32, 40 * 1024}, 16, 16, 4, 32, 4, "shared memory"},
      {"a100", {128, 32, 31 * 1024 + 1}, 16, 16, 5, 32, 5, "shared memory"},
      {"a10", {128, 32, 0}, 12, 16, 100, 16, 12, "threads"},
      {"a10", {32, 32, 0}, 48, 64, 100, 16, 16, "slots"},
      {"h100", {128, 128, 56 * 1024}, 16, 4, 4, 32, 4, "registers"},
      {"h100", {1000, 32, 0}, 2, 2, 228, 32, 2, "threads"},
  };
  for (const Row &row : rows) {
    const Occupancy found = occupancy(*driver::find_device(row.device), row.needs);
    cr_expect_eq(found.by_threads, row.threads);
    cr_expect_eq(found.by_registers, row.registers, "%d", found.by_registers);
    cr_expect_eq(found.by_shared, row.shared, "%d", found.by_shared);
    cr_expect_eq(found.by_slots, row.slots);
    cr_expect_eq(found.ctas, row.ctas);
    cr_expect_str_eq(found.limiter, row.limiter);
  }
}

Test(model, nothing) {
  const Model model = model_launch(Counters(), kPlain, a100());
  cr_expect_eq(model.modelled_lower_bound_us, 0);
}

}  // namespace
}  // namespace gpusim::cases
