/* Where fragments lie: which lane's register holds which element of a matrix (PTX ISA, "Matrix
 * Fragments for mma.*"). Registers are moved to and from images (tile.h).
 *
 * All shapes of mma but f16 m8n8k4 consist of core matrices of 8 rows of four words, one register
 * each, whose lane 4g + t holds word t of row g. With E elements to a word,
 *   A:    register r: rows 8 * (r % (m / 8)) + g, columns 4E * (r / (m / 8)) + tE ...
 *   B:    register r: column g, rows 4Er + tE ...
 *   C, D: register r of words that hold one element: row 8 * (r / 2) + g, column 2t + r % 2;
 *         of .f16x2: row 8r + g, columns 2t, 2t + 1
 * A word has 4 bytes, or 8 when elements are f64.
 */
#ifndef GPUSIM_TENSOR_LAYOUT_H
#define GPUSIM_TENSOR_LAYOUT_H

#include <cstdint>

#include "tests/gpusim/exec/instruction.h"
#include "tests/gpusim/tensor/tile.h"

namespace gpusim::tensor {

/* One PTX operand: registers side by side in Instruction::operands. */
struct Registers {
  const Operand *first = nullptr;
  unsigned count = 0;
};

/* The operands of the instruction, in PTX's order: D, A, B, C. */
struct Fragments {
  Registers d, a, b, c;
};
Fragments fragments_of(const Instruction &instruction, const Tile &tile);

/* How many registers a lane gives for each operand of mma. */
unsigned a_registers(const Tile &tile);
unsigned b_registers(const Tile &tile);
unsigned accumulator_registers(const Tile &tile, Element element);

/* mma. `file` is the register file or its shadow. */
void gather_a(const uint8_t *file, const Registers &registers, const Tile &tile, uint8_t *image);
void gather_b(const uint8_t *file, const Registers &registers, const Tile &tile, uint8_t *image);
void gather_accumulator(const uint8_t *file, const Registers &registers, const Tile &tile,
                        Element element, uint8_t *image);
void scatter_accumulator(uint8_t *file, const Registers &registers, const Tile &tile,
                         Element element, const uint8_t *image);

/* mma.m8n8k4 of f16: four products at once, number `quad` by lanes 4 * quad .. + 3 and
 * 16 + 4 * quad .. + 3. */
void gather_quad_a(const uint8_t *file, const Registers &registers, const Tile &tile, unsigned quad,
                   uint8_t *image);
void gather_quad_b(const uint8_t *file, const Registers &registers, const Tile &tile, unsigned quad,
                   uint8_t *image);
void gather_quad_accumulator(const uint8_t *file, const Registers &registers, Element element,
                             unsigned quad, uint8_t *image);
void scatter_quad_accumulator(uint8_t *file, const Registers &registers, Element element,
                              unsigned quad, const uint8_t *image);

/* transposed[column][row] = matrix[row][column]; elements of 1, 2, 4 or 8 bytes. */
void transpose(const uint8_t *matrix, unsigned rows, unsigned columns, unsigned element_bytes,
               uint8_t *transposed);

}  // namespace gpusim::tensor

#endif
