/* Special registers (PTX ISA, section 10). */
#ifndef GPUSIM_EXEC_SPECIAL_H
#define GPUSIM_EXEC_SPECIAL_H

#include <cstdint>
#include <string_view>

#include "tests/gpusim/exec/warp.h"

namespace gpusim {

struct Special {
  const char *name; /* "%tid" */
  bool vector;      /* has components x, y, z */
  bool changes;     /* while the warp runs: clocks */
  uint64_t (*value)(const Warp &warp, unsigned lane, unsigned component);
  unsigned sm = 0; /* the lowest .target that has it */
};

/* Null if there is none of that name. */
const Special *find_special(std::string_view name);

}  // namespace gpusim

#endif
