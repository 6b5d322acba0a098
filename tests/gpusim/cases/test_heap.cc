/* The heap, and the formulas of sectors and wavefronts. */
#include <criterion/criterion.h>

#include <set>

#include "tests/gpusim/cases/instruction_case.h"
#include "tests/gpusim/memory/heap.h"
#include "tests/gpusim/memory/traffic.h"

using namespace gpusim;

Test(heap, bounds_and_quarantine) {
  Heap &heap = Heap::device();
  const uint64_t a = heap.allocate(100, "first");
  const uint64_t b = heap.allocate(1);
  cr_assert(a % 256 == 0 && b % 256 == 0 && b >= a + 100 + 156);
  cr_assert(heap.contains(a, 100) && !heap.contains(a, 101) && !heap.contains(a - 1, 1));
  cr_assert(!heap.release(a + 1) && heap.release(a) && !heap.release(a));
  cr_assert(heap.find(a)->freed && !heap.contains(a, 1));
  cr_assert(heap.allocate(100) > b, "a freed range is not used again at once");
  cr_assert(heap.allocate(0) == 0 && heap.allocate(~uint64_t{0}) == 0);
  heap.set_limit(heap.used() + 10);
  cr_assert(heap.allocate(11) == 0 && heap.allocate(10) != 0);
}

Test(heap, definedness_against_a_plain_array) {
  Heap &heap = Heap::device();
  constexpr uint64_t kBytes = 300000;
  const uint64_t a = heap.allocate(kBytes);
  std::vector<bool> defined(kBytes);
  cases::Random random(7);
  for (int step = 0; step < 300; step++) {
    const uint64_t first = random.next() % kBytes;
    const uint64_t most = random.next() % 4 == 0 ? kBytes : 200;
    const uint64_t count = random.next() % (std::min(most, kBytes - first) + 1);
    const bool value = random.next() % 2 == 0;
    if (value) heap.define(a + first, count);
    if (!value) heap.undefine(a + first, count);
    std::fill_n(defined.begin() + static_cast<ptrdiff_t>(first), count, value);
    const uint64_t at = random.next() % (kBytes - 64);
    uint64_t end = at;
    while (end < at + 64 && defined[end]) end++;
    cr_assert(heap.first_undefined(a + at, 64) == a + end, "step %d", step);
    cr_assert(heap.is_defined(a + at, 64) == (end == at + 64));
    for (unsigned i = 0; i < 16; i++) {
      cr_assert((heap.defined_bits(a + at, 16) >> i & 1) == (defined[at + i] ? 1u : 0u));
    }
  }
}

Test(traffic, sectors_and_wavefronts) {
  cases::Random random(9);
  for (int step = 0; step < 500; step++) {
    const unsigned bytes = 1u << random.next() % 5;
    const uint32_t mask = static_cast<uint32_t>(random.next());
    const uint64_t range = step % 2 == 0 ? 1024 : 1u << 20;
    uint64_t address[32];
    for (uint64_t &one : address) one = random.next() % range / bytes * bytes;
    std::set<uint64_t> touched;
    for (unsigned l = 0; l < 32; l++) {
      if ((mask >> l & 1) != 0) touched.insert(address[l] / 32);
    }
    cr_assert(sectors(address, mask) == touched.size());
    const unsigned lanes = bytes <= 4 ? 32 : 128 / bytes;
    unsigned total = 0;
    for (unsigned first = 0; first < 32; first += lanes) {
      std::set<uint64_t> words[32];
      size_t most = 0;
      for (unsigned l = first; l < first + lanes; l++) {
        if ((mask >> l & 1) == 0) continue;
        for (uint64_t byte = address[l]; byte < address[l] + bytes; byte++) {
          words[byte / 4 % 32].insert(byte / 4);
        }
      }
      for (const auto &bank : words) most = std::max(most, bank.size());
      total += static_cast<unsigned>(most);
    }
    cr_assert(wavefronts(address, mask, bytes).total == total, "%u bytes", bytes);
  }
}
