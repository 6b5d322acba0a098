/* PTX's literals (PTX ISA, section 4.5). */
#ifndef GPUSIM_PTX_LITERAL_H
#define GPUSIM_PTX_LITERAL_H

#include <cstdint>
#include <string_view>

namespace gpusim::ptx {

struct Literal {
  uint64_t bits = 0;
  uint8_t real_bytes = 0;   /* 0: an integer; 4: 0f..; 8: 0d.. or decimal */
  bool is_unsigned = false; /* suffix U, or beyond INT64_MAX */
};

/* False when it is no literal, or does not fit in 64 bits. */
bool read_literal(std::string_view text, Literal *literal);

double literal_real(const Literal &literal);

}  // namespace gpusim::ptx

#endif
