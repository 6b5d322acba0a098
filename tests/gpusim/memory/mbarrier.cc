/* mbarrier (PTX ISA, section 9.7.13.15). */
#include "tests/gpusim/memory/mbarrier.h"

#include <algorithm>
#include <cinttypes>

#include "tests/gpusim/checks/races.h"
#include "tests/gpusim/exec/decoder.h"
#include "tests/gpusim/exec/undefined.h"
#include "tests/gpusim/memory/async.h"
#include "tests/gpusim/memory/lane_order.h"
#include "tests/gpusim/memory/qualifiers.h"
#include "tests/gpusim/memory/registers.h"

namespace gpusim {
namespace {

constexpr uint64_t kMostArrivals = (1u << 20) - 1;
constexpr uint64_t kTag = 0xb5;

enum Detail : unsigned { kOptions, kCount };
enum Option : uint64_t { kNoComplete = 1, kDrop = 2, kParity = 4 };

struct Barrier {
  uint64_t expected; /* arrivals of each phase */
  uint64_t pending;  /* of this phase */
  uint64_t phase;

  static Barrier unpack(uint64_t bits) {
    return {bits & kMostArrivals, bits >> 20 & kMostArrivals, bits >> 40 & 0xffff};
  }
  uint64_t pack() const { return expected | pending << 20 | (phase & 0xffff) << 40 | kTag << 56; }
  void arrive(uint64_t count) {
    pending -= count < pending ? count : pending;
    if (pending != 0) return;
    phase++;
    pending = expected;
  }
};

uint64_t load_bits(const Cta &cta, uint32_t at) {
  uint64_t bits;
  memcpy(&bits, cta.shared + at, sizeof bits);
  return bits;
}

Barrier load_barrier(const Cta &cta, uint32_t at) { return Barrier::unpack(load_bits(cta, at)); }

void store_barrier(Cta &cta, uint32_t at, const Barrier &barrier) {
  const uint64_t bits = barrier.pack();
  memcpy(cta.shared + at, &bits, sizeof bits);
}

/* A lane's arrivals, and the end of the phase if they are the last. */
void count_arrivals(Warp &warp, unsigned lane, uint32_t at, uint64_t count, Barrier *barrier) {
  const uint64_t phase = barrier->phase;
  barrier->arrive(count);
  store_barrier(*warp.cta, at, *barrier);
  if (warp.cta->races == nullptr) return;
  races_mbarrier_arrive(warp, at, 1u << lane);
  if (barrier->phase != phase) races_mbarrier_completes(*warp.cta, at);
}

/* Addresses of 8 bytes in shared memory. */
Step open_bytes(Warp &warp, const Instruction &instruction, const Operand &address, uint32_t mask,
                AccessKind kind, MbarrierAccess *barriers) {
  Access access;
  access.space = instruction.space;
  access.mask = mask;
  access.bytes = 8;
  access.ordering = kind == AccessKind::write ? 0 : kStrong;
  Step step = access_addresses(warp, instruction, address, &access);
  if (step != Step::next) return step;
  Located located;
  step = access_begin(warp, instruction, access, kind, &located);
  if (step != Step::next) return step;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    if ((located.shared >> lane & 1) == 0) {
      return warp.fault(instruction, FaultKind::wrong_space, static_cast<int>(lane),
                        "0x%" PRIx64 " is no shared address", access.address[lane]);
    }
    barriers->at[lane] = static_cast<uint32_t>(located.host(lane) - warp.cta->shared);
  }
  return Step::next;
}

Step misuse(Warp &warp, const Instruction &instruction, unsigned lane, const char *why) {
  return warp.fault(instruction, FaultKind::barrier_misuse, static_cast<int>(lane), "%s", why);
}

/* Operands that decide something. */
Step demand_defined(Warp &warp, const Instruction &instruction, const Operand &operand,
                    uint32_t mask) {
  if (!is_dirty(warp, operand)) return Step::next;
  const uint32_t undefined = undefined_in(warp, operand) & mask;
  if (undefined == 0) return Step::next;
  return warp.fault(instruction, FaultKind::undefined, __builtin_ctz(undefined),
                    "an operand of a barrier is undefined");
}

Step init(Warp &warp, const Instruction &instruction, uint32_t mask) {
  MbarrierAccess barriers;
  Step step =
      open_bytes(warp, instruction, instruction.operands[0], mask, AccessKind::write, &barriers);
  if (step == Step::next) step = demand_defined(warp, instruction, instruction.operands[1], mask);
  if (step != Step::next) return step;
  const uint32_t *const counts = lanes<uint32_t>(warp, instruction.operands[1]);
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    if (counts[lane] == 0 || counts[lane] > kMostArrivals) {
      return misuse(warp, instruction, lane, "a count is 1 to 2^20 - 1");
    }
    store_barrier(*warp.cta, barriers.at[lane], {counts[lane], counts[lane], 0});
    if (warp.shadow != nullptr) memset(warp.cta->shared_undefined + barriers.at[lane], 0, 8);
  }
  return Step::next;
}

