/* Races on global memory between CTAs: kernels that have one, and their corrected twins. */
#include <criterion/criterion.h>

#include "tests/gpusim/cases/kernel_run.h"
#include "tests/gpusim/checks/global_races.h"

using namespace gpusim;
using namespace gpusim::cases;

namespace {

/* %r1 = thread, %r2 = CTA, %rd1 = data, %rd2 = this CTA's 32 words, %rd3 = the next CTA's (of 4),
 * %rd4 = a counter behind the data, zero at first; %p1: CTA 0. */
std::string kernel(const std::string &body) {
  return ptx_head() + R"(
.visible .entry k(.param .u64 data) {
  .reg .pred %p<6>; .reg .b32 %r<16>; .reg .b64 %rd<16>; .reg .b16 %h<4>;
  ld.param.u64 %rd1, [data];
  mov.u32 %r1, %tid.x;
  mov.u32 %r2, %ctaid.x;
  mad.lo.u32 %r3, %r2, 32, %r1;
  mul.wide.u32 %rd2, %r3, 4;
  xor.b64 %rd3, %rd2, 128;
  add.s64 %rd2, %rd1, %rd2;
  add.s64 %rd3, %rd1, %rd3;
  add.s64 %rd4, %rd1, 512;
  setp.eq.u32 %p1, %r2, 0;
  setp.eq.u32 %p2, %r1, 0;
)" + body +
         "\nret;\n}\n";
}

struct Case {
  const char *name;
  const char *body;
  bool races;
};

const Case kCases[] = {
    {"each its own words", "st.global.u32 [%rd2], %r2;", false},
    {"the same word", "st.global.u32 [%rd1], %r2;", true},
    {"the same value in the same word", "st.global.u32 [%rd1], 3;", false},
    {"a read of another CTA's word", "st.global.u32 [%rd2], %r2; ld.global.u32 %r4, [%rd3];", true},
    {"reads of the same word", "ld.global.u32 %r4, [%rd1];", false},
    {"read by all, written by one", "ld.global.u32 %r4, [%rd1]; @%p1 st.global.u32 [%rd1], 9;",
     true},
    {"halves of one word",
     "mul.wide.u32 %rd5, %r2, 2; add.s64 %rd5, %rd1, %rd5; cvt.u16.u32 %h1, %r2;"
     "st.global.u16 [%rd5], %h1;",
     false},
    {"bytes that overlap a word",
     "mul.wide.u32 %rd5, %r2, 2; add.s64 %rd5, %rd1, %rd5; cvt.u16.u32 %h1, %r2;"
     "@!%p1 st.global.u8 [%rd5], %h1; @%p1 st.global.u32 [%rd1], %r1;",
     true},
    {"atomics", "red.global.add.u32 [%rd4], 1;", false},
    {"an atomic and a plain read", "red.global.add.u32 [%rd4], 1; ld.global.u32 %r4, [%rd4];",
     true},
    {"an atomic and a volatile read",
     "red.global.add.u32 [%rd4], 1; ld.volatile.global.u32 %r4, [%rd4];", false},
    {"the last CTA reads what the others published",
     "st.global.u32 [%rd2], %r2; bar.sync 0; @!%p2 bra done; membar.gl;"
     "atom.global.add.u32 %r4, [%rd4], 1; membar.gl; setp.ne.u32 %p3, %r4, 3; @%p3 bra done;"
     "ld.global.u32 %r5, [%rd1]; ld.global.u32 %r5, [%rd1+128]; ld.global.u32 %r5, [%rd1+256];"
     "ld.global.u32 %r5, [%rd1+384]; done:",
     false},
    {"without the fence before the ticket",
     "st.global.u32 [%rd2], %r2; bar.sync 0; @!%p2 bra done;"
     "atom.global.add.u32 %r4, [%rd4], 1; membar.gl; setp.ne.u32 %p3, %r4, 3; @%p3 bra done;"
     "ld.global.u32 %r5, [%rd1]; ld.global.u32 %r5, [%rd1+128]; ld.global.u32 %r5, [%rd1+256];"
     "ld.global.u32 %r5, [%rd1+384]; done:",
     true},
    {"acquire and release",
     "st.global.u32 [%rd2], %r2; bar.sync 0; @!%p2 bra done;"
     "atom.acq_rel.gpu.global.add.u32 %r4, [%rd4], 1; setp.ne.u32 %p3, %r4, 3; @%p3 bra done;"
     "ld.global.u32 %r5, [%rd1]; ld.global.u32 %r5, [%rd1+128]; ld.global.u32 %r5, [%rd1+256];"
     "ld.global.u32 %r5, [%rd1+384]; done:",
     false},
    {"a later CTA waits for an earlier one's flag",
     "@!%p1 bra wait; st.global.u32 [%rd1+4], 5; membar.gl; @%p2 st.volatile.global.u32 [%rd4], 1;"
     "bra done; wait: ld.volatile.global.u32 %r4, [%rd4]; setp.ne.u32 %p3, %r4, 1; @%p3 bra wait;"
     "membar.gl; ld.global.u32 %r5, [%rd1+4]; done:",
     false},
};

void check(const Case &test, uint64_t seed, uint32_t threads) {
  DeviceBuffer data(std::vector<uint32_t>(129));
  const std::string text = kernel(test.body);
  KernelRun run;
  run.ptx = text;
  run.grid[0] = 4;
  run.parameters.add(data);
  run.config.seed = seed;
  run.config.threads = threads;
  Fault fault;
  const bool ran = run_kernel(run, &fault);
  cr_expect_eq(ran, !test.races, "%s, seed %d, %u threads: %s", test.name, static_cast<int>(seed),
               threads, fault.text().c_str());
  if (test.races && !ran) cr_expect_eq(fault.kind, FaultKind::race, "%s", fault.text().c_str());
}

}  // namespace

