/* Counters of small kernels, counted by hand; of samples; as JSON. */
#include <jansson.h>

#include <cmath>

#include "tests/gpusim/cases/engine_case.h"
#include "tests/gpusim/tensor/qualifiers.h"

namespace gpusim::cases {
namespace {

constexpr uint32_t kBufferBytes = 1u << 16;

struct Launched {
  Counters counters;
  std::string json;
};

/* A kernel whose %rd9 is the address of 64 KiB of zeros and %r1 the lane; words: shared memory. */
Launched run_body(const std::string &body, uint32_t ctas = 1, uint32_t sample = 0) {
  const std::string text = ptx_head() + R"(
.visible .entry k(.param .u64 out)
{
  .reg .pred %p<4>;
  .reg .b32 %r<32>;
  .reg .f32 %f<16>;
  .reg .b64 %rd<12>;
  .shared .align 16 .b8 words[16384];
  ld.param.u64 %rd9, [out];
  mov.u32 %r1, %tid.x;
)" + body + "  ret;\n}\n";
  const DeviceBuffer out(std::vector<uint8_t>(kBufferBytes, 0));
  Launched launched;
  KernelRun run;
  run.ptx = text;
  run.grid[0] = ctas;
  run.parameters.add(out);
  run.config = fast_config();
  run.config.sample = sample;
  run.counters = &launched.counters;
  run.json = &launched.json;
  cr_assert(expect_runs(run));
  return launched;
}

/* Loads a word from `stride` bytes times the lane. */
Counters global_load(unsigned stride) {
  return run_body("  mul.wide.u32 %rd1, %r1, " + std::to_string(stride) +
                  ";\n  add.s64 %rd1, %rd1, %rd9;\n  ld.global.u32 %r2, [%rd1];\n")
      .counters;
}

Test(counters, global_sectors) {
  const struct {
    unsigned stride, sectors;
  } rows[] = {{0, 1}, {4, 4}, {8, 8}, {16, 16}, {32, 32}, {128, 32}};
  for (const auto &row : rows) {
    const Counters counters = global_load(row.stride);
    cr_expect_eq(counters.memory.global_load_requests, 1);
    cr_expect_eq(counters.memory.global_load_sectors, row.sectors, "stride %u", row.stride);
    cr_expect_eq(counters.memory.global_load_bytes, 128);
    cr_expect_eq(counters.unique_global_sectors, row.sectors, "stride %u", row.stride);
  }
}

/* Four stores to the same sectors, by lanes 0 to 15. */
Test(counters, global_stores_touch_once) {
  std::string body = R"(
  setp.lt.u32 %p1, %r1, 16;
  mul.wide.u32 %rd1, %r1, 16;
  add.s64 %rd1, %rd1, %rd9;
)";
  for (int i = 0; i < 4; i++) body += "  @%p1 st.global.v4.u32 [%rd1], {%r1, %r1, %r1, %r1};\n";
  const Counters counters = run_body(body).counters;
  cr_expect_eq(counters.memory.global_store_requests, 4);
  cr_expect_eq(counters.memory.global_store_sectors, 4 * 8);
  cr_expect_eq(counters.memory.global_store_bytes, 4 * 256);
  cr_expect_eq(counters.unique_global_sectors, 8);
  cr_expect_eq(counters.divergent_branches, 0);
}

Test(counters, shared_wavefronts) {
  const struct {
    unsigned stride;
    const char *type;
    unsigned wavefronts, conflicts;
  } rows[] = {{0, "u32", 1, 0},     {4, "u32", 1, 0},   {8, "u32", 2, 1},
              {128, "u32", 32, 31}, {132, "u32", 1, 0}, {8, "u64", 2, 0}};
  for (const auto &row : rows) {
    const bool wide = row.type[1] == '6';
    const Counters counters =
        run_body("  mov.u64 %rd2, 0;\n  mov.u32 %r3, words;\n  mad.lo.u32 %r4, %r1, " +
                 std::to_string(row.stride) + ", %r3;\n  st.shared." + row.type +
                 (wide ? " [%r4], %rd2;\n" : " [%r4], %r1;\n") + "  ld.shared." + row.type +
                 (wide ? " %rd3, [%r4];\n" : " %r5, [%r4];\n"))
            .counters;
    cr_expect_eq(counters.memory.shared_store_wavefronts, row.wavefronts, "stride %u", row.stride);
    cr_expect_eq(counters.memory.shared_load_wavefronts, row.wavefronts, "stride %u", row.stride);
    cr_expect_eq(counters.memory.shared_bank_conflicts, 2 * row.conflicts, "stride %u", row.stride);
    cr_expect_eq(counters.memory.shared_load_bytes, wide ? 256 : 128);
  }
}

