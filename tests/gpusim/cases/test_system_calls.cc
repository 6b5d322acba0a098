/* __assertfail and vprintf. */
#include <unistd.h>

#include <cstdio>
#include <string>

#include "tests/gpusim/cases/engine_case.h"

namespace gpusim::cases {
namespace {

/* What a kernel prints. */
template <class Function>
std::string printed(Function run) {
  FILE *const file = tmpfile();
  cr_assert(file != nullptr);
  fflush(stdout);
  const int before = dup(STDOUT_FILENO);
  dup2(fileno(file), STDOUT_FILENO);
  run();
  dup2(before, STDOUT_FILENO);
  close(before);
  char text[2048];
  rewind(file);
  const size_t count = fread(text, 1, sizeof text, file);
  fclose(file);
  return std::string(text, count);
}

std::string global_string(const std::string &name, const std::string &text) {
  std::string bytes;
  for (const char c : text) bytes += std::to_string(static_cast<unsigned char>(c)) + ", ";
  return ".global .align 1 .b8 " + name + "[" + std::to_string(text.size() + 1) + "] = {" + bytes +
         "0};\n";
}

/* Calls vprintf; the arguments have been stored to local memory `a`. */
WordKernel printing(const std::string &format, const std::string &stores) {
  return {R"(
  {
    .local .align 8 .b8 a[64];
    .param .b64 format; .param .b64 list; .param .b32 back;
)" + stores + R"(
    mov.u64 %rd2, format_text;
    cvta.global.u64 %rd2, %rd2;
    mov.u64 %rd3, a;
    cvta.local.u64 %rd3, %rd3;
    st.param.b64 [format], %rd2;
    st.param.b64 [list], %rd3;
    call.uni (back), vprintf, (format, list);
    ld.param.b32 %r2, [back];
  }
)",
          ".extern .func (.param .b32 back) vprintf(.param .b64 format, .param .b64 list);\n" +
              global_string("format_text", format) + global_string("noun", "word")};
}

Test(system_calls, failed_assertion) {
  const std::string before = R"(
.extern .func __assertfail(.param .b64 a, .param .b64 b, .param .b32 c, .param .b64 d,
                           .param .b64 e);
.global .align 1 .b8 message[6] = {105, 32, 60, 32, 57, 0};
.global .align 1 .b8 file[5] = {97, 46, 99, 117, 0};
.global .align 1 .b8 name[2] = {102, 0};
)";
  const WordKernel kernel = {R"(
  mov.u32 %r2, 4;
  setp.lt.u32 %p1, %r1, 40;
  @%p1 bra fine;
  {
    .param .b64 a; .param .b64 b; .param .b32 c; .param .b64 d; .param .b64 e;
    mov.u64 %rd2, message;
    cvta.global.u64 %rd2, %rd2;
    mov.u64 %rd3, file;
    cvta.global.u64 %rd3, %rd3;
    mov.u64 %rd4, name;
    cvta.global.u64 %rd4, %rd4;
    st.param.b64 [a], %rd2;
    st.param.b64 [b], %rd3;
    st.param.b32 [c], 12;
    st.param.b64 [d], %rd4;
    st.param.b64 [e], 1;
    call __assertfail, (a, b, c, d, e);
  }
fine:
)",
                             before};
  const Fault fault = expect_word_fault(kernel, 1, 64, FaultKind::trap);
  cr_assert_eq(fault.warp, 1);
  cr_assert_eq(fault.lane, 8);
  cr_assert_str_eq(fault.detail.c_str(), "a.cu:12: f: assertion `i < 9' failed");
  expect_words(kernel, 1, 40, [](uint32_t) { return 4; });
}

/* By lane; doubles and long integers are aligned to 8 bytes; C's printf gives the expected text. */
Test(system_calls, prints) {
  const WordKernel kernel = printing("%d|%5u|%-6x|%lld|%.3f|%c|%s|%%|%*d\n", R"(
    st.local.u32 [a], -7;
    st.local.u32 [a+4], %r1;
    st.local.u32 [a+8], 0xbeef;
    st.local.u64 [a+16], -5000000000;
    st.local.f64 [a+24], 0d400921FB54442D18;
    st.local.u32 [a+32], 65;
    mov.u64 %rd2, noun;
    cvta.global.u64 %rd2, %rd2;
    st.local.u64 [a+40], %rd2;
    st.local.u32 [a+48], 4;
    st.local.u32 [a+52], 12;
)");
  std::string expected;
  for (unsigned i = 0; i < 3 * 8; i++) { /* three lanes, and eight runs by expect_words */
    char line[200];
    snprintf(line, sizeof line, "%d|%5u|%-6x|%lld|%.3f|%c|%s|%%|%*d\n", -7, i % 3, 0xbeefu,
             -5000000000ll, 3.14159265358979, 'A', "word", 4, 12);
    expected += line;
  }
  const std::string text = printed([&] { expect_words(kernel, 1, 3, [](uint32_t) { return 0; }); });
  cr_expect_str_eq(text.c_str(), expected.c_str());
}

Test(system_calls, printing_undefined_data) {
  const WordKernel kernel = printing("%d\n", "st.local.u16 [a], 1;");
  printed([&] { expect_word_fault(kernel, 1, 1, FaultKind::undefined); });
}

Test(system_calls, a_format_with_too_few_arguments) {
  const WordKernel kernel = printing("%lld %lld %lld %lld %lld %lld %lld %lld %lld\n", R"(
    mov.u64 %rd2, 0;
    st.local.u64 [a], %rd2; st.local.u64 [a+8], %rd2; st.local.u64 [a+16], %rd2;
    st.local.u64 [a+24], %rd2; st.local.u64 [a+32], %rd2; st.local.u64 [a+40], %rd2;
    st.local.u64 [a+48], %rd2; st.local.u64 [a+56], %rd2;
)");
  printed([&] { expect_word_fault(kernel, 1, 1, FaultKind::out_of_bounds); });
}

Test(system_calls, a_string_that_is_none) {
  const WordKernel kernel = printing("%s\n", "mov.u64 %rd2, 64; st.local.u64 [a], %rd2;");
  printed([&] { expect_word_fault(kernel, 1, 1, FaultKind::out_of_bounds); });
}

}  // namespace
}  // namespace gpusim::cases
