/* Tokens and literals: PTX ISA, sections 4.1 to 4.5. */
#include <criterion/criterion.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/gpusim/ptx/lexer.h"
#include "tests/gpusim/ptx/literal.h"

using gpusim::ptx::Lexer;
using gpusim::ptx::Literal;
using gpusim::ptx::read_literal;
using gpusim::ptx::Token;

namespace {

/* "word:ld dotted:global @1" */
std::string tokens(const std::string &text) {
  static const char *const names[] = {"end", "word", "dotted", "number", "string", "op", "bad"};
  std::string all;
  Lexer lexer(text);
  for (Token token = lexer.next(); token.kind != Token::Kind::end; token = lexer.next()) {
    all += names[static_cast<unsigned>(token.kind)];
    all += ":" + std::string(token.text) + "@" + std::to_string(token.line) + " ";
    if (token.kind == Token::Kind::bad) break;
  }
  return all;
}

void expect_tokens(const char *text, const char *expected) {
  const std::string actual = tokens(text);
  cr_expect_str_eq(actual.c_str(), expected, "%s", text);
}

}  // namespace

Test(ptx_lexer, names_and_qualifiers) {
  expect_tokens("ld.global.L1::evict_last.L2::128B.v4.u8",
                "word:ld@1 dotted:global@1 dotted:L1::evict_last@1 dotted:L2::128B@1 "
                "dotted:v4@1 dotted:u8@1 ");
  expect_tokens("cp.async.bulk.tensor.2d",
                "word:cp@1 dotted:async@1 dotted:bulk@1 "
                "dotted:tensor@1 dotted:2d@1 ");
  expect_tokens("%tid.x $L__BB0_1 _ _Z1f $str$1",
                "word:%tid@1 dotted:x@1 word:$L__BB0_1@1 word:_@1 word:_Z1f@1 word:$str$1@1 ");
  expect_tokens("a: b", "word:a@1 op::@1 word:b@1 ");
  expect_tokens("@!%p1 p|q", "op:@@1 op:!@1 word:%p1@1 word:p@1 op:|@1 word:q@1 ");
}

Test(ptx_lexer, very_long_name) {
  const std::string name(5000, 'x');
  Lexer lexer(name);
  const Token token = lexer.next();
  cr_expect(token.kind == Token::Kind::word && token.text == name);
}

Test(ptx_lexer, numbers_end_where_they_should) {
  expect_tokens("[%rd1+0x1E+4]",
                "op:[@1 word:%rd1@1 op:+@1 number:0x1E@1 op:+@1 number:4@1 op:]@1 ");
  expect_tokens("1e-5-1", "number:1e-5@1 op:-@1 number:1@1 ");
  expect_tokens("8.0 .5", "number:8.0@1 dotted:5@1 ");
  expect_tokens("%r<12>", "word:%r@1 op:<@1 number:12@1 op:>@1 ");
  expect_tokens("1<<2", "number:1@1 op:<<@1 number:2@1 ");
  expect_tokens("7 % 4", "number:7@1 op:%@1 number:4@1 ");
}

Test(ptx_lexer, comments_count_lines) {
  expect_tokens("a // b c\nd /* e\nf */ g", "word:a@1 word:d@2 word:g@3 ");
  expect_tokens("a /**/b/***/c", "word:a@1 word:b@1 word:c@1 ");
}

Test(ptx_lexer, strings) {
  expect_tokens("\"a \\\" b\" c", "string:a \\\" b@1 word:c@1 ");
  expect_tokens("\"\"", "string:@1 ");
}

Test(ptx_lexer, bad_text) {
  expect_tokens("a /* b\n", "word:a@1 bad:comment without end@1 ");
  expect_tokens("\n\"abc\n", "bad:string without end@2 ");
  expect_tokens("\"abc\\", "bad:string without end@1 ");
  expect_tokens("a . b", "word:a@1 bad:name expected after .@1 ");
  expect_tokens("a \x01", "word:a@1 bad:unexpected character@1 ");
  expect_tokens("a \xff", "word:a@1 bad:unexpected character@1 ");
}

Test(ptx_lexer, integer_literals) {
  static const struct {
    const char *text;
    uint64_t bits;
    bool is_unsigned;
  } rows[] = {
      {"0", 0, false},
      {"7", 7, false},
      {"0U", 0, true},
      {"4294967295", 4294967295u, false},
      {"42U", 42, true},
      {"0x1F", 31, false},
      {"0XfFU", 255, true},
      {"0b101", 5, false},
      {"0B11U", 3, true},
      {"017", 15, false},
      {"0x7fffffffffffffff", INT64_MAX, false},
      {"0x8000000000000000", UINT64_C(1) << 63, true},
      {"18446744073709551615", UINT64_MAX, true},
  };
  for (const auto &row : rows) {
    Literal literal;
    cr_assert(read_literal(row.text, &literal), "%s", row.text);
    cr_expect(literal.bits == row.bits && literal.is_unsigned == row.is_unsigned, "%s", row.text);
    cr_expect(literal.real_bytes == 0, "%s", row.text);
  }
}

Test(ptx_lexer, real_literals) {
  static const struct {
    const char *text;
    uint8_t bytes;
    uint64_t bits;
  } rows[] = {
      {"0f3F800000", 4, 0x3f800000u},
      {"0F7fc00001", 4, 0x7fc00001u},
      {"0d3FF0000000000000", 8, UINT64_C(0x3ff0000000000000)},
      {"0Dffffffffffffffff", 8, UINT64_MAX},
      {"1.0", 8, UINT64_C(0x3ff0000000000000)},
      {"1.5e1", 8, UINT64_C(0x402e000000000000)},
      {"25e-2", 8, UINT64_C(0x3fd0000000000000)},
  };
  for (const auto &row : rows) {
    Literal literal;
    cr_assert(read_literal(row.text, &literal), "%s", row.text);
    cr_expect(literal.bits == row.bits && literal.real_bytes == row.bytes, "%s", row.text);
  }
}

Test(ptx_lexer, not_literals) {
  static const char *const rows[] = {"",
                                     "x",
                                     "0x",
                                     "0xG",
                                     "0b2",
                                     "08",
                                     "0b",
                                     "12a",
                                     "0f3F80000",
                                     "0f3F8000000",
                                     "0d0",
                                     "1.2.3",
                                     "1e",
                                     "0xU",
                                     "U",
                                     "18446744073709551616",
                                     "0x10000000000000000",
                                     "nan"};
  for (const char *text : rows) {
    Literal literal;
    cr_expect(!read_literal(text, &literal), "%s", text);
  }
}
