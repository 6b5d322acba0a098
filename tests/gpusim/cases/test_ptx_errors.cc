/* Malformed PTX: refused with the line at fault, in no time and little memory. */
#include <criterion/criterion.h>

#include <string>

#include "tests/gpusim/ptx/module.h"

namespace {

const std::string kHead = ".version 8.0\n.target sm_80\n.address_size 64\n";

std::string error_of(const std::string &text) {
  std::string error;
  const auto module = gpusim::ptx::parse(text, &error);
  cr_expect_eq(module == nullptr, !error.empty());
  return error;
}

void expect_error(const std::string &text, const char *expected) {
  const std::string error = error_of(text);
  cr_expect(error.find(expected) == 0, "%s\ngave: %s\nnot:  %s", text.c_str(), error.c_str(),
            expected);
}

struct Row {
  const char *text;
  const char *error;
};

}  // namespace

Test(ptx_errors, header) {
  static const Row rows[] = {
      {"", "line 1: .version expected, found the end"},
      {"\n\n.target sm_80", "line 3: .version expected, found .target"},
      {".version 8", "line 1: a version such as 8.0 expected, found 8"},
      {".version 8.0\n.visible .entry k() { ret; }", "line 2: .target expected"},
      {".version 8.0\n.target x", "line 2: a target such as sm_80 expected"},
      {".version 8.0\n", "line 2: .target expected, found the end"},
      {".version 8.0\n.target sm_80\n.address_size 32", "line 3: only .address_size 64"},
  };
  for (const Row &row : rows) expect_error(row.text, row.error);
}

/* The body's first line is line 5. */
Test(ptx_errors, in_a_body) {
  static const Row rows[] = {
      {"add.s32 %r1, %r1, %r1", "line 6: ; expected, found }"},
      {"add.s32 %r1, %r9, 1;", "line 5: %r9 is not declared"},
      {".reg .b32 %a;\n.reg .b32 %a;", "line 6: %a is declared twice"},
      {".reg .b32 %q<2>;\n.reg .b32 %q<3>;", "line 6: %q is declared twice"},
      {".reg .b32 %q<4000000000>;", "line 5: 4000000000 is more than"},
      {".reg .b32 %q<2>;\nmov.b32 %q2, 1;", "line 6: %q2 is not declared"},
      {".reg .b32 %q<2>;\nmov.b32 %q01, 1;", "line 6: %q01 is not declared"},
      {"bra nowhere;\n", "line 5: nowhere is not declared"},
      {"{\nbra inner;\n}\n{ inner: }", "line 6: inner is not declared"},
      {"l: \n l: ret;", "line 6: l is declared twice"},
      {"@%r1 ret;", "line 5: %r1 is no predicate"},
      {"@%p9 ret;", "line 5: %p9 is no predicate"},
      {"mov.pred %p1, !%r1;", "line 5: ! of what is no predicate"},
      {"ld.b32 %r1, [%r1;", "line 5: ] expected, found ;"},
      {"ld.b32 %r1, [%r1+%r2];", "line 5: a value expected, found %r2"},
      {"ld.b32 {%r1, %r2, [%r1];", "line 5: a value expected, found ["},
      {"mov.b32 %r1, 08;", "line 5: a value expected, found 08"},
      {"mov.b32 %r1, 1/0;", "line 5: no constant"},
      {"mov.b32 %r1, %tid.q;", "line 5: unknown component .q"},
      {"mov.b32 %r1, %nosuch;", "line 5: %nosuch is not declared"},
      {"call 5;", "line 5: call of what is no function"},
      {"t: .branchtargets a, b;\na: ret;", "line 5: b is not declared"},
      {"t: .calltargets %r1;", "line 5: %r1 is no function"},
      {".shared .b8 x[0x7fffffffffffffff];", "line 5: x is larger than any memory"},
      {".shared .b64 x[4294967296][4294967296];", "line 5: x is larger than any memory"},
      {".shared .b8 x[] = {1};", "line 5: x can't have an initial value"},
      {".local .align 3 .b8 x[4];", "line 5: alignment 3 is no power of two"},
      {".local .q8 x[4];", "line 5: unknown type .q8"},
      {".nonsense;", "line 5: unknown directive .nonsense"},
      {"/* no end", "line 5: comment without end"},
      {"\x80;", "line 5: unexpected character"},
  };
  for (const Row &row : rows) {
    expect_error(
        kHead + ".visible .entry k() { .reg .b32 %r<3>; .reg .pred %p<2>;\n" + row.text + "\n}\n",
        row.error);
  }
}

