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

/* Wavefronts of the lanes [first, first + kLanesAtOnce). `unit`: what each lane accesses, in units
 * of its size; its banks lie side by side and count as one. */
template <unsigned kLanesAtOnce>
unsigned phase(const uint32_t *unit, uint32_t mask, unsigned first) {
  constexpr unsigned kUnits = kLanesAtOnce; /* of all banks */
  uint32_t used = 0;
  for (unsigned lane = 0; lane < kLanesAtOnce; lane++) {
    const uint32_t bit = mask >> (first + lane) & 1;
    used |= bit << unit[first + lane] % kUnits;
  }
  const uint32_t here = static_cast<uint32_t>((uint64_t{1} << kLanesAtOnce) - 1) << first & mask;
  if (__builtin_popcount(used) == __builtin_popcount(here)) return here != 0 ? 1 : 0;
  uint32_t different[kUnits][kLanesAtOnce]; /* units of each bank */
  uint8_t load[kUnits] = {};
  unsigned most = 0;
  for (uint32_t rest = here; rest != 0; rest &= rest - 1) {
    const uint32_t wanted = unit[__builtin_ctz(rest)];
    const unsigned bank = wanted % kUnits;
    unsigned i = 0;
    while (i < load[bank] && different[bank][i] != wanted) i++;
    if (i < load[bank]) continue;
    different[bank][i] = wanted;
    load[bank] = static_cast<uint8_t>(i + 1);
    most = std::max(most, i + 1);
  }
  return most;
}

template <unsigned kLanesAtOnce>
Wavefronts phases(const uint32_t *unit, uint32_t mask) {
  Wavefronts all;
  for (unsigned first = 0; first < kLaneCount; first += kLanesAtOnce) {
    const unsigned count = phase<kLanesAtOnce>(unit, mask, first);
    all.total += count;
    if (count > 1) all.conflicts += count - 1;
  }
  return all;
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
  const unsigned size = std::max(kBankBytes, bytes);
  const auto shift = static_cast<unsigned>(__builtin_ctz(size));
  uint32_t unit[kLaneCount];
  for (unsigned lane = 0; lane < kLaneCount; lane++) {
    unit[lane] = static_cast<uint32_t>(address[lane] >> shift);
  }
  if (size == 4) return phases<32>(unit, mask);
  if (size == 8) return phases<16>(unit, mask);
  return phases<8>(unit, mask);
}

Wavefronts WavefrontsHit::find(const uint64_t *address, uint32_t mask, unsigned bytes) {
  const auto first = static_cast<uint32_t>(address[__builtin_ctz(mask)]);
  const uint32_t within = first % kBankBytes;
  uint32_t different = (mask_ ^ mask) | (bytes_ ^ bytes) | (within_ ^ within);
  for (unsigned lane = 0; lane < kLaneCount; lane++) {
    const uint32_t inside = -(mask >> lane & 1);
    different |= (distance_[lane] ^ (static_cast<uint32_t>(address[lane]) - first)) & inside;
  }
  if (different == 0) return found_;
  mask_ = mask;
  bytes_ = bytes;
  within_ = within;
  for (unsigned lane = 0; lane < kLaneCount; lane++) {
    distance_[lane] = static_cast<uint32_t>(address[lane]) - first;
  }
  found_ = wavefronts(address, mask, bytes);
  return found_;
}

}  // namespace gpusim