/* Rows of 16 bytes side by side: a wavefront a matrix; rows 128 bytes apart: eight. */
Test(counters, ldmatrix) {
  for (const unsigned stride : {16u, 128u}) {
    const Launched launched = run_body(
        "  mov.u32 %r3, words;\n  mad.lo.u32 %r4, %r1, " + std::to_string(stride) +
        ", %r3;\n  ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r5, %r6, %r7, %r8}, [%r4];\n");
    const Counters &counters = launched.counters;
    cr_expect_eq(counters.memory.shared_load_requests, 1);
    cr_expect_eq(counters.memory.shared_load_wavefronts, stride == 16 ? 4 : 32);
    cr_expect_eq(counters.memory.shared_bank_conflicts, stride == 16 ? 0 : 28);
    cr_expect_eq(counters.memory.shared_load_bytes, 512);
    cr_expect_eq(counters.by_class[static_cast<unsigned>(InstructionClass::matrix_load)], 1);
  }
}

Test(counters, async_copies) {
  const Counters counters = run_body(R"(
  mul.wide.u32 %rd1, %r1, 16;
  add.s64 %rd1, %rd1, %rd9;
  mov.u32 %r3, words;
  mad.lo.u32 %r4, %r1, 16, %r3;
  cp.async.cg.shared.global [%r4], [%rd1], 16;
  cp.async.commit_group;
  cp.async.wait_group 0;
)")
                                .counters;
  cr_expect_eq(counters.memory.async_requests, 1);
  cr_expect_eq(counters.memory.async_bytes, 512);
  cr_expect_eq(counters.memory.async_global_sectors, 16);
  cr_expect_eq(counters.memory.async_shared_wavefronts, 4);
  cr_expect_eq(counters.unique_global_sectors, 16);
}

Test(counters, atomics) {
  const Counters counters = run_body(R"(
  mov.u32 %r3, words;
  st.shared.u32 [%r3], 0;
  setp.lt.u32 %p1, %r1, 10;
  atom.shared.add.u32 %r5, [%r3], 1;
  @%p1 red.global.add.u32 [%rd9], 1;
)")
                                .counters;
  cr_expect_eq(counters.memory.shared_atomic_requests, 1);
  cr_expect_eq(counters.memory.shared_atomics, 32);
  cr_expect_eq(counters.memory.global_atomic_requests, 1);
  cr_expect_eq(counters.memory.global_atomics, 10);
}

Test(counters, tensor_and_json) {
  const Launched launched = run_body(R"(
  mov.u32 %r2, 0;
  mov.u32 %r3, words;
  mov.f32 %f1, 0f00000000;
  mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f1, %f2, %f3, %f4}, {%r2, %r2, %r2, %r2},
      {%r2, %r2}, {%f1, %f1, %f1, %f1};
  mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f1, %f2, %f3, %f4}, {%r2, %r2, %r2, %r2},
      {%r2, %r2}, {%f1, %f1, %f1, %f1};
)",
                                     3);
  uint64_t all = 0;
  for (unsigned i = 0; i < kTensorKinds; i++) all += launched.counters.tensor[i];
  cr_expect_eq(all, 6);
  json_t *object = json_loads(launched.json.c_str(), 0, nullptr);
  cr_assert_not_null(object, "%s", launched.json.c_str());
  const json_t *kinds = json_object_get(object, "tensor_instructions");
  cr_expect_eq(json_object_size(kinds), 1);
  cr_expect_eq(json_integer_value(json_object_get(kinds, "mma_m16n8k16_f16")), 6);
  cr_expect_eq(json_integer_value(json_object_get(object, "ctas")), 3);
  const json_t *instructions = json_object_get(object, "instructions");
  cr_expect_eq(json_integer_value(json_object_get(instructions, "tensor")), 6);
  const json_t *model = json_object_get(object, "model");
  cr_expect_gt(json_real_value(json_object_get(model, "modelled_lower_bound_us")), 0);
  cr_expect_str_eq(json_string_value(json_object_get(model, "limiter")), "tensor");
  const json_t *occupied = json_object_get(model, "occupancy");
  cr_expect_eq(json_integer_value(json_object_get(occupied, "ctas_per_sm")), 9);
  json_decref(object);
}

