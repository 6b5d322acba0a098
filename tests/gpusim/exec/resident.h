/* A CTA with all that it needs to run; reused for one CTA after another. */
#ifndef GPUSIM_EXEC_RESIDENT_H
#define GPUSIM_EXEC_RESIDENT_H

#include <cstdint>
#include <memory>
#include <vector>

#include "tests/gpusim/checks/races.h"
#include "tests/gpusim/exec/barrier.h"
#include "tests/gpusim/exec/random.h"
#include "tests/gpusim/exec/schedule.h"

namespace gpusim {

enum class CtaEnd : uint8_t { finished, parked, fault };

class ResidentCta {
 public:
  ResidentCta(Launch *launch, Tally *tally);
  ResidentCta(const ResidentCta &) = delete;
  ResidentCta &operator=(const ResidentCta &) = delete;

  /* Puts all warps at the entry's first instruction. */
  void begin(uint64_t index);
  /* Runs until the end, but for about so many warp instructions only. */
  CtaEnd run(uint64_t instructions);

  Cta &cta() { return cta_; }

 private:
  void shuffle();
  uint32_t slice();

  Cta cta_;
  Random random_{0};
  Barriers barriers_;
  std::vector<Warp> warps_;
  std::vector<std::unique_ptr<WarpSchedule>> schedules_;
  std::vector<uint32_t> order_; /* of the warps that have not exited */
  std::vector<uint8_t> shared_, shared_undefined_;
  std::unique_ptr<Races> races_;
};

}  // namespace gpusim

#endif
