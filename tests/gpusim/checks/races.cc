#include "tests/gpusim/checks/races.h"

#include <cstring>
#include <string>

#include "tests/gpusim/memory/locate.h"

namespace gpusim {
namespace {

bool is_write(AccessKind kind) {
  return kind == AccessKind::write || kind == AccessKind::atomic || kind == AccessKind::async_write;
}

std::string thread_text(uint32_t thread) {
  return "warp " + std::to_string(thread / kLanes) + ", lane " + std::to_string(thread % kLanes);
}

std::string source_text(const ptx::Instruction *source) {
  if (source == nullptr) return "";
  return " at PTX line " + std::to_string(source->line) + " (" + std::string(source->text) + ")";
}

/* Whether what this lane stores is there already, or is what the conflicting lane of this
 * instruction stores: then nobody can tell the order. */
bool same_value(const Access &access, const Located &located, const LaneBytes *values,
                unsigned lane, const ptx::Instruction *source, const Conflict &conflict,
                uint32_t first_thread) {
  if (values == nullptr || conflict.what[0] != 'w') return false;
  const uint32_t other = conflict.thread - first_thread;
  const bool together = conflict.source == source && other < lane &&
                        (access.mask >> other & 1) != 0 &&
                        access.address[other] == access.address[lane];
  const uint8_t *const before = together ? values->lane[other] : located.host(lane);
  return memcmp(before, values->lane[lane], access.bytes) == 0;
}

/* Within the shared window. */
void shared_addresses(const Access &access, const Located &located, uint32_t *addresses) {
  for (unsigned lane = 0; lane < kLanes; lane++) {
    addresses[lane] = static_cast<uint32_t>(access.address[lane]);
  }
  if (access.space != Space::generic) return;
  for (uint32_t rest = located.shared; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t within;
    window_of(access.address[lane], &within);
    addresses[lane] = static_cast<uint32_t>(within);
  }
}

/* One lane's access that is not beyond doubt. */
Conflict shared_lane(Races &races, const SharedAccess &shared, const Access &access,
                     AccessKind kind, const Located &located, const LaneBytes *values,
                     unsigned lane) {
  if (!is_write(kind)) return races.shared.check_read(shared, lane);
  Conflict conflict = races.shared.check_write(shared, lane);
  if (conflict.what != nullptr &&
      same_value(access, located, values, lane, shared.source, conflict, shared.warp * kLanes)) {
    conflict = {};
  }
  races.shared.record_write(shared, lane);
  return conflict;
}

Step shared_access(Warp &warp, const Instruction &instruction, const Access &access,
                   AccessKind kind, const Located &located, const LaneBytes *values) {
  Races &races = *warp.cta->races;
  uint32_t addresses[kLanes];
  shared_addresses(access, located, addresses);
  const bool strong = (access.ordering & kStrong) != 0;
  const SharedAccess shared{warp.id, access.bytes, strong, instruction.source, addresses};
  const auto plainly = [&](uint32_t mask) {
    if (strong || mask == 0) return mask;
    return is_write(kind) ? races.shared.write_plainly(shared, mask)
                          : races.shared.read_plainly(shared, mask);
  };
  for (uint32_t rest = plainly(located.shared); rest != 0; rest = plainly(rest & (rest - 1))) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    const uint32_t address = addresses[lane], thread = warp.id * kLanes + lane;
    const Conflict conflict = shared_lane(races, shared, access, kind, located, values, lane);
    if (conflict.what != nullptr) {
      return warp.fault(instruction, FaultKind::race, static_cast<int>(lane),
                        "shared memory at 0x%x was %s by %s%s, and nothing orders the two", address,
                        conflict.what, thread_text(conflict.thread).c_str(),
                        source_text(conflict.source).c_str());
    }
    if (!strong) continue;
    SyncObject &flag = races.flags[address];
    if (kind != AccessKind::write) races.clocks.strong_read(flag, thread);
    if (kind != AccessKind::read) races.clocks.strong_write(&flag, thread);
  }
  return Step::next;
}

uint64_t stripes(const Access &access, const Located &located) {
  uint64_t set = 0;
  for (uint32_t rest = located.global; rest != 0; rest &= rest - 1) {
    set |= GlobalRaces::stripe(access.address[__builtin_ctz(rest)]);
  }
  return set;
}

Step global_access(Warp &warp, const Instruction &instruction, const Access &access,
                   AccessKind kind, Located *place, const LaneBytes *values) {
  Races &races = *warp.cta->races;
  const Located &located = *place;
  const bool strong = (access.ordering & kStrong) != 0;
  const bool writes = is_write(kind);
  if (writes || strong) races.global->hold(stripes(access, located), &place->hold);
  const uint32_t mask = writes || strong
                            ? located.global
                            : races.global->read_again(races.order, access.address, located.global,
                                                       access.bytes, located.contiguous);
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    const uint64_t address = access.address[lane];
    const GlobalConflict conflict =
        writes ? races.global->check_write(races.order, address, access.bytes, strong)
               : races.global->check_read(races.order, address, access.bytes, strong);
    if (conflict.what != nullptr) {
      const bool same = writes && values != nullptr && conflict.what[0] == 'w' &&
                        memcmp(located.host(lane), values->lane[lane], access.bytes) == 0;
      if (!same) {
        return warp.fault(instruction, FaultKind::race, static_cast<int>(lane),
                          "global memory at 0x%llx was %s by CTA %u (x fastest) of this launch, "
                          "and nothing orders the two",
                          static_cast<unsigned long long>(address), conflict.what, conflict.cta);
      }
    }
    if (!strong) continue;
    if (kind != AccessKind::write) races.global->strong_read(&races.order, address);
    if (kind != AccessKind::read) races.global->strong_write(races.order, address);
  }
  return Step::next;
}

}  // namespace

