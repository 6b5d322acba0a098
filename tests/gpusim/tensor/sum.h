/* The tensor core's sum of products.
 *
 * PTX leaves its order and rounding open. What was measured on GPUs: the products are exact; they
 * and the accumulator are shifted to the largest exponent among them (of a product: the sum of its
 * factors' exponents), cut off below a number of fractional bits, added as integers, and the sum
 * is cut to f32, or rounded to nearest when D is f16. Ampere keeps 24 bits and adds 16 bytes of a
 * row of A at a time, Hopper 25 bits and 32 bytes; longer rows are chained through the
 * accumulator. Zeros don't take part in the largest exponent. Whether a sparse A is added in the
 * same steps nobody has said: it is here, in steps of kept elements.
 */
#ifndef GPUSIM_TENSOR_SUM_H
#define GPUSIM_TENSOR_SUM_H

#include <cstdint>

#include "tests/gpusim/tensor/formats.h"
#include "tests/gpusim/tensor/tile.h"

namespace gpusim::tensor {

enum class SumModel : uint8_t { ampere, hopper, exact };

/* images.d from a, b and c, for f16, bf16 and tf32. `selection` is null when A is dense. */
void multiply_real(const Tile &tile, SumModel model, const Selection *selection, Images &images);

/* A as [m][kept], B as [k][n], in units of 2^(exponent - fraction_bits). */
struct Products {
  Terms a, b;
  unsigned fraction_bits;
  unsigned m, n, kept;
  const uint8_t *column; /* [m][kept]: row of B that an element of A meets; null: its own */

  unsigned row_of_b(unsigned row, unsigned i) const {
    return column != nullptr ? column[row * kept + i] : i;
  }
};

/* accumulator[m][n] += products first .. first + count of each row, rounded once. The result is an
 * f32, rounded to nearest; or with `odd` cut, and made odd when that lost something, so that
 * rounding it to f16 rounds only once. */
void add_exactly(const Products &products, unsigned first, unsigned count, bool odd,
                 float *accumulator);

}  // namespace gpusim::tensor

#endif
