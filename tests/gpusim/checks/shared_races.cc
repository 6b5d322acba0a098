#include "tests/gpusim/checks/shared_races.h"

#include <algorithm>

namespace gpusim {

/* Granules are made when shared memory is first used, and as fine as the accesses need. */
void SharedRaces::prepare(uint32_t address, uint32_t bytes) {
  const bool fits = address % granule_bytes_ == 0 && bytes % granule_bytes_ == 0;
  if (fits && !granules_.empty()) return;
  const uint32_t old_bytes = granule_bytes_;
  if (!fits) granule_bytes_ = 1;
  const std::vector<Granule> old = std::move(granules_);
  granules_.assign((bytes_ + granule_bytes_ - 1) / granule_bytes_, Granule());
  if (old.empty()) return;
  for (size_t i = 0; i < granules_.size(); i++) {
    granules_[i] = old[i / old_bytes];
    if (granules_[i].reader != kSeveral || i % old_bytes == 0) continue;
    reads_.push_back(reads_[granules_[i].read_clock]);
    granules_[i].read_clock = static_cast<uint32_t>(reads_.size() - 1);
  }
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
      reads_.emplace_back(threads_);
    } else {
      index = free_reads_.back();
      free_reads_.pop_back();
      std::fill(reads_[index].begin(), reads_[index].end(), 0);
    }
    reads_[index][granule->reader] = granule->read_clock;
    granule->reader = kSeveral;
    granule->read_clock = index;
  }
  reads_[granule->read_clock][thread] = now;
}

Conflict SharedRaces::check_read(uint32_t thread, uint32_t address, uint32_t bytes, bool strong,
                                 const ptx::Instruction *source) {
  prepare(address, bytes);
  const uint32_t end = (address + bytes) / granule_bytes_;
  for (uint32_t i = address / granule_bytes_; i < end; i++) {
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
  const std::vector<uint32_t> &reads = reads_[granule.read_clock];
  for (uint32_t other = 0; other < threads_; other++) {
    if (reads[other] == 0 || clocks_.ordered(other, reads[other], thread)) continue;
    return {"read", other, granule.read_source};
  }
  return {};
}

Conflict SharedRaces::check_write(uint32_t thread, uint32_t address, uint32_t bytes, bool strong) {
  prepare(address, bytes);
  const uint32_t end = (address + bytes) / granule_bytes_;
  for (uint32_t i = address / granule_bytes_; i < end; i++) {
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
  const uint32_t end = (address + bytes) / granule_bytes_;
  for (uint32_t i = address / granule_bytes_; i < end; i++) {
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
