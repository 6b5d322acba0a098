#include "tests/gpusim/memory/async.h"

#include <algorithm>
#include <cstring>

#include "tests/gpusim/checks/races.h"
#include "tests/gpusim/memory/heap.h"
#include "tests/gpusim/memory/mbarrier.h"
#include "tests/gpusim/memory/state.h"

namespace gpusim {
namespace {

constexpr unsigned kWordBytes = 4;

bool is_early(const Cta &cta) { return cta.request->config.async == GPUSIM_ASYNC_EARLY; }

AsyncWarp &warp_copies(const Warp &warp) {
  std::unique_ptr<AsyncCopies> &async = warp.cta->memory->async;
  if (async == nullptr) {
    async = std::make_unique<AsyncCopies>();
    async->warps.resize(warp.cta->warp_count);
    if (warp.shadow != nullptr) async->owner.resize(warp.cta->shared_bytes / kWordBytes + 1);
  }
  return async->warps[warp.id];
}

void transfer(Cta &cta, const AsyncCopy &copy, unsigned lane) {
  const Heap &heap = Heap::device();
  uint8_t *const target = cta.shared + copy.target[lane];
  const unsigned bytes = copy.source_bytes[lane];
  if (bytes != 0) memcpy(target, heap.host(copy.source[lane]), bytes);
  memset(target + bytes, 0, copy.bytes - bytes);
  if (cta.shared_undefined == nullptr) return;
  uint8_t *const undefined = cta.shared_undefined + copy.target[lane];
  memset(undefined, 0, copy.bytes);
  if (bytes == 0) return;
  const uint32_t defined = heap.defined_bits(copy.source[lane], bytes);
  for (unsigned i = 0; i < bytes; i++) undefined[i] = (defined >> i & 1) != 0 ? 0 : 0xff;
}

void set_owner(AsyncCopies *async, const AsyncCopy &copy, unsigned lane, unsigned owner) {
  if (async->owner.empty()) return;
  uint16_t *const words = &async->owner[copy.target[lane] / kWordBytes];
  for (unsigned i = 0; i < copy.bytes / kWordBytes; i++) {
    async->pending_words += (owner != 0 ? 1u : 0u) - (words[i] != 0 ? 1u : 0u);
    words[i] = static_cast<uint16_t>(owner);
  }
}

void complete(Cta &cta, AsyncCopy *copy, uint32_t mask) {
  for (uint32_t rest = mask & copy->mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    if (!copy->done) transfer(cta, *copy, lane);
    set_owner(cta.memory->async.get(), *copy, lane, 0);
    if (cta.races == nullptr) continue;
    races_async_done(cta.warps[copy->warp], lane, copy->target[lane], copy->bytes, copy->origin);
  }
  copy->mask &= ~mask;
}

/* Takes out what is complete. */
void tidy(std::vector<AsyncCopy> *copies) {
  copies->erase(std::remove_if(copies->begin(), copies->end(),
                               [](const AsyncCopy &copy) { return copy.mask == 0; }),
                copies->end());
}

bool has_earlier(const AsyncWarp &warp, const AsyncArrival &arrival) {
  return std::any_of(warp.copies.begin(), warp.copies.end(), [&](const AsyncCopy &copy) {
    return copy.serial < arrival.serial && (copy.mask >> arrival.lane & 1) != 0;
  });
}

/* Arrivals that wait for no copy any more. */
void fire_arrivals(Cta &cta, AsyncWarp *warp) {
  for (size_t i = 0; i < warp->arrivals.size();) {
    const AsyncArrival arrival = warp->arrivals[i];
    if (has_earlier(*warp, arrival)) {
      i++;
      continue;
    }
    warp->arrivals.erase(warp->arrivals.begin() + static_cast<ptrdiff_t>(i));
    const auto index = warp - cta.memory->async->warps.data();
    mbarrier_arrive(cta.warps[index], arrival.lane, arrival.barrier, 1);
  }
}

void complete_before(Cta &cta, AsyncWarp *warp, unsigned lane, uint64_t serial) {
  for (AsyncCopy &copy : warp->copies) {
    if (copy.serial < serial) complete(cta, &copy, 1u << lane);
  }
  tidy(&warp->copies);
}

/* Lanes whose copy belongs to a group older than the newest `left`. */
uint32_t old_lanes(const AsyncWarp &warp, const AsyncCopy &copy, uint32_t mask, uint64_t left) {
  uint32_t old = 0;
  for (uint32_t rest = mask & copy.mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    if (copy.group[lane] + left < warp.committed[lane]) old |= 1u << lane;
  }
  return old;
}

}  // namespace

bool async_may_access(Warp &warp, const Instruction &instruction, const Access &access,
                      const Located &located) {
  const AsyncCopies *const async = warp.cta->memory->async.get();
  if (async == nullptr || async->pending_words == 0) return true;
  for (uint32_t rest = located.shared; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    const auto first = static_cast<size_t>(located.host(lane) - warp.cta->shared);
    const size_t end = (first + access.bytes - 1) / kWordBytes + 1;
    for (size_t at = first / kWordBytes; at < end; at++) {
      if (async->owner[at] == 0) continue;
      warp.fault(instruction, FaultKind::async_pending, static_cast<int>(lane),
                 "shared address 0x%zx, %u bytes: thread %u of the CTA copies to it", first,
                 access.bytes, async->owner[at] - 1u);
      return false;
    }
  }
  return true;
}

void async_issue(Warp &warp, AsyncCopy copy) {
  AsyncWarp &mine = warp_copies(warp);
  copy.serial = mine.serial++;
  copy.warp = warp.id;
  copy.done = is_early(*warp.cta);
  for (uint32_t rest = copy.mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    copy.group[lane] = mine.committed[lane];
    if (copy.done) transfer(*warp.cta, copy, lane);
    set_owner(warp.cta->memory->async.get(), copy, lane, warp.id * kLanes + lane + 1);
  }
  mine.copies.push_back(copy);
}

void async_commit(Warp &warp, uint32_t mask) {
  AsyncWarp &mine = warp_copies(warp);
  for (unsigned lane = 0; lane < kLanes; lane++) mine.committed[lane] += mask >> lane & 1;
}

void async_wait(Warp &warp, uint32_t mask, uint64_t left) {
  AsyncWarp &mine = warp_copies(warp);
  for (AsyncCopy &copy : mine.copies) {
    complete(*warp.cta, &copy, old_lanes(mine, copy, mask, left));
  }
  tidy(&mine.copies);
  fire_arrivals(*warp.cta, &mine);
}

void async_wait_all(Warp &warp, uint32_t mask) {
  AsyncWarp &mine = warp_copies(warp);
  for (AsyncCopy &copy : mine.copies) complete(*warp.cta, &copy, mask);
  tidy(&mine.copies);
  fire_arrivals(*warp.cta, &mine);
}

void async_arrive(Warp &warp, unsigned lane, uint32_t barrier) {
  AsyncWarp &mine = warp_copies(warp);
  const uint64_t serial = mine.serial++;
  if (is_early(*warp.cta)) complete_before(*warp.cta, &mine, lane, serial);
  mine.arrivals.push_back({barrier, lane, serial});
  fire_arrivals(*warp.cta, &mine);
}

void async_look(Cta &cta, uint32_t barrier, uint32_t missing) {
  AsyncCopies *const async = cta.memory->async.get();
  if (async == nullptr) return;
  uint32_t waiting = 0;
  for (const AsyncWarp &warp : async->warps) {
    for (const AsyncArrival &arrival : warp.arrivals) waiting += arrival.barrier == barrier;
  }
  if (waiting == 0 || waiting < missing) return;
  for (AsyncWarp &warp : async->warps) {
    const std::vector<AsyncArrival> arrivals = warp.arrivals;
    for (const AsyncArrival &arrival : arrivals) {
      if (arrival.barrier == barrier) complete_before(cta, &warp, arrival.lane, arrival.serial);
    }
    fire_arrivals(cta, &warp);
  }
}

}  // namespace gpusim
