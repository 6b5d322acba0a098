/* What executors see of a running warp. */
#ifndef GPUSIM_EXEC_WARP_H
#define GPUSIM_EXEC_WARP_H

#include <cstdint>

#include "tests/gpusim/base/fault.h"
#include "tests/gpusim/exec/instruction.h"

namespace gpusim {

struct Cta;
struct Frame;
struct Split;
struct WarpSchedule;

/* A warp runs as one or more splits: sets of lanes with the same pc and call frame. Before an
 * executor is called, the engine points `registers`, `shadow` and `dirty` at the running split's
 * frame. */
struct Warp {
  uint8_t *registers = nullptr;
  uint8_t *shadow = nullptr; /* null when nothing is checked */
  uint8_t *dirty = nullptr;
  Cta *cta = nullptr;
  Frame *frame = nullptr;
  Split *split = nullptr;
  uint32_t id = 0;                  /* within the CTA */
  uint32_t lanes = 0;               /* that exist: the last warp of a CTA may be partial */
  uint32_t running = 0;             /* have not exited */
  WarpSchedule *schedule = nullptr; /* the engine's */

  /* Records the launch's fault and returns Step::fault; lane -1 = no single one. */
  Step fault(const Instruction &instruction, FaultKind kind, int lane, const char *format, ...)
      __attribute__((format(printf, 5, 6)));
};

}  // namespace gpusim

#endif
