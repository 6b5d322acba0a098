/* Launches: counters, samples, source lines, shared memory, the state of a launch that stopped. */
#include <set>

#include "tests/gpusim/cases/engine_case.h"

namespace gpusim::cases {
namespace {

/* Each CTA marks its word; half of each warp goes round a loop eight times. */
const WordKernel kCounted = {R"(
  mov.u32 %r2, 0;
  setp.ge.u32 %p1, %laneid, 16;
  @%p1 bra joined;
loop:
  add.s32 %r2, %r2, 1;
  setp.lt.u32 %p2, %r2, 8;
  @%p2 bra loop;
joined:
  @%p1 mov.u32 %r2, 8;
)"};

struct Launched {
  Counters counters;
  std::vector<uint32_t> words;
};

Launched launch_counted(uint32_t ctas, uint32_t sample, uint32_t threads) {
  const std::string text = kCounted.text();
  const DeviceBuffer out(std::vector<uint32_t>(size_t{ctas} * 64, 0));
  Launched launched;
  KernelRun run;
  run.ptx = text;
  run.grid[0] = ctas;
  run.block[0] = 64;
  run.parameters.add(out);
  run.config.sample = sample;
  run.config.threads = threads;
  run.counters = &launched.counters;
  cr_assert(expect_runs(run));
  launched.words = out.values<uint32_t>();
  return launched;
}

/* 7 instructions before the body, 2 + 1 at its beginning, 3 in the loop, then 3. */
Test(engine_launch, counters) {
  for (const uint32_t threads : {1u, 3u}) {
    const Counters counters = launch_counted(6, 0, threads).counters;
    const uint64_t warps = 12;
    cr_assert_eq(counters.ctas, 6);
    cr_assert_eq(counters.executed_ctas, 6);
    cr_assert_eq(counters.warp_instructions, warps * (7 + 3 + 3 * 8 + 3));
    /* The branches around and back are for half the lanes, and so is the last mov. */
    const uint64_t lanes = 7 * 32 + 2 * 32 + 16 + 8 * (16 + 16) + 7 * 16 + 16 + 2 * 32;
    cr_assert_eq(counters.thread_instructions, warps * lanes);
    cr_assert_eq(counters.divergent_branches, warps);
    const auto of = [&](InstructionClass kind) {
      return counters.by_class[static_cast<unsigned>(kind)];
    };
    cr_assert_eq(of(InstructionClass::control), warps * (1 + 8 + 1));
    cr_assert_eq(of(InstructionClass::compare), warps * (1 + 8));
    cr_assert_eq(of(InstructionClass::store), warps);
  }
}

Test(engine_launch, sample) {
  const Launched launched = launch_counted(100, 10, 2);
  cr_assert_eq(launched.counters.executed_ctas, 10);
  cr_assert_eq(launched.counters.warp_instructions, 200 * (7 + 3 + 3 * 8 + 3));
  /* One of each ten, at more than one place in it. */
  std::set<uint32_t> tens, places;
  unsigned executed = 0;
  for (uint32_t cta = 0; cta < 100; cta++) {
    if (launched.words[cta * 64] != 8) continue;
    executed++;
    tens.insert(cta / 10);
    places.insert(cta % 10);
  }
  cr_assert_eq(executed, 10);
  cr_assert_eq(tens.size(), 10);
  cr_assert_gt(places.size(), 5);
}

/* Every CTA runs once, in an order that depends on the seed. */
Test(engine_launch, order_of_ctas) {
  const std::string before = ".global .u32 ticket;\n";
  const WordKernel kernel = {R"(
  mov.u64 %rd2, ticket;
  atom.global.add.u32 %r2, [%rd2], 1;
)",
                             before};
  std::set<std::vector<uint32_t>> orders;
  for (const uint64_t seed : {0, 1, 2, 3}) {
    gpusim_config config = checked_config();
    config.seed = seed;
    const std::vector<uint32_t> order = run_words(kernel, 50, 1, config);
    cr_assert_eq(std::set<uint32_t>(order.begin(), order.end()).size(), 50);
    if (seed == 0) {
      for (uint32_t i = 0; i < order.size(); i++) cr_assert_eq(order[i], i);
    }
    orders.insert(order);
  }
  cr_assert_eq(orders.size(), 4);
}

Test(engine_launch, source_line) {
  const WordKernel kernel = {".loc 1 77 3\n  trap;\n", ".file 1 \"kernels/thing.cu\"\n"};
  const Fault fault = expect_word_fault(kernel, 1, 32, FaultKind::trap);
  cr_assert_str_eq(fault.source_file.c_str(), "kernels/thing.cu");
  cr_assert_eq(fault.source_line, 77);
  cr_assert_eq(fault.ptx_line, line_of(kernel.text(), "trap;"));
}

/* Two entries with shared variables of their own, and dynamic shared memory behind them. */
Test(engine_launch, shared_memory_of_entries) {
  const std::string text = ptx_head() + R"(
.shared .align 4 .b8 first[400];
.shared .align 16 .b8 second[40000];
.extern .shared .align 16 .b8 dynamic[];
.visible .entry one()
{
  .reg .b32 %r<3>;
  mov.u32 %r1, first;
  mov.u32 %r2, dynamic;
  ret;
}
.visible .entry two(.param .u64 out)
{
  .reg .b32 %r<5>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, second;
  mov.u32 %r2, dynamic;
  sub.s32 %r3, %r2, %r1;
  st.shared.u32 [dynamic + 96], %r3;
  ld.shared.u32 %r4, [%r2 + 96];
  st.global.u32 [%rd1], %r4;
  mov.u32 %r3, %dynamic_smem_size;
  st.global.u32 [%rd1 + 4], %r3;
  ret;
}
)";
  const LoadResult loaded = load_module(text);
  cr_assert_not_null(loaded.module.get());
  cr_assert_eq(find_entry(*loaded.module, "one")->shared_bytes, 400);
  cr_assert_eq(find_entry(*loaded.module, "two")->shared_bytes, 40000);
  const DeviceBuffer out(8);
  KernelRun run;
  run.ptx = text;
  run.entry = "two";
  run.block[0] = 1;
  run.parameters.add(out);
  run.dynamic_shared_bytes = 100;
  expect_runs(run);
  const std::vector<uint32_t> words = out.values<uint32_t>();
  cr_assert_eq(words[0], 40000);
  cr_assert_eq(words[1], 100);
  run.dynamic_shared_bytes = 99;
  expect_fault(run, FaultKind::out_of_bounds);
}

Test(engine_launch, module_variables) {
  const std::string text = ptx_head() + R"(
.global .align 4 .u32 numbers[3] = {7, 8};
.const .align 8 .u64 pointer = generic(numbers);
.visible .entry k()
{
  .reg .b32 %r<3>;
  .reg .b64 %rd<2>;
  ld.const.u64 %rd1, [pointer];
  ld.u32 %r1, [%rd1 + 4];
  st.global.u32 [%rd1 + 8], %r1;
  ret;
}
)";
  const LoadResult loaded = load_module(text);
  cr_assert_not_null(loaded.module.get(), "%s", loaded.error.c_str());
  uint64_t address = 0, bytes = 0;
  cr_assert(find_global(*loaded.module, "numbers", &address, &bytes));
  cr_assert_eq(bytes, 12);
  cr_assert_not(find_global(*loaded.module, "nothing", &address, &bytes));
  cr_assert_null(find_entry(*loaded.module, "numbers"));
  LaunchRequest request;
  request.module = loaded.module.get();
  request.entry = find_entry(*loaded.module, "k");
  request.config = checked_config();
  Fault fault;
  cr_assert(launch(request, nullptr, &fault), "%s", fault.text().c_str());
}

}  // namespace
}  // namespace gpusim::cases
