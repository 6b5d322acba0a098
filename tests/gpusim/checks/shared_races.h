/* Races on a CTA's shared memory: two accesses of a byte by different threads, one of them a write,
 * that nothing orders (clocks.h).
 *
 * Each granule of four bytes remembers its last write and the reads since; once an access is
 * smaller than a granule, granules shrink to a byte.
 */
#ifndef GPUSIM_CHECKS_SHARED_RACES_H
#define GPUSIM_CHECKS_SHARED_RACES_H

#include <cstdint>
#include <vector>

#include "tests/gpusim/checks/clocks.h"

namespace gpusim {

/* An access that conflicts with the one that is being made. */
struct Conflict {
  const char *what = nullptr; /* "written" or "read"; null = none */
  uint32_t thread = 0;
  const ptx::Instruction *source = nullptr;
};

class SharedRaces {
 public:
  SharedRaces(const Clocks &clocks, uint32_t bytes) : clocks_(clocks), bytes_(bytes) {}

  /* One thread's access of [address, address + bytes), which lies in bounds. Strong accesses
   * (atomics, volatile) don't race with each other. Writes remain to be recorded. */
  Conflict check_read(uint32_t thread, uint32_t address, uint32_t bytes, bool strong,
                      const ptx::Instruction *source);
  Conflict check_write(uint32_t thread, uint32_t address, uint32_t bytes, bool strong);
  void record_write(uint32_t thread, uint32_t address, uint32_t bytes, bool strong,
                    const ptx::Instruction *source);

 private:
  static constexpr uint32_t kNobody = 0xffffffffu;
  static constexpr uint32_t kSeveral = 0xfffffffeu;

  struct Granule {
    uint32_t writer = kNobody;
    uint32_t write_clock = 0;
    uint32_t reader = kNobody; /* kSeveral: they are reads_[read_clock] */
    uint32_t read_clock = 0;
    bool strong_write = false;
    bool strong_read = false; /* all reads were */
    const ptx::Instruction *write_source = nullptr;
    const ptx::Instruction *read_source = nullptr; /* of the last read */
  };

  /* Threads of a warp whose last read was at the same clock. */
  struct Readers {
    uint32_t warp;
    uint32_t clock;
    uint32_t lanes;
  };

  static void add_reader(uint32_t thread, uint32_t clock, std::vector<Readers> *readers);
  /* Granules are made when shared memory is first used, and as fine as the accesses need. */
  void prepare(uint32_t address, uint32_t bytes) {
    const bool fits = ((address | bytes) & ((1u << granule_shift_) - 1)) == 0;
    if (!fits || granules_.empty()) make_granules(fits);
  }
  void make_granules(bool fits);
  void record_read(Granule *granule, uint32_t thread, bool strong, const ptx::Instruction *source);
  Conflict conflicting_read(const Granule &granule, uint32_t thread, bool strong) const;

  const Clocks &clocks_;
  const uint32_t bytes_;
  uint32_t granule_shift_ = 2; /* log2 of a granule's bytes */
  std::vector<Granule> granules_;
  std::vector<std::vector<Readers>> reads_;
  std::vector<uint32_t> free_reads_;
};

}  // namespace gpusim

#endif
