#include "tests/gpusim/exec/barrier.h"

#include <string>

#include "tests/gpusim/checks/races.h"
#include "tests/gpusim/exec/control.h"
#include "tests/gpusim/exec/lanes.h"
#include "tests/gpusim/exec/schedule.h"

namespace gpusim {
namespace {

/* Instruction::detail of a barrier. */
enum Detail : unsigned { kUse, kArriveOnly, kHasCount };

/* Operands: .red has result and, behind the barrier and its count, the predicate. */
struct BarrierOperands {
  const Operand *result = nullptr;
  const Operand *id = nullptr;
  const Operand *count = nullptr;
  const Operand *predicate = nullptr;
};

BarrierOperands operands_of(const Instruction &instruction) {
  BarrierOperands named;
  const Operand *next = instruction.operands;
  const bool reduces = instruction.detail[kUse] != static_cast<uint64_t>(Barrier::Use::sync);
  if (reduces) named.result = next++;
  named.id = next++;
  if (instruction.detail[kHasCount] != 0) named.count = next++;
  if (reduces) named.predicate = next;
  return named;
}

/* A barrier's id or count: one defined value for all lanes. */
Step uniform(Warp &warp, const Instruction &instruction, const Operand &operand, uint32_t mask,
             uint32_t *value) {
  const uint32_t *values = lanes<const uint32_t>(warp, operand);
  const int first = __builtin_ctz(mask);
  *value = values[first];
  const bool dirty = warp.shadow != nullptr && warp.dirty[operand.index] != 0;
  uint32_t different = 0;
  for (unsigned lane = 0; lane < kLanes; lane++) {
    different |= (mask >> lane & 1) != 0 ? values[lane] ^ *value : 0;
  }
  if (different == 0 && !dirty) return Step::next;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const int lane = __builtin_ctz(rest);
    if (dirty && shadow_lanes<const uint32_t>(warp, operand)[lane] != 0) {
      return warp.fault(instruction, FaultKind::undefined, lane,
                        "the barrier's operand is undefined");
    }
    if (values[lane] != *value) {
      return warp.fault(instruction, FaultKind::barrier_misuse, lane,
                        "lanes %d and %d name %u and %u", first, lane, *value, values[lane]);
    }
  }
  return Step::next;
}

void clear(Barrier *barrier) {
  barrier->use = Barrier::Use::none;
  barrier->expected = barrier->threads = barrier->result = 0;
  for (uint32_t &lanes_of_warp : barrier->arrived) lanes_of_warp = 0;
}

bool complete(const Cta &cta, const Barrier &barrier) {
  if (barrier.use == Barrier::Use::none) return false;
  if (barrier.expected != 0) return barrier.threads >= barrier.expected;
  for (uint32_t i = 0; i < cta.warp_count; i++) {
    if ((cta.warps[i].running & ~barrier.arrived[i]) != 0) return false;
  }
  return true;
}

uint32_t reduced(const Barrier &barrier) {
  if (barrier.use == Barrier::Use::red_popc) return barrier.result;
  if (barrier.use == Barrier::Use::red_or) return barrier.result != 0 ? 1 : 0;
  return barrier.result == 0 ? 1 : 0;
}

/* Gives the lanes of a waiting split the reduction's result. */
void write_result(const Split &split, uint32_t result) {
  const Instruction &instruction = split.frame->code->instructions[split.pc];
  const Operand *target = operands_of(instruction).result;
  if (target == nullptr) return;
  uint8_t *bytes = split.frame->registers + target->at;
  uint8_t *shadow = split.frame->shadow == nullptr ? nullptr : split.frame->shadow + target->at;
  if (target->bytes == 0) {
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    value = result != 0 ? value | split.mask : value & ~split.mask;
    memcpy(bytes, &value, sizeof value);
    if (shadow == nullptr) return;
    memcpy(&value, shadow, sizeof value);
    value &= ~split.mask;
    memcpy(shadow, &value, sizeof value);
    return;
  }
  for (uint32_t rest = split.mask; rest != 0; rest &= rest - 1) {
    const int lane = __builtin_ctz(rest);
    reinterpret_cast<uint32_t *>(bytes)[lane] = result;
    if (shadow != nullptr) reinterpret_cast<uint32_t *>(shadow)[lane] = 0;
  }
}

/* Calls function(warp, split) for every split that waits at the barrier. */
template <class Function>
void for_waiting(Cta &cta, unsigned id, Function function) {
  for (uint32_t i = 0; i < cta.warp_count; i++) {
    Warp &warp = cta.warps[i];
    for (unsigned s = 0; s < warp.schedule->count; s++) {
      Split &split = warp.schedule->splits[s];
      if (split.state == Split::State::barrier && split.barrier == id) function(warp, split);
    }
  }
}

/* What those who leave the barrier know. At a barrier of all threads arrivals have not been noted:
 * nobody does anything before the last one comes. */
void order_waiting(Cta &cta, unsigned id, bool of_all) {
  uint32_t threads = 0;
  for_waiting(cta, id, [&](const Warp &, const Split &split) {
    threads += static_cast<uint32_t>(__builtin_popcount(split.mask));
  });
  if (threads == cta.thread_count) {
    races_meet(cta);
  } else {
    if (of_all) {
      for_waiting(cta, id,
                  [&](Warp &warp, const Split &split) { races_arrive(warp, id, split.mask); });
    }
    for_waiting(cta, id,
                [&](Warp &warp, const Split &split) { races_leave(warp, id, split.mask); });
  }
  races_phase_ends(cta, id);
}

/* Everybody has come: lets them go, and begins the next phase. */
void release(Cta &cta, unsigned id) {
  Barrier &barrier = cta.barriers->barrier[id];
  const uint32_t result = reduced(barrier);
  if (cta.races != nullptr) order_waiting(cta, id, barrier.expected == 0);
  for_waiting(cta, id, [&](const Warp &, Split &split) {
    write_result(split, result);
    split.state = Split::State::ready;
    split.pc++;
  });
  clear(&barrier);
}

/* Lanes that don't exist or have exited count with the others of their warp: counts are multiples
 * of the warp size. */
uint32_t arriving_threads(const Warp &warp, const Barrier &barrier, uint32_t mask) {
  const uint32_t before = barrier.arrived[warp.id];
  const bool again = (before & mask) != 0;
  const uint32_t missing = before == 0 || again ? ~warp.running : 0;
  return static_cast<uint32_t>(__builtin_popcount(mask | missing));
}

void reduce(Warp &warp, const Operand &source, uint32_t mask, Barrier *barrier) {
  const uint32_t values = predicate(warp, source);
  const uint32_t counted = barrier->use == Barrier::Use::red_and ? ~values & mask : values & mask;
  barrier->result += static_cast<uint32_t>(__builtin_popcount(counted));
}

Step check_phase(Warp &warp, const Instruction &instruction, uint32_t mask, uint32_t id,
                 Barrier::Use use, uint32_t expected) {
  const Barrier &barrier = warp.cta->barriers->barrier[id];
  const int lane = __builtin_ctz(mask);
  if (barrier.use == Barrier::Use::none) return Step::next;
  if (barrier.use != use) {
    return warp.fault(instruction, FaultKind::barrier_misuse, lane,
                      "barrier %u is used for another operation by those who have arrived", id);
  }
  if (barrier.expected != expected) {
    return warp.fault(instruction, FaultKind::barrier_misuse, lane,
                      "barrier %u: count %u, but %u by those who have arrived (0 = all threads)",
                      id, expected, barrier.expected);
  }
  return Step::next;
}

Step execute_barrier(Warp &warp, const Instruction &instruction, uint32_t mask) {
  Cta &cta = *warp.cta;
  const BarrierOperands named = operands_of(instruction);
  const Barrier::Use use = static_cast<Barrier::Use>(instruction.detail[kUse]);
  const int first = __builtin_ctz(mask);
  uint32_t id = 0, expected = 0;
  Step step = uniform(warp, instruction, *named.id, mask, &id);
  if (step == Step::fault) return step;
  if (named.count != nullptr) step = uniform(warp, instruction, *named.count, mask, &expected);
  if (step == Step::fault) return step;
  if (id >= kBarriers) {
    return warp.fault(instruction, FaultKind::barrier_misuse, first, "barrier %u of 16", id);
  }
  if (named.count != nullptr && (expected == 0 || expected % kLanes != 0)) {
    return warp.fault(instruction, FaultKind::barrier_misuse, first,
                      "count %u is no positive multiple of the warp size", expected);
  }
  const uint32_t threads = cta.warp_count * kLanes;
  if (expected > threads) {
    return warp.fault(instruction, FaultKind::barrier_misuse, first,
                      "count %u, but the CTA has %u threads", expected, cta.thread_count);
  }
  step = check_phase(warp, instruction, mask, id, use, expected);
  if (step == Step::fault) return step;
  if (named.predicate != nullptr && warp.shadow != nullptr &&
      warp.dirty[named.predicate->index] != 0) {
    uint32_t undefined;
    memcpy(&undefined, warp.shadow + named.predicate->at, sizeof undefined);
    if ((undefined & mask) != 0) {
      return warp.fault(instruction, FaultKind::undefined, __builtin_ctz(undefined & mask),
                        "the reduced predicate is undefined");
    }
  }
  Barrier &barrier = cta.barriers->barrier[id];
  if (barrier.arrived.size() < cta.warp_count) barrier.arrived.resize(cta.warp_count);
  barrier.use = use;
  barrier.expected = expected;
  barrier.threads += arriving_threads(warp, barrier, mask);
  barrier.arrived[warp.id] |= mask;
  if (cta.races != nullptr && expected != 0) races_arrive(warp, id, mask);
  if (named.predicate != nullptr) reduce(warp, *named.predicate, mask, &barrier);
  if (expected != 0 && barrier.threads > expected) {
    return warp.fault(instruction, FaultKind::barrier_misuse, first,
                      "barrier %u: %u threads arrive, %u are expected", id, barrier.threads,
                      expected);
  }
  Split &split = *warp.split;
  const uint32_t pc = pc_of(warp, instruction);
  const bool arrive_only = instruction.detail[kArriveOnly] != 0;
  if (arrive_only) {
    if (complete(cta, barrier)) release(cta, id);
    return Step::next;
  }
  isolate(warp, mask, pc + 1);
  split.pc = pc;
  split.barrier = static_cast<uint8_t>(id);
  split.state = Split::State::barrier;
  if (complete(cta, barrier)) release(cta, id);
  return Step::jumped;
}

Step execute_warp_barrier(Warp &warp, const Instruction &, uint32_t mask) {
  if (warp.cta->races != nullptr) races_warp_barrier(warp, mask);
  return Step::next;
}

void decode_warp_barrier(Decoder &d) {
  d.take("sync");
  d.read(0, Type::b32);
  d.members(0);
  d.use(execute_warp_barrier, nullptr, InstructionClass::barrier);
}

Barrier::Use take_use(Decoder &d) {
  if (!d.take("red")) return Barrier::Use::sync;
  if (d.take("popc")) return Barrier::Use::red_popc;
  if (d.take("and")) return Barrier::Use::red_and;
  if (d.take("or")) return Barrier::Use::red_or;
  d.fail("a reduction without operation");
  return Barrier::Use::red_or;
}

/* bar is barrier.aligned. */
void decode_barriers(Decoder &d, bool aligned) {
  if (d.take("warp")) return decode_warp_barrier(d);
  d.take("cta");
  const Barrier::Use use = take_use(d);
  const bool reduces = use != Barrier::Use::sync;
  const bool arrive = d.take("arrive");
  if (!reduces && !arrive && !d.take("sync")) return d.fail("neither .sync, .arrive nor .red");
  if (d.take("aligned")) aligned = true;
  size_t next = 0;
  if (reduces) {
    if (d.take_type() != (use == Barrier::Use::red_popc ? Type::u32 : Type::pred)) {
      return d.fail("wrong type");
    }
    if (use == Barrier::Use::red_popc) {
      d.write(next++, 4);
    } else {
      d.write_predicate(next++);
    }
  }
  const size_t counted = next + (reduces ? 3u : 2u);
  const bool has_count = d.operand_count() >= counted;
  d.read(next++, Type::b32);
  if (has_count) d.read(next++, Type::b32);
  if (reduces) d.read_predicate(next);
  if (arrive && !has_count) return d.fail("arrive needs a count");
  d.detail(kUse, static_cast<uint64_t>(use));
  d.detail(kArriveOnly, arrive);
  d.detail(kHasCount, has_count);
  if (aligned) d.aligned();
  d.use(execute_barrier, nullptr, InstructionClass::barrier);
}

std::string where(const Split &split) {
  const Instruction &instruction = split.frame->code->instructions[split.pc];
  return "PTX line " + std::to_string(instruction.source->line) + " ('" +
         std::string(instruction.source->text.substr(0, 60)) + "')";
}

std::string hexadecimal(uint32_t value) {
  char text[16];
  snprintf(text, sizeof text, "0x%08x", value);
  return text;
}

}  // namespace

