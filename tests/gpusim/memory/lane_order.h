/* The order in which lanes take their turn at an atomic operation. */
#ifndef GPUSIM_MEMORY_LANE_ORDER_H
#define GPUSIM_MEMORY_LANE_ORDER_H

#include "tests/gpusim/exec/frame.h"

namespace gpusim {

/* Lanes of the mask, each once, in an order of the seed's. */
class LaneOrder {
 public:
  LaneOrder(const Warp &warp, uint32_t mask) : rest_(mask) {
    uint64_t mixed = warp.cta->request->config.seed + warp.cta->executed * 33 + warp.id;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed ^= mixed >> 31;
    lane_ = static_cast<unsigned>(mixed) % kLanes;
    step_ = static_cast<unsigned>(mixed >> 32) % kLanes | 1;
  }

  unsigned next() {
    do {
      lane_ = (lane_ + step_) % kLanes;
    } while ((rest_ >> lane_ & 1) == 0);
    rest_ &= ~(1u << lane_);
    return lane_;
  }

  bool done() const { return rest_ == 0; }

 private:
  uint32_t rest_;
  unsigned lane_;
  unsigned step_;
};

}  // namespace gpusim

#endif
