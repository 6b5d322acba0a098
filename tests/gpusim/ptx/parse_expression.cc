/* Constant expressions (PTX ISA, section 4.6): 64-bit integers and doubles. */
#include <cstring>

#include "tests/gpusim/ptx/parser.h"

namespace gpusim::ptx {

namespace {

Literal from_real(double real) {
  Literal value;
  value.real_bytes = 8;
  memcpy(&value.bits, &real, sizeof real);
  return value;
}

Literal from_truth(bool truth) { return {truth, 0, false}; }

bool is_true(const Literal &value) {
  return value.real_bytes ? literal_real(value) != 0 : value.bits != 0;
}

struct Operation {
  std::string_view text;
  unsigned precedence;
};

/* As in C; the ternary operator stands apart. */
constexpr Operation kOperations[] = {
    {"||", 1}, {"&&", 2}, {"|", 3}, {"^", 4},  {"&", 5},  {"==", 6},
    {"!=", 6}, {"<", 7},  {">", 7}, {"<=", 7}, {">=", 7}, {"<<", 8},
    {">>", 8}, {"+", 9},  {"-", 9}, {"*", 10}, {"/", 10}, {"%", 10},
};
constexpr unsigned kMultiplication = 10;

const Operation *find_operation(const Token &token) {
  if (token.kind != Token::Kind::operation) return nullptr;
  for (const Operation &operation : kOperations) {
    if (operation.text == token.text) return &operation;
  }
  return nullptr;
}

template <class T>
bool compare(std::string_view operation, T a, T b, Literal *result) {
  if (operation == "==") return *result = from_truth(a == b), true;
  if (operation == "!=") return *result = from_truth(a != b), true;
  if (operation == "<") return *result = from_truth(a < b), true;
  if (operation == ">") return *result = from_truth(a > b), true;
  if (operation == "<=") return *result = from_truth(a <= b), true;
  if (operation == ">=") return *result = from_truth(a >= b), true;
  return false;
}

bool real_operation(std::string_view operation, double a, double b, Literal *result) {
  if (compare(operation, a, b, result)) return true;
  if (operation == "+") return *result = from_real(a + b), true;
  if (operation == "-") return *result = from_real(a - b), true;
  if (operation == "*") return *result = from_real(a * b), true;
  if (operation == "/" && b != 0) return *result = from_real(a / b), true;
  return false;
}

uint64_t shifted(std::string_view operation, const Literal &a, uint64_t count) {
  const bool fill = !a.is_unsigned && operation == ">>" && a.bits >> 63;
  if (count > 63) return fill ? UINT64_MAX : 0;
  if (operation == "<<") return a.bits << count;
  return a.bits >> count | (fill && count ? UINT64_MAX << (64 - count) : 0);
}

/* Signed only if both are. Division by zero is no constant; INT64_MIN / -1 wraps. */
bool divided(bool remainder, bool is_unsigned, uint64_t a, uint64_t b, uint64_t *result) {
  if (b == 0) return false;
  if (is_unsigned) {
    *result = remainder ? a % b : a / b;
  } else if (b == UINT64_MAX) {
    *result = remainder ? 0 : 0 - a;
  } else {
    const int64_t left = static_cast<int64_t>(a), right = static_cast<int64_t>(b);
    *result = static_cast<uint64_t>(remainder ? left % right : left / right);
  }
  return true;
}

bool integer_operation(std::string_view operation, const Literal &a, const Literal &b,
                       Literal *result) {
  const bool is_unsigned = a.is_unsigned || b.is_unsigned;
  if (is_unsigned ? compare(operation, a.bits, b.bits, result)
                  : compare(operation, static_cast<int64_t>(a.bits), static_cast<int64_t>(b.bits),
                            result)) {
    return true;
  }
  uint64_t bits;
  if (operation == "<<" || operation == ">>") {
    *result = {shifted(operation, a, b.bits), 0, a.is_unsigned};
    return true;
  }
  switch (operation[0]) {
    case '+':
      bits = a.bits + b.bits;
      break;
    case '-':
      bits = a.bits - b.bits;
      break;
    case '*':
      bits = a.bits * b.bits;
      break;
    case '&':
      bits = a.bits & b.bits;
      break;
    case '|':
      bits = a.bits | b.bits;
      break;
    case '^':
      bits = a.bits ^ b.bits;
      break;
    default:
      if (!divided(operation == "%", is_unsigned, a.bits, b.bits, &bits)) return false;
  }
  *result = {bits, 0, is_unsigned};
  return true;
}

bool apply(std::string_view operation, const Literal &a, const Literal &b, Literal *result) {
  if (operation == "&&") return *result = from_truth(is_true(a) && is_true(b)), true;
  if (operation == "||") return *result = from_truth(is_true(a) || is_true(b)), true;
  if (a.real_bytes || b.real_bytes) {
    return real_operation(operation, literal_real(a), literal_real(b), result);
  }
  return integer_operation(operation, a, b, result);
}

}  // namespace

/* (.s64) x, (.u64) x, (expression) */
bool Parser::parenthesised(Literal *value) {
  advance();
  if (token_.kind != Token::Kind::dotted) return conditional(value) && expect(')');
  const bool is_unsigned = token_.text == "u64";
  if (!is_unsigned && token_.text != "s64") return unexpected(".s64 or .u64");
  advance();
  if (!expect(')') || !unary(value)) return false;
  if (value->real_bytes) return fail("a real number has no bits to cast");
  value->is_unsigned = is_unsigned;
  return true;
}

bool Parser::primary(Literal *value) {
  if (token_.is('(')) return parenthesised(value);
  if (at_word("WARP_SZ")) {
    *value = {32, 0, false};
    advance();
    return true;
  }
  if (token_.kind != Token::Kind::number || !read_literal(token_.text, value)) {
    return unexpected("a value");
  }
  advance();
  return true;
}

bool Parser::unary(Literal *value) {
  if (expression_depth_ == kMaxDepth) return fail("expression too deep");
  expression_depth_++;
  bool ok;
  if (accept('+')) {
    ok = unary(value);
  } else if (accept('-')) {
    ok = unary(value);
    value->bits = value->real_bytes ? value->bits ^ UINT64_C(1) << (8 * value->real_bytes - 1)
                                    : 0 - value->bits;
  } else if (accept('!')) {
    ok = unary(value);
    *value = from_truth(!is_true(*value));
  } else if (accept('~')) {
    ok = unary(value) && (value->real_bytes == 0 || fail("~ of a real number"));
    value->bits = ~value->bits;
  } else {
    ok = primary(value);
  }
  expression_depth_--;
  return ok;
}

/* Precedence climbing: takes operators that bind at least as strongly. */
bool Parser::binary(Literal *value, unsigned precedence) {
  if (!unary(value)) return false;
  for (;;) {
    const Operation *operation = find_operation(token_);
    if (!operation || operation->precedence < precedence) return true;
    advance();
    Literal right;
    if (!binary(&right, operation->precedence + 1)) return false;
    if (!apply(operation->text, *value, right, value)) return fail("no constant");
  }
}

bool Parser::conditional(Literal *value) {
  if (!binary(value, 1)) return false;
  if (!accept('?')) return true;
  if (expression_depth_ == kMaxDepth) return fail("expression too deep");
  expression_depth_++;
  Literal yes, no;
  if (!conditional(&yes) || !expect(':') || !conditional(&no)) return false;
  expression_depth_--;
  *value = is_true(*value) ? yes : no;
  return true;
}

bool Parser::expression(Literal *value) { return conditional(value); }

bool Parser::integer(uint64_t *value) {
  Literal literal;
  if (!expression(&literal)) return false;
  if (literal.real_bytes) return fail("an integer expected");
  *value = literal.bits;
  return true;
}

/* + 4, - 4, +-4 and so on, behind a name or register. */
bool Parser::offset(int64_t *offset) {
  uint64_t sum = static_cast<uint64_t>(*offset);
  while (token_.is('+') || token_.is('-')) {
    const bool minus = token_.is('-');
    Literal term;
    advance();
    if (!binary(&term, kMultiplication)) return false;
    if (term.real_bytes) return fail("an offset has to be an integer");
    sum = minus ? sum - term.bits : sum + term.bits;
  }
  *offset = static_cast<int64_t>(sum);
  return true;
}

}  // namespace gpusim::ptx
