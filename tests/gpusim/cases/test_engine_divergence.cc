/* Divergence, reconvergence, predication, grids. */
#include "tests/gpusim/cases/engine_case.h"

namespace gpusim::cases {
namespace {

Test(engine_divergence, straight_line) {
  expect_words({"add.s32 %r2, %r1, 7;"}, 3, 96, [](uint32_t i) { return i + 7; });
}

Test(engine_divergence, partial_last_warp) {
  expect_words({"shl.b32 %r2, %r1, 1;"}, 3, 41, [](uint32_t i) { return 2 * i; });
}

Test(engine_divergence, predicates) {
  const WordKernel kernel = {R"(
  and.b32 %r3, %r1, 3;
  setp.eq.s32 %p1, %r3, 1;
  mov.u32 %r2, 10;
  @%p1 mov.u32 %r2, 20;
  @!%p1 add.s32 %r2, %r2, %r3;
)"};
  expect_words(kernel, 2, 64, [](uint32_t i) { return i % 4 == 1 ? 20u : 10u + i % 4; });
}

Test(engine_divergence, nested_ifs) {
  const WordKernel kernel = {R"(
  mov.u32 %r2, 0;
  and.b32 %r3, %r1, 1;
  setp.ne.s32 %p1, %r3, 0;
  @%p1 bra odd;
  and.b32 %r4, %r1, 2;
  setp.ne.s32 %p2, %r4, 0;
  @%p2 bra two;
  add.s32 %r2, %r2, 100;
  bra.uni joined_inner;
two:
  add.s32 %r2, %r2, 200;
joined_inner:
  add.s32 %r2, %r2, 1;
  bra joined;
odd:
  add.s32 %r2, %r2, 300;
joined:
  add.s32 %r2, %r2, %r1;
)"};
  expect_words(kernel, 2, 70,
               [](uint32_t i) { return i + (i % 2 != 0 ? 300u : 1u + (i & 2 ? 200u : 100u)); });
}

/* Thread i makes i % 37 rounds; the lanes must be together again behind the loop. */
Test(engine_divergence, loops_of_different_length) {
  const WordKernel kernel = {R"(
  mov.u32 %r2, 0;
  rem.u32 %r3, %r1, 37;
  setp.eq.u32 %p1, %r3, 0;
  @%p1 bra done;
loop:
  add.s32 %r2, %r2, %r3;
  sub.s32 %r3, %r3, 1;
  setp.ne.s32 %p1, %r3, 0;
  @%p1 bra loop;
done:
  bar.sync 0;
)"};
  expect_words(kernel, 1, 128, [](uint32_t i) { return (i % 37) * (i % 37 + 1) / 2; });
}

/* Loops in a loop, left from the inner one by some lanes. */
Test(engine_divergence, breaks_out_of_two_loops) {
  const WordKernel kernel = {R"(
  mov.u32 %r2, 0;
  mov.u32 %r3, 0;
outer:
  mov.u32 %r4, 0;
inner:
  add.s32 %r2, %r2, 1;
  setp.ge.u32 %p1, %r2, %r1;
  @%p1 bra left;
  add.s32 %r4, %r4, 1;
  setp.lt.u32 %p2, %r4, %r3;
  @%p2 bra inner;
  add.s32 %r3, %r3, 1;
  setp.lt.u32 %p3, %r3, 8;
  @%p3 bra outer;
left:
  shl.b32 %r2, %r2, 8;
  or.b32 %r2, %r2, %r3;
)"};
  expect_words(kernel, 1, 64, [](uint32_t i) {
    uint32_t steps = 0, outer = 0;
    for (; outer < 8; outer++) {
      uint32_t inner = 0;
      do {
        if (++steps >= i) return steps << 8 | outer;
      } while (++inner < outer);
    }
    return steps << 8 | outer;
  });
}

/* Lanes that leave do not hold up a barrier. */
Test(engine_divergence, early_exit) {
  const WordKernel kernel = {R"(
  mov.u32 %r2, 5;
  setp.lt.u32 %p1, %r1, 40;
  @%p1 exit;
  setp.gt.u32 %p2, %r1, 90;
  @%p2 ret;
  bar.sync 0;
  add.s32 %r2, %r2, %r1;
)"};
  expect_words(kernel, 1, 128, [](uint32_t i) { return i < 40 || i > 90 ? 0xdeadbeefu : i + 5; });
}

Test(engine_divergence, jump_tables) {
  const WordKernel kernel = {R"(
  mov.u32 %r2, 1000;
  and.b32 %r3, %r1, 3;
table: .branchtargets zero, one, two, zero;
  setp.gt.u32 %p1, %r1, 7;
  @%p1 brx.idx %r3, table;
  bra joined;
zero:
  mov.u32 %r2, 100;
  bra joined;
one:
  mov.u32 %r2, 200;
two:
  add.s32 %r2, %r2, 3;
joined:
  add.s32 %r2, %r2, %r1;
)"};
  expect_words(kernel, 1, 64, [](uint32_t i) {
    constexpr uint32_t kBase[] = {100, 203, 1003, 100};
    return i + (i <= 7 ? 1000 : kBase[i % 4]);
  });
}

Test(engine_divergence, jump_table_index_out_of_range) {
  const WordKernel kernel = {R"(
table: .branchtargets here;
  brx.idx %r1, table;
here:
  mov.u32 %r2, 0;
)"};
  const Fault fault = expect_word_fault(kernel, 1, 32, FaultKind::illegal_instruction);
  cr_assert_eq(fault.lane, 1);
}

Test(engine_divergence, grid_and_block_of_three_dimensions) {
  const std::string text = ptx_head() + R"(
.visible .entry k(.param .u64 out)
{
  .reg .b32 %r<40>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %tid.x;
  mov.u32 %r2, %tid.y;
  mov.u32 %r3, %tid.z;
  mov.u32 %r4, %ctaid.x;
  mov.u32 %r5, %ctaid.y;
  mov.u32 %r6, %ctaid.z;
  mad.lo.s32 %r7, %r6, %nctaid.y, %r5;
  mad.lo.s32 %r7, %r7, %nctaid.x, %r4;
  mad.lo.s32 %r7, %r7, %ntid.z, %r3;
  mad.lo.s32 %r7, %r7, %ntid.y, %r2;
  mad.lo.s32 %r7, %r7, %ntid.x, %r1;
  mul.wide.u32 %rd2, %r7, 4;
  add.s64 %rd1, %rd1, %rd2;
  shl.b32 %r8, %r1, 20;
  shl.b32 %r9, %r2, 16;
  shl.b32 %r10, %r3, 12;
  shl.b32 %r11, %r4, 8;
  shl.b32 %r12, %r5, 4;
  or.b32 %r8, %r8, %r9;
  or.b32 %r8, %r8, %r10;
  or.b32 %r8, %r8, %r11;
  or.b32 %r8, %r8, %r12;
  or.b32 %r8, %r8, %r6;
  st.global.u32 [%rd1], %r8;
  ret;
}
)";
  for (const uint64_t seed : {0, 5}) {
    const DeviceBuffer out(uint64_t{2 * 3 * 4 * 5 * 3 * 7} * 4);
    KernelRun run;
    run.ptx = text;
    const uint32_t grid[3] = {2, 3, 4}, block[3] = {5, 3, 7};
    memcpy(run.grid, grid, sizeof grid);
    memcpy(run.block, block, sizeof block);
    run.parameters.add(out);
    run.config.seed = seed;
    run.config.threads = 3;
    expect_runs(run);
    const std::vector<uint32_t> words = out.values<uint32_t>();
    size_t i = 0;
    for (uint32_t cta = 0; cta < 24; cta++) {
      for (uint32_t thread = 0; thread < 105; thread++, i++) {
        const uint32_t expected = (thread % 5) << 20 | (thread / 5 % 3) << 16 |
                                  (thread / 15) << 12 | (cta % 2) << 8 | (cta / 2 % 3) << 4 |
                                  cta / 6;
        cr_assert_eq(words[i], expected, "word %zu: %x, expected %x", i, words[i], expected);
      }
    }
  }
}

Test(engine_divergence, special_registers) {
  const WordKernel kernel = {R"(
  mov.u32 %r2, %laneid;
  mov.u32 %r3, %warpid;
  mad.lo.s32 %r2, %r3, 32, %r2;
  mov.u32 %r3, %lanemask_lt;
  popc.b32 %r4, %r3;
  mov.u32 %r3, %lanemask_ge;
  popc.b32 %r5, %r3;
  add.s32 %r4, %r4, %r5;
  mov.u32 %r3, %lanemask_gt;
  mov.u32 %r5, %lanemask_le;
  not.b32 %r5, %r5;
  sub.s32 %r5, %r5, %r3;
  add.s32 %r2, %r2, %r5;
  mad.lo.s32 %r2, %r4, 1000, %r2;
)"};
  expect_words(kernel, 1, 100, [](uint32_t i) { return i + 32000; });
}

/* A clock never stands still. */
Test(engine_divergence, clocks_advance) {
  const WordKernel kernel = {R"(
  mov.u64 %rd2, %clock64;
  mov.u32 %r3, %clock;
  mov.u32 %r4, %clock;
  mov.u64 %rd3, %clock64;
  setp.gt.u64 %p1, %rd3, %rd2;
  setp.ne.and.u32 %p1, %r3, %r4, %p1;
  selp.u32 %r2, 1, 0, %p1;
)"};
  expect_words(kernel, 1, 32, [](uint32_t) { return 1; });
}

}  // namespace
}  // namespace gpusim::cases
