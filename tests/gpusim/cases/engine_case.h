/* Tests of control flow: a kernel in which each thread computes one word. */
#ifndef GPUSIM_CASES_ENGINE_CASE_H
#define GPUSIM_CASES_ENGINE_CASE_H

#include <criterion/criterion.h>

#include <functional>
#include <string>

#include "tests/gpusim/cases/kernel_run.h"

namespace gpusim::cases {

/* Body and what stands before the entry. In the body %r1 is the thread's number in the grid (of
 * one dimension), %r2 its result, stored behind the body; %rd1 the address of its word, %rd9 that
 * of the grid's first word; %r3.. %rd2.. %p are free. Shared memory: word[256]. */
struct WordKernel {
  std::string body;
  std::string before = {};

  std::string text() const {
    return ptx_head() + before + R"(
.visible .entry k(.param .u64 out)
{
  .reg .pred %p<10>;
  .reg .b16 %h<10>;
  .reg .b32 %r<40>;
  .reg .b64 %rd<20>;
  .shared .align 16 .b32 word[256];
  ld.param.u64 %rd9, [out];
  mov.u32 %r30, %ctaid.x;
  mov.u32 %r31, %ntid.x;
  mov.u32 %r32, %tid.x;
  mad.lo.s32 %r1, %r30, %r31, %r32;
  mul.wide.u32 %rd10, %r1, 4;
  add.s64 %rd1, %rd9, %rd10;
)" + body + R"(
  st.global.u32 [%rd1], %r2;
  ret;
}
)";
  }
};

/* Words that a run with this many threads writes; all of them are 0xdeadbeef before. */
inline std::vector<uint32_t> run_words(const WordKernel &kernel, uint32_t ctas, uint32_t threads,
                                       const gpusim_config &config) {
  const DeviceBuffer out(std::vector<uint32_t>(size_t{ctas} * threads, 0xdeadbeefu));
  const std::string text = kernel.text();
  KernelRun run;
  run.ptx = text;
  run.grid[0] = ctas;
  run.block[0] = threads;
  run.parameters.add(out);
  run.config = config;
  expect_runs(run);
  return out.values<uint32_t>();
}

/* Checked and fast, with several seeds. */
inline void expect_words(const WordKernel &kernel, uint32_t ctas, uint32_t threads,
                         const std::function<uint32_t(uint32_t thread)> &expected) {
  for (const uint64_t seed : {0, 1, 2, 3}) {
    for (gpusim_config config : {checked_config(), fast_config()}) {
      config.seed = seed;
      const std::vector<uint32_t> words = run_words(kernel, ctas, threads, config);
      for (uint32_t i = 0; i < words.size(); i++) {
        cr_assert_eq(words[i], expected(i), "thread %u: %u, expected %u (seed %u, checks %d)", i,
                     words[i], expected(i), static_cast<unsigned>(seed), config.checks);
      }
    }
  }
}

/* The fault of a run that must not finish, for several seeds; gives the last. */
inline Fault expect_word_fault(const WordKernel &kernel, uint32_t ctas, uint32_t threads,
                               FaultKind kind) {
  Fault fault;
  for (const uint64_t seed : {2, 1, 0}) {
    const DeviceBuffer out(std::vector<uint32_t>(size_t{ctas} * threads, 0));
    const std::string text = kernel.text();
    KernelRun run;
    run.ptx = text;
    run.grid[0] = ctas;
    run.block[0] = threads;
    run.parameters.add(out);
    run.config = checked_config();
    run.config.seed = seed;
    fault = expect_fault(run, kind);
  }
  return fault;
}

/* 1-based line of the first occurrence. */
inline uint32_t line_of(const std::string &text, const std::string &part) {
  const size_t at = text.find(part);
  cr_assert_neq(at, std::string::npos);
  uint32_t line = 1;
  for (size_t i = 0; i < at; i++) line += text[i] == '\n';
  return line;
}

}  // namespace gpusim::cases

#endif