Test(races_global, cases) {
  for (const Case &test : kCases)
    for (uint64_t seed : {0, 1, 2})
      for (uint32_t threads : {1, 2}) check(test, seed, threads);
}

/* The bookkeeping of 96 MiB of global memory is all that there is: words beyond are counted. */
Test(races_global, beyond_the_bookkeeping) {
  constexpr uint64_t kWatched = GlobalRaces::kBudget / 4, kStep = 1u << 14, kBeyond = 10;
  const DeviceBuffer data(kWatched + kBeyond * kStep);
  const std::string text = ptx_head() + R"(
.visible .entry k(.param .u64 data, .param .u32 count) {
  .reg .pred %p<2>; .reg .b32 %r<4>; .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [data];
  ld.param.u32 %r1, [count];
  mov.u32 %r2, %ctaid.x;
  setp.ne.u32 %p1, %r2, 0;
  @%p1 ret;
again:
  st.global.u64 [%rd1], %rd1;
  add.s64 %rd1, %rd1, 16384;
  sub.u32 %r1, %r1, 1;
  setp.ne.u32 %p1, %r1, 0;
  @%p1 bra again;
  ret;
}
)";
  for (const uint64_t beyond : {uint64_t{0}, kBeyond}) {
    Counters counters;
    std::string json;
    KernelRun run;
    run.ptx = text;
    run.grid[0] = 2;
    run.parameters.add(data).add(static_cast<uint32_t>(kWatched / kStep + beyond));
    run.keep_undefined = true;
    run.counters = &counters;
    run.json = &json;
    cr_assert(expect_runs(run));
    /* Of two words, by 32 lanes. */
    cr_expect_eq(counters.unwatched_for_races, 64 * beyond, "%d",
                 static_cast<int>(counters.unwatched_for_races));
    const std::string field = "\"unwatched_for_races\":" + std::to_string(64 * beyond);
    cr_expect(json.find(field) != std::string::npos, "%s", json.c_str());
  }
}

/* What one launch did is over when the next begins. */
Test(races_global, launches_are_ordered) {
  for (int i = 0; i < 3; i++) check(kCases[0], 0, 1);
}
