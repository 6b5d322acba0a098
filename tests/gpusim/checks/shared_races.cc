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

/* Of a set of words of granules, in which a granule's write is followed by its read. */
constexpr uint32_t kWrittenWords = 0x55555555;

/* One granule, or two side by side. */
template <unsigned kGranules>
struct Words {
  using Vector = int64_t __attribute__((vector_size(32), aligned(16), may_alias));
  static constexpr unsigned kAtOnce = 2;
  /* *out = a, but with b's reads. (A vector that is returned would depend on the ABI's AVX.) */
  static void with_reads(const Vector &a, const Vector &b, Vector *out) {
    *out = __builtin_shufflevector(a, b, 0, 5, 2, 7);
  }
};
template <>
struct Words<1> {
  using Vector = int64_t __attribute__((vector_size(16), may_alias));
  static constexpr unsigned kAtOnce = 1;
  static void with_reads(const Vector &a, const Vector &b, Vector *out) {
    *out = __builtin_shufflevector(a, b, 0, 3);
  }
};

uint32_t clock_of(uint64_t word) { return static_cast<uint32_t>(word >> kClockShift); }
uint32_t entry_clock(uint64_t entry) { return clock_of(entry & ~kLaneClocks); }
uint64_t make_entry(uint32_t clock, uint32_t lanes) {
  return static_cast<uint64_t>(clock) << kClockShift | lanes;
}
uint32_t thread_of(uint64_t word) { return static_cast<uint32_t>(word >> kThreadShift) & 1023; }
uint32_t lowest(uint32_t mask) { return static_cast<uint32_t>(__builtin_ctz(mask)); }

/* Bit i: element i is negative. */
uint32_t signs(const Words<1>::Vector &words) {
  using Double2 = double __attribute__((vector_size(16), may_alias));
  return static_cast<uint32_t>(__builtin_ia32_movmskpd(reinterpret_cast<const Double2 &>(words)));
}

uint32_t signs(const Words<2>::Vector &words) {
#ifdef __AVX__
  using Double4 = double __attribute__((vector_size(32), aligned(16), may_alias));
  return static_cast<uint32_t>(
      __builtin_ia32_movmskpd256(reinterpret_cast<const Double4 &>(words)));
#else
  uint32_t set = 0;
  for (unsigned i = 0; i < 4; i++) set |= words[i] < 0 ? 1u << i : 0;
  return set;
#endif
}

}  // namespace

