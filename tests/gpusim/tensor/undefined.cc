#include "tests/gpusim/tensor/undefined.h"

namespace gpusim::tensor {
namespace {

struct Factor {
  bool undefined, zero;
};

bool is_integer(Element element) { return element_bits(element) <= 8; }

/* Bits [first, first + count) of an image, count at most 64 and a power of two. */
uint64_t bits_at(const uint8_t *image, unsigned first, unsigned count) {
  if (count < 8) return image[first / 8] >> first % 8 & ((1u << count) - 1);
  uint64_t bits = 0;
  memcpy(&bits, image + first / 8, count / 8);
  return bits;
}

/* tf32 ignores the low bits of its register. */
uint64_t used_bits(Element element) { return element == Element::tf32 ? 0xffffe000u : ~0ull; }

void read_factors(Element element, const uint8_t *values, const uint8_t *shadow, unsigned count,
                  Factor *factors) {
  const unsigned bits = element_bits(element);
  /* b1's exclusive or has no zero that decides. */
  const bool zeros = is_integer(element) && element != Element::b1;
  for (unsigned i = 0; i < count; i++) {
    factors[i].undefined = (bits_at(shadow, i * bits, bits) & used_bits(element)) != 0;
    factors[i].zero = zeros && !factors[i].undefined && bits_at(values, i * bits, bits) == 0;
  }
}

bool product_undefined(const Factor &a, const Factor &b) {
  return (a.undefined || b.undefined) && !a.zero && !b.zero;
}

constexpr unsigned kMaxFactors = 16 * 256; /* b1 m16n8k256 */

}  // namespace

void undefined_results(const Tile &tile, const Selection *selection, const Images &values,
                       uint32_t lost_rows, Images &shadow) {
  static thread_local Factor a[kMaxFactors];
  static thread_local Factor b[kMaxFactors];
  const unsigned kept = tile.kept();
  read_factors(tile.a, values.a, shadow.a, tile.m * kept, a);
  read_factors(tile.b, values.b, shadow.b, tile.n * tile.k, b);
  const unsigned c_bits = element_bits(tile.c);
  const unsigned d_bytes = element_bits(tile.d) / 8;
  for (unsigned i = 0; i < tile.m * tile.n; i++) {
    const unsigned row = i / tile.n;
    const unsigned column = i % tile.n;
    bool undefined = (lost_rows >> row & 1) != 0 || bits_at(shadow.c, i * c_bits, c_bits) != 0;
    for (unsigned e = row * kept; e < (row + 1) * kept && !undefined; e++) {
      const unsigned k = selection != nullptr ? selection->column[e] : e - row * kept;
      undefined = product_undefined(a[e], b[column * tile.k + k]);
    }
    memset(shadow.d + i * d_bytes, undefined ? 0xff : 0, d_bytes);
  }
}

}  // namespace gpusim::tensor
