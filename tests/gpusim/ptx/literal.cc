#include "tests/gpusim/ptx/literal.h"

#include <cstdlib>
#include <cstring>
#include <string>

namespace gpusim::ptx {
namespace {

unsigned digit_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return 16;
}

bool read_digits(std::string_view digits, unsigned base, uint64_t *value) {
  *value = 0;
  for (char c : digits) {
    const unsigned digit = digit_value(c);
    if (digit >= base) return false;
    if (__builtin_mul_overflow(*value, base, value)) return false;
    if (__builtin_add_overflow(*value, digit, value)) return false;
  }
  return !digits.empty();
}

bool read_pattern(std::string_view digits, uint8_t bytes, Literal *literal) {
  literal->real_bytes = bytes;
  return digits.size() == 2u * bytes && read_digits(digits, 16, &literal->bits);
}

bool read_decimal_real(std::string_view text, Literal *literal) {
  for (char c : text) {
    if (digit_value(c) > 9 && c != '.' && c != 'e' && c != 'E' && c != '+' && c != '-')
      return false;
  }
  const std::string copy(text);
  char *end = nullptr;
  const double value = strtod(copy.c_str(), &end);
  if (end != copy.c_str() + copy.size()) return false;
  literal->real_bytes = sizeof value;
  memcpy(&literal->bits, &value, sizeof value);
  return true;
}

}  // namespace

bool read_literal(std::string_view text, Literal *literal) {
  *literal = {};
  if (text.empty()) return false;
  const char prefix = text[0] == '0' && text.size() > 2 ? text[1] : '\0';
  if (prefix == 'f' || prefix == 'F') return read_pattern(text.substr(2), 4, literal);
  if (prefix == 'd' || prefix == 'D') return read_pattern(text.substr(2), 8, literal);
  const bool hexadecimal = prefix == 'x' || prefix == 'X';
  if (!hexadecimal && text.find_first_of(".eE") != std::string_view::npos) {
    return read_decimal_real(text, literal);
  }
  bool is_unsigned = false;
  if (text.back() == 'U') {
    is_unsigned = true;
    text.remove_suffix(1);
  }
  bool ok;
  if (hexadecimal) {
    ok = read_digits(text.substr(2), 16, &literal->bits);
  } else if (prefix == 'b' || prefix == 'B') {
    ok = read_digits(text.substr(2), 2, &literal->bits);
  } else if (text.size() > 1 && text[0] == '0') {
    ok = read_digits(text.substr(1), 8, &literal->bits);
  } else {
    ok = read_digits(text, 10, &literal->bits);
  }
  literal->is_unsigned = is_unsigned || literal->bits > INT64_MAX;
  return ok;
}

double literal_real(const Literal &value) {
  if (value.real_bytes == 4) {
    float narrow;
    memcpy(&narrow, &value.bits, sizeof narrow);
    return static_cast<double>(narrow);
  }
  if (value.real_bytes == 8) {
    double real;
    memcpy(&real, &value.bits, sizeof real);
    return real;
  }
  return value.is_unsigned ? static_cast<double>(value.bits)
                           : static_cast<double>(static_cast<int64_t>(value.bits));
}

}  // namespace gpusim::ptx
