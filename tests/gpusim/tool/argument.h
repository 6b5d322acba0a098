/* Kernel arguments as `gpusim run` takes them: i32:5, f32:1.5, buf:f16:1024:random:7. */
#ifndef GPUSIM_TOOL_ARGUMENT_H
#define GPUSIM_TOOL_ARGUMENT_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gpusim::tool {

enum class Fill : uint8_t { zero, iota, random };

struct ElementType {
  const char *name; /* "i32" */
  unsigned bytes;
  char kind; /* 'i', 'u', 'f', or 'b' for bf16 */
};

struct Argument {
  const ElementType *type = nullptr;
  bool is_buffer = false;
  uint64_t bits = 0;  /* a scalar's */
  uint64_t count = 0; /* a buffer's elements */
  Fill fill = Fill::zero;
  uint64_t seed = 1;
};

/* False when it is malformed; then *error names the part at fault. */
bool parse_argument(std::string_view text, Argument *argument, std::string *error);

/* All of the text is a decimal or 0x number. */
bool parse_count(std::string_view text, uint64_t *count);

/* A buffer's initial contents: random reals lie in [-1, 1), random integers in [-128, 127] or
 * [0, 255]. */
std::vector<uint8_t> contents(const Argument &buffer);

/* A value as a person reads it. */
std::string show(const ElementType &type, const uint8_t *value);

}  // namespace gpusim::tool

#endif
