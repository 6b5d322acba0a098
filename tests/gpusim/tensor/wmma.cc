/* wmma.mma (PTX ISA, "Warp-level Matrix Multiply-Accumulate Instruction: wmma.mma"). */
#include "tests/gpusim/tensor/wmma.h"

#include "tests/gpusim/exec/decoder.h"
#include "tests/gpusim/tensor/execute.h"
#include "tests/gpusim/tensor/qualifiers.h"
#include "tests/gpusim/tensor/undefined.h"
#include "tests/gpusim/tensor/wmma_layout.h"

namespace gpusim {
namespace tensor {
namespace {

unsigned bytes_of(unsigned count, Element element) { return count * element_bits(element) / 8; }

/* False if the copies of a matrix differ. */
struct Agreement {
  bool a = true, b = true;
};

Agreement gather(const uint8_t *file, const Fragments &from, const Tile &tile, Images *to) {
  Agreement same;
  alignas(64) uint8_t lines[sizeof to->a];
  uint8_t *a = tile.a_by_column ? lines : to->a;
  same.a = gather_fragment(file, from.a, tile.m * tile.a_row_bytes(), a);
  if (tile.a_by_column) transpose(lines, tile.k, tile.m, bytes_of(1, tile.a), to->a);
  uint8_t *b = tile.b_by_row ? lines : to->b;
  same.b = gather_fragment(file, from.b, tile.n * tile.b_row_bytes(), b);
  if (tile.b_by_row) transpose(lines, tile.k, tile.n, bytes_of(1, tile.b), to->b);
  gather_fragment(file, from.c, bytes_of(tile.m * tile.n, tile.c), to->c);
  return same;
}

Step execute(Warp &warp, const Instruction &instruction, uint32_t mask) {
  if (!whole_warp(warp, instruction, mask)) return Step::fault;
  const Tile tile = tile_of(instruction);
  const Fragments fragments = fragments_of(instruction, tile);
  const unsigned d_bytes = bytes_of(tile.m * tile.n, tile.d);
  Images values;
  const Agreement same = gather(warp.registers, fragments, tile, &values);
  const bool differ = warp.shadow != nullptr && !(same.a && same.b);
  if (differ || may_be_undefined(warp, instruction)) {
    Images shadow;
    const Agreement same_shadow = gather(warp.shadow, fragments, tile, &shadow);
    /* A GPU may take the one copy or the other: nothing may depend on them. */
    if (!same.a || !same_shadow.a) memset(shadow.a, 0xff, sizeof shadow.a);
    if (!same.b || !same_shadow.b) memset(shadow.b, 0xff, sizeof shadow.b);
    undefined_results(tile, nullptr, values, 0, shadow);
    scatter_fragment(warp.shadow, fragments.d, d_bytes, shadow.d);
    update_dirty(warp, instruction);
  }
  multiply(tile, sum_model(warp), nullptr, values);
  scatter_fragment(warp.registers, fragments.d, d_bytes, values.d);
  return Step::next;
}

const char *take_qualifiers(Decoder &decoder, Tile *tile) {
  if (!take_shape(decoder, tile)) return "no shape";
  if (!take_factors(decoder, tile)) return "wmma.mma has two layouts";
  if (!set_elements(take_elements(decoder), tile)) return "no such combination of types";
  if (!find_kind(Opcode::wmma, tile)) return "no such shape on sm_80";
  if (tile->saturate && tile->d != Element::s32) return ".satfinite is for s8";
  return nullptr;
}

bool registers_fit(const Decoder &decoder, const Tile &tile) {
  return registers_given(decoder, 0) == accumulator_registers(tile, tile.d) &&
         registers_given(decoder, 1) == wmma_a_registers(tile) &&
         registers_given(decoder, 2) == wmma_b_registers(tile) &&
         registers_given(decoder, 3) == accumulator_registers(tile, tile.c);
}

}  // namespace

void decode_wmma_mma(Decoder &d) {
  Tile tile;
  const char *error = take_qualifiers(d, &tile);
  if (error != nullptr) return d.fail(error);
  if (!registers_fit(d, tile)) return d.fail("a fragment has another number of registers");
  use_fragments(d, tile);
  set_tile(d.result(), tile);
  d.use(execute, nullptr, InstructionClass::tensor);
}

}  // namespace tensor

void decode_wmma(Decoder &d) {
  const bool mma = d.take("mma");
  const bool load = d.take("load");
  const bool store = d.take("store");
  if (!d.take("sync") || !d.take("aligned")) return d.fail("wmma is .sync.aligned");
  d.aligned();
  if (mma && !load && !store) return tensor::decode_wmma_mma(d);
  if (load && !mma && !store) return tensor::decode_wmma_load(d);
  if (store && !mma && !load) return tensor::decode_wmma_store(d);
  d.fail("wmma.load, wmma.store or wmma.mma");
}

}  // namespace gpusim
