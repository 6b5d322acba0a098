#include "tests/gpusim/tensor/execute.h"

#include "tests/gpusim/exec/frame.h"
#include "tests/gpusim/tensor/integer.h"

namespace gpusim::tensor {

bool whole_warp(Warp &warp, const Instruction &instruction, uint32_t mask) {
  if (mask == kAllLanes) return true;
  warp.fault(instruction, FaultKind::divergent_sync, __builtin_ctz(~mask),
             "all 32 lanes have to execute it, but only those of mask 0x%08x do", mask);
  return false;
}

SumModel sum_model(const Warp &warp) {
  const LaunchRequest &request = *warp.cta->request;
  switch (request.config.sum) {
    case GPUSIM_SUM_AMPERE:
      return SumModel::ampere;
    case GPUSIM_SUM_HOPPER:
      return SumModel::hopper;
    case GPUSIM_SUM_EXACT:
      return SumModel::exact;
    default:
      return request.hopper ? SumModel::hopper : SumModel::ampere;
  }
}

void multiply(const Tile &tile, SumModel model, const Selection *selection, Images &images) {
  switch (tile.a) {
    case Element::f16:
    case Element::bf16:
    case Element::tf32:
      return multiply_real(tile, model, selection, images);
    case Element::f64:
      return multiply_double(tile, images);
    case Element::b1:
      return multiply_bits(tile, images);
    default:
      return multiply_integer(tile, selection, images);
  }
}

bool may_be_undefined(const Warp &warp, const Instruction &instruction) {
  if (warp.shadow == nullptr) return false;
  uint8_t dirty = 0;
  for (unsigned i = 0; i < instruction.count; i++) {
    dirty |= warp.dirty[instruction.operands[i].index];
  }
  return dirty != 0;
}

void update_dirty(Warp &warp, const Instruction &instruction) {
  for (unsigned i = 0; i < instruction.targets; i++) {
    const Operand &target = instruction.operands[i];
    const uint8_t *shadow = warp.shadow + target.at;
    uint8_t any = 0;
    for (unsigned byte = 0; byte < kLanes * target.bytes; byte++) any |= shadow[byte];
    warp.dirty[target.index] = any != 0 ? 1 : 0;
  }
}

void CoreView::gather(const uint8_t *file, const Fragments &from, const Tile &tile, unsigned,
                      Images *to) {
  gather_a(file, from.a, tile, to->a);
  gather_b(file, from.b, tile, to->b);
  gather_accumulator(file, from.c, tile, tile.c, to->c);
}

void CoreView::scatter(uint8_t *file, const Fragments &to, const Tile &tile, unsigned,
                       const Images &from) {
  scatter_accumulator(file, to.d, tile, tile.d, from.d);
}

void QuadView::gather(const uint8_t *file, const Fragments &from, const Tile &tile, unsigned part,
                      Images *to) {
  gather_quad_a(file, from.a, tile, part, to->a);
  gather_quad_b(file, from.b, tile, part, to->b);
  gather_quad_accumulator(file, from.c, tile.c, part, to->c);
}

void QuadView::scatter(uint8_t *file, const Fragments &to, const Tile &tile, unsigned part,
                       const Images &from) {
  scatter_quad_accumulator(file, to.d, tile.d, part, from.d);
}

}  // namespace gpusim::tensor
