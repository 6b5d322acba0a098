#include "tests/gpusim/checks/shared_races.h"

#include <algorithm>
#include <utility>

namespace gpusim {
namespace {

constexpr unsigned kClockShift = 32, kThreadShift = 20;
constexpr uint64_t kSeveral = uint64_t{1} << 31;
constexpr uint64_t kStrongBit = uint64_t{1} << 30;
constexpr uint64_t kThreadMask = (kSeveral | (uint64_t{1023} << kThreadShift));
constexpr uint32_t kMostSources = (1u << kThreadShift) - 1;
/* A warp's entry among several readers: its lanes have clocks of their own. */
constexpr uint64_t kLaneClocks = uint64_t{1} << 63;

/* One granule, or two side by side. */
template <unsigned kGranules>
struct Words {
  using Vector = int64_t __attribute__((vector_size(32), aligned(16), may_alias));
  static constexpr unsigned kAtOnce = 2;
};
template <>
struct Words<1> {
  using Vector = int64_t __attribute__((vector_size(16), may_alias));
  static constexpr unsigned kAtOnce = 1;
};

uint32_t clock_of(uint64_t word) { return static_cast<uint32_t>(word >> kClockShift); }
uint32_t entry_clock(uint64_t entry) { return clock_of(entry & ~kLaneClocks); }
uint64_t make_entry(uint32_t clock, uint32_t lanes) {
  return static_cast<uint64_t>(clock) << kClockShift | lanes;
}
uint32_t thread_of(uint64_t word) { return static_cast<uint32_t>(word >> kThreadShift) & 1023; }
uint32_t lowest(uint32_t mask) { return static_cast<uint32_t>(__builtin_ctz(mask)); }

bool any(const Words<1>::Vector &lanes) { return (lanes[0] | lanes[1]) != 0; }

bool any(const Words<2>::Vector &lanes) {
#ifdef __AVX__
  using Test = long long __attribute__((vector_size(32), aligned(16), may_alias));
  const Test &test = reinterpret_cast<const Test &>(lanes);
  return __builtin_ia32_ptestz256(test, test) == 0;
#else
  return (lanes[0] | lanes[1] | lanes[2] | lanes[3]) != 0;
#endif
}

}  // namespace

void SharedRaces::make_granules(uint32_t multiple) {
  const uint32_t old_shift = granule_shift_;
  granule_shift_ = std::min(granule_shift_, lowest(multiple));
  const size_t count = (bytes_ + (size_t{1} << granule_shift_) - 1) >> granule_shift_;
  const size_t warps = clocks_.warps();
  const std::vector<Granule> old = std::move(granules_);
  const std::unique_ptr<uint64_t, Free> old_readers = std::move(readers_);
  granules_.assign(count, Granule{0, 0});
  /* Zeros that the system supplies when they are written: most granules have few readers. */
  readers_.reset(static_cast<uint64_t *>(calloc(count * warps, sizeof(uint64_t))));
  const auto old_clocks = std::exchange(lane_clocks_, {});
  for (size_t i = 0; i < count && !old.empty(); i++) {
    const size_t from = i >> (old_shift - granule_shift_);
    granules_[i] = old[from];
    if ((granules_[i].read & kSeveral) == 0) continue;
    for (size_t w = 0; w < warps; w++) {
      const uint64_t entry = old_readers.get()[from * warps + w];
      readers_.get()[i * warps + w] = entry;
      if (lanes_of(entry) != 0 && (entry & kLaneClocks) != 0) {
        lane_clocks_[i * warps + w] = old_clocks.at(from * warps + w);
      }
    }
  }
}

void SharedRaces::prepare(const SharedAccess &access, uint32_t mask) {
  uint32_t together = 0;
  for (uint32_t lane = 0; lane < kLanes; lane++) {
    together |= (mask >> lane & 1) != 0 ? access.address[lane] : 0;
  }
  prepare(together, access.bytes);
}

/* 0: there were too many. */
uint32_t SharedRaces::source_number(const ptx::Instruction *source) {
  if (sources_.empty()) sources_.push_back(nullptr);
  const uintptr_t key = reinterpret_cast<uintptr_t>(source) / 64;
  uint32_t &recent = recent_sources_[(key ^ key >> 4) % recent_sources_.size()];
  if (recent < sources_.size() && sources_[recent] == source) return recent;
  const auto found = source_numbers_.find(source);
  if (found != source_numbers_.end()) return recent = found->second;
  if (sources_.size() > kMostSources) return 0;
  recent = static_cast<uint32_t>(sources_.size());
  sources_.push_back(source);
  source_numbers_[source] = recent;
  return recent;
}

const ptx::Instruction *SharedRaces::source_of(uint64_t word) const {
  return sources_[word & kMostSources];
}

uint64_t SharedRaces::word(const SharedAccess &access, uint32_t lane) {
  const uint32_t thread = access.warp * kLanes + lane;
  return static_cast<uint64_t>(clocks_.now(thread)) << kClockShift |
         (access.strong ? kStrongBit : 0) | static_cast<uint64_t>(thread) << kThreadShift |
         source_number(access.source);
}

void SharedRaces::forget() {
  std::fill(granules_.begin(), granules_.end(), Granule{0, 0});
  lane_clocks_.clear();
}

/* A read is beyond doubt where nobody else has accessed the granule since all was settled, or where
 * others have only read it. */
template <unsigned kGranules, bool kWrite>
uint32_t SharedRaces::run_plainly(const SharedAccess &access, uint32_t mask) {
  using Vector = typename Words<kGranules>::Vector;
  constexpr unsigned kPairs = Words<kGranules>::kAtOnce;
  const uint64_t settled = static_cast<uint64_t>(clocks_.settled() + 1) << kClockShift;
  const uint64_t source = source_number(access.source);
  const uint32_t *const now = clocks_.now_of_warp(access.warp);
  Vector reads; /* which words are what was read */
  for (unsigned i = 0; i < kPairs; i++) {
    reads[2 * i] = 0;
    reads[2 * i + 1] = -1;
  }
  while (mask != 0) {
    const uint32_t lane = lowest(mask);
    Granule *const granules = &granules_[access.address[lane] >> granule_shift_];
    const uint64_t mine = static_cast<uint64_t>(now[lane]) << kClockShift |
                          static_cast<uint64_t>(access.warp * kLanes + lane) << kThreadShift |
                          source;
    auto *const vectors = reinterpret_cast<Vector *>(granules);
    Vector doubt = {};
    for (unsigned i = 0; i < kGranules / kPairs; i++) {
      const Vector words = vectors[i];
      const Vector other =
          ((words ^ static_cast<int64_t>(mine)) & static_cast<int64_t>(kThreadMask)) != 0;
      doubt |= (words >= static_cast<int64_t>(settled)) & other;
    }
    if (!any(doubt)) {
      for (unsigned i = 0; i < kGranules / kPairs; i++) {
        const Vector all = Vector{} + static_cast<int64_t>(mine);
        vectors[i] = kWrite ? all & ~reads : (vectors[i] & ~reads) | (all & reads);
      }
    } else {
      if (kWrite) return mask;
      for (unsigned i = 0; i < kGranules; i++) {
        Granule &granule = granules[i];
        const bool written =
            granule.write >= settled && ((granule.write ^ mine) & kThreadMask) != 0;
        const bool read = granule.read >= settled && ((granule.read ^ mine) & kThreadMask) != 0;
        if (!written && !read) {
          granule.read = mine;
        } else if (written || !join_readers(&granule, mine, 1u << lane)) {
          return mask;
        }
      }
    }
    mask &= mask - 1;
  }
  return 0;
}

/* Lanes of a warp, with the clock of `mine`, read a granule that nobody writes; `mine` names one of
 * them. False, and nothing done, where the readers' clocks need a closer look. */
inline bool SharedRaces::join_readers(Granule *granule, uint64_t mine, uint32_t lanes) {
  if (clock_of(granule->read) <= clocks_.settled()) {
    granule->read = mine;
    if ((lanes & (lanes - 1)) == 0) return true;
    share(granule);
  } else if ((granule->read & kSeveral) == 0) {
    if (clock_of(granule->read) != clock_of(mine)) return false;
    share(granule);
  }
  uint64_t *const entry = readers(granule) + thread_of(mine) / kLanes;
  const uint32_t before = lanes_of(*entry);
  if (before != 0 && clock_of(*entry) != clock_of(mine)) return false;
  *entry = make_entry(clock_of(mine), before | lanes);
  granule->read = kSeveral | mine;
  return true;
}

/* All lanes read one place. */
bool SharedRaces::read_by_all(const SharedAccess &access, uint32_t mask) {
  if ((mask & (mask - 1)) == 0 || !clocks_.level(access.warp)) return false;
  const uint32_t first = access.address[lowest(mask)];
  uint32_t different = 0;
  for (uint32_t lane = 0; lane < kLanes; lane++) {
    different |= (mask >> lane & 1) != 0 ? access.address[lane] ^ first : 0;
  }
  if (different != 0) return false;
  const uint64_t mine = word(access, lowest(mask));
  Granule *const granules = &granules_[first >> granule_shift_];
  const uint32_t count = access.bytes >> granule_shift_;
  for (uint32_t i = 0; i < count; i++) {
    if (clock_of(granules[i].write) > clocks_.settled()) return false;
  }
  for (uint32_t i = 0; i < count; i++) {
    if (!join_readers(&granules[i], mine, mask)) return false;
  }
  return true;
}

uint32_t SharedRaces::read_plainly(const SharedAccess &access, uint32_t mask) {
  prepare(access, mask);
  if (read_by_all(access, mask)) return 0;
  switch (access.bytes >> granule_shift_) {
    case 1:
      return run_plainly<1, false>(access, mask);
    case 2:
      return run_plainly<2, false>(access, mask);
    case 4:
      return run_plainly<4, false>(access, mask);
    case 8:
      return run_plainly<8, false>(access, mask);
    default:
      return run_plainly<16, false>(access, mask);
  }
}

uint32_t SharedRaces::write_plainly(const SharedAccess &access, uint32_t mask) {
  prepare(access, mask);
  switch (access.bytes >> granule_shift_) {
    case 1:
      return run_plainly<1, true>(access, mask);
    case 2:
      return run_plainly<2, true>(access, mask);
    case 4:
      return run_plainly<4, true>(access, mask);
    case 8:
      return run_plainly<8, true>(access, mask);
    default:
      return run_plainly<16, true>(access, mask);
  }
}

uint64_t *SharedRaces::readers(const Granule *granule) {
  return readers_.get() + static_cast<size_t>(granule - granules_.data()) * clocks_.warps();
}

uint32_t SharedRaces::lanes_of(uint64_t entry) const {
  return entry_clock(entry) > clocks_.settled() ? static_cast<uint32_t>(entry) : 0;
}

/* The one reader becomes the first of several. */
void SharedRaces::share(Granule *granule) {
  const uint32_t thread = thread_of(granule->read);
  readers(granule)[thread / kLanes] = make_entry(clock_of(granule->read), 1u << thread % kLanes);
  granule->read |= kSeveral;
}

/* One more among several readers. */
void SharedRaces::add_reader(Granule *granule, uint64_t mine) {
  const uint32_t now = clock_of(mine), lane = thread_of(mine) % kLanes;
  uint64_t *const entry = readers(granule) + thread_of(mine) / kLanes;
  const uint32_t before = lanes_of(*entry);
  if ((before & ~(1u << lane)) == 0 || clock_of(*entry) == now) {
    *entry = make_entry(now, before | 1u << lane);
  } else {
    std::array<uint32_t, kLanes> &clocks =
        lane_clocks_[static_cast<uint64_t>(entry - readers_.get())];
    if ((*entry & kLaneClocks) == 0) clocks.fill(entry_clock(*entry));
    clocks[lane] = now;
    *entry = kLaneClocks | make_entry(now, before | 1u << lane);
  }
  const uint64_t strong = granule->read & mine & kStrongBit;
  granule->read = kSeveral | strong | (mine & ~kStrongBit);
}

void SharedRaces::record_read(Granule *granule, uint64_t mine) {
  const uint32_t thread = thread_of(mine);
  const bool none = clock_of(granule->read) <= clocks_.settled();
  const bool several = !none && (granule->read & kSeveral) != 0;
  const uint64_t weak = none || (granule->read & kStrongBit) != 0 ? 0 : kStrongBit;
  if (!several &&
      (none || clocks_.ordered(thread_of(granule->read), clock_of(granule->read), thread))) {
    granule->read = mine & ~weak;
    return;
  }
  if (!several) share(granule);
  add_reader(granule, mine);
}

Conflict SharedRaces::conflicting_write(const Granule &granule, uint32_t thread,
                                        bool strong) const {
  if (strong && (granule.write & kStrongBit) != 0) return {};
  const uint32_t writer = thread_of(granule.write);
  if (clocks_.ordered(writer, clock_of(granule.write), thread)) return {};
  return {"written", writer, source_of(granule.write)};
}

Conflict SharedRaces::check_read(const SharedAccess &access, uint32_t lane) {
  const uint32_t address = access.address[lane], thread = access.warp * kLanes + lane;
  prepare(address, access.bytes);
  const uint64_t mine = word(access, lane);
  const uint32_t end = (address + access.bytes) >> granule_shift_;
  for (uint32_t i = address >> granule_shift_; i < end; i++) {
    const Conflict conflict = conflicting_write(granules_[i], thread, access.strong);
    if (conflict.what != nullptr) return conflict;
    record_read(&granules_[i], mine);
  }
  return {};
}

Conflict SharedRaces::conflicting_read(const Granule &granule, uint32_t thread, bool strong) {
  if (clock_of(granule.read) <= clocks_.settled()) return {};
  if (strong && (granule.read & kStrongBit) != 0) return {};
  if ((granule.read & kSeveral) == 0) {
    const uint32_t reader = thread_of(granule.read);
    if (clocks_.ordered(reader, clock_of(granule.read), thread)) return {};
    return {"read", reader, source_of(granule.read)};
  }
  const uint64_t *const entries = readers(&granule);
  for (uint32_t warp = 0; warp < clocks_.warps(); warp++) {
    const uint64_t entry = entries[warp];
    for (uint32_t rest = lanes_of(entry); rest != 0; rest &= rest - 1) {
      const uint32_t lane = lowest(rest), other = warp * kLanes + lane;
      const uint32_t clock =
          (entry & kLaneClocks) == 0
              ? entry_clock(entry)
              : lane_clocks_.at(static_cast<uint64_t>(entries + warp - readers_.get()))[lane];
      if (clocks_.ordered(other, clock, thread)) continue;
      return {"read", other, source_of(granule.read)};
    }
  }
  return {};
}

Conflict SharedRaces::check_write(const SharedAccess &access, uint32_t lane) {
  const uint32_t address = access.address[lane], thread = access.warp * kLanes + lane;
  prepare(address, access.bytes);
  const uint32_t end = (address + access.bytes) >> granule_shift_;
  for (uint32_t i = address >> granule_shift_; i < end; i++) {
    Conflict conflict = conflicting_write(granules_[i], thread, access.strong);
    if (conflict.what == nullptr) conflict = conflicting_read(granules_[i], thread, access.strong);
    if (conflict.what != nullptr) return conflict;
  }
  return {};
}

void SharedRaces::record_write(const SharedAccess &access, uint32_t lane) {
  const uint32_t address = access.address[lane];
  prepare(address, access.bytes);
  const Granule mine = {word(access, lane), 0};
  const uint32_t end = (address + access.bytes) >> granule_shift_;
  for (uint32_t i = address >> granule_shift_; i < end; i++) {
    Granule &granule = granules_[i];
    if ((granule.read & kSeveral) != 0) {
      std::fill_n(readers(&granule), clocks_.warps(), uint64_t{0});
    }
    granule = mine;
  }
}

}  // namespace gpusim
