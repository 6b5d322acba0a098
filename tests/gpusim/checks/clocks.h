/* Which accesses of a CTA's threads are ordered: a vector clock for each thread.
 *
 * A thread's own clock counts its releases. What it knows of the others is shared between the
 * threads that left a barrier together, so that a barrier of a whole CTA costs one vector and not
 * one for each thread. (C. Flanagan and S. Freund, "FastTrack", PLDI 2009, for the epochs that
 * accesses are compared by.)
 */
#ifndef GPUSIM_CHECKS_CLOCKS_H
#define GPUSIM_CHECKS_CLOCKS_H

#include <cstdint>
#include <utility>
#include <vector>

#include "tests/gpusim/exec/instruction.h"

namespace gpusim {

/* The latest clock of every thread that is known; empty = nothing. Never changed once shared.
 * Copies share and are counted, without atomics: one host thread at a time executes a CTA. */
class Knowledge {
 public:
  Knowledge() = default;
  explicit Knowledge(size_t threads) : counted_(new uint32_t[threads + 1]()) { counted_[0] = 1; }
  Knowledge(const Knowledge &other) : counted_(other.counted_) {
    if (counted_ != nullptr) counted_[0]++;
  }
  Knowledge(Knowledge &&other) noexcept : counted_(std::exchange(other.counted_, nullptr)) {}
  ~Knowledge() { clear(); }

  Knowledge &operator=(const Knowledge &other) {
    if (counted_ != other.counted_) Knowledge(other).swap(*this);
    return *this;
  }
  Knowledge &operator=(Knowledge &&other) noexcept {
    Knowledge(std::move(other)).swap(*this);
    return *this;
  }

  bool operator==(const Knowledge &other) const { return counted_ == other.counted_; }
  bool operator!=(const Knowledge &other) const { return counted_ != other.counted_; }
  bool empty() const { return counted_ == nullptr; }
  bool shared() const { return counted_[0] > 1; }
  uint32_t *clocks() const { return counted_ + 1; }
  void clear() {
    if (counted_ != nullptr && --counted_[0] == 0) delete[] counted_;
    counted_ = nullptr;
  }
  void swap(Knowledge &other) noexcept { std::swap(counted_, other.counted_); }

 private:
  uint32_t *counted_ = nullptr; /* how many share it, then the clocks */
};

/* What has been released to a barrier, a flag or an mbarrier. */
struct SyncObject {
  Knowledge known;
};

class Clocks {
 public:
  explicit Clocks(uint32_t warps);

  uint32_t now(uint32_t thread) const { return threads_[thread].now; }

  /* Whether what `other` did at `clock` is ordered before what `thread` does now. */
  bool ordered(uint32_t other, uint32_t clock, uint32_t thread) const {
    if (other == thread) return true;
    const Knowledge &known = threads_[thread].known;
    return !known.empty() && known.clocks()[other] >= clock;
  }

  /* The lanes of a warp publish all that they know and did; what they do next is later. */
  void release(SyncObject *object, uint32_t warp, uint32_t mask);
  /* The lanes learn what was released to the object. */
  void acquire(const SyncObject &object, uint32_t warp, uint32_t mask);
  /* The same for lanes that have released to the object themselves. */
  void adopt(const SyncObject &object, uint32_t warp, uint32_t mask);

  /* A fence: what the lanes did before it is published by their strong writes after it, and what
   * strong reads before it have seen is known after it. */
  void fence(uint32_t warp, uint32_t mask);
  /* A strong access (atomic, volatile, relaxed): joins the object with what the lane's last fence
   * covers, and notes what the object holds for its next fence. */
  void strong_write(SyncObject *object, uint32_t thread);
  void strong_read(const SyncObject &object, uint32_t thread);

  void join(Knowledge *into, const Knowledge &from) const;

 private:
  struct Thread {
    Knowledge known;
    uint32_t now = 1;
    Knowledge fenced; /* at the last fence */
    uint32_t fenced_now = 0;
    Knowledge seen; /* by strong reads since */
  };

  uint32_t *own_copy(Knowledge *knowledge) const;

  std::vector<Thread> threads_;
};

}  // namespace gpusim

#endif
