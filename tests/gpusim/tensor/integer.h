/* Products of s8, u8, s4, u4 and b1 matrices, and of f64 ones. */
#ifndef GPUSIM_TENSOR_INTEGER_H
#define GPUSIM_TENSOR_INTEGER_H

#include <cstdint>

#include "tests/gpusim/tensor/tile.h"

namespace gpusim::tensor {

/* Elements of an image as numbers. */
void read_integers(Element element, const uint8_t *image, unsigned count, float *numbers);

/* images.d from a, b and c. `selection` is null when A is dense. Sums wrap at 32 bits or, with
 * tile.saturate, are clamped to them. */
void multiply_integer(const Tile &tile, const Selection *selection, Images &images);

/* b1: popcount of the rows' bits after tile.bit_operation. */
void multiply_bits(const Tile &tile, Images &images);

/* f64: one fused multiply-add after the other, by rising k. */
void multiply_double(const Tile &tile, Images &images);

}  // namespace gpusim::tensor

#endif
