#include "tests/gpusim/memory/traffic.h"

#include <algorithm>

namespace gpusim {
namespace {

constexpr unsigned kLaneCount = 32;

/* Adds a value to a short list unless it is there; true if it was not. */
bool insert(uint64_t *list, unsigned *count, uint64_t value) {
  for (unsigned i = *count; i-- > 0;) {
    if (list[i] == value) return false;
  }
  list[(*count)++] = value;
  return true;
}

/* Wavefronts of the lanes [first, first + lanes). */
unsigned phase(const uint64_t *address, uint32_t mask, unsigned words, unsigned first,
               unsigned lanes) {
  uint64_t different[kBanks][kLaneCount]; /* words of each bank */
  unsigned load[kBanks] = {};
  unsigned most = 0;
  for (unsigned lane = first; lane < first + lanes; lane++) {
    if ((mask >> lane & 1) == 0) continue;
    for (unsigned w = 0; w < words; w++) {
      const uint64_t word = address[lane] / kBankBytes + w;
      const unsigned bank = word % kBanks;
      if (insert(different[bank], &load[bank], word)) most = std::max(most, load[bank]);
    }
  }
  return most;
}

}  // namespace

unsigned sectors(const uint64_t *address, uint32_t mask) {
  uint64_t low = ~uint64_t{0};
  uint64_t high = 0;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const uint64_t sector = address[__builtin_ctz(rest)] / kSectorBytes;
    low = std::min(low, sector);
    high = std::max(high, sector);
  }
  if (mask != 0 && high - low < 64) {
    uint64_t touched = 0;
    for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
      touched |= uint64_t{1} << (address[__builtin_ctz(rest)] / kSectorBytes - low);
    }
    return static_cast<unsigned>(__builtin_popcountll(touched));
  }
  uint64_t different[kLaneCount];
  unsigned count = 0;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    insert(different, &count, address[__builtin_ctz(rest)] / kSectorBytes);
  }
  return count;
}

Wavefronts wavefronts(const uint64_t *address, uint32_t mask, unsigned bytes) {
  const unsigned words = std::max(1u, bytes / kBankBytes);
  const unsigned lanes = kLaneCount / words;
  Wavefronts all;
  for (unsigned first = 0; first < kLaneCount; first += lanes) {
    const unsigned count = phase(address, mask, words, first, lanes);
    all.total += count;
    if (count > 1) all.conflicts += count - 1;
  }
  return all;
}

}  // namespace gpusim
