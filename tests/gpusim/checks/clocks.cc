#include "tests/gpusim/checks/clocks.h"

#include <algorithm>

namespace gpusim {

Clocks::Clocks(uint32_t warps) : threads_(static_cast<size_t>(warps) * kLanes) {}

/* A vector that nobody else refers to. */
uint32_t *Clocks::own_copy(Knowledge *knowledge) const {
  if (knowledge->empty()) {
    *knowledge = Knowledge(threads_.size());
  } else if (knowledge->shared()) {
    Knowledge copy(threads_.size());
    std::copy_n(knowledge->clocks(), threads_.size(), copy.clocks());
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
  for (size_t i = 0; i < threads_.size(); i++) known[i] = std::max(known[i], more[i]);
}

void Clocks::release(SyncObject *object, uint32_t warp, uint32_t mask) {
  const Knowledge *last = nullptr;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    Thread &thread = threads_[warp * kLanes + static_cast<uint32_t>(__builtin_ctz(rest))];
    if (!thread.seen.empty()) join(&thread.known, thread.seen);
    thread.seen.clear();
    if (last == nullptr || thread.known != *last) join(&object->known, thread.known);
    last = &thread.known;
  }
  uint32_t *const known = own_copy(&object->known);
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const uint32_t index = warp * kLanes + static_cast<uint32_t>(__builtin_ctz(rest));
    known[index] = threads_[index].now++;
  }
}

void Clocks::acquire(const SyncObject &object, uint32_t warp, uint32_t mask) {
  if (object.known.empty()) return;
  Knowledge before, after;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    Thread &thread = threads_[warp * kLanes + static_cast<uint32_t>(__builtin_ctz(rest))];
    if (after.empty() || thread.known != before) {
      before = thread.known;
      after = before;
      join(&after, object.known);
    }
    thread.known = after;
  }
}

void Clocks::adopt(const SyncObject &object, uint32_t warp, uint32_t mask) {
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    threads_[warp * kLanes + static_cast<uint32_t>(__builtin_ctz(rest))].known = object.known;
  }
}

void Clocks::fence(uint32_t warp, uint32_t mask) {
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    Thread &thread = threads_[warp * kLanes + static_cast<uint32_t>(__builtin_ctz(rest))];
    if (!thread.seen.empty()) join(&thread.known, thread.seen);
    thread.seen.clear();
    thread.fenced = thread.known;
    thread.fenced_now = thread.now++;
  }
}

void Clocks::strong_write(SyncObject *object, uint32_t thread) {
  const Thread &writer = threads_[thread];
  if (writer.fenced_now == 0) return;
  join(&object->known, writer.fenced);
  own_copy(&object->known)[thread] = writer.fenced_now;
}

void Clocks::strong_read(const SyncObject &object, uint32_t thread) {
  join(&threads_[thread].seen, object.known);
}

}  // namespace gpusim
