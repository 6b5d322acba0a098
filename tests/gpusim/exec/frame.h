/* What lives as long as a call or a CTA: frames, the lanes' local and parameter memory, shared
 * memory.
 */
#ifndef GPUSIM_EXEC_FRAME_H
#define GPUSIM_EXEC_FRAME_H

#include <cstdint>
#include <vector>

#include "tests/gpusim/exec/launch.h"
#include "tests/gpusim/exec/warp.h"

namespace gpusim {

struct Barriers;
struct Launch;
struct Tally;
struct MemoryState; /* what memory/ keeps per CTA */
struct Races;       /* what checks/ keeps per CTA */

/* One call of a function by the lanes of a split. Local and param addresses are offsets into the
 * lane's stack of that space; a frame owns [base, base + bytes of its code) of both. */
struct Frame {
  const Code *code = nullptr;
  Frame *caller = nullptr;
  uint32_t return_pc = 0;
  uint32_t depth = 0; /* 0 = the entry */
  uint32_t users = 0; /* splits and frames that refer to this one */
  uint32_t local_base = 0;
  uint32_t param_base = 0;
  std::vector<uint8_t> storage; /* registers, shadow and dirty flags with slack for alignment */
  uint8_t *registers = nullptr;
  uint8_t *shadow = nullptr;
  uint8_t *dirty = nullptr;
};

/* The stacks of a warp's lanes in one state space: lane l's byte a is data[l * stride + a]. They
 * grow, and therefore move, only when a function is called. */
struct LaneStack {
  std::vector<uint8_t> data;
  std::vector<uint8_t> undefined; /* ones for undefined bits; empty when nothing is checked */
  uint32_t stride = 0;
};

struct Cta {
  Launch *launch = nullptr;
  const LaunchRequest *request = nullptr;
  uint32_t id[3] = {0, 0, 0};
  uint64_t index = 0; /* x fastest */
  uint32_t thread_count = 0;
  uint32_t warp_count = 0;
  Warp *warps = nullptr;
  uint8_t *shared = nullptr;           /* 256-byte aligned */
  uint8_t *shared_undefined = nullptr; /* ones for undefined bits; null when nothing is checked */
  uint32_t shared_bytes = 0;           /* static and dynamic */
  Barriers *barriers = nullptr;
  MemoryState *memory = nullptr;
  Races *races = nullptr; /* null when nothing is checked */
  Tally *tally = nullptr;
  uint64_t executed = 0;   /* warp instructions so far: the CTA's clock */
  uint64_t call_bytes = 0; /* of all frames and stacks */
};

/* Where some bytes of a lane lie on the host, until the next instruction. */
struct Place {
  uint8_t *bytes = nullptr;     /* null when no variable holds all of them */
  uint8_t *undefined = nullptr; /* null when they are never undefined or nothing is checked */
  bool read_only = false;
};

/* Of [address, address + bytes) in the lane's local memory: a variable of the warp's frame or of
 * one of its callers. */
Place local_place(const Warp &warp, unsigned lane, uint64_t address, unsigned bytes);

/* The same for parameters: the entry's, which all lanes share and none may write, and those of the
 * device functions that are being called. */
Place param_place(const Warp &warp, unsigned lane, uint64_t address, unsigned bytes);

}  // namespace gpusim

#endif
