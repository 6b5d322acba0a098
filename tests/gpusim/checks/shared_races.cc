#include "tests/gpusim/checks/shared_races.h"

#include <utility>

namespace gpusim {

void SharedRaces::make_granules(bool fits) {
  const uint32_t within = (1u << granule_shift_) - 1;
  const uint32_t old_shift = granule_shift_;
  if (!fits) granule_shift_ = 0;
  const std::vector<Granule> old = std::move(granules_);
  granules_.assign((bytes_ + (1u << granule_shift_) - 1) >> granule_shift_, Granule());
  if (old.empty()) return;
  for (size_t i = 0; i < granules_.size(); i++) {
    granules_[i] = old[i >> old_shift];
    if (granules_[i].reader != kSeveral || (i & within) == 0) continue;
    reads_.push_back(reads_[granules_[i].read_clock]);
    granules_[i].read_clock = static_cast<uint32_t>(reads_.size() - 1);
  }
}

/* A thread is in one group at most, so there are never more groups than threads. */
void SharedRaces::add_reader(uint32_t thread, uint32_t clock, std::vector<Readers> *readers) {
  const uint32_t warp = thread / kLanes, lane = 1u << thread % kLanes;
  for (const Readers &group : *readers) {
    if (group.warp == warp && group.clock == clock && (group.lanes & lane) != 0) return;
  }
  bool grouped = false;
  size_t kept = 0;
  for (Readers group : *readers) {
    if (group.warp == warp) {
      const bool same = group.clock == clock;
      group.lanes = same ? group.lanes | lane : group.lanes & ~lane;
      grouped = grouped || same;
    }
    if (group.lanes != 0) (*readers)[kept++] = group;
  }
  readers->resize(kept);
  if (!grouped) readers->push_back({warp, clock, lane});
}

void SharedRaces::record_read(Granule *granule, uint32_t thread, bool strong,
                              const ptx::Instruction *source) {
  const uint32_t now = clocks_.now(thread);
  granule->read_source = source;
  if (granule->reader == kNobody || granule->reader == thread) {
    granule->strong_read = strong && (granule->reader == kNobody || granule->strong_read);
    granule->reader = thread;
    granule->read_clock = now;
    return;
  }
  granule->strong_read = granule->strong_read && strong;
  if (granule->reader != kSeveral) {
    if (clocks_.ordered(granule->reader, granule->read_clock, thread)) {
      granule->reader = thread;
      granule->read_clock = now;
      return;
    }
    uint32_t index;
    if (free_reads_.empty()) {
      index = static_cast<uint32_t>(reads_.size());
      reads_.emplace_back();
    } else {
      index = free_reads_.back();
      free_reads_.pop_back();
      reads_[index].clear();
    }
    add_reader(granule->reader, granule->read_clock, &reads_[index]);
    granule->reader = kSeveral;
    granule->read_clock = index;
  }
  add_reader(thread, now, &reads_[granule->read_clock]);
}

Conflict SharedRaces::check_read(uint32_t thread, uint32_t address, uint32_t bytes, bool strong,
                                 const ptx::Instruction *source) {
  prepare(address, bytes);
  const uint32_t end = (address + bytes) >> granule_shift_;
  for (uint32_t i = address >> granule_shift_; i < end; i++) {
    Granule &granule = granules_[i];
    if (granule.writer != kNobody && !(strong && granule.strong_write) &&
        !clocks_.ordered(granule.writer, granule.write_clock, thread)) {
      return {"written", granule.writer, granule.write_source};
    }
    record_read(&granule, thread, strong, source);
  }
  return {};
}

Conflict SharedRaces::conflicting_read(const Granule &granule, uint32_t thread, bool strong) const {
  if (granule.reader == kNobody || (strong && granule.strong_read)) return {};
  if (granule.reader != kSeveral) {
    if (clocks_.ordered(granule.reader, granule.read_clock, thread)) return {};
    return {"read", granule.reader, granule.read_source};
  }
  for (const Readers &group : reads_[granule.read_clock]) {
    for (uint32_t rest = group.lanes; rest != 0; rest &= rest - 1) {
      const uint32_t other = group.warp * kLanes + static_cast<uint32_t>(__builtin_ctz(rest));
      if (clocks_.ordered(other, group.clock, thread)) continue;
      return {"read", other, granule.read_source};
    }
  }
  return {};
}

Conflict SharedRaces::check_write(uint32_t thread, uint32_t address, uint32_t bytes, bool strong) {
  prepare(address, bytes);
  const uint32_t end = (address + bytes) >> granule_shift_;
  for (uint32_t i = address >> granule_shift_; i < end; i++) {
    const Granule &granule = granules_[i];
    if (granule.writer != kNobody && !(strong && granule.strong_write) &&
        !clocks_.ordered(granule.writer, granule.write_clock, thread)) {
      return {"written", granule.writer, granule.write_source};
    }
    const Conflict conflict = conflicting_read(granule, thread, strong);
    if (conflict.what != nullptr) return conflict;
  }
  return {};
}

void SharedRaces::record_write(uint32_t thread, uint32_t address, uint32_t bytes, bool strong,
                               const ptx::Instruction *source) {
  prepare(address, bytes);
  const uint32_t end = (address + bytes) >> granule_shift_;
  for (uint32_t i = address >> granule_shift_; i < end; i++) {
    Granule &granule = granules_[i];
    if (granule.reader == kSeveral) free_reads_.push_back(granule.read_clock);
    granule.writer = thread;
    granule.write_clock = clocks_.now(thread);
    granule.strong_write = strong;
    granule.write_source = source;
    granule.reader = kNobody;
  }
}

}  // namespace gpusim
