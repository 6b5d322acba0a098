/* Calls, frames, unsupported instructions. */
#include "tests/gpusim/cases/engine_case.h"

namespace gpusim::cases {
namespace {

const char kSquare[] = R"(
.func (.param .b32 result) square(.param .b32 a, .param .b32 b)
{
  .reg .b32 %r<5>;
  ld.param.u32 %r1, [a];
  ld.param.u32 %r2, [b];
  mad.lo.s32 %r3, %r1, %r1, %r2;
  st.param.b32 [result], %r3;
  ret;
}
)";

std::string call_square(const std::string &call) {
  return R"(
  {
    .param .b32 first;
    .param .b32 second;
    .param .b32 back;
    st.param.b32 [first], %r1;
    st.param.b32 [second], 5;
    )" + call +
         R"(
    ld.param.b32 %r2, [back];
  }
)";
}

Test(engine_calls, direct) {
  const WordKernel kernel = {call_square("call.uni (back), square, (first, second);"), kSquare};
  expect_words(kernel, 2, 50, [](uint32_t i) { return i * i + 5; });
}

Test(engine_calls, predicated_and_divergent) {
  const WordKernel kernel = {R"(
  mov.u32 %r2, 77;
  and.b32 %r3, %r1, 1;
  setp.eq.u32 %p1, %r3, 0;
  @%p1 bra skip;
)" + call_square("call (back), square, (first, second);") +
                                 R"(
skip:
  bar.sync 0;
)",
                             kSquare};
  expect_words(kernel, 1, 64, [](uint32_t i) { return i % 2 != 0 ? i * i + 5 : 77; });
}

Test(engine_calls, registers_as_parameters) {
  const std::string before = R"(
.func (.reg .b32 %out, .reg .b64 %wide) sum(.reg .b32 %a, .reg .b32 %b)
{
  add.s32 %out, %a, %b;
  mul.wide.u32 %wide, %a, %b;
  ret;
}
)";
  const WordKernel kernel = {R"(
  call (%r3, %rd3), sum, (%r1, 1000);
  cvt.u32.u64 %r4, %rd3;
  add.s32 %r2, %r3, %r4;
)",
                             before};
  expect_words(kernel, 1, 40, [](uint32_t i) { return i + 1000 + i * 1000; });
}

/* Fibonacci by recursion; each lane goes to a depth of its own. */
Test(engine_calls, recursive) {
  const std::string before = R"(
.func (.param .b32 result) fib(.param .b32 n);
.func (.param .b32 result) fib(.param .b32 n)
{
  .reg .pred %p;
  .reg .b32 %r<6>;
  ld.param.u32 %r1, [n];
  setp.lt.u32 %p, %r1, 2;
  @%p bra leaf;
  sub.s32 %r2, %r1, 1;
  {
    .param .b32 argument;
    .param .b32 back;
    st.param.b32 [argument], %r2;
    call (back), fib, (argument);
    ld.param.b32 %r3, [back];
  }
  sub.s32 %r2, %r1, 2;
  {
    .param .b32 argument;
    .param .b32 back;
    st.param.b32 [argument], %r2;
    call (back), fib, (argument);
    ld.param.b32 %r4, [back];
  }
  add.s32 %r5, %r3, %r4;
  st.param.b32 [result], %r5;
  ret;
leaf:
  st.param.b32 [result], %r1;
  ret;
}
)";
  const WordKernel kernel = {R"(
  rem.u32 %r3, %r1, 10;
  {
    .param .b32 argument;
    .param .b32 back;
    st.param.b32 [argument], %r3;
    call (back), fib, (argument);
    ld.param.b32 %r2, [back];
  }
)",
                             before};
  expect_words(kernel, 1, 64, [](uint32_t i) {
    uint32_t a = 0, b = 1;
    for (uint32_t n = i % 10; n != 0; n--) {
      const uint32_t sum = a + b;
      a = b;
      b = sum;
    }
    return a;
  });
}

const char kThreeFunctions[] = R"(
.func (.param .b32 result) twice(.param .b32 a)
{
  .reg .b32 %r<3>;
  ld.param.u32 %r1, [a];
  shl.b32 %r2, %r1, 1;
  st.param.b32 [result], %r2;
  ret;
}
.func (.param .b32 result) negate(.param .b32 a)
{
  .reg .b32 %r<3>;
  ld.param.u32 %r1, [a];
  neg.s32 %r2, %r1;
  st.param.b32 [result], %r2;
  ret;
}
.func (.param .b32 result) broken(.param .b32 a)
{
  .reg .b32 %r<3>;
  frobnicate.s32 %r2, %r1;
  st.param.b32 [result], %r2;
  ret;
}
.global .align 8 .u64 functions[3] = {twice, negate, broken};
)";

