#include "tests/gpusim/memory/heap.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace gpusim {
namespace {

constexpr uint64_t kAlign = 256;
constexpr uint64_t kRedZone = 256;
constexpr uint64_t kReserve = uint64_t{1} << 39;
constexpr uint64_t kLeastReserve = uint64_t{1} << 30;
constexpr uint64_t kPage = 4096;
constexpr size_t kMostFreed = 1u << 16;

uint64_t round_up(uint64_t value, uint64_t align) { return (value + align - 1) / align * align; }

void *reserve(uint64_t bytes) {
  void *at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return at == MAP_FAILED ? nullptr : at;
}

/* Whole pages go back to the system and read as zero; the rest stays. */
void return_pages(uint8_t *first, uint64_t bytes) {
  const uintptr_t begin = round_up(reinterpret_cast<uintptr_t>(first), kPage);
  const uintptr_t end = (reinterpret_cast<uintptr_t>(first) + bytes) / kPage * kPage;
  if (begin < end) madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
}

/* Bits [first, first + count) of a word. */
uint64_t bit_range(uint64_t first, uint64_t count) {
  return (count >= 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1) << first;
}

/* Neighbouring bytes of one word may belong to other threads. */
void set_bits(uint64_t *word, uint64_t bits, bool defined) {
  if (bits == ~uint64_t{0}) {
    __atomic_store_n(word, defined ? bits : 0, __ATOMIC_RELAXED);
    return;
  }
  const uint64_t old = __atomic_load_n(word, __ATOMIC_RELAXED);
  if (defined && (old & bits) != bits) __atomic_fetch_or(word, bits, __ATOMIC_RELAXED);
  if (!defined && (old & bits) != 0) __atomic_fetch_and(word, ~bits, __ATOMIC_RELAXED);
}

}  // namespace

Heap &Heap::device() {
  static Heap *const heap = new Heap;
  return *heap;
}

Heap::Heap() {
  for (uint64_t bytes = kReserve; bytes >= kLeastReserve && defined_ == nullptr; bytes /= 2) {
    bytes_ = static_cast<uint8_t *>(reserve(bytes));
    if (bytes_ == nullptr) continue;
    defined_ = static_cast<uint64_t *>(reserve(bytes / 8));
    if (defined_ == nullptr) munmap(bytes_, bytes);
    reserved_ = defined_ == nullptr ? 0 : bytes;
  }
  limit_ = reserved_;
  next_ = kRedZone;
}

void Heap::set_limit(uint64_t bytes) { limit_ = std::min(bytes, reserved_); }

uint64_t Heap::limit() const { return limit_; }

uint64_t Heap::used() const { return used_; }

uint64_t Heap::allocate(uint64_t bytes, const char *name, bool read_only) {
  if (bytes == 0 || bytes > limit_ || used_ > limit_ - bytes) return 0;
  const uint64_t span = round_up(bytes, kAlign) + kRedZone;
  uint64_t offset = next_;
  if (freed_count_ > kMostFreed) drop_freed();
  if (span <= reserved_ - next_) {
    next_ += span;
  } else {
    drop_freed();
    offset = find_gap(span);
    if (offset == 0) return 0;
    next_ = std::max(next_, offset + span);
  }
  Allocation allocation;
  allocation.first = kHeapFirst + offset;
  allocation.bytes = bytes;
  allocation.read_only = read_only;
  allocation.name = name == nullptr ? nullptr : strdup(name);
  const auto place = std::upper_bound(
      allocations_.begin(), allocations_.end(), allocation.first,
      [](uint64_t address, const Allocation &other) { return address < other.first; });
  allocations_.insert(place, allocation);
  used_ += bytes;
  return allocation.first;
}

/* First offset with so many bytes between live allocations; 0 if there is none. */
uint64_t Heap::find_gap(uint64_t bytes) const {
  uint64_t offset = kRedZone;
  for (const Allocation &allocation : allocations_) {
    const uint64_t first = allocation.first - kHeapFirst;
    if (bytes <= first - offset) return offset;
    offset = first + round_up(allocation.bytes, kAlign) + kRedZone;
  }
  return bytes <= reserved_ - offset ? offset : 0;
}

void Heap::drop_freed() {
  allocations_.erase(std::remove_if(allocations_.begin(), allocations_.end(),
                                    [](const Allocation &allocation) { return allocation.freed; }),
                     allocations_.end());
  freed_count_ = 0;
}

