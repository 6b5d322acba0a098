/* What an access costs: sectors of global memory, wavefronts of shared memory. */
#ifndef GPUSIM_MEMORY_TRAFFIC_H
#define GPUSIM_MEMORY_TRAFFIC_H

#include <cstdint>

namespace gpusim {

constexpr unsigned kSectorBytes = 32;
constexpr unsigned kBanks = 32;
constexpr unsigned kBankBytes = 4;

/* Different 32-byte sectors that the mask's lanes touch; each lies in one (16 bytes at most,
 * aligned). */
unsigned sectors(const uint64_t *address, uint32_t mask);

struct Wavefronts {
  unsigned total = 0;
  unsigned conflicts = 0; /* beyond one for each phase that has lanes */
};

/* Accesses of up to 4 bytes are served for all lanes at once, of 8 by half warps, of 16 by quarter
 * warps. In a phase each bank gives one word a wavefront, to as many lanes as want it. */
Wavefronts wavefronts(const uint64_t *address, uint32_t mask, unsigned bytes);

/* The last answer, for an instruction that is likely to access the same pattern again: it depends
 * on the distances between lanes and on where in its word the first one lies. */
class WavefrontsHit {
 public:
  Wavefronts find(const uint64_t *address, uint32_t mask, unsigned bytes);

 private:
  uint32_t mask_ = 0;
  unsigned bytes_ = 0;
  uint32_t within_ = 0;
  uint32_t distance_[32] = {}; /* from the mask's first lane, modulo 2^32 */
  Wavefronts found_;
};

}  // namespace gpusim

#endif
