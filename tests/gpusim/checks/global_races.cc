#include "tests/gpusim/checks/global_races.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <thread>

#include "tests/gpusim/exec/instruction.h"
#include "tests/gpusim/memory/heap.h"

namespace gpusim {
namespace {

constexpr uint64_t kWordBytes = 4;
constexpr uint64_t kChunkBytes = 1u << 16; /* of the shadow */

/* A slot: CTA + 1 in 22 bits, its fences in 5, strong in 1, bytes of the word in 4; 0 = free. */
constexpr uint32_t kMostCtas = (1u << 22) - 2;
constexpr uint32_t kMostFences = 31;

uint32_t make_slot(const CtaOrder &cta, uint32_t bytes, bool strong) {
  return (cta.index + 1) << 10 | std::min(cta.fences, kMostFences) << 5 | (strong ? 1u : 0u) << 4 |
         bytes;
}

uint32_t slot_cta(uint32_t slot) { return (slot >> 10) - 1; }
uint32_t slot_fences(uint32_t slot) { return slot >> 5 & 31; }
bool slot_strong(uint32_t slot) { return (slot >> 4 & 1) != 0; }
uint32_t slot_bytes(uint32_t slot) { return slot & 15; }

/* Whether the slot's access and `mine` touch the same bytes unordered. */
bool conflicts(uint32_t slot, uint32_t mine, const CtaOrder &cta) {
  if (slot == 0 || slot_cta(slot) == cta.index) return false;
  if ((slot_bytes(slot) & slot_bytes(mine)) == 0) return false;
  if (slot_strong(slot) && slot_strong(mine)) return false;
  if (slot_fences(slot) == kMostFences) return false;
  const auto known = cta.known.find(slot_cta(slot));
  return known == cta.known.end() || known->second <= slot_fences(slot);
}

/* The pair of slots with `mine` in it. A CTA has one slot; with two other CTAs' in the way, the
 * second makes room. */
uint64_t insert(uint64_t slots, uint32_t mine, const CtaOrder &cta) {
  uint32_t first = static_cast<uint32_t>(slots), second = static_cast<uint32_t>(slots >> 32);
  if (first != 0 && slot_cta(first) != cta.index) std::swap(first, second);
  if (first != 0 && slot_cta(first) != cta.index) {
    second = static_cast<uint32_t>(slots);
    first = 0;
  }
  const bool same_time = first >> 4 == mine >> 4;
  first = same_time ? first | mine : mine | (slot_bytes(first) & ~slot_bytes(mine));
  return static_cast<uint64_t>(second) << 32 | first;
}

/* Whether the slot says already what `mine` does. */
bool holds(uint32_t slot, uint32_t mine) {
  return (slot & mine) == mine && (slot | 15) == (mine | 15);
}

void record(std::atomic<uint64_t> *slots, uint32_t mine, const CtaOrder &cta) {
  uint64_t old = slots->load(std::memory_order_relaxed);
  if (holds(static_cast<uint32_t>(old), mine)) return;
  if (holds(static_cast<uint32_t>(old >> 32), mine)) return;
  for (;;) {
    const uint64_t updated = insert(old, mine, cta);
    const uint64_t swapped = updated << 32 | updated >> 32;
    if (updated == old || swapped == old) return;
    if (slots->compare_exchange_weak(old, updated)) return;
  }
}

GlobalConflict find(uint64_t slots, uint32_t mine, const CtaOrder &cta, const char *what) {
  if (slots == 0) return {};
  const uint32_t first = static_cast<uint32_t>(slots), second = static_cast<uint32_t>(slots >> 32);
  if (conflicts(first, mine, cta)) return {what, slot_cta(first)};
  if (conflicts(second, mine, cta)) return {what, slot_cta(second)};
  return {};
}

/* The bytes of the word at `address` that an access of so many bytes touches. */
uint32_t bytes_of_word(uint64_t address, unsigned bytes) {
  const uint32_t mask = bytes >= kWordBytes ? 15u : (1u << bytes) - 1;
  return mask << address % kWordBytes & 15u;
}

void join(CtaKnowledge *into, const CtaKnowledge &from) {
  for (const auto &entry : from) {
    uint32_t &fences = (*into)[entry.first];
    fences = std::max(fences, entry.second);
  }
}

/* Two words' slots: each has two of writers, then two of readers. */
using Slots = uint32_t __attribute__((vector_size(32), aligned(16), may_alias));
constexpr Slots kReaders = {0, 0, ~0u, ~0u, 0, 0, ~0u, ~0u};

bool all_ones(const Slots &slots) {
  using Long4 = uint64_t __attribute__((vector_size(32), aligned(16), may_alias));
  const Long4 &pairs = reinterpret_cast<const Long4 &>(slots);
  return (pairs[0] & pairs[1] & pairs[2] & pairs[3]) == ~uint64_t{0};
}

}  // namespace

void GlobalHold::take(std::atomic<uint64_t> *locked, uint64_t stripes) {
  locked_ = locked;
  stripes_ = stripes;
  uint64_t others = locked->load(std::memory_order_relaxed) & ~stripes;
  while (!locked->compare_exchange_weak(others, others | stripes, std::memory_order_acquire)) {
    if ((others & stripes) != 0) std::this_thread::yield();
    others &= ~stripes;
  }
}

GlobalHold::~GlobalHold() {
  if (locked_ != nullptr) locked_->fetch_and(~stripes_, std::memory_order_release);
}

GlobalRaces::GlobalRaces(bool concurrent)
    : touched_(Heap::device().reach() / kWordBytes * sizeof(Word) / kChunkBytes + 1),
      concurrent_(concurrent) {
  const uint64_t bytes = touched_.size() * kChunkBytes;
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  shadow_ = memory == MAP_FAILED ? nullptr : static_cast<uint8_t *>(memory);
}

GlobalRaces::~GlobalRaces() {
  if (shadow_ != nullptr) munmap(shadow_, touched_.size() * kChunkBytes);
}

void GlobalRaces::hold(uint64_t stripes, GlobalHold *taken) {
  if (concurrent_ && stripes != 0) taken->take(&locked_, stripes);
}

/* Null when the word is not tracked. */
GlobalRaces::Word *GlobalRaces::word(uint64_t address) {
  if (shadow_ == nullptr) return nullptr;
  const uint64_t at = (address - kHeapFirst) / kWordBytes * sizeof(Word);
  std::atomic<uint8_t> &touched = touched_[at / kChunkBytes];
  if (touched.load(std::memory_order_relaxed) == 0) {
    if (chunks_.load(std::memory_order_relaxed) >= kBudget / kChunkBytes) {
      untracked_.fetch_add(1, std::memory_order_relaxed);
      return nullptr;
    }
    if (touched.exchange(1) == 0) chunks_.fetch_add(1);
  }
  return reinterpret_cast<Word *>(shadow_ + at);
}

/* Whole words from `address` on. The halves of a slot pair change one at a time, and what is looked
 * for here stays once it is there, until another CTA's access is recorded: whichever comes first,
 * that access sees this CTA's earlier read. */
__attribute__((no_sanitize("thread"))) bool GlobalRaces::has_read(const CtaOrder &cta,
                                                                  uint64_t address,
                                                                  uint64_t bytes) const {
  constexpr uint32_t kCtaBits = ~1023u;
  const Slots mine = Slots{} + make_slot(cta, 15, false);
  const uint8_t *const first = shadow_ + (address - kHeapFirst) / kWordBytes * sizeof(Word);
  const uint64_t words = bytes / kWordBytes;
  Slots held = ~Slots{}, any = {};
  for (uint64_t i = 0; i + 1 < words; i += 2) {
    const Slots slots = *reinterpret_cast<const Slots *>(first + i * sizeof(Word));
    const Slots same = slots == mine;
    held &= same | __builtin_shufflevector(same, same, 1, 0, 3, 2, 5, 4, 7, 6);
    any |= slots;
  }
  if (!all_ones(held | ~kReaders)) return false;
  if (all_ones(~any | kReaders)) return words > 1;
  for (uint64_t i = 0; i + 1 < words; i += 2) {
    const Slots slots = *reinterpret_cast<const Slots *>(first + i * sizeof(Word));
    if (!all_ones((slots == 0) | (((slots ^ mine) & kCtaBits) == 0) | kReaders)) return false;
  }
  return words > 1;
}

uint32_t GlobalRaces::read_again(const CtaOrder &cta, const uint64_t *address, uint32_t mask,
                                 unsigned bytes, bool contiguous) const {
  if (bytes < kWordBytes || cta.index > kMostCtas || shadow_ == nullptr) return mask;
  if (contiguous && has_read(cta, address[0], uint64_t{bytes} * kLanes)) return 0;
  for (; mask != 0; mask &= mask - 1) {
    if (!has_read(cta, address[__builtin_ctz(mask)], bytes)) break;
  }
  return mask;
}

GlobalConflict GlobalRaces::check_read(const CtaOrder &cta, uint64_t address, unsigned bytes,
                                       bool strong) {
  if (cta.index > kMostCtas) return {};
  const uint32_t mine = make_slot(cta, bytes_of_word(address, bytes), strong);
  for (uint64_t at = address / kWordBytes * kWordBytes; at < address + bytes; at += kWordBytes) {
    Word *const slots = word(at);
    if (slots == nullptr) continue;
    record(&slots->readers, mine, cta);
    const GlobalConflict conflict = find(slots->writers.load(), mine, cta, "written");
    if (conflict.what != nullptr) return conflict;
  }
  return {};
}

GlobalConflict GlobalRaces::check_write(const CtaOrder &cta, uint64_t address, unsigned bytes,
                                        bool strong) {
  if (cta.index > kMostCtas) return {};
  const uint32_t mine = make_slot(cta, bytes_of_word(address, bytes), strong);
  for (uint64_t at = address / kWordBytes * kWordBytes; at < address + bytes; at += kWordBytes) {
    Word *const slots = word(at);
    if (slots == nullptr) continue;
    GlobalConflict conflict = find(slots->writers.load(), mine, cta, "written");
    if (conflict.what != nullptr) return conflict;
    record(&slots->writers, mine, cta);
    conflict = find(slots->writers.load(), mine, cta, "written");
    if (conflict.what == nullptr) conflict = find(slots->readers.load(), mine, cta, "read");
    if (conflict.what != nullptr) return conflict;
  }
  return {};
}

void GlobalRaces::fence(CtaOrder *cta) {
  join(&cta->known, cta->seen);
  cta->seen.clear();
  cta->fences++;
}

void GlobalRaces::strong_write(const CtaOrder &cta, uint64_t address) {
  if (cta.fences == 0) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  CtaKnowledge &flag = flags_[address];
  join(&flag, cta.known);
  flag[cta.index] = cta.fences;
}

void GlobalRaces::strong_read(CtaOrder *cta, uint64_t address) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto flag = flags_.find(address);
  if (flag != flags_.end()) join(&cta->seen, flag->second);
}

}  // namespace gpusim
