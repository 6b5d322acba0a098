#include "tests/gpusim/ptx/lexer.h"

namespace gpusim::ptx {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* Of names after their first character. */
bool is_name(char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '$'; }

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

constexpr std::string_view kPairs[] = {"<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "@@"};
constexpr std::string_view kSingles = "{}()[]<>,;:=+-*/%&|^~!?@";

}  // namespace

void Lexer::skip_line() {
  while (at_ < end_ && *at_ != '\n') at_++;
}

bool Lexer::skip_comment() {
  for (at_ += 2; at_ < end_; at_++) {
    if (*at_ == '\n') line_++;
    if (*at_ != '*' || ahead(1) != '/') continue;
    at_ += 2;
    return true;
  }
  return false;
}

/* False when a comment has no end. */
bool Lexer::skip_blanks(Token *bad) {
  while (at_ < end_) {
    if (*at_ == '\n') {
      line_++;
      at_++;
    } else if (is_blank(*at_)) {
      at_++;
    } else if (*at_ == '/' && ahead(1) == '/') {
      skip_line();
    } else if (*at_ == '/' && ahead(1) == '*') {
      *bad = {Token::Kind::bad, "comment without end", at_, line_};
      if (!skip_comment()) return false;
    } else {
      break;
    }
  }
  return true;
}

Token Lexer::word(Token token) {
  token.kind = Token::Kind::word;
  do at_++;
  while (at_ < end_ && is_name(*at_));
  token.text = {token.begin, static_cast<size_t>(at_ - token.begin)};
  return token;
}

/* Parts may start with a digit: .2d, .L2::128B. */
Token Lexer::dotted(Token token) {
  token.kind = Token::Kind::dotted;
  at_++;
  while (is_name(ahead(0)) || (ahead(0) == ':' && ahead(1) == ':' && is_name(ahead(2)))) {
    at_ += *at_ == ':' ? 2 : 1;
  }
  token.text = {token.begin + 1, static_cast<size_t>(at_ - token.begin - 1)};
  if (token.text.empty()) return {Token::Kind::bad, "name expected after .", token.begin, line_};
  return token;
}

Token Lexer::number(Token token) {
  token.kind = Token::Kind::number;
  const bool hexadecimal =
      *at_ == '0' && is_letter(ahead(1)) && ahead(1) != 'U' && ahead(1) != 'e' && ahead(1) != 'E';
  while (at_ < end_) {
    const bool sign = (*at_ == '+' || *at_ == '-') && (at_[-1] == 'e' || at_[-1] == 'E');
    if (!is_name(*at_) && (hexadecimal || (*at_ != '.' && !(sign && is_digit(ahead(1)))))) break;
    at_++;
  }
  token.text = {token.begin, static_cast<size_t>(at_ - token.begin)};
  return token;
}

Token Lexer::string(Token token) {
  token.kind = Token::Kind::string;
  for (at_++; at_ < end_ && *at_ != '\n'; at_++) {
    if (*at_ == '"') {
      token.text = {token.begin + 1, static_cast<size_t>(at_ - token.begin - 1)};
      at_++;
      return token;
    }
    if (*at_ == '\\' && ahead(1) != '\n') at_++;
    if (at_ == end_) break;
  }
  return {Token::Kind::bad, "string without end", token.begin, line_};
}

Token Lexer::operation(Token token) {
  token.kind = Token::Kind::operation;
  for (std::string_view pair : kPairs) {
    if (pair[0] != *at_ || pair[1] != ahead(1)) continue;
    at_ += 2;
    token.text = {token.begin, 2};
    return token;
  }
  if (kSingles.find(*at_) == std::string_view::npos) {
    return {Token::Kind::bad, "unexpected character", token.begin, line_};
  }
  at_++;
  token.text = {token.begin, 1};
  return token;
}

Token Lexer::next() {
  Token token;
  if (!skip_blanks(&token)) return token;
  token = {Token::Kind::end, {}, at_, line_};
  if (at_ == end_) return token;
  const char c = *at_;
  if (is_digit(c)) return number(token);
  if (is_letter(c) || c == '_' || c == '$') return word(token);
  if (c == '%' && is_name(ahead(1)) && !is_digit(ahead(1))) return word(token);
  if (c == '.') return dotted(token);
  if (c == '"') return string(token);
  return operation(token);
}

}  // namespace gpusim::ptx