/* Lane i calls function i % 2 of a table in global memory. */
std::string call_through_table(const std::string &index) {
  return index + R"(
  mul.wide.u32 %rd2, %r3, 8;
  mov.u64 %rd3, functions;
  add.s64 %rd3, %rd3, %rd2;
  ld.global.u64 %rd4, [%rd3];
  {
    .param .b32 argument;
    .param .b32 back;
    st.param.b32 [argument], %r1;
prototype: .callprototype (.param .b32 _) _ (.param .b32 _);
    call (back), %rd4, (argument), prototype;
    ld.param.b32 %r2, [back];
  }
)";
}

Test(engine_calls, indirect) {
  const WordKernel kernel = {call_through_table("and.b32 %r3, %r1, 1;"), kThreeFunctions};
  expect_words(kernel, 1, 64, [](uint32_t i) { return i % 2 != 0 ? 0u - i : 2 * i; });
  const WordKernel moved = {R"(
  mov.u64 %rd4, negate;
  {
    .param .b32 argument;
    .param .b32 back;
    st.param.b32 [argument], %r1;
prototype: .callprototype (.param .b32 _) _ (.param .b32 _);
    call (back), %rd4, (argument), prototype;
    ld.param.b32 %r2, [back];
  }
)",
                            kThreeFunctions};
  expect_words(moved, 1, 64, [](uint32_t i) { return 0u - i; });
}

/* Only the lanes that come to it stop the launch. */
Test(engine_calls, indirect_call_of_what_cannot_run) {
  const WordKernel kernel = {
      call_through_table("setp.eq.u32 %p1, %r1, 33; selp.u32 %r3, 2, 0, %p1;"), kThreeFunctions};
  const Fault fault = expect_word_fault(kernel, 1, 64, FaultKind::illegal_instruction);
  cr_assert_eq(fault.warp, 1);
  cr_assert_eq(fault.lane, 1);
  cr_assert(fault.detail.find("frobnicate.s32 %r2, %r1") != std::string::npos, "%s",
            fault.detail.c_str());
  expect_words(kernel, 1, 32, [](uint32_t i) { return 2 * i; });
}

Test(engine_calls, indirect_call_of_no_function) {
  const WordKernel kernel = {R"(
  mov.u64 %rd4, 4096;
prototype: .callprototype _ ();
  call %rd4, (), prototype;
  mov.u32 %r2, 0;
)"};
  const Fault fault = expect_word_fault(kernel, 1, 32, FaultKind::illegal_instruction);
  cr_assert(fault.detail.find("0x1000") != std::string::npos);
}

/* A pointer to a caller's local array, read and written by the callee. */
Test(engine_calls, local_memory_of_the_caller) {
  const std::string before = R"(
.func fill(.param .b64 where, .param .b32 value)
{
  .local .align 8 .b8 own[16];
  .reg .b32 %r<4>;
  .reg .b64 %rd<3>;
  ld.param.u64 %rd1, [where];
  ld.param.u32 %r1, [value];
  st.local.u32 [own + 4], %r1;
  ld.u32 %r2, [%rd1];
  ld.local.u32 %r3, [own + 4];
  add.s32 %r2, %r2, %r3;
  st.u32 [%rd1 + 4], %r2;
  ret;
}
)";
  const WordKernel kernel = {R"(
  .local .align 8 .b8 mine[8];
  add.s32 %r3, %r1, 100;
  st.local.u32 [mine], %r3;
  mov.u64 %rd2, mine;
  cvta.local.u64 %rd2, %rd2;
  {
    .param .b64 where;
    .param .b32 value;
    st.param.b64 [where], %rd2;
    st.param.b32 [value], %r1;
    call fill, (where, value);
  }
  ld.local.u32 %r2, [mine + 4];
)",
                             before};
  expect_words(kernel, 1, 45, [](uint32_t i) { return 2 * i + 100; });
}

