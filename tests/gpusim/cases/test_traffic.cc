/* Wavefronts of shared memory, counted by hand and word by word. */
#include <criterion/criterion.h>

#include <algorithm>
#include <set>

#include "tests/gpusim/cases/instruction_case.h"
#include "tests/gpusim/memory/traffic.h"

using namespace gpusim;
using gpusim::cases::Random;

namespace {

/* By the definition: lanes are served in groups of 128 bytes; a bank gives a group as many
 * wavefronts as different words are wanted of it. */
Wavefronts by_definition(const uint64_t *address, uint32_t mask, unsigned bytes) {
  const unsigned words = std::max(1u, bytes / 4);
  Wavefronts all;
  for (unsigned first = 0; first < 32; first += 32 / words) {
    std::set<uint64_t> wanted[32];
    for (unsigned lane = first; lane < first + 32 / words; lane++) {
      if ((mask >> lane & 1) == 0) continue;
      for (unsigned i = 0; i < words; i++) {
        const uint64_t word = address[lane] / 4 + i;
        wanted[word % 32].insert(word);
      }
    }
    size_t most = 0;
    for (const std::set<uint64_t> &bank : wanted) most = std::max(most, bank.size());
    all.total += static_cast<unsigned>(most);
    if (most > 1) all.conflicts += static_cast<unsigned>(most) - 1;
  }
  return all;
}

}  // namespace

/* Strided and random patterns, each moved about: the remembered answer has to fit. */
Test(traffic, wavefronts) {
  Random random(3);
  for (const unsigned bytes : {1u, 2u, 4u, 8u, 16u}) {
    for (unsigned pattern = 0; pattern < 40; pattern++) {
      WavefrontsHit hit;
      uint64_t distance[32];
      const uint64_t stride = pattern < 20 ? pattern : 0;
      for (unsigned lane = 0; lane < 32; lane++) {
        distance[lane] = (stride != 0 ? lane * stride : random.next() % 200) * bytes;
      }
      const uint32_t mask = pattern % 3 == 0 ? ~0u : static_cast<uint32_t>(random.next()) | 1;
      for (unsigned move = 0; move < 6; move++) {
        const uint64_t base = random.next() % 4096 * bytes;
        uint64_t address[32];
        for (unsigned lane = 0; lane < 32; lane++) address[lane] = base + distance[lane];
        const Wavefronts expected = by_definition(address, mask, bytes);
        for (const Wavefronts &found :
             {wavefronts(address, mask, bytes), hit.find(address, mask, bytes)}) {
          cr_assert_eq(found.total, expected.total, "%u bytes, pattern %u", bytes, pattern);
          cr_assert_eq(found.conflicts, expected.conflicts, "%u bytes, pattern %u", bytes, pattern);
        }
      }
    }
  }
}