/* All memory counters of three kernels, each of one warp a CTA, by hand. `instructions`: of a warp,
 * with the two of run_body's head and the ret. */
void expect_counters(const char *name, const Counters &counters, uint64_t ctas,
                     uint64_t instructions, const MemoryCounters &expected) {
  cr_expect_eq(counters.ctas, ctas, "%s", name);
  cr_expect_eq(counters.warp_instructions, ctas * instructions, "%s: %d instructions", name,
               static_cast<int>(counters.warp_instructions));
#define GPUSIM_MEMORY_COUNTER(field)                                                        \
  cr_expect_eq(counters.memory.field, expected.field, "%s: " #field " is %d, not %d", name, \
               static_cast<int>(counters.memory.field), static_cast<int>(expected.field));
#include "tests/gpusim/counters/memory.inc"
#undef GPUSIM_MEMORY_COUNTER
}

/* A lane copies 16 bytes, the odd ones not. Lanes lie 32 bytes apart: a sector each. */
Test(counters, by_hand_copy) {
  const Counters counters = run_body(R"(
  and.b32 %r2, %r1, 1;
  setp.eq.u32 %p1, %r2, 0;
  mul.wide.u32 %rd1, %r1, 32;
  add.s64 %rd1, %rd1, %rd9;
  @%p1 ld.global.v4.u32 {%r4, %r5, %r6, %r7}, [%rd1];
  @%p1 st.global.v4.u32 [%rd1+16], {%r4, %r5, %r6, %r7};
)",
                                     3)
                                .counters;
  MemoryCounters expected;
  expected.global_load_requests = expected.global_store_requests = 3;
  expected.global_load_sectors = expected.global_store_sectors = 3 * 16;
  expected.global_load_bytes = expected.global_store_bytes = 3 * 16 * 16;
  expect_counters("copy", counters, 3, 2 + 6 + 1, expected);
  cr_expect_eq(counters.thread_instructions, 3 * (7 * 32 + 2 * 16));
  cr_expect_eq(counters.unique_global_sectors, 16);
}

/* A 32 x 32 transposition of words: rows go in, columns come out, all in one bank. */
Test(counters, by_hand_transpose) {
  const Counters counters = run_body(R"(
  mov.u32 %r3, words;
  mad.lo.u32 %r4, %r1, 4, %r3;
  mad.lo.u32 %r5, %r1, 128, %r3;
  mul.wide.u32 %rd1, %r1, 4;
  add.s64 %rd1, %rd1, %rd9;
  mov.u32 %r6, 0;
again:
  ld.global.u32 %r7, [%rd1];
  st.shared.u32 [%r4], %r7;
  add.s64 %rd1, %rd1, 128;
  add.u32 %r4, %r4, 128;
  add.u32 %r6, %r6, 1;
  setp.lt.u32 %p1, %r6, 32;
  @%p1 bra again;
  bar.sync 0;
  sub.s64 %rd1, %rd1, 4096;
  ld.shared.u32 %r8, [%r5];
  st.global.u32 [%rd1], %r8;
)")
                                .counters;
  MemoryCounters expected;
  expected.global_load_requests = 32;
  expected.global_load_sectors = 32 * 4;
  expected.global_load_bytes = 32 * 128;
  expected.shared_store_requests = expected.shared_store_wavefronts = 32;
  expected.shared_store_bytes = 32 * 128;
  expected.shared_load_requests = 1;
  expected.shared_load_wavefronts = 32;
  expected.shared_load_bytes = 128;
  expected.shared_bank_conflicts = 31;
  expected.global_store_requests = 1;
  expected.global_store_sectors = 4;
  expected.global_store_bytes = 128;
  expect_counters("transpose", counters, 1, 2 + 6 + 32 * 7 + 4 + 1, expected);
  cr_expect_eq(counters.by_class[static_cast<unsigned>(InstructionClass::control)], 32 + 1);
  cr_expect_eq(counters.by_class[static_cast<unsigned>(InstructionClass::barrier)], 1);
  cr_expect_eq(counters.unique_global_sectors, 128);
}