void decode_bar(Decoder &d) { decode_barriers(d, true); }

void decode_barrier(Decoder &d) { decode_barriers(d, false); }

void reset_barriers(Cta &cta) {
  for (Barrier &barrier : cta.barriers->barrier) clear(&barrier);
}

void barriers_after_exit(Cta &cta) {
  for (unsigned id = 0; id < kBarriers; id++) {
    const Barrier &barrier = cta.barriers->barrier[id];
    if (barrier.use != Barrier::Use::none && complete(cta, barrier)) release(cta, id);
  }
}

void report_stuck(Cta &cta) {
  Warp *culprit = nullptr;
  const Split *waiting = nullptr;
  std::string detail;
  for (uint32_t i = 0; i < cta.warp_count; i++) {
    Warp &warp = cta.warps[i];
    for (unsigned s = 0; s < warp.schedule->count; s++) {
      const Split &split = warp.schedule->splits[s];
      const bool converging = split.state == Split::State::converging;
      if (waiting == nullptr || (converging && waiting->state != Split::State::converging)) {
        culprit = &warp;
        waiting = &split;
      }
      if (detail.size() > 350) continue;
      if (!detail.empty()) detail += "; ";
      detail += "warp " + std::to_string(i) + " lanes " + hexadecimal(split.mask) +
                (converging ? " wait for their warp at " : " wait at the barrier of ") +
                where(split);
    }
  }
  if (waiting == nullptr) return;
  const Instruction &instruction = waiting->frame->code->instructions[waiting->pc];
  const bool converging = waiting->state == Split::State::converging;
  culprit->fault(instruction, converging ? FaultKind::divergent_sync : FaultKind::deadlock,
                 __builtin_ctz(waiting->mask), "%s", detail.c_str());
}

}  // namespace gpusim
