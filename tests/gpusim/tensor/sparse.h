/* Metadata of mma.sp: which columns the kept elements of A have (PTX ISA, "Sparse matrix
 * storage"). */
#ifndef GPUSIM_TENSOR_SPARSE_H
#define GPUSIM_TENSOR_SPARSE_H

#include <cstdint>

#include "tests/gpusim/tensor/tile.h"

namespace gpusim::tensor {

/* Selectors the instruction knows: 0 .. limit - 1. */
unsigned selector_limit(const Tile &tile);

/* Metadata of each row, lowest columns in the lowest bits. `words` is the operand's 32 lanes. */
void gather_metadata(const uint32_t *words, const Tile &tile, uint64_t *rows);

/* Illegal chunks select something all the same. */
void select_columns(const uint64_t *rows, const Tile &tile, Selection *selection);

}  // namespace gpusim::tensor

#endif
