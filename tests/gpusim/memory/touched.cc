#include "tests/gpusim/memory/touched.h"

#include <sys/mman.h>

#include <algorithm>

#include "tests/gpusim/memory/heap.h"
#include "tests/gpusim/memory/traffic.h"

namespace gpusim {
namespace {

constexpr uint64_t kPageWords = 512;
constexpr uint64_t kWordBits = 64;

}  // namespace

TouchedSectors::TouchedSectors() {
  const uint64_t words = Heap::device().limit() / kSectorBytes / kWordBits;
  /* Red zones and freed ranges take addresses beyond the limit; those are not counted. */
  word_count_ = (words / kPageWords + 1) * kPageWords;
  void *place = mmap(nullptr, word_count_ * sizeof *words_, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (place == MAP_FAILED) return;
  words_ = static_cast<uint64_t *>(place);
  pages_.resize(word_count_ / kPageWords);
}

TouchedSectors::~TouchedSectors() {
  if (words_ != nullptr) munmap(words_, word_count_ * sizeof *words_);
}

void TouchedSectors::mark(uint64_t word, uint64_t bits) {
  if (word >= word_count_) return;
  if ((__atomic_load_n(&words_[word], __ATOMIC_RELAXED) & bits) == bits) return;
  __atomic_fetch_or(&words_[word], bits, __ATOMIC_RELAXED);
  __atomic_store_n(&pages_[word / kPageWords], uint8_t{1}, __ATOMIC_RELAXED);
}

void TouchedSectors::add(uint64_t first, uint64_t last) {
  if (words_ == nullptr) return;
  uint64_t sector = (first - kHeapFirst) / kSectorBytes;
  const uint64_t end = (last - kHeapFirst) / kSectorBytes + 1;
  while (sector < end) {
    const uint64_t shift = sector % kWordBits;
    const uint64_t count = std::min(kWordBits - shift, end - sector);
    mark(sector / kWordBits, ~uint64_t{0} >> (kWordBits - count) << shift);
    sector += count;
  }
}

uint64_t TouchedSectors::count() const {
  uint64_t sum = 0;
  for (uint64_t page = 0; page < pages_.size(); page++) {
    if (pages_[page] == 0) continue;
    for (uint64_t i = 0; i < kPageWords; i++) {
      sum += static_cast<unsigned>(__builtin_popcountll(words_[page * kPageWords + i]));
    }
  }
  return sum;
}

}  // namespace gpusim
