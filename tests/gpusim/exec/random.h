/* Repeatable random numbers (splitmix64). */
#ifndef GPUSIM_EXEC_RANDOM_H
#define GPUSIM_EXEC_RANDOM_H

#include <cstdint>

namespace gpusim {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ull;
    uint64_t z = state_;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
  }

  /* Less than bound, which is not 0. */
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>((next() >> 32) * bound >> 32); }

 private:
  uint64_t state_;
};

}  // namespace gpusim

#endif
