/* Which sectors of global memory a launch touched. */
#ifndef GPUSIM_MEMORY_TOUCHED_H
#define GPUSIM_MEMORY_TOUCHED_H

#include <cstdint>
#include <vector>

namespace gpusim {

/* A bit for each sector of the heap, in pages that the system supplies when they are written.
 * Adding is safe from all threads. */
class TouchedSectors {
 public:
  TouchedSectors();
  ~TouchedSectors();
  TouchedSectors(const TouchedSectors &) = delete;
  TouchedSectors &operator=(const TouchedSectors &) = delete;

  /* Sectors of the addresses [first, last]. */
  void add(uint64_t first, uint64_t last);
  uint64_t count() const;

 private:
  void mark(uint64_t word, uint64_t bits);

  uint64_t *words_ = nullptr; /* null: no room, nothing is counted */
  uint64_t word_count_ = 0;
  std::vector<uint8_t> pages_; /* of words_ that have a bit */
};

}  // namespace gpusim

#endif
