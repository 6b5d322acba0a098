/* movmatrix: the 8x8 matrix of a register, transposed (PTX ISA, "movmatrix"). */
#include "tests/gpusim/exec/decoder.h"
#include "tests/gpusim/exec/lanes.h"
#include "tests/gpusim/tensor/execute.h"

namespace gpusim {
namespace {

constexpr unsigned kSide = 8;

/* Lane 4g + t holds row g, columns 2t and 2t + 1: the rows lie one after the other. */
void transpose(uint8_t *file, const Operand &to, const Operand &from) {
  uint16_t matrix[kSide * kSide];
  memcpy(matrix, file + from.at, sizeof matrix);
  auto *transposed = reinterpret_cast<uint16_t *>(file + to.at);
  for (unsigned i = 0; i < kSide * kSide; i++) {
    transposed[i] = matrix[i % kSide * kSide + i / kSide];
  }
}

Step movmatrix(Warp &warp, const Instruction &instruction, uint32_t mask) {
  if (!tensor::whole_warp(warp, instruction, mask)) return Step::fault;
  transpose(warp.registers, instruction.operands[0], instruction.operands[1]);
  return Step::next;
}

void undefined_transposed(Warp &warp, const Instruction &instruction, uint32_t) {
  transpose(warp.shadow, instruction.operands[0], instruction.operands[1]);
  tensor::update_dirty(warp, instruction);
}

}  // namespace

void decode_movmatrix(Decoder &d) {
  if (!d.take("sync") || !d.take("aligned")) return d.fail("movmatrix is .sync.aligned");
  if (!d.take("m8n8") || !d.take("trans") || !d.take("b16")) return d.fail("no .m8n8.trans.b16");
  d.write(0, 4);
  d.read(1, Type::b32);
  d.aligned();
  d.use(movmatrix, undefined_transposed, InstructionClass::move);
}

}  // namespace gpusim