Step inval(Warp &warp, const Instruction &instruction, uint32_t mask) {
  MbarrierAccess barriers;
  const Step step = mbarrier_open(warp, instruction, instruction.operands[0], mask, &barriers);
  if (step != Step::next) return step;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const uint32_t at = barriers.at[__builtin_ctz(rest)];
    memset(warp.cta->shared + at, 0, 8);
    if (warp.shadow != nullptr) memset(warp.cta->shared_undefined + at, 0xff, 8);
  }
  return Step::next;
}

Step arrive(Warp &warp, const Instruction &instruction, uint32_t mask) {
  MbarrierAccess barriers;
  const uint64_t options = instruction.detail[kOptions];
  const bool counted = instruction.detail[kCount] != 0;
  Step step = mbarrier_open(warp, instruction, instruction.operands[1], mask, &barriers);
  if (step == Step::next && counted) {
    step = demand_defined(warp, instruction, instruction.operands[2], mask);
  }
  if (step != Step::next) return step;
  uint64_t states[kLanes] = {};
  for (LaneOrder order(warp, mask); !order.done();) {
    const unsigned lane = order.next();
    const uint32_t at = barriers.at[lane];
    const uint32_t count = counted ? lanes<uint32_t>(warp, instruction.operands[2])[lane] : 1;
    if (count == 0) return misuse(warp, instruction, lane, "a count of 0");
    if (!mbarrier_may_arrive(*warp.cta, at, count)) {
      return misuse(warp, instruction, lane, "more arrivals than are pending");
    }
    states[lane] = load_bits(*warp.cta, at);
    Barrier barrier = Barrier::unpack(states[lane]);
    if ((options & kNoComplete) != 0 && barrier.pending == count) {
      return misuse(warp, instruction, lane, ".noComplete completes the phase");
    }
    if ((options & kDrop) != 0) barrier.expected -= std::min<uint64_t>(count, barrier.expected);
    count_arrivals(warp, lane, at, count, &barrier);
  }
  for_lanes(lanes<uint64_t>(warp, instruction.operands[0]), mask,
            [&](unsigned lane) { return states[lane]; });
  clear_shadow(warp, instruction.operands[0], mask);
  return Step::next;
}

/* test_wait and try_wait: nobody is suspended; who would wait lets others run first. */
Step test_wait(Warp &warp, const Instruction &instruction, uint32_t mask) {
  MbarrierAccess barriers;
  Step step = mbarrier_open(warp, instruction, instruction.operands[1], mask, &barriers);
  if (step == Step::next) step = demand_defined(warp, instruction, instruction.operands[2], mask);
  if (step != Step::next) return step;
  const bool parity = (instruction.detail[kOptions] & kParity) != 0;
  uint32_t complete = 0;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    const uint32_t at = barriers.at[lane];
    const uint64_t wanted =
        parity ? lanes<uint32_t>(warp, instruction.operands[2])[lane] & 1
               : Barrier::unpack(lanes<uint64_t>(warp, instruction.operands[2])[lane]).phase;
    const uint64_t bits = parity ? 1 : 0xffff;
    Barrier barrier = load_barrier(*warp.cta, at);
    if ((barrier.phase & bits) == wanted) {
      async_look(*warp.cta, at, static_cast<uint32_t>(barrier.pending));
      barrier = load_barrier(*warp.cta, at);
    }
    if ((barrier.phase & bits) == wanted) continue;
    complete |= 1u << lane;
    if (warp.cta->races != nullptr) races_mbarrier_passed(warp, at, 1u << lane);
  }
  set_predicate(warp, instruction.operands[0], mask, complete);
  if (warp.shadow != nullptr) mark_predicate(warp, instruction.operands[0], mask, 0);
  return complete == mask ? Step::next : Step::yield;
}

