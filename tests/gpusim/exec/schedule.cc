#include "tests/gpusim/exec/schedule.h"

#include <algorithm>

#include "tests/gpusim/exec/lanes.h"

namespace gpusim {
namespace {

/* Instructions that one split may execute while others could. It shrinks when it was used up:
 * then a split probably waits for another in a loop. */
constexpr uint32_t kMostPatience = 1u << 15;
constexpr uint32_t kLeastPatience = 1u << 10;
constexpr uint32_t kNoMeeting = UINT32_MAX;

void merge_splits(WarpSchedule *schedule) {
  for (unsigned i = 0; i < schedule->count; i++) {
    Split &kept = schedule->splits[i];
    if (kept.state == Split::State::barrier) continue;
    for (unsigned j = i + 1; j < schedule->count;) {
      const Split &other = schedule->splits[j];
      if (other.pc != kept.pc || other.frame != kept.frame ||
          other.state == Split::State::barrier) {
        j++;
        continue;
      }
      kept.mask |= other.mask;
      kept.state = Split::State::ready;
      release_frame(other.frame);
      schedule->splits[j] = schedule->splits[--schedule->count];
    }
  }
}

bool comes_first(const Split &a, const Split &b) {
  if (a.frame->depth != b.frame->depth) return a.frame->depth > b.frame->depth;
  return a.pc < b.pc;
}

/* The split that has waited longest gets a turn. */
void favour_oldest(WarpSchedule *schedule) {
  const Split *oldest = nullptr;
  for (unsigned i = 0; i < schedule->count; i++) {
    const Split &split = schedule->splits[i];
    if (split.state != Split::State::ready) continue;
    if (oldest == nullptr || split.last_turn < oldest->last_turn) oldest = &split;
  }
  const bool was_favoured = schedule->favoured != 0;
  schedule->favoured = was_favoured || oldest == nullptr ? 0 : oldest->mask & -oldest->mask;
  if (!was_favoured && schedule->next_patience > kLeastPatience) schedule->next_patience /= 2;
  schedule->patience = schedule->favoured != 0 ? kLeastPatience : schedule->next_patience;
}

/* Null when no split can run. */
Split *pick(WarpSchedule *schedule) {
  if (schedule->count > 1) merge_splits(schedule);
  Split *best = nullptr;
  for (unsigned i = 0; i < schedule->count; i++) {
    Split &split = schedule->splits[i];
    if (split.state != Split::State::ready) continue;
    if (best == nullptr || comes_first(split, *best)) best = &split;
    if ((split.mask & schedule->favoured) == 0) continue;
    best = &split;
    break;
  }
  if (best != nullptr) best->last_turn = ++schedule->turns;
  return best;
}

/* The next instruction at which another split of the same frame stands. */
uint32_t meeting_point(const WarpSchedule &schedule, const Split &split) {
  uint32_t meeting = kNoMeeting;
  for (unsigned i = 0; i < schedule.count; i++) {
    const Split &other = schedule.splits[i];
    if (other.frame == split.frame && other.pc > split.pc && other.pc < meeting) meeting = other.pc;
  }
  return meeting;
}

uint32_t undefined_lanes(const Warp &warp, const Operand &predicate_operand) {
  uint32_t undefined;
  memcpy(&undefined, warp.shadow + predicate_operand.at, sizeof undefined);
  return undefined;
}

/* Lanes of `group` whose member mask is that of the group's first lane. */
uint32_t same_members(const uint32_t *members, uint32_t group) {
  const uint32_t value = members[__builtin_ctz(group)];
  uint32_t same = 0;
  for (uint32_t rest = group; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    if (members[lane] == value) same |= 1u << lane;
  }
  return same;
}

/* The lanes of `mask` that can execute a .sync or .aligned instruction now; the others stay behind
 * as a split of their own. 0: none can, and the running split waits. */
Step gather(Warp &warp, const Instruction &instruction, uint32_t *mask) {
  Split &split = *warp.split;
  const uint32_t pc = pc_of(warp, instruction);
  split.pc = pc;
  if (*mask != split.mask) isolate(warp, *mask, pc + 1);
  if (instruction.converge == Converge::aligned) {
    if (*mask == warp.running) return Step::next;
    split.state = Split::State::converging;
    return Step::jumped;
  }
  const Operand &operand = instruction.operands[instruction.members];
  const uint32_t *members = lanes<const uint32_t>(warp, operand);
  if (warp.shadow != nullptr && warp.dirty[operand.index] != 0) {
    const uint32_t *undefined = shadow_lanes<const uint32_t>(warp, operand);
    for (uint32_t rest = *mask; rest != 0; rest &= rest - 1) {
      const int lane = __builtin_ctz(rest);
      if (undefined[lane] == 0) continue;
      return warp.fault(instruction, FaultKind::undefined, lane, "the member mask is undefined");
    }
  }
  for (uint32_t rest = *mask; rest != 0;) {
    const uint32_t group = same_members(members, rest);
    const int first = __builtin_ctz(group);
    const uint32_t named = members[first];
    if ((group & ~named) != 0) {
      return warp.fault(instruction, FaultKind::divergent_sync, __builtin_ctz(group & ~named),
                        "the member mask 0x%08x does not name the lane", named);
    }
    if (group == (named & warp.running)) {
      if (group != *mask) isolate(warp, group, pc);
      *mask = group;
      return Step::next;
    }
    rest &= ~group;
  }
  split.state = Split::State::converging;
  return Step::jumped;
}

Step guard_fault(Warp &warp, const Instruction &instruction, uint32_t undefined) {
  return warp.fault(instruction, FaultKind::undefined, __builtin_ctz(undefined),
                    "the guard predicate is undefined");
}

bool any_dirty(const Warp &warp, const Instruction &instruction) {
  uint8_t dirty = 0;
  for (unsigned i = 0; i < instruction.count; i++) {
    dirty |= warp.dirty[instruction.operands[i].index];
  }
  return dirty != 0;
}

/* Why the running split stopped. */
enum class Stop : uint8_t { choose, fault };

/* Executes the running split until others may have their turn. `left` counts down. */
template <bool checked>
Stop run_split(Warp &warp, uint32_t *left) {
  WarpSchedule &schedule = *warp.schedule;
  Split *split = warp.split;
  Frame *frame = split->frame;
  warp.frame = frame;
  warp.registers = frame->registers;
  warp.shadow = frame->shadow;
  warp.dirty = frame->dirty;
  const Instruction *const first = frame->code->instructions.data();
  ExecutionCount *const counts = warp.cta->tally->executions[frame->code->number].data();
  uint32_t pc = split->pc;
  uint32_t meeting = schedule.count > 1 ? meeting_point(schedule, *split) : kNoMeeting;
  uint32_t budget = schedule.count > 1 ? std::min(*left, schedule.patience) : *left;
  const uint32_t start = budget;
  Step step = Step::next;
  while (budget != 0) {
    const Instruction &instruction = first[pc];
    uint32_t mask = split->mask;
    budget--;
    if (instruction.guarded) {
      if (checked && warp.dirty[instruction.guard.index] != 0) {
        const uint32_t undefined = undefined_lanes(warp, instruction.guard) & mask;
        if (undefined != 0) {
          step = guard_fault(warp, instruction, undefined);
          break;
        }
      }
      mask &= predicate(warp, instruction.guard);
    }
    counts[pc].warps++;
    if (mask != 0) {
      if (instruction.converge != Converge::none) {
        step = gather(warp, instruction, &mask);
        if (step == Step::fault) break;
        if (step == Step::jumped) {
          counts[pc].warps--;
          break;
        }
        if (schedule.count > 1) meeting = meeting_point(schedule, *split);
      }
      counts[pc].lanes += static_cast<unsigned>(__builtin_popcount(mask));
      if (checked && instruction.propagate != nullptr && any_dirty(warp, instruction)) {
        instruction.propagate(warp, instruction, mask);
      }
      step = instruction.execute(warp, instruction, mask);
      if (step != Step::next) {
        if (step != Step::jumped) break;
        if (schedule.count != 1 || warp.split != split || split->frame != frame ||
            split->state != Split::State::ready) {
          break;
        }
        pc = split->pc;
        continue;
      }
    }
    if (++pc >= meeting) break;
  }
  const uint32_t executed = start - budget;
  *left -= executed;
  warp.cta->executed += executed;
  if (step == Step::fault) return Stop::fault;
  if (step != Step::jumped) split->pc = step == Step::yield ? pc + 1 : pc;
  if (step == Step::wait) *left = 0;
  const bool others_first = step == Step::wait || step == Step::yield;
  if (schedule.count == 1) {
    schedule.patience = schedule.next_patience;
  } else if (others_first || schedule.patience <= executed) {
    favour_oldest(&schedule);
  } else {
    schedule.patience -= executed;
  }
  return Stop::choose;
}

}  // namespace

void start_warp(Warp &warp, Frame *root) {
  WarpSchedule &schedule = *warp.schedule;
  warp.running = warp.lanes;
  schedule.count = 1;
  schedule.splits[0] = Split();
  schedule.splits[0].mask = warp.lanes;
  schedule.splits[0].frame = root;
  schedule.favoured = 0;
  schedule.patience = schedule.next_patience = kMostPatience;
}

void isolate(Warp &warp, uint32_t mask, uint32_t rest_pc) {
  WarpSchedule &schedule = *warp.schedule;
  Split &split = *warp.split;
  const uint32_t rest = split.mask & ~mask;
  split.mask = mask;
  if (rest == 0) return;
  Split &other = schedule.splits[schedule.count++];
  other = split;
  other.mask = rest;
  other.pc = rest_pc;
  other.state = Split::State::ready;
  other.frame->users++;
}

void exit_lanes(Warp &warp) {
  WarpSchedule &schedule = *warp.schedule;
  warp.running &= ~warp.split->mask;
  release_frame(warp.split->frame);
  *warp.split = schedule.splits[--schedule.count];
  warp.split = nullptr;
  for (unsigned i = 0; i < schedule.count; i++) {
    Split &split = schedule.splits[i];
    if (split.state == Split::State::converging) split.state = Split::State::ready;
  }
  barriers_after_exit(*warp.cta);
}

SliceEnd run_slice(Warp &warp, uint32_t instructions) {
  const bool checked = warp.cta->launch->checked;
  while (instructions != 0) {
    warp.split = pick(warp.schedule);
    if (warp.split == nullptr) return warp.running == 0 ? SliceEnd::exited : SliceEnd::blocked;
    const Stop stop =
        checked ? run_split<true>(warp, &instructions) : run_split<false>(warp, &instructions);
    if (stop == Stop::fault) return SliceEnd::fault;
  }
  return warp.running == 0 ? SliceEnd::exited : SliceEnd::used_up;
}

}  // namespace gpusim
