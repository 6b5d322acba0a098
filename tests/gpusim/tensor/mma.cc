/* mma and mma.sp (PTX ISA, "Multiply-and-Accumulate Instruction"). */
#include "tests/gpusim/exec/decoder.h"
#include "tests/gpusim/exec/lanes.h"
#include "tests/gpusim/tensor/execute.h"
#include "tests/gpusim/tensor/qualifiers.h"
#include "tests/gpusim/tensor/sparse.h"
#include "tests/gpusim/tensor/undefined.h"

namespace gpusim {
namespace tensor {
namespace {

template <class View>
Step execute_dense(Warp &warp, const Instruction &instruction, uint32_t mask) {
  if (!whole_warp(warp, instruction, mask)) return Step::fault;
  const Tile tile = tile_of(instruction);
  const Fragments fragments = fragments_of(instruction, tile);
  const bool undefined = may_be_undefined(warp, instruction);
  for (unsigned part = 0; part < View::kParts; part++) {
    Images values;
    View::gather(warp.registers, fragments, tile, part, &values);
    if (undefined) {
      Images shadow;
      View::gather(warp.shadow, fragments, tile, part, &shadow);
      undefined_results(tile, nullptr, values, 0, shadow);
      View::scatter(warp.shadow, fragments, tile, part, shadow);
    }
    multiply(tile, sum_model(warp), nullptr, values);
    View::scatter(warp.registers, fragments, tile, part, values);
  }
  if (undefined) update_dirty(warp, instruction);
  return Step::next;
}

/* Rows whose metadata has an undefined bit. */
uint32_t undefined_metadata(const Warp &warp, const Operand &metadata, const Tile &tile) {
  uint64_t rows[16];
  gather_metadata(reinterpret_cast<const uint32_t *>(warp.shadow + metadata.at), tile, rows);
  uint32_t undefined = 0;
  for (unsigned row = 0; row < tile.m; row++) undefined |= (rows[row] != 0 ? 1u : 0u) << row;
  return undefined;
}

Step execute_sparse(Warp &warp, const Instruction &instruction, uint32_t mask) {
  if (!whole_warp(warp, instruction, mask)) return Step::fault;
  const Tile tile = tile_of(instruction);
  const Fragments fragments = fragments_of(instruction, tile);
  const Operand &metadata = instruction.operands[instruction.group[4]];
  uint64_t rows[16];
  gather_metadata(lanes<const uint32_t>(warp, metadata), tile, rows);
  Selection selection;
  select_columns(rows, tile, &selection);
  Images values;
  CoreView::gather(warp.registers, fragments, tile, 0, &values);
  const bool illegal = warp.shadow != nullptr && selection.illegal_rows != 0;
  if (illegal || may_be_undefined(warp, instruction)) {
    /* A row whose metadata says nothing legal may be dropped by the kernel: its results become
     * undefined, and trap where they decide something. */
    Images shadow;
    CoreView::gather(warp.shadow, fragments, tile, 0, &shadow);
    const uint32_t lost = selection.illegal_rows | undefined_metadata(warp, metadata, tile);
    undefined_results(tile, &selection, values, lost, shadow);
    CoreView::scatter(warp.shadow, fragments, tile, 0, shadow);
    update_dirty(warp, instruction);
  }
  multiply(tile, sum_model(warp), &selection, values);
  CoreView::scatter(warp.registers, fragments, tile, 0, values);
  return Step::next;
}

bool is_quad(const Tile &tile) { return tile.k == 4 && tile.a == Element::f16; }

void take_sparsity(Decoder &decoder, Tile *tile) {
  if (decoder.take("sp")) tile->sparsity = Sparsity::any_order;
  if (decoder.take("sp::ordered_metadata")) tile->sparsity = Sparsity::ordered;
}

/* .xor.popc and .and.popc of b1. */
bool take_bit_operation(Decoder &decoder, Tile *tile) {
  const bool exclusive = decoder.take("xor");
  const bool conjunction = decoder.take("and");
  const bool popc = decoder.take("popc");
  if (conjunction) tile->bit_operation = BitOperation::conjunction;
  if (tile->a != Element::b1) return !exclusive && !conjunction && !popc;
  return exclusive != conjunction && popc;
}

/* An error, or null. */
const char *take_qualifiers(Decoder &decoder, Tile *tile) {
  if (!decoder.take("sync") || !decoder.take("aligned")) return "mma is .sync.aligned";
  take_sparsity(decoder, tile);
  if (!take_shape(decoder, tile)) return "no shape";
  if (!take_factors(decoder, tile)) return "mma has two layouts";
  const std::vector<Element> elements = take_elements(decoder);
  if (elements.size() != 4 || !set_elements(elements, tile)) return "no such combination of types";
  const bool dense = tile->sparsity == Sparsity::dense;
  if (!find_kind(dense ? Opcode::mma : Opcode::mma_sp, tile)) return "no such shape on sm_80";
  if (!is_quad(*tile) && (tile->a_by_column || tile->b_by_row)) return "the layouts are .row.col";
  if (!is_quad(*tile) && tile->c != tile->d) return "C and D have the same type";
  if (tile->c == Element::f32 && tile->d == Element::f16) return "D is no narrower than C";
  if (tile->saturate && (tile->d != Element::s32 || tile->a == Element::b1)) {
    return ".satfinite is for s8 and s4";
  }
  return take_bit_operation(decoder, tile) ? nullptr : ".xor.popc or .and.popc is for b1";
}

constexpr unsigned kQuadRegisters = 2; /* of A and of B: four f16 */

bool registers_fit(const Decoder &decoder, const Tile &tile) {
  const bool quad = is_quad(tile);
  const unsigned parts = quad ? QuadView::kParts : 1;
  return registers_given(decoder, 0) == parts * accumulator_registers(tile, tile.d) &&
         registers_given(decoder, 1) == (quad ? kQuadRegisters : a_registers(tile)) &&
         registers_given(decoder, 2) == (quad ? kQuadRegisters : b_registers(tile)) &&
         registers_given(decoder, 3) == parts * accumulator_registers(tile, tile.c);
}

void decode(Decoder &d) {
  Tile tile;
  const char *error = take_qualifiers(d, &tile);
  if (error != nullptr) return d.fail(error);
  if (!registers_fit(d, tile)) return d.fail("a fragment has another number of registers");
  use_fragments(d, tile);
  d.aligned();
  const bool sparse = tile.sparsity != Sparsity::dense;
  if (sparse) {
    d.read(4, Type::b32);
    uint64_t selector = 0;
    if (!d.literal(5, &selector) || selector >= selector_limit(tile)) {
      return d.fail("no such sparsity selector");
    }
    tile.selector = static_cast<uint8_t>(selector);
  }
  set_tile(d.result(), tile);
  const Execute dense = is_quad(tile) ? execute_dense<QuadView> : execute_dense<CoreView>;
  d.use(sparse ? execute_sparse : dense, nullptr, InstructionClass::tensor);
}

}  // namespace
}  // namespace tensor

void decode_mma(Decoder &decoder) { tensor::decode(decoder); }

}  // namespace gpusim
