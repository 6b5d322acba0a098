#include "tests/gpusim/checks/clocks.h"

#include <algorithm>

namespace gpusim {
namespace {

uint32_t lowest(uint32_t mask) { return static_cast<uint32_t>(__builtin_ctz(mask)); }

}  // namespace

Clocks::Clocks(uint32_t warps) : warps_(warps), threads_(static_cast<size_t>(warps) * kLanes) {
  settle();
}

/* A vector that nobody else refers to. */
uint32_t *Clocks::own_copy(Knowledge *knowledge) const {
  if (knowledge->empty()) {
    *knowledge = Knowledge(threads_);
  } else if (knowledge->shared()) {
    Knowledge copy(threads_);
    std::copy_n(knowledge->clocks(), threads_, copy.clocks());
    knowledge->swap(copy);
  }
  return knowledge->clocks();
}

void Clocks::join(Knowledge *into, const Knowledge &from) const {
  if (from.empty() || from == *into) return;
  if (into->empty()) {
    *into = from;
    return;
  }
  uint32_t *const known = own_copy(into);
  const uint32_t *const more = from.clocks();
  for (size_t i = 0; i < threads_; i++) known[i] = std::max(known[i], more[i]);
}

void Clocks::settle() {
  settled_ = latest_++;
  for (Warp &warp : warps_) {
    std::fill(std::begin(warp.now), std::end(warp.now), latest_);
    warp.level = true;
    warp.common.clear();
    for (uint32_t rest = ~warp.alike; rest != 0; rest &= rest - 1) warp.own[lowest(rest)].clear();
    warp.alike = kAllLanes;
    for (uint32_t rest = warp.has_seen; rest != 0; rest &= rest - 1) {
      warp.seen[lowest(rest)].clear();
    }
    warp.has_seen = 0;
  }
}

void Clocks::restart() {
  for (Warp &warp : warps_) {
    for (Knowledge &fenced : warp.fenced) fenced.clear();
    std::fill(std::begin(warp.fenced_now), std::end(warp.fenced_now), 0);
  }
  latest_ = 0;
  settle();
}

/* What strong reads have seen becomes known. */
void Clocks::take_in_seen(Warp *warp, uint32_t mask) const {
  for (uint32_t rest = warp->has_seen & mask; rest != 0; rest &= rest - 1) {
    const uint32_t lane = lowest(rest);
    Knowledge known = warp->known_by(lane);
    join(&known, warp->seen[lane]);
    warp->learn(lane, known);
    warp->seen[lane].clear();
  }
  warp->has_seen &= ~mask;
}

/* What the lanes do next is later. */
void Clocks::advance(Warp *warp, uint32_t mask) {
  latest_++;
  for (uint32_t lane = 0; lane < kLanes; lane++) {
    warp->now[lane] = (mask >> lane & 1) != 0 ? latest_ : warp->now[lane];
  }
  warp->level = mask == kAllLanes;
}

void Clocks::release(SyncObject *object, uint32_t warp_number, uint32_t mask) {
  Warp &warp = warps_[warp_number];
  take_in_seen(&warp, mask);
  if ((warp.alike & mask) != 0) join(&object->known, warp.common);
  const Knowledge *last = &warp.common;
  for (uint32_t rest = mask & ~warp.alike; rest != 0; rest &= rest - 1) {
    const Knowledge &known = warp.own[lowest(rest)];
    if (known != *last) join(&object->known, known);
    last = &known;
  }
  uint32_t *const known = own_copy(&object->known) + static_cast<size_t>(warp_number) * kLanes;
  for (uint32_t lane = 0; lane < kLanes; lane++) {
    known[lane] = (mask >> lane & 1) != 0 ? warp.now[lane] : known[lane];
  }
  advance(&warp, mask);
}

void Clocks::acquire(const SyncObject &object, uint32_t warp_number, uint32_t mask) {
  if (object.known.empty()) return;
  Warp &warp = warps_[warp_number];
  if ((warp.alike & ~mask) == 0) {
    join(&warp.common, object.known);
    mask &= ~warp.alike;
  }
  Knowledge before, after;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const uint32_t lane = lowest(rest);
    const Knowledge &known = warp.known_by(lane);
    if (after.empty() || known != before) {
      before = known;
      after = before;
      join(&after, object.known);
    }
    warp.learn(lane, after);
  }
}

void Clocks::adopt(const SyncObject &object, uint32_t warp_number, uint32_t mask) {
  Warp &warp = warps_[warp_number];
  if ((warp.alike & ~mask) == 0) {
    warp.common = object.known;
    for (uint32_t rest = mask & ~warp.alike; rest != 0; rest &= rest - 1) {
      warp.own[lowest(rest)].clear();
    }
    warp.alike = mask;
    return;
  }
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) warp.learn(lowest(rest), object.known);
}

void Clocks::fence(uint32_t warp_number, uint32_t mask) {
  Warp &warp = warps_[warp_number];
  take_in_seen(&warp, mask);
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const uint32_t lane = lowest(rest);
    warp.fenced[lane] = warp.known_by(lane);
    warp.fenced_now[lane] = warp.now[lane];
  }
  advance(&warp, mask);
}

void Clocks::strong_write(SyncObject *object, uint32_t thread) {
  const Warp &warp = warps_[thread / kLanes];
  const uint32_t lane = thread % kLanes;
  if (warp.fenced_now[lane] == 0) return;
  join(&object->known, warp.fenced[lane]);
  own_copy(&object->known)[thread] = warp.fenced_now[lane];
}

void Clocks::strong_read(const SyncObject &object, uint32_t thread) {
  if (object.known.empty()) return;
  Warp &warp = warps_[thread / kLanes];
  join(&warp.seen[thread % kLanes], object.known);
  warp.has_seen |= 1u << thread % kLanes;
}

}  // namespace gpusim
