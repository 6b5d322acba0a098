/* Instructions about addresses and caches: cvta, isspacep, prefetch, createpolicy, applypriority,
 * discard (PTX ISA, section 9.7.9), membar and fence (9.7.13.4). */
#include "tests/gpusim/checks/races.h"
#include "tests/gpusim/exec/decoder.h"
#include "tests/gpusim/memory/access.h"
#include "tests/gpusim/memory/heap.h"
#include "tests/gpusim/memory/locate.h"
#include "tests/gpusim/memory/qualifiers.h"
#include "tests/gpusim/memory/registers.h"

namespace gpusim {
namespace {

constexpr unsigned kDiscardBytes = 128;

Step to_generic(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const uint64_t *const source = lanes<uint64_t>(warp, instruction.operands[1]);
  const uint64_t base = window_base(instruction.space);
  for_lanes(lanes<uint64_t>(warp, instruction.operands[0]), mask,
            [&](unsigned lane) { return source[lane] + base; });
  return Step::next;
}

/* An address of another window stays what it is, so that its use can say so; a small number that
 * looks like an offset must not become one. */
uint64_t within_window(Space space, uint64_t generic) {
  const uint64_t base = window_base(space);
  const bool foreign = generic - base >= kWindowBytes && generic >= kWindowBytes;
  return foreign ? generic : generic - base;
}

Step from_generic(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const uint64_t *const source = lanes<uint64_t>(warp, instruction.operands[1]);
  for_lanes(lanes<uint64_t>(warp, instruction.operands[0]), mask,
            [&](unsigned lane) { return within_window(instruction.space, source[lane]); });
  return Step::next;
}

bool lies_in(Space space, uint64_t generic) {
  uint64_t within;
  const Space window = window_of(generic, &within);
  if (space != Space::constant && space != Space::global) return window == space;
  if (window != Space::global) return false;
  const Allocation *const found = Heap::device().find(generic);
  const bool constant =
      found != nullptr && found->read_only && generic - found->first < found->bytes;
  return constant == (space == Space::constant);
}

Step is_space(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const uint64_t *const source = lanes<uint64_t>(warp, instruction.operands[1]);
  uint32_t value = 0;
  for (unsigned lane = 0; lane < kLanes; lane++) {
    value |= (lies_in(instruction.space, source[lane]) ? 1u : 0u) << lane;
  }
  set_predicate(warp, instruction.operands[0], mask, value);
  return Step::next;
}

Step hint(Warp &, const Instruction &, uint32_t) { return Step::next; }

/* Policies are opaque: any value will do. */
Step make_policy(Warp &warp, const Instruction &instruction, uint32_t mask) {
  for_lanes(lanes<uint64_t>(warp, instruction.operands[0]), mask,
            [](unsigned) { return uint64_t{0}; });
  clear_shadow(warp, instruction.operands[0], mask);
  return Step::next;
}

/* The line's data is lost, not written back. */
Step discard(Warp &warp, const Instruction &instruction, uint32_t mask) {
  Access access;
  access.space = instruction.space;
  access.mask = mask;
  access.bytes = kDiscardBytes;
  Step step = access_addresses(warp, instruction, instruction.operands[0], &access);
  if (step != Step::next) return step;
  Located located;
  step = locate(warp, instruction, access, AccessKind::write, &located);
  if (step != Step::next || warp.shadow == nullptr) return step;
  for (uint32_t rest = located.global; rest != 0; rest &= rest - 1) {
    Heap::device().undefine(access.address[__builtin_ctz(rest)], kDiscardBytes);
  }
  return Step::next;
}

Step fence(Warp &warp, const Instruction &, uint32_t mask) {
  if (warp.cta->races != nullptr) races_fence(warp, mask);
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  return Step::next;
}

bool take_eviction(Decoder &decoder) {
  bool any = false;
  for (const char *const name :
       {"L2::evict_last", "L2::evict_normal", "L2::evict_first", "L2::evict_unchanged"}) {
    any |= decoder.take(name);
  }
  return any;
}

}  // namespace

void decode_cvta(Decoder &decoder) {
  const bool to = decoder.take("to");
  const Space space = decoder.take_space();
  const Type type = decoder.take_type();
  if (space == Space::generic) return decoder.fail("no state space");
  if (type != Type::u64) return decoder.fail("addresses have 64 bits");
  decoder.write(0, 8);
  decoder.read(1, type);
  decoder.result().space = space;
  decoder.use(to ? from_generic : to_generic, undefined_any, InstructionClass::move);
}

void decode_isspacep(Decoder &decoder) {
  decoder.result().space = decoder.take_space();
  const Space space = decoder.result().space;
  if (space == Space::generic || space == Space::reg || space == Space::sreg) {
    return decoder.fail("no state space that has addresses");
  }
  decoder.write_predicate(0);
  decoder.read(1, Type::u64);
  decoder.use(is_space, undefined_any, InstructionClass::compare);
}

void decode_prefetch(Decoder &decoder) {
  const Space space = decoder.take_space();
  if (space != Space::generic && space != Space::global && space != Space::local) {
    return decoder.fail("no such space has a cache");
  }
  if (!decoder.take("L1") && !decoder.take("L2") && !take_eviction(decoder)) {
    return decoder.fail("no level of cache");
  }
  decoder.address(0, space);
  decoder.use(hint, undefined_copy, InstructionClass::load);
}

void decode_applypriority(Decoder &decoder) {
  const Space space = decoder.take_space();
  take_eviction(decoder);
  uint64_t bytes = 0;
  if (!decoder.literal(1, &bytes) || bytes != kDiscardBytes) return decoder.fail("not 128 bytes");
  decoder.address(0, space);
  decoder.use(hint, undefined_copy, InstructionClass::load);
}

void decode_discard(Decoder &decoder) {
  const Space space = decoder.take_space();
  uint64_t bytes = 0;
  if (!decoder.take("L2")) return decoder.fail("no .L2");
  if (!decoder.literal(1, &bytes) || bytes != kDiscardBytes) return decoder.fail("not 128 bytes");
  decoder.address(0, space);
  decoder.use(discard, nullptr, InstructionClass::store);
}

void decode_createpolicy(Decoder &decoder) {
  const bool range = decoder.take("range");
  const bool convert = !range && decoder.take("cvt");
  if (!range && !convert && !decoder.take("fractional")) return;
  const Space space = decoder.take_space();
  decoder.take("L2");
  take_eviction(decoder);
  if (decoder.take_type() != Type::b64) return;
  decoder.write(0, 8);
  if (range) {
    decoder.address(1, space);
    decoder.read(2, Type::u32);
    decoder.read(3, Type::u32);
  } else if (convert) {
    decoder.read(1, Type::b64);
  } else if (decoder.operand_count() > 1) {
    decoder.read(1, Type::f32);
  }
  decoder.use(make_policy, nullptr, InstructionClass::move);
}

void decode_membar(Decoder &decoder) {
  if (!decoder.take("gl") && !take_scope(decoder) && decoder.take_prefix("proxy").empty()) return;
  decoder.use(fence, nullptr, InstructionClass::barrier);
}

void decode_fence(Decoder &decoder) {
  const bool proxy = !decoder.take_prefix("proxy").empty();
  if (proxy) decoder.take("alias");
  for (const char *const order : {"sc", "acq_rel", "acquire", "release"}) {
    if (decoder.take(order)) break;
  }
  if (!take_scope(decoder) && !proxy) return decoder.fail("no scope");
  if (proxy) decoder.take_space();
  decoder.use(fence, nullptr, InstructionClass::barrier);
}

}  // namespace gpusim