Races::Races(const Cta &cta, GlobalRaces *global_races)
    : clocks(cta.warp_count), shared(clocks, cta.shared_bytes), global(global_races) {}

void Races::begin(const Cta &cta) {
  for (SyncObject &barrier : barriers) barrier.known.clear();
  mbarriers.clear();
  flags.clear();
  order = CtaOrder();
  order.index = static_cast<uint32_t>(cta.index);
  settle();
}

void Races::settle() {
  clocks.settle();
  if (!clocks.worn()) return;
  for (SyncObject &barrier : barriers) barrier.known.clear();
  for (auto &mbarrier : mbarriers) mbarrier.second = MbarrierSync();
  flags.clear();
  shared.forget();
  clocks.restart();
}

Step races_access(Warp &warp, const Instruction &instruction, const Access &access, AccessKind kind,
                  Located *place, const LaneBytes *values) {
  const Located &located = *place;
  Step step = Step::next;
  if ((access.ordering & kRelease) != 0) races_fence(warp, access.mask);
  if (located.shared != 0) {
    step = shared_access(warp, instruction, access, kind, located, values);
  }
  if (step == Step::next && located.global != 0 && warp.cta->races->global != nullptr &&
      access.space != Space::constant) {
    step = global_access(warp, instruction, access, kind, place, values);
  }
  if ((access.ordering & kAcquire) != 0) races_fence(warp, access.mask);
  return step;
}

void races_async_done(Warp &warp, unsigned lane, uint32_t shared_address, unsigned bytes,
                      const ptx::Instruction *source) {
  uint32_t addresses[kLanes];
  addresses[lane] = shared_address;
  warp.cta->races->shared.record_write({warp.id, bytes, false, source, addresses}, lane);
}

void races_fence(Warp &warp, uint32_t mask) {
  Races &races = *warp.cta->races;
  races.clocks.fence(warp.id, mask);
  if (races.global != nullptr) races.global->fence(&races.order);
}

void races_warp_barrier(Warp &warp, uint32_t mask) {
  Clocks &clocks = warp.cta->races->clocks;
  SyncObject meeting;
  clocks.release(&meeting, warp.id, mask);
  clocks.adopt(meeting, warp.id, mask);
}

void races_arrive(Warp &warp, unsigned id, uint32_t mask) {
  Races &races = *warp.cta->races;
  races.clocks.release(&races.barriers[id], warp.id, mask);
}

void races_leave(Warp &warp, unsigned id, uint32_t mask) {
  Races &races = *warp.cta->races;
  races.clocks.adopt(races.barriers[id], warp.id, mask);
}

void races_meet(Cta &cta) { cta.races->settle(); }

void races_phase_ends(Cta &cta, unsigned id) {
  Races &races = *cta.races;
  races.barriers[id].known.clear();
  /* What a thread saw of other CTAs before the barrier, all know after it. */
  if (races.global != nullptr && !races.order.seen.empty()) races.global->fence(&races.order);
}

void races_mbarrier_arrive(Warp &warp, uint64_t address, uint32_t mask) {
  Races &races = *warp.cta->races;
  races.clocks.release(&races.mbarriers[address].arrived, warp.id, mask);
}

void races_mbarrier_completes(Cta &cta, uint64_t address) {
  MbarrierSync &sync = cta.races->mbarriers[address];
  cta.races->clocks.join(&sync.completed.known, sync.arrived.known);
  sync.arrived.known.clear();
}

void races_mbarrier_passed(Warp &warp, uint64_t address, uint32_t mask) {
  Races &races = *warp.cta->races;
  const auto sync = races.mbarriers.find(address);
  if (sync != races.mbarriers.end()) {
    races.clocks.acquire(sync->second.completed, warp.id, mask);
  }
}

}  // namespace gpusim
