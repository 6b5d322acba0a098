#include "tests/gpusim/exec/resident.h"

#include <algorithm>
#include <utility>

namespace gpusim {
namespace {

constexpr size_t kSharedAlign = 256;
constexpr uint32_t kOrderlySlice = 4096;
constexpr uint64_t kDefaultBudget = 1ull << 31;

uint8_t *aligned(std::vector<uint8_t> *bytes, size_t size) {
  bytes->resize(size + kSharedAlign);
  const uintptr_t start = reinterpret_cast<uintptr_t>(bytes->data());
  return bytes->data() + (kSharedAlign - start % kSharedAlign) % kSharedAlign;
}

}  // namespace

ResidentCta::ResidentCta(Launch *launch, Tally *tally) {
  const LaunchRequest &request = *launch->request;
  cta_.launch = launch;
  cta_.request = &request;
  cta_.tally = tally;
  cta_.thread_count = request.block[0] * request.block[1] * request.block[2];
  cta_.warp_count = (cta_.thread_count + kLanes - 1) / kLanes;
  cta_.barriers = &barriers_;
  cta_.shared_bytes = request.entry->shared_bytes + request.dynamic_shared_bytes;
  cta_.shared = aligned(&shared_, cta_.shared_bytes);
  if (launch->checked) cta_.shared_undefined = aligned(&shared_undefined_, cta_.shared_bytes);
  warps_.resize(cta_.warp_count);
  cta_.warps = warps_.data();
  for (uint32_t i = 0; i < cta_.warp_count; i++) {
    schedules_.push_back(std::make_unique<WarpSchedule>());
    Warp &warp = warps_[i];
    warp.cta = &cta_;
    warp.id = i;
    const uint32_t threads = cta_.thread_count - i * kLanes;
    warp.lanes = threads >= kLanes ? kAllLanes : (1u << threads) - 1;
    warp.schedule = schedules_.back().get();
  }
}

void ResidentCta::begin(uint64_t index) {
  const LaunchRequest &request = *cta_.request;
  cta_.index = index;
  cta_.id[0] = static_cast<uint32_t>(index % request.grid[0]);
  cta_.id[1] = static_cast<uint32_t>(index / request.grid[0] % request.grid[1]);
  cta_.id[2] = static_cast<uint32_t>(index / request.grid[0] / request.grid[1]);
  cta_.executed = 0;
  random_ = Random(request.config.seed * 0x9e3779b97f4a7c15ull + index);
  std::fill(shared_.begin(), shared_.end(), uint8_t{0});
  std::fill(shared_undefined_.begin(), shared_undefined_.end(), uint8_t{0xff});
  reset_barriers(cta_);
  if (cta_.launch->checked) {
    if (races_ == nullptr) races_ = std::make_unique<Races>(cta_, cta_.launch->global_races);
    races_->begin(cta_);
    cta_.races = races_.get();
  }
  order_.clear();
  for (uint32_t i = 0; i < cta_.warp_count; i++) {
    Frame *root = push_frame(warps_[i], nullptr, *request.entry, nullptr, 0, warps_[i].lanes);
    if (root == nullptr) return;
    start_warp(warps_[i], root);
    order_.push_back(i);
  }
}

/* Seed 0: the warps take turns in order. */
void ResidentCta::shuffle() {
  if (cta_.request->config.seed == 0) return;
  for (size_t i = order_.size(); i > 1; i--) {
    std::swap(order_[i - 1], order_[random_.below(static_cast<uint32_t>(i))]);
  }
}

uint32_t ResidentCta::slice() {
  if (cta_.request->config.seed == 0) return kOrderlySlice;
  return 1u << random_.below(12);
}

CtaEnd ResidentCta::run(uint64_t instructions) {
  const LaunchRequest &request = *cta_.request;
  const uint64_t budget = request.config.budget != 0 ? request.config.budget : kDefaultBudget;
  const uint64_t end = cta_.executed + instructions;
  while (!order_.empty()) {
    if (cta_.launch->stop.load(std::memory_order_relaxed)) return CtaEnd::fault;
    if (cta_.executed >= end) return CtaEnd::parked;
    shuffle();
    const uint64_t before = cta_.executed;
    bool exited = false;
    for (size_t i = 0; i < order_.size();) {
      Warp &warp = warps_[order_[i]];
      const uint64_t left = budget - std::min(cta_.executed, budget);
      const SliceEnd slice_end =
          run_slice(warp, static_cast<uint32_t>(std::min<uint64_t>(slice(), left)));
      if (slice_end == SliceEnd::fault) return CtaEnd::fault;
      if (cta_.executed >= budget && slice_end == SliceEnd::used_up) {
        const Split &split = warp.schedule->splits[0];
        warp.fault(split.frame->code->instructions[split.pc], FaultKind::endless,
                   __builtin_ctz(split.mask), "%llu warp instructions in one CTA",
                   static_cast<unsigned long long>(cta_.executed));
        return CtaEnd::fault;
      }
      if (slice_end == SliceEnd::exited) {
        exited = true;
        order_.erase(order_.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        i++;
      }
    }
    if (exited || cta_.executed != before) continue;
    report_stuck(cta_);
    return CtaEnd::fault;
  }
  return CtaEnd::finished;
}

}  // namespace gpusim
