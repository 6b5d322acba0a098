#include "tests/gpusim/tool/argument.h"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/gpusim/exec/half.h"

namespace gpusim::tool {
namespace {

constexpr ElementType kTypes[] = {
    {"i8", 1, 'i'},  {"u8", 1, 'u'},   {"i16", 2, 'i'}, {"u16", 2, 'u'},
    {"i32", 4, 'i'}, {"u32", 4, 'u'},  {"i64", 8, 'i'}, {"u64", 8, 'u'},
    {"f16", 2, 'f'}, {"bf16", 2, 'b'}, {"f32", 4, 'f'}, {"f64", 8, 'f'},
};
constexpr uint64_t kBytesMax = uint64_t{1} << 32; /* of a buffer */

/* The part before the next colon, which is taken off. */
std::string_view take_part(std::string_view *text) {
  const size_t colon = text->find(':');
  const std::string_view part = text->substr(0, colon);
  *text = colon == std::string_view::npos ? std::string_view() : text->substr(colon + 1);
  return part;
}

const ElementType *find_type(std::string_view name) {
  for (const ElementType &type : kTypes) {
    if (name == type.name) return &type;
  }
  return nullptr;
}

bool is_real(const ElementType &type) { return type.kind == 'f' || type.kind == 'b'; }

uint64_t encode_real(const ElementType &type, double value) {
  if (type.bytes == 8) return bit_cast<uint64_t>(value);
  const float narrow = static_cast<float>(value);
  if (type.bytes == 4) return bit_cast<uint32_t>(narrow);
  return type.kind == 'b' ? from_float<Rounding::rn>(BF16(), narrow)
                          : from_float<Rounding::rn>(F16(), narrow);
}

bool parse_signed(const std::string &text, unsigned bytes, uint64_t *bits) {
  char *end = nullptr;
  errno = 0;
  const long long value = strtoll(text.c_str(), &end, 0);
  const int64_t largest = static_cast<int64_t>(UINT64_MAX >> (65 - 8 * bytes));
  *bits = static_cast<uint64_t>(value);
  return errno == 0 && *end == '\0' && end != text.c_str() && value <= largest &&
         value >= -largest - 1;
}

bool parse_scalar(const ElementType &type, std::string_view text, uint64_t *bits) {
  const std::string copy(text);
  if (is_real(type)) {
    char *end = nullptr;
    *bits = encode_real(type, strtod(copy.c_str(), &end));
    return *end == '\0' && end != copy.c_str();
  }
  if (type.kind == 'i') return parse_signed(copy, type.bytes, bits);
  return parse_count(text, bits) && *bits <= UINT64_MAX >> (64 - 8 * type.bytes);
}

bool parse_buffer(std::string_view text, Argument *argument, std::string *error) {
  const std::string_view type = take_part(&text), count = take_part(&text);
  const std::string_view fill = take_part(&text);
  argument->is_buffer = true;
  argument->type = find_type(type);
  if (!argument->type) {
    *error = "unknown element type '" + std::string(type) + "'";
  } else if (!parse_count(count, &argument->count) || argument->count == 0 ||
             argument->count > kBytesMax / argument->type->bytes) {
    *error = "'" + std::string(count) + "' is no count of elements";
  } else if (fill == "zero" || fill == "iota" || fill == "random") {
    argument->fill = fill == "zero" ? Fill::zero : fill == "iota" ? Fill::iota : Fill::random;
  } else {
    *error = "'" + std::string(fill) + "' is none of random, zero, iota";
  }
  if (error->empty() && !text.empty() && !parse_count(text, &argument->seed)) {
    *error = "'" + std::string(text) + "' is no seed";
  }
  return error->empty();
}

/* splitmix64 */
uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

uint64_t element(const Argument &buffer, uint64_t i, uint64_t *state) {
  const ElementType &type = *buffer.type;
  if (buffer.fill == Fill::iota) {
    return is_real(type) ? encode_real(type, static_cast<double>(i)) : i;
  }
  const uint64_t random = next_random(state);
  if (is_real(type)) return encode_real(type, static_cast<double>(random >> 11) * 0x1p-52 - 1);
  return type.kind == 'i' ? (random & 255) - 128 : random & 255;
}

}  // namespace

bool parse_count(std::string_view text, uint64_t *count) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return false;
  const std::string copy(text);
  char *end = nullptr;
  errno = 0;
  *count = strtoull(copy.c_str(), &end, 0);
  return errno == 0 && *end == '\0';
}

bool parse_argument(std::string_view text, Argument *argument, std::string *error) {
  *argument = {};
  error->clear();
  const std::string_view type = take_part(&text);
  if (type == "buf") return parse_buffer(text, argument, error);
  argument->type = find_type(type);
  if (!argument->type) {
    *error = "unknown type '" + std::string(type) + "'";
  } else if (!parse_scalar(*argument->type, text, &argument->bits)) {
    *error = "'" + std::string(text) + "' is no " + argument->type->name;
  }
  return error->empty();
}

std::vector<uint8_t> contents(const Argument &buffer) {
  const unsigned bytes = buffer.type->bytes;
  std::vector<uint8_t> all(buffer.count * bytes);
  if (buffer.fill == Fill::zero) return all;
  uint64_t state = buffer.seed;
  for (uint64_t i = 0; i < buffer.count; i++) {
    const uint64_t value = element(buffer, i, &state);
    memcpy(all.data() + i * bytes, &value, bytes);
  }
  return all;
}

std::string show(const ElementType &type, const uint8_t *value) {
  uint64_t bits = 0;
  memcpy(&bits, value, type.bytes);
  char text[64];
  if (is_real(type)) {
    const uint16_t half = static_cast<uint16_t>(bits);
    const double real = type.bytes == 8    ? bit_cast<double>(bits)
                        : type.bytes == 4  ? bit_cast<float>(static_cast<uint32_t>(bits))
                        : type.kind == 'b' ? to_float(BF16(), half)
                                           : to_float(F16(), half);
    snprintf(text, sizeof text, "%.*g", type.bytes == 8 ? 17 : 9, real);
  } else if (type.kind == 'i') {
    const unsigned unused = 64 - 8 * type.bytes;
    snprintf(text, sizeof text, "%" PRId64, static_cast<int64_t>(bits << unused) >> unused);
  } else {
    snprintf(text, sizeof text, "%" PRIu64, bits);
  }
  return text;
}

}  // namespace gpusim::tool
