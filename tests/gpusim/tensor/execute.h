/* The steps that all tensor-core instructions share. */
#ifndef GPUSIM_TENSOR_EXECUTE_H
#define GPUSIM_TENSOR_EXECUTE_H

#include "tests/gpusim/exec/warp.h"
#include "tests/gpusim/tensor/layout.h"
#include "tests/gpusim/tensor/sum.h"
#include "tests/gpusim/tensor/tile.h"

namespace gpusim::tensor {

/* The instructions are undefined unless all 32 lanes execute them. False after a fault. */
bool whole_warp(Warp &warp, const Instruction &instruction, uint32_t mask);

SumModel sum_model(const Warp &warp);

/* images.d from a, b and c, for every type. */
void multiply(const Tile &tile, SumModel model, const Selection *selection, Images &images);

/* True if undefined data may come in, or stay in a target. False when nothing is checked. */
bool may_be_undefined(const Warp &warp, const Instruction &instruction);

/* Sets the dirty flags of the targets from their shadow. */
void update_dirty(Warp &warp, const Instruction &instruction);

/* A view moves one of `kParts` independent products between registers (or shadow) and images. */
struct CoreView {
  static constexpr unsigned kParts = 1;
  static void gather(const uint8_t *file, const Fragments &from, const Tile &tile, unsigned part,
                     Images *to);
  static void scatter(uint8_t *file, const Fragments &to, const Tile &tile, unsigned part,
                      const Images &from);
};

struct QuadView {
  static constexpr unsigned kParts = 4;
  static void gather(const uint8_t *file, const Fragments &from, const Tile &tile, unsigned part,
                     Images *to);
  static void scatter(uint8_t *file, const Fragments &to, const Tile &tile, unsigned part,
                      const Images &from);
};

}  // namespace gpusim::tensor

#endif
