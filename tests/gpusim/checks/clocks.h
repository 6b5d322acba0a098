/* Which accesses of a CTA's threads are ordered: a vector clock for each thread.
 *
 * A thread's clock is the number of releases in the CTA up to its own last one. What is known of
 * other threads' clocks is shared between the threads that left a barrier together. A barrier of
 * all threads settles everything before it, and costs no vector at all. (C. Flanagan and
 * S. Freund, "FastTrack", PLDI 2009, for the epochs that accesses are compared by.)
 */
#ifndef GPUSIM_CHECKS_CLOCKS_H
#define GPUSIM_CHECKS_CLOCKS_H

#include <cstdint>
#include <utility>
#include <vector>

#include "tests/gpusim/exec/instruction.h"

namespace gpusim {

/* The latest clock of every thread that is known; empty = nothing but what is settled. Never
 * changed once shared. Copies share and are counted, without atomics: one host thread at a time
 * executes a CTA. */
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

  uint32_t warps() const { return static_cast<uint32_t>(warps_.size()); }
  uint32_t now(uint32_t thread) const { return warps_[thread / kLanes].now[thread % kLanes]; }
  /* The clocks of a warp's lanes, and whether all are the same. */
  const uint32_t *now_of_warp(uint32_t warp) const { return warps_[warp].now; }
  bool level(uint32_t warp) const { return warps_[warp].level; }
  /* Whatever was done up to this clock is ordered before what anybody does now. */
  uint32_t settled() const { return settled_; }

  /* Whether what `other` did at `clock` is ordered before what `thread` does now. */
  bool ordered(uint32_t other, uint32_t clock, uint32_t thread) const {
    if (other == thread || clock <= settled_) return true;
    const Knowledge &known = warps_[thread / kLanes].known_by(thread % kLanes);
    return !known.empty() && known.clocks()[other] >= clock;
  }

  /* All threads have met, or others begin: everything up to now is ordered before what comes. */
  void settle();
  /* Clocks have become so large that they should begin anew, which they can when all is settled and
   * nobody remembers one. */
  bool worn() const { return latest_ > kMostReleases; }
  void restart();

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
  struct Warp {
    uint32_t now[kLanes];
    bool level = true; /* all of them are the same */
    Knowledge common;  /* of the lanes in `alike` */
    uint32_t alike = kAllLanes;
    Knowledge own[kLanes];    /* of the others */
    Knowledge fenced[kLanes]; /* at the last fence */
    uint32_t fenced_now[kLanes] = {};
    Knowledge seen[kLanes]; /* by strong reads since */
    uint32_t has_seen = 0;

    const Knowledge &known_by(uint32_t lane) const {
      return (alike >> lane & 1) != 0 ? common : own[lane];
    }
    void learn(uint32_t lane, const Knowledge &known) {
      own[lane] = known;
      alike &= ~(1u << lane);
    }
  };

  static constexpr uint32_t kMostReleases = 1u << 30;

  uint32_t *own_copy(Knowledge *knowledge) const;
  void take_in_seen(Warp *warp, uint32_t mask) const;
  void advance(Warp *warp, uint32_t mask);

  std::vector<Warp> warps_;
  const size_t threads_;
  uint32_t latest_ = 0; /* the largest clock of any thread */
  uint32_t settled_ = 0;
};

}  // namespace gpusim

#endif
