#include "tests/gpusim/ptx/parser.h"

#include <cstdarg>
#include <cstdio>

namespace gpusim::ptx {
namespace {

constexpr size_t kShownName = 100; /* characters of a token in a message */

std::string message(uint32_t line, const char *format, va_list arguments) {
  char text[400];
  vsnprintf(text, sizeof text, format, arguments);
  return "line " + std::to_string(line) + ": " + text;
}

}  // namespace

std::string shown(std::string_view name) {
  return std::string(name.substr(0, kShownName)) + (name.size() > kShownName ? ".." : "");
}

/* The first error counts: those after it are its consequences. */
bool Parser::fail(const char *format, ...) {
  if (!error_->empty()) return false;
  va_list arguments;
  va_start(arguments, format);
  *error_ = message(token_.line, format, arguments);
  va_end(arguments);
  return false;
}

bool Parser::fail_at(uint32_t line, const char *format, ...) {
  if (!error_->empty()) return false;
  va_list arguments;
  va_start(arguments, format);
  *error_ = message(line, format, arguments);
  va_end(arguments);
  return false;
}

bool Parser::unexpected(const char *wanted) {
  if (token_.kind == Token::Kind::bad) {
    return fail("%.*s", static_cast<int>(token_.text.size()), token_.text.data());
  }
  if (token_.kind == Token::Kind::end) return fail("%s expected, found the end", wanted);
  const std::string_view text(token_.begin, static_cast<size_t>(token_.end() - token_.begin));
  return fail("%s expected, found %s", wanted, shown(text).c_str());
}

void Parser::advance() {
  last_ = token_;
  token_ = lexer_.next();
}

bool Parser::at_word(std::string_view text) const {
  return token_.kind == Token::Kind::word && token_.text == text;
}

bool Parser::at_dotted(std::string_view text) const {
  return token_.kind == Token::Kind::dotted && token_.text == text;
}

bool Parser::accept(char c) {
  if (!token_.is(c)) return false;
  advance();
  return true;
}

bool Parser::expect(char c) {
  const char wanted[2] = {c, '\0'};
  return accept(c) || unexpected(wanted);
}

bool Parser::take_word(std::string_view *name, const char *wanted) {
  if (token_.kind != Token::Kind::word) return unexpected(wanted);
  *name = token_.text;
  advance();
  return true;
}

bool Parser::take_number(uint64_t *value, uint64_t maximum) {
  Literal literal;
  if (token_.kind != Token::Kind::number || !read_literal(token_.text, &literal) ||
      literal.real_bytes != 0) {
    return unexpected("a number");
  }
  if (literal.bits > maximum) {
    return fail("%llu is more than %llu", static_cast<unsigned long long>(literal.bits),
                static_cast<unsigned long long>(maximum));
  }
  *value = literal.bits;
  advance();
  return true;
}

bool Parser::skip_until(char c) {
  while (!token_.is(c)) {
    if (token_.kind == Token::Kind::end || token_.kind == Token::Kind::bad) {
      const char wanted[2] = {c, '\0'};
      return unexpected(wanted);
    }
    advance();
  }
  advance();
  return true;
}

bool Parser::skip_parentheses() { return !token_.is('(') || skip_until(')'); }

}  // namespace gpusim::ptx