bool Heap::release(uint64_t address) {
  Allocation *const found = const_cast<Allocation *>(find(address));
  if (found == nullptr || found->first != address || found->freed) return false;
  free(const_cast<char *>(found->name));
  found->name = nullptr;
  found->freed = true;
  freed_count_++;
  used_ -= found->bytes;
  undefine(found->first, found->bytes);
  return_pages(host(found->first), found->bytes);
  return true;
}

const Allocation *Heap::find_above(uint64_t address) const {
  const auto above = std::upper_bound(
      allocations_.begin(), allocations_.end(), address,
      [](uint64_t wanted, const Allocation &other) { return wanted < other.first; });
  return above == allocations_.end() ? nullptr : &*above;
}

const Allocation *Heap::find(uint64_t address) const {
  const Allocation *const above = find_above(address);
  const size_t count =
      above == nullptr ? allocations_.size() : static_cast<size_t>(above - allocations_.data());
  return count == 0 ? nullptr : &allocations_[count - 1];
}

bool Heap::contains(uint64_t address, uint64_t bytes) const {
  const Allocation *const found = find(address);
  return found != nullptr && !found->freed && bytes <= found->bytes &&
         address - found->first <= found->bytes - bytes;
}

void Heap::set_range(uint64_t address, uint64_t bytes, bool defined) {
  uint64_t at = address - kHeapFirst;
  const uint64_t end = at + bytes;
  while (at < end) {
    const uint64_t count = std::min(64 - at % 64, end - at);
    set_bits(&defined_[at / 64], bit_range(at % 64, count), defined);
    at += count;
  }
}

void Heap::define(uint64_t address, uint64_t bytes) { set_range(address, bytes, true); }

void Heap::undefine(uint64_t address, uint64_t bytes) {
  const uint64_t at = address - kHeapFirst;
  const uint64_t first_word = (at + 63) / 64;
  const uint64_t end_word = (at + bytes) / 64;
  if (end_word <= first_word + kPage / 4) return set_range(address, bytes, false);
  /* Pages that were never touched stay so. */
  const uint64_t first_page = round_up(first_word, kPage / 8);
  const uint64_t end_page = end_word / (kPage / 8) * (kPage / 8);
  set_range(address, first_page * 64 - at, false);
  return_pages(reinterpret_cast<uint8_t *>(defined_ + first_page), (end_page - first_page) * 8);
  set_range(kHeapFirst + end_page * 64, at + bytes - end_page * 64, false);
}

uint64_t Heap::first_undefined(uint64_t address, uint64_t bytes) const {
  uint64_t at = address - kHeapFirst;
  const uint64_t end = at + bytes;
  while (at < end) {
    const uint64_t count = std::min(64 - at % 64, end - at);
    const uint64_t word = __atomic_load_n(&defined_[at / 64], __ATOMIC_RELAXED);
    const uint64_t missing = ~word & bit_range(at % 64, count);
    if (missing != 0) {
      return kHeapFirst + at / 64 * 64 + static_cast<unsigned>(__builtin_ctzll(missing));
    }
    at += count;
  }
  return address + bytes;
}

uint32_t Heap::defined_bits(uint64_t address, unsigned bytes) const {
  const uint64_t at = address - kHeapFirst;
  const unsigned shift = at % 64;
  uint64_t bits = __atomic_load_n(&defined_[at / 64], __ATOMIC_RELAXED) >> shift;
  if (shift + bytes > 64) {
    bits |= __atomic_load_n(&defined_[at / 64 + 1], __ATOMIC_RELAXED) << (64 - shift);
  }
  return static_cast<uint32_t>(bits & bit_range(0, bytes));
}

void Heap::set_defined_bits(uint64_t address, unsigned bytes, uint32_t bits) {
  for (unsigned i = 0; i < bytes;) {
    const uint64_t at = address - kHeapFirst + i;
    const unsigned count = static_cast<unsigned>(std::min<uint64_t>(64 - at % 64, bytes - i));
    const uint64_t wanted = (static_cast<uint64_t>(bits) >> i & bit_range(0, count)) << at % 64;
    set_bits(&defined_[at / 64], wanted, true);
    set_bits(&defined_[at / 64], bit_range(at % 64, count) & ~wanted, false);
    i += count;
  }
}

}  // namespace gpusim