Step pending_count(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const uint64_t *const states = lanes<uint64_t>(warp, instruction.operands[1]);
  for_lanes(lanes<uint32_t>(warp, instruction.operands[0]), mask, [&](unsigned lane) {
    return static_cast<uint32_t>(Barrier::unpack(states[lane]).pending);
  });
  return Step::next;
}

void decode_arrival(Decoder &decoder, uint64_t options) {
  if (decoder.take("expect_tx")) return decoder.fail(".expect_tx needs sm_90");
  if (decoder.take("noComplete")) options |= kNoComplete;
  take_semantics(decoder);
  const Space space = decoder.take_space();
  if (decoder.take_type() != Type::b64) return;
  decoder.write(0, 8);
  decoder.address(1, space);
  const bool counted = decoder.operand_count() > 2;
  if (counted) decoder.read(2, Type::u32);
  if (!counted && (options & kNoComplete) != 0) return decoder.fail(".noComplete needs a count");
  decoder.detail(kOptions, options);
  decoder.detail(kCount, counted);
  decoder.use(arrive, nullptr, InstructionClass::barrier);
}

void decode_wait(Decoder &decoder, bool may_suspend) {
  const bool parity = decoder.take("parity");
  take_semantics(decoder);
  const Space space = decoder.take_space();
  if (decoder.take_type() != Type::b64) return;
  decoder.write_predicate(0);
  decoder.address(1, space);
  decoder.read(2, parity ? Type::u32 : Type::b64);
  if (may_suspend && decoder.operand_count() > 3) decoder.read(3, Type::u32);
  decoder.detail(kOptions, parity ? uint64_t{kParity} : 0);
  decoder.use(test_wait, nullptr, InstructionClass::barrier);
}

void decode_init(Decoder &decoder) {
  const Space space = decoder.take_space();
  if (decoder.take_type() != Type::b64) return;
  decoder.address(0, space);
  decoder.read(1, Type::u32);
  decoder.use(init, nullptr, InstructionClass::barrier);
}

void decode_inval(Decoder &decoder) {
  const Space space = decoder.take_space();
  if (decoder.take_type() != Type::b64) return;
  decoder.address(0, space);
  decoder.use(inval, nullptr, InstructionClass::barrier);
}

void decode_pending_count(Decoder &decoder) {
  if (decoder.take_type() != Type::b64) return;
  decoder.write(0, 4);
  decoder.read(1, Type::b64);
  decoder.use(pending_count, undefined_any, InstructionClass::barrier);
}

}  // namespace

Step mbarrier_open(Warp &warp, const Instruction &instruction, const Operand &address,
                   uint32_t mask, MbarrierAccess *barriers) {
  const Step step = open_bytes(warp, instruction, address, mask, AccessKind::atomic, barriers);
  if (step != Step::next) return step;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    if (load_bits(*warp.cta, barriers->at[lane]) >> 56 == kTag) continue;
    return misuse(warp, instruction, lane, "there is no initialised barrier");
  }
  return Step::next;
}

bool mbarrier_may_arrive(const Cta &cta, uint32_t at, uint32_t count) {
  return load_barrier(cta, at).pending >= count;
}

void mbarrier_arrive(Warp &warp, unsigned lane, uint32_t at, uint32_t count) {
  if (load_bits(*warp.cta, at) >> 56 != kTag) return; /* invalidated meanwhile */
  Barrier barrier = load_barrier(*warp.cta, at);
  count_arrivals(warp, lane, at, count, &barrier);
}

bool mbarrier_expect_more(Cta &cta, uint32_t at) {
  Barrier barrier = load_barrier(cta, at);
  if (barrier.pending >= kMostArrivals) return false;
  barrier.pending++;
  store_barrier(cta, at, barrier);
  return true;
}

void decode_mbarrier(Decoder &decoder) {
  if (decoder.take("init")) return decode_init(decoder);
  if (decoder.take("inval")) return decode_inval(decoder);
  if (decoder.take("arrive")) return decode_arrival(decoder, 0);
  if (decoder.take("arrive_drop")) return decode_arrival(decoder, kDrop);
  if (decoder.take("test_wait")) return decode_wait(decoder, false);
  if (decoder.take("try_wait")) return decode_wait(decoder, true);
  if (decoder.take("pending_count")) return decode_pending_count(decoder);
  decoder.fail("this mbarrier operation needs sm_90");
}

}  // namespace gpusim
