/* Fragments of wmma. PTX leaves open which lane holds what, so that no kernel may rely on it. Here
 * a matrix lies in its registers as it lies in memory: the matrix's lines (rows, or columns if that
 * is its layout), one after the other, fill lane 0's registers, then lane 1's. Fragments of f16
 * have more room than that: they hold the matrix twice or four times. Accumulators are held by
 * rows.
 */
#ifndef GPUSIM_TENSOR_WMMA_LAYOUT_H
#define GPUSIM_TENSOR_WMMA_LAYOUT_H

#include <cstdint>

#include "tests/gpusim/tensor/layout.h"

namespace gpusim::tensor {

unsigned wmma_a_registers(const Tile &tile);
unsigned wmma_b_registers(const Tile &tile);

/* Matrix of so many bytes, as the registers hold it. False if its copies differ somewhere. */
bool gather_fragment(const uint8_t *file, const Registers &registers, unsigned bytes,
                     uint8_t *matrix);
/* To all copies. */
void scatter_fragment(uint8_t *file, const Registers &registers, unsigned bytes,
                      const uint8_t *matrix);

}  // namespace gpusim::tensor

#endif