/* The exit of a callee ends the thread. */
Test(engine_calls, exit_in_a_callee) {
  const std::string before = R"(
.func leave(.param .b32 n)
{
  .reg .pred %p;
  .reg .b32 %r<3>;
  ld.param.u32 %r1, [n];
  setp.gt.u32 %p, %r1, 20;
  @%p exit;
  ret;
}
)";
  const WordKernel kernel = {R"(
  {
    .param .b32 n;
    st.param.b32 [n], %r1;
    call leave, (n);
  }
  bar.sync 0;
  mov.u32 %r2, 6;
)",
                             before};
  expect_words(kernel, 1, 64, [](uint32_t i) { return i > 20 ? 0xdeadbeefu : 6u; });
}

Test(engine_calls, undefined_results_stay_undefined) {
  const std::string before = R"(
.func (.param .b32 result) nothing()
{
  ret;
}
)";
  const WordKernel kernel = {R"(
  mov.u32 %r2, 1;
  {
    .param .b32 back;
    call (back), nothing, ();
    ld.param.b32 %r3, [back];
  }
  setp.eq.u32 %p1, %r3, 0;
  @%p1 mov.u32 %r2, 2;
)",
                             before};
  expect_word_fault(kernel, 1, 32, FaultKind::undefined);
}

Test(engine_calls, endless_recursion) {
  const std::string before = R"(
.func forever()
{
  .local .align 8 .b8 own[64];
  call forever, ();
  ret;
}
)";
  const WordKernel kernel = {"call forever, (); mov.u32 %r2, 0;", before};
  const Fault fault = expect_word_fault(kernel, 1, 64, FaultKind::stack_overflow);
  cr_assert_str_eq(fault.instruction.c_str(), "call forever, ()");
  cr_assert(fault.detail.find("calls deep") != std::string::npos);
}

Test(engine_calls, too_many_locals) {
  const std::string text = ptx_head() + R"(
.visible .entry k()
{
  .local .align 8 .b8 own[600000];
  .reg .b32 %r1;
  st.local.u32 [own], 1;
  ret;
}
)";
  KernelRun run;
  run.ptx = text;
  expect_fault(run, FaultKind::stack_overflow);
}

/* What an entry does not call does it no harm. */
Test(engine_calls, unsupported_instructions) {
  const std::string text = ptx_head() + R"(
.func inner()
{
  .reg .b32 %r<2>;
  add.s32.weird %r1, %r1, 1;
  ret;
}
.visible .entry good()
{
  ret;
}
.visible .entry bad()
{
  call inner, ();
  ret;
}
.visible .entry operands()
{
  .reg .b32 %r<2>;
  .reg .b64 %rd1;
  add.s32 %r1, %rd1, 1;
  ret;
}
.extern .func elsewhere();
.visible .entry outside()
{
  call elsewhere, ();
  ret;
}
)";
  KernelRun run;
  run.ptx = text;
  run.entry = "good";
  expect_runs(run);
  const std::string where = "unsupported instruction 'add.s32.weird %r1, %r1, 1' at PTX line " +
                            std::to_string(line_of(text, "add.s32.weird"));
  cr_assert_eq(why_unsupported(text, "bad").find(where), 0, "%s",
               why_unsupported(text, "bad").c_str());
  cr_assert(why_unsupported(text, "bad").find(".weird") != std::string::npos);
  cr_assert(why_unsupported(text, "operands").find("operand 2") != std::string::npos, "%s",
            why_unsupported(text, "operands").c_str());
  cr_assert(why_unsupported(text, "outside").find("elsewhere") != std::string::npos);
  cr_assert_eq(why_unsupported(text, "good"), "");

  const LoadResult loaded = load_module(text);
  cr_assert_not_null(loaded.module.get());
  const std::vector<std::string> all = unsupported_instructions(*loaded.module);
  cr_assert_eq(all.size(), 3);
  cr_assert_eq(all[0].find(where), 0);
}

Test(engine_calls, unsupported_entry_does_not_start) {
  const std::string text = ptx_head() + ".visible .entry k()\n{\n  frobnicate;\n  ret;\n}\n";
  const LoadResult loaded = load_module(text);
  cr_assert_not_null(loaded.module.get());
  LaunchRequest request;
  request.module = loaded.module.get();
  request.entry = find_entry(*loaded.module, "k");
  Fault fault;
  cr_assert_not(launch(request, nullptr, &fault));
  cr_assert_eq(fault.kind, FaultKind::illegal_instruction);
  cr_assert_eq(fault.ptx_line, 6);
  cr_assert_str_eq(fault.instruction.c_str(), "frobnicate");
  cr_assert_str_eq(fault.kernel.c_str(), "k");
}

}  // namespace
}  // namespace gpusim::cases
