#include "tests/gpusim/exec/control.h"

#include <string>

#include "tests/gpusim/exec/lanes.h"
#include "tests/gpusim/exec/layout.h"
#include "tests/gpusim/exec/schedule.h"
#include "tests/gpusim/exec/special.h"

namespace gpusim {
namespace {

Step execute_bra(Warp &warp, const Instruction &instruction, uint32_t mask) {
  Split &split = *warp.split;
  if (mask != split.mask) {
    isolate(warp, mask, pc_of(warp, instruction) + 1);
    warp.cta->tally->divergent_branches++;
  }
  split.pc = instruction.target;
  return Step::jumped;
}

/* The lanes of `mask` whose table index is that of the first lane go first; the others come again
 * to this instruction. */
Step execute_brx(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const std::vector<uint32_t> &table = instruction.source->operands[1].targets;
  const Operand &operand = instruction.operands[0];
  const uint32_t *index = lanes<const uint32_t>(warp, operand);
  const bool dirty = warp.shadow != nullptr && warp.dirty[operand.index] != 0;
  const uint32_t value = index[__builtin_ctz(mask)];
  uint32_t same = 0;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    if (dirty && shadow_lanes<const uint32_t>(warp, operand)[lane] != 0) {
      return warp.fault(instruction, FaultKind::undefined, static_cast<int>(lane),
                        "the branch index is undefined");
    }
    if (index[lane] == value) same |= 1u << lane;
  }
  if (value >= table.size()) {
    return warp.fault(instruction, FaultKind::illegal_instruction, __builtin_ctz(same),
                      "index %u into a table of %zu labels", value, table.size());
  }
  Split &split = *warp.split;
  const uint32_t pc = pc_of(warp, instruction);
  if (mask != split.mask) isolate(warp, mask, pc + 1);
  if (same != mask) {
    isolate(warp, same, pc);
    warp.cta->tally->divergent_branches++;
  }
  split.pc = table[value];
  return Step::jumped;
}

Step execute_exit(Warp &warp, const Instruction &instruction, uint32_t mask) {
  isolate(warp, mask, pc_of(warp, instruction) + 1);
  exit_lanes(warp);
  return Step::jumped;
}

Step execute_trap(Warp &warp, const Instruction &instruction, uint32_t mask) {
  return warp.fault(instruction, FaultKind::trap, __builtin_ctz(mask), "%s", "");
}

Step execute_sleep(Warp &, const Instruction &, uint32_t) { return Step::yield; }

Step execute_nothing(Warp &, const Instruction &, uint32_t) { return Step::next; }

Step execute_clock(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Special &special = *find_special(instruction.source->operands[1].name);
  const Operand &target = instruction.operands[0];
  const uint64_t value = special.value(warp, 0, 0);
  warp.cta->executed++;
  if (target.bytes == 4) {
    for_lanes(lanes<uint32_t>(warp, target), mask,
              [&](unsigned) { return static_cast<uint32_t>(value); });
  } else {
    for_lanes(lanes<uint64_t>(warp, target), mask, [&](unsigned) { return value; });
  }
  return Step::next;
}

}  // namespace

Step execute_unsupported(Warp &warp, const Instruction &instruction, uint32_t mask) {
  return warp.fault(instruction, FaultKind::illegal_instruction, __builtin_ctz(mask), "%s",
                    warp.frame->code->unsupported.c_str());
}

void decode_clock(Decoder &d) {
  const Type type = d.take_type();
  d.consume(1);
  if (type_bytes(type) != 4 && type_bytes(type) != 8) return d.fail("a clock has 4 or 8 bytes");
  d.write(0, type_bytes(type));
  d.use(execute_clock, undefined_any, InstructionClass::move);
}

void decode_bra(Decoder &d) {
  d.take("uni");
  d.consume(0);
  if (d.operand(0).kind != ptx::Operand::Kind::label) return d.fail("no label");
  d.result().target = d.operand(0).target;
  d.use(execute_bra, nullptr, InstructionClass::control);
}

void decode_brx(Decoder &d) {
  if (!d.take("idx")) return d.fail("brx without .idx");
  d.take("uni");
  d.read(0, Type::u32);
  d.consume(1);
  if (d.operand(1).kind != ptx::Operand::Kind::label) return d.fail("no table of labels");
  d.use(execute_brx, nullptr, InstructionClass::control);
}

void decode_exit(Decoder &d) { d.use(execute_exit, nullptr, InstructionClass::control); }

void decode_trap(Decoder &d) { d.use(execute_trap, nullptr, InstructionClass::control); }

void decode_nanosleep(Decoder &d) {
  d.take_type();
  d.read(0, Type::u32);
  d.use(execute_sleep, nullptr, InstructionClass::control);
}

void decode_pmevent(Decoder &d) {
  d.take("mask");
  d.consume(0);
  d.use(execute_nothing, nullptr, InstructionClass::control);
}

}  // namespace gpusim
