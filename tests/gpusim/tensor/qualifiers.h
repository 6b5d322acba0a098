/* What the qualifiers of mma and wmma say. */
#ifndef GPUSIM_TENSOR_QUALIFIERS_H
#define GPUSIM_TENSOR_QUALIFIERS_H

#include <vector>

#include "tests/gpusim/exec/decoder.h"
#include "tests/gpusim/tensor/tile.h"

namespace gpusim::tensor {

enum class Opcode : uint8_t { mma, mma_sp, wmma };

/* "mma_sp_m16n8k32_f16": kinds of shapes.inc, and their number. */
const char *kind_name(unsigned kind);
extern const unsigned kKinds;

/* Element types, in the order of the text. */
std::vector<Element> take_elements(Decoder &decoder);

/* .row and .col in the order of the text: true = .col. */
std::vector<bool> take_layouts(Decoder &decoder);

/* Takes "m16n8k32" into m, n and k. */
bool take_shape(Decoder &decoder, Tile *tile);

/* Sets a, b, c and d from the types written: d, a, b, c; or d, c when A and B are f16. */
bool set_elements(const std::vector<Element> &elements, Tile *tile);

/* Whether elements of a can be accumulated in c to d. */
bool accumulates(const Tile &tile);

/* Sets kind; false if there is no instruction of that shape and type. */
bool find_kind(Opcode opcode, Tile *tile);

/* The type of the registers that hold elements. */
Type register_type(Element element);

/* Registers of an operand. */
unsigned registers_given(const Decoder &decoder, size_t operand);

/* .row and .col of A and of B, then .satfinite and .rn. False unless there are two layouts. */
bool take_factors(Decoder &decoder, Tile *tile);

/* Operands 0 to 3 are the fragments of D, A, B and C. */
void use_fragments(Decoder &decoder, const Tile &tile);

}  // namespace gpusim::tensor

#endif
