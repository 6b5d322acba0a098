/* Which results of a tensor-core instruction are undefined. */
#ifndef GPUSIM_TENSOR_UNDEFINED_H
#define GPUSIM_TENSOR_UNDEFINED_H

#include "tests/gpusim/tensor/tile.h"

namespace gpusim::tensor {

/* Sets shadow.d from shadow.a, b and c: an element is undefined with all its bits if a factor of
 * one of its products or its accumulator has an undefined bit; but the product of integers with a
 * defined zero is zero. `values` are the operands. Rows in `lost_rows` are undefined as a whole. */
void undefined_results(const Tile &tile, const Selection *selection, const Images &values,
                       uint32_t lost_rows, Images &shadow);

}  // namespace gpusim::tensor

#endif
