/* ldmatrix (PTX ISA, section 9.7.14.5.15): matrix j takes its eight row addresses from the lanes 8j
 * to 8j + 7; lane l receives the elements 2(l % 4) and 2(l % 4) + 1 of row l / 4. */
#include "tests/gpusim/exec/decoder.h"
#include "tests/gpusim/memory/access.h"
#include "tests/gpusim/memory/registers.h"

namespace gpusim {
namespace {

constexpr unsigned kRows = 8;
constexpr unsigned kRowBytes = 16;

enum Detail : unsigned { kMatrices };

/* Two elements of matrix `matrix` for a lane; row gives the bytes of row lane r. */
template <bool kTransposed, class Row>
uint32_t fragment(unsigned matrix, unsigned lane, Row row) {
  const unsigned group = lane / 4;
  const unsigned pair = lane % 4 * 2;
  uint32_t value;
  if constexpr (!kTransposed) {
    memcpy(&value, row(matrix * kRows + group) + pair * 2, sizeof value);
  } else {
    uint16_t low;
    uint16_t high;
    memcpy(&low, row(matrix * kRows + pair) + group * 2, sizeof low);
    memcpy(&high, row(matrix * kRows + pair + 1) + group * 2, sizeof high);
    value = low | static_cast<uint32_t>(high) << 16;
  }
  return value;
}

template <bool kTransposed>
void load_shadow(Warp &warp, const Instruction &instruction, uint32_t mask, const Access &access,
                 const Located &located) {
  const unsigned matrices = static_cast<unsigned>(instruction.detail[kMatrices]);
  if (access_is_defined(access, located)) {
    for (unsigned m = 0; m < matrices; m++) clear_shadow(warp, instruction.operands[m], mask);
    return;
  }
  LaneBytes rows;
  for (unsigned row = 0; row < matrices * kRows; row++) {
    access_get_undefined(access, located, row, rows.lane[row]);
  }
  for (unsigned m = 0; m < matrices; m++) {
    for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
      const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
      const uint32_t undefined =
          fragment<kTransposed>(m, lane, [&](unsigned row) { return rows.lane[row]; });
      uint8_t bytes[4];
      memcpy(bytes, &undefined, sizeof bytes);
      set_shadow(warp, instruction.operands[m], lane, bytes, sizeof bytes, false);
    }
  }
}

template <bool kTransposed>
Step ldmatrix(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const unsigned matrices = static_cast<unsigned>(instruction.detail[kMatrices]);
  Access access;
  access.space = instruction.space;
  access.mask = matrices == 4 ? kAllLanes : (1u << matrices * kRows) - 1;
  access.bytes = kRowBytes;
  const uint32_t missing = access.mask & ~mask;
  if (missing != 0) {
    return warp.fault(instruction, FaultKind::illegal_instruction, __builtin_ctz(missing),
                      "a lane that gives a row's address does not take part");
  }
  Step step = access_addresses(warp, instruction, instruction.operands[matrices], &access);
  if (step != Step::next) return step;
  Located located;
  step = access_begin(warp, instruction, access, AccessKind::read, &located);
  if (step != Step::next) return step;
  if (located.shared != access.mask) {
    return warp.fault(instruction, FaultKind::wrong_space,
                      __builtin_ctz(access.mask & ~located.shared), "no shared address");
  }
  for (unsigned m = 0; m < matrices; m++) {
    for_lanes(lanes<uint32_t>(warp, instruction.operands[m]), mask, [&](unsigned lane) {
      return fragment<kTransposed>(m, lane, [&](unsigned row) { return located.host(row); });
    });
  }
  if (warp.shadow != nullptr) {
    load_shadow<kTransposed>(warp, instruction, mask, access, located);
  }
  return Step::next;
}

}  // namespace

void decode_ldmatrix(Decoder &decoder) {
  if (!decoder.take("sync") || !decoder.take("aligned")) return decoder.fail("no .sync.aligned");
  if (!decoder.take("m8n8")) return decoder.fail("only .m8n8");
  const unsigned matrices = decoder.take("x1") ? 1 : decoder.take("x2") ? 2 : 4;
  if (matrices == 4 && !decoder.take("x4")) return decoder.fail("how many matrices?");
  const bool transposed = decoder.take("trans");
  const Space space = decoder.take_space();
  if (decoder.take_type() != Type::b16) return;
  const ptx::Operand &target = decoder.operand(0);
  const bool list = target.kind == ptx::Operand::Kind::vector;
  if ((list ? target.elements.size() : 1) != matrices) return decoder.fail("another list's size");
  decoder.aligned();
  decoder.write(0, 4);
  decoder.address(1, space);
  decoder.detail(kMatrices, matrices);
  decoder.use(transposed ? ldmatrix<true> : ldmatrix<false>, nullptr,
              InstructionClass::matrix_load);
}

}  // namespace gpusim
