/* Races on a CTA's shared memory: two accesses of a byte by different threads, one of them a write,
 * that nothing orders (clocks.h).
 *
 * Each granule of four bytes remembers its last write and the reads since; once an access is
 * smaller than a granule, granules shrink. What is settled counts as never happened: nothing is
 * erased at a barrier.
 */
#ifndef GPUSIM_CHECKS_SHARED_RACES_H
#define GPUSIM_CHECKS_SHARED_RACES_H

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <unordered_map>
#include <vector>

#include "tests/gpusim/checks/clocks.h"

namespace gpusim {

/* An access that conflicts with the one that is being made. */
struct Conflict {
  const char *what = nullptr; /* "written" or "read"; null = none */
  uint32_t thread = 0;
  const ptx::Instruction *source = nullptr;
};

/* One warp's access of `bytes` from each lane's address on, in bounds and aligned. Strong accesses
 * (atomics, volatile) don't race with each other. */
struct SharedAccess {
  uint32_t warp = 0;
  uint32_t bytes = 0;
  bool strong = false;
  const ptx::Instruction *source = nullptr;
  const uint32_t *address = nullptr; /* of each lane */
};

class SharedRaces {
 public:
  SharedRaces(const Clocks &clocks, uint32_t bytes)
      : clocks_(clocks), warps_(clocks.warps()), bytes_(bytes) {}

  /* The lanes of `mask` from the lowest on, as long as they are beyond doubt; the lanes left. */
  uint32_t read_plainly(const SharedAccess &access, uint32_t mask);
  uint32_t write_plainly(const SharedAccess &access, uint32_t mask);

  /* One lane. Writes remain to be recorded. */
  Conflict check_read(const SharedAccess &access, uint32_t lane);
  Conflict check_write(const SharedAccess &access, uint32_t lane);
  void record_write(const SharedAccess &access, uint32_t lane);

  /* Everything is settled, and clocks begin anew. */
  void forget();

 private:
  /* Words: clock in 32 bits, several readers in 1, strong in 1, thread in 10, source in 20. A clock
   * that is settled: nothing. The strong bit of reads says that all were. */
  struct alignas(16) Granule {
    uint64_t write;
    uint64_t read;
  };

  /* Who has read granules, as one warp sees it. */
  struct Readers {
    uint64_t *entries; /* readers_ */
    uint32_t warps, warp;
    uint32_t settled;

    bool join(size_t granule, uint64_t *read, uint64_t mine, uint32_t lanes) const;
    static void share(uint64_t *of_granule, uint64_t *read);
  };

  struct Free {
    void operator()(uint64_t *words) const { free(words); }
  };

  /* Granules are made when shared memory is first used, and as fine as the accesses need. */
  void prepare(uint32_t bytes) {
    if (bytes >> granule_shift_ == 0 || granules_.empty()) make_granules(bytes);
  }
  void make_granules(uint32_t bytes);
  uint64_t word(const SharedAccess &access, uint32_t lane);
  void words(const SharedAccess &access, uint64_t *words);
  uint32_t source_number(const ptx::Instruction *source);
  const ptx::Instruction *source_of(uint64_t word) const;

  template <unsigned kGranules, bool kWrite>
  uint32_t run_plainly(const SharedAccess &access, uint32_t mask);
  bool read_by_all(const SharedAccess &access, uint32_t mask);

  void record_read(Granule *granule, uint64_t mine);
  Readers readers_of(uint32_t warp) const;
  uint64_t *readers(const Granule *granule);
  uint32_t lanes_of(uint64_t entry) const;
  void add_reader(Granule *granule, uint64_t mine);
  Conflict conflicting_write(const Granule &granule, uint32_t thread, bool strong) const;
  Conflict conflicting_read(const Granule &granule, uint32_t thread, bool strong);

  const Clocks &clocks_;
  const uint32_t warps_;
  const uint32_t bytes_;
  uint32_t granule_shift_ = 2; /* log2 of a granule's bytes */
  std::vector<Granule> granules_;
  /* Of granules with several readers, by warp: lanes and their clock, unless that is settled. */
  std::unique_ptr<uint64_t, Free> readers_;
  /* Where a warp's lanes have read at different clocks, by place in readers_: all of them. */
  std::unordered_map<uint64_t, std::array<uint32_t, kLanes>> lane_clocks_;
  std::vector<const ptx::Instruction *> sources_;
  std::unordered_map<const ptx::Instruction *, uint32_t> source_numbers_;
  std::array<uint32_t, 16> recent_sources_ = {}; /* by address of the instruction */
};

}  // namespace gpusim

#endif