Test(ptx_errors, at_module_scope) {
  static const Row rows[] = {
      {".global .b32 x;\n.global .b32 x;", "line 5: x is declared twice"},
      {".global .b32 x[2] = {1, 2, 3};", "line 4: too many initial values for x"},
      {".global .b32 x[2] = {{1}, 2};", "line 4: a value expected, found {"},
      {".global .b32 x = y;", "line 4: y is not declared"},
      {".global .b64 x[] = {1.5, 0f00000000};", "line 4: an initial value of another size"},
      {".global .f16 x = 1.5;", "line 4: an initial value has to be written in bits"},
      {".global .pred x;", "line 4: .pred is for registers only"},
      {".global .b8 x[2][];", "line 4: only the first dimension can be open"},
      {".func f() { ret; }\n.func f() { ret; }", "line 5: f is defined twice"},
      {".extern .func f() { ret; }", "line 4: ; after an .extern function expected"},
      {".visible .entry k() .nonsense 3 { ret; }", "line 4: unknown directive .nonsense"},
      {".visible .entry k(.param .b32 a, .param .b32 a) { ret; }", "line 4: a is declared twice"},
      {".visible .entry k() {\n ret;", "line 5: a statement expected, found the end"},
      {".section .debug_str {\n .b8 1", "line 5: } of a section expected, found the end"},
      {".local .b32 x;", "line 4: a directive of module scope expected, found .local"},
      {".alias f, g;", "line 4: f is no function"},
      {".file 1000000 \"a\"", "line 4: 1000000 is more than"},
      {"ret;", "line 4: a directive expected, found ret"},
      {".global .b8 x[2][100000000] = {{}, {1}};", "line 4: initial values of x lie too far apart"},
      {".global .b8 x[] = {0xff01(y)};", "line 4: "},
  };
  for (const Row &row : rows) expect_error(kHead + row.text, row.error);
}

Test(ptx_errors, deep_nesting) {
  const std::string deep(100000, '{'), parentheses(100000, '('), minus(100000, '-');
  std::string brackets;
  for (int i = 0; i < 1000; i++) brackets += "[2]";
  expect_error(kHead + ".func f() {" + deep, "line 4: scopes too deep");
  expect_error(kHead + ".global .b32 x = " + parentheses, "line 4: expression too deep");
  expect_error(kHead + ".global .b32 x = " + minus + "1;", "line 4: expression too deep");
  expect_error(kHead + ".global .b32 x" + brackets + ";", "line 4: ");
}

Test(ptx_errors, messages_stay_short) {
  const std::string name(100000, 'n');
  const std::string error = error_of(kHead + ".global .b32 x = " + name + ";");
  cr_expect(error.size() < 300, "%zu", error.size());
}

/* Every prefix of a module is an error or a module. */
Test(ptx_errors, prefixes) {
  const std::string text =
      kHead +
      ".global .align 8 .u64 t[2] = {generic(t)+8, 0xff};\n"
      ".visible .func (.param .b32 r) f(.param .b32 a) {\n.reg .pred %p; .reg .b32 %r<3>;\n"
      "{ .reg .b32 %s; ld.param.b32 %s, [a+0]; mov.b32 %r1, %s; }\n"
      "@!%p bra L; call (r), f, (1, %r1); L: setp.eq.s32 %p|_, %r1, -0x5; ret; }\n";
  cr_assert(error_of(text).empty());
  for (size_t length = 0; length < text.size(); length++) error_of(text.substr(0, length));
}
