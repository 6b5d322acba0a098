/* How the lanes of a warp and the warps of a CTA take turns.
 *
 * A warp's lanes are divided into splits. The split that is deepest in calls and then lowest in the
 * code runs first, and splits that meet merge, so that lanes come together again after a branch
 * without knowledge of the program's structure. No split waits for ever: after a while the one that
 * has waited longest has a turn.
 */
#ifndef GPUSIM_EXEC_SCHEDULE_H
#define GPUSIM_EXEC_SCHEDULE_H

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "tests/gpusim/counters/counters.h"
#include "tests/gpusim/exec/frame.h"
#include "tests/gpusim/exec/random.h"

namespace gpusim {

class GlobalRaces;

struct Split {
  enum class State : uint8_t {
    ready,
    converging, /* waits for other lanes to come to this instruction */
    barrier     /* waits at barrier `barrier` */
  };
  uint32_t pc = 0;
  uint32_t mask = 0;
  Frame *frame = nullptr;
  State state = State::ready;
  uint8_t barrier = 0;
  uint64_t last_turn = 0; /* when it was chosen */
};

struct WarpSchedule {
  Split splits[kLanes];
  unsigned count = 0;
  uint64_t turns = 0;
  /* While `favoured` is not 0, the split that holds one of these lanes runs before all others. */
  uint32_t favoured = 0;
  uint32_t patience = 0; /* instructions until another split is favoured */
  uint32_t next_patience = 0;
  LaneStack local, param;
  std::vector<std::unique_ptr<Frame>> frames; /* all; those with users == 0 are free */
};

/* What all CTAs of a launch share. */
struct Launch {
  const LaunchRequest *request = nullptr;
  bool checked = false;
  GlobalRaces *global_races = nullptr; /* null when nothing is checked or one CTA runs */
  std::atomic<bool> stop{false};
  std::mutex mutex;
  Fault fault; /* the first */
};

/* Counts of one host thread: [number of the code][pc]. */
struct Tally {
  std::vector<std::vector<ExecutionCount>> executions;
  uint64_t divergent_branches = 0;
};

enum class SliceEnd : uint8_t { used_up, blocked, exited, fault };

/* Runs a warp for about so many instructions. */
SliceEnd run_slice(Warp &warp, uint32_t instructions);

/* Puts all lanes of a warp at the first instruction of the entry. */
void start_warp(Warp &warp, Frame *root);

/* For executors: the running instruction's index. */
inline uint32_t pc_of(const Warp &warp, const Instruction &instruction) {
  return static_cast<uint32_t>(&instruction - warp.frame->code->instructions.data());
}

/* Leaves `mask` in the running split; its other lanes become a split of their own at rest_pc. */
void isolate(Warp &warp, uint32_t mask, uint32_t rest_pc);

/* Ends the running split's lanes. */
void exit_lanes(Warp &warp);

/* Frames (frame.cc). Null when there is no room; then `fault` has been called. */
Frame *push_frame(Warp &warp, const Instruction *call, const Code &code, Frame *caller,
                  uint32_t return_pc, uint32_t mask);
void release_frame(Frame *frame);

/* Barriers (barrier.cc). */
void reset_barriers(Cta &cta);
/* Lanes have exited: a barrier may wait for them no longer. */
void barriers_after_exit(Cta &cta);
/* Nothing in the CTA can go on: records why. */
void report_stuck(Cta &cta);

}  // namespace gpusim

#endif