void SharedRaces::make_granules(uint32_t bytes) {
  const uint32_t old_shift = granule_shift_;
  granule_shift_ = std::min(granule_shift_, lowest(bytes));
  const size_t count = (bytes_ + (size_t{1} << granule_shift_) - 1) >> granule_shift_;
  const size_t warps = warps_;
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

/* The words of all lanes. */
void SharedRaces::words(const SharedAccess &access, uint64_t *words) {
  const uint64_t source = source_number(access.source) | (access.strong ? kStrongBit : 0);
  const uint64_t first = uint64_t{access.warp} * kLanes;
  const uint32_t *const now = clocks_.now_of_warp(access.warp);
  for (uint64_t lane = 0; lane < kLanes; lane++) {
    words[lane] = static_cast<uint64_t>(now[lane]) << kClockShift |
                  (source + ((first + lane) << kThreadShift));
  }
}

void SharedRaces::forget() {
  std::fill(granules_.begin(), granules_.end(), Granule{0, 0});
  lane_clocks_.clear();
}

/* An access is beyond doubt where nobody else has accessed the granules since all was settled, and
 * a read also where others have only read them. */
template <unsigned kGranules, bool kWrite>
uint32_t SharedRaces::run_plainly(const SharedAccess &access, uint32_t mask) {
  using Vector = typename Words<kGranules>::Vector;
  constexpr unsigned kPairs = Words<kGranules>::kAtOnce, kVectors = kGranules / kPairs;
  const int64_t settled = (static_cast<int64_t>(clocks_.settled() + 1) << kClockShift) - 1;
  uint64_t mine[kLanes];
  words(access, mine);
  const Readers readers = readers_of(access.warp);
  Granule *const all = granules_.data();
  const uint32_t *const addresses = access.address;
  const uint32_t shift = granule_shift_;
  for (; mask != 0; mask &= mask - 1) {
    const uint32_t lane = lowest(mask);
    const size_t first = addresses[lane] >> shift;
    auto *const vectors = reinterpret_cast<Vector *>(all + first);
    const Vector words = Vector{} + static_cast<int64_t>(mine[lane]);
    Vector doubt[kVectors]; /* negative: somebody else's word, and not settled */
    Vector any = {};
    for (unsigned i = 0; i < kVectors; i++) {
      const Vector others = (vectors[i] ^ words) & static_cast<int64_t>(kThreadMask);
      doubt[i] = -others & (settled - vectors[i]);
      any |= doubt[i];
    }
    const uint32_t doubts = signs(any);
    if ((doubts & (kWrite ? ~0u : kWrittenWords)) != 0) return mask;
    if (doubts == 0) {
      for (unsigned i = 0; i < kVectors; i++) {
        if (kWrite) {
          Words<kGranules>::with_reads(words, Vector{}, &vectors[i]);
        } else {
          Words<kGranules>::with_reads(vectors[i], words, &vectors[i]);
        }
      }
      continue;
    }
    uint32_t shared = 0; /* bit 2i + 1: others have read granule i */
    for (unsigned i = 0; i < kVectors; i++) shared |= signs(doubt[i]) << 2 * kPairs * i;
    for (unsigned i = 0; i < kGranules; i++) {
      uint64_t *const read = &all[first + i].read;
      if ((shared >> (2 * i + 1) & 1) == 0) {
        *read = mine[lane];
      } else if (!readers.join(first + i, read, mine[lane], 1u << lane)) {
        return mask;
      }
    }
  }
  return 0;
}

SharedRaces::Readers SharedRaces::readers_of(uint32_t warp) const {
  return {readers_.get(), warps_, warp, clocks_.settled()};
}

/* Lanes of the warp, with the clock of `mine`, read a granule that others have read since all was
 * settled and nobody has written; `mine` names one of the lanes. False, and nothing of theirs
 * noted, where the readers' clocks need a closer look. */
inline bool SharedRaces::Readers::join(size_t granule, uint64_t *read, uint64_t mine,
                                       uint32_t lanes) const {
  uint64_t *const of_granule = entries + granule * warps;
  if ((*read & kSeveral) == 0) {
    if (clock_of(*read) != clock_of(mine)) return false;
    share(of_granule, read);
  }
  const uint64_t before = of_granule[warp];
  const bool begun = entry_clock(before) > settled && static_cast<uint32_t>(before) != 0;
  if (begun && clock_of(before) != clock_of(mine)) return false;
  of_granule[warp] =
      make_entry(clock_of(mine), begun ? static_cast<uint32_t>(before) | lanes : lanes);
  *read = kSeveral | mine;
  return true;
}

/* The one reader becomes the first of several. */
inline void SharedRaces::Readers::share(uint64_t *of_granule, uint64_t *read) {
  const uint32_t thread = thread_of(*read);
  of_granule[thread / kLanes] = make_entry(clock_of(*read), 1u << thread % kLanes);
  *read |= kSeveral;
}

/* All lanes read one place. */
bool SharedRaces::read_by_all(const SharedAccess &access, uint32_t mask) {
  if ((mask & (mask - 1)) == 0 || !clocks_.level(access.warp)) return false;
  const uint32_t first = access.address[lowest(mask)];
  uint32_t different = access.address[lowest(mask & (mask - 1))] ^ first;
  if (different != 0) return false;
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
  const Readers readers = readers_of(access.warp);
  const size_t index = first >> granule_shift_;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t *const read = &granules[i].read;
    if (clock_of(*read) <= clocks_.settled()) {
      *read = mine;
      Readers::share(readers.entries + (index + i) * warps_, read);
    }
    if (!readers.join(index + i, read, mine, mask)) return false;
  }
  return true;
}

uint32_t SharedRaces::read_plainly(const SharedAccess &access, uint32_t mask) {
  prepare(access.bytes);
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
  prepare(access.bytes);
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
  return readers_.get() + static_cast<size_t>(granule - granules_.data()) * warps_;
}

uint32_t SharedRaces::lanes_of(uint64_t entry) const {
  return entry_clock(entry) > clocks_.settled() ? static_cast<uint32_t>(entry) : 0;
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
  if (!several) Readers::share(readers(granule), &granule->read);
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
  prepare(access.bytes);
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
  for (uint32_t warp = 0; warp < warps_; warp++) {
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
  prepare(access.bytes);
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
  prepare(access.bytes);
  const Granule mine = {word(access, lane), 0};
  const uint32_t end = (address + access.bytes) >> granule_shift_;
  for (uint32_t i = address >> granule_shift_; i < end; i++) {
    Granule &granule = granules_[i];
    if ((granule.read & kSeveral) != 0) {
      std::fill_n(readers(&granule), warps_, uint64_t{0});
    }
    granule = mine;
  }
}

}  // namespace gpusim