/* A sum of 32 words by shuffles; lane 0 adds it to a total, and the lanes of one half leave a local
 * variable behind. */
Test(counters, by_hand_reduce) {
  std::string body = R"(
  .local .align 4 .b8 mine[4];
  mul.wide.u32 %rd1, %r1, 4;
  add.s64 %rd1, %rd1, %rd9;
  ld.global.u32 %r2, [%rd1];
)";
  for (const char *const step : {"16", "8", "4", "2", "1"}) {
    body += std::string("  shfl.sync.bfly.b32 %r3, %r2, ") + step +
            ", 31, 0xffffffff;\n  add.u32 %r2, %r2, %r3;\n";
  }
  body += R"(
  setp.eq.u32 %p1, %r1, 0;
  @%p1 red.global.add.u32 [%rd9+1024], %r2;
  setp.lt.u32 %p2, %r1, 16;
  @%p2 st.local.u32 [mine], %r2;
  @%p2 ld.local.u32 %r4, [mine];
)";
  const Counters counters = run_body(body, 4).counters;
  MemoryCounters expected;
  expected.global_load_requests = 4;
  expected.global_load_sectors = 4 * 4;
  expected.global_load_bytes = 4 * 128;
  expected.global_atomic_requests = expected.global_atomics = 4;
  expected.local_store_bytes = expected.local_load_bytes = 4 * 16 * 4;
  expect_counters("reduce", counters, 4, 2 + 3 + 10 + 5 + 1, expected);
  cr_expect_eq(counters.unique_global_sectors, 5);
}

/* Each CTA stores `rounds` times; rounds is 4, or grows with the CTA's number. */
std::string loop_body(bool ragged) {
  return std::string("  mov.u32 %r2, %ctaid.x;\n") +
         (ragged ? "  add.s32 %r3, %r2, 1;\n" : "  mov.u32 %r3, 4;\n") + R"(
  mul.wide.u32 %rd1, %r1, 4;
  add.s64 %rd1, %rd1, %rd9;
again:
  st.global.u32 [%rd1], %r1;
  sub.s32 %r3, %r3, 1;
  setp.ne.s32 %p1, %r3, 0;
  @%p1 bra again;
)";
}

Test(counters, sample_of_a_regular_kernel_is_exact) {
  const Counters full = run_body(loop_body(false), 120).counters;
  const Counters sampled = run_body(loop_body(false), 120, 8).counters;
  cr_assert_eq(sampled.executed_ctas, 8);
  cr_expect_eq(sampled.warp_instructions, full.warp_instructions);
  cr_expect_eq(sampled.thread_instructions, full.thread_instructions);
  cr_expect_eq(sampled.memory.global_store_sectors, full.memory.global_store_sectors);
  cr_expect_eq(sampled.unique_global_sectors, full.unique_global_sectors);
  for (unsigned i = 0; i < kInstructionClasses; i++) {
    cr_expect_eq(sampled.by_class[i], full.by_class[i]);
  }
}

/* Work that grows linearly over 120 CTAs. A sample of 8 has one CTA of each 15, the i-th at the
 * fractional part of i times the golden ratio; its error is about half a CTA of 8. */
Test(counters, sample_of_a_ragged_kernel) {
  const Counters full = run_body(loop_body(true), 120).counters;
  const Counters sampled = run_body(loop_body(true), 120, 8).counters;
  uint64_t rounds = 0;
  for (int i = 0; i < 8; i++) {
    const double place = i * 0.61803398874989485;
    rounds += 1 + 15 * i + static_cast<uint64_t>(15 * (place - std::floor(place)));
  }
  cr_expect_eq(full.memory.global_store_requests, 120 * 121 / 2);
  cr_expect_eq(sampled.memory.global_store_requests, 120 / 8 * rounds);
  const double error = 1 - static_cast<double>(sampled.memory.global_store_requests) /
                               static_cast<double>(full.memory.global_store_requests);
  cr_expect_lt(std::fabs(error), 1.0 / 16);
}

}  // namespace
}  // namespace gpusim::cases
