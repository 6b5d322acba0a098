/* gpusim run: the options, and what they lead to. */
#ifndef GPUSIM_TOOL_RUN_H
#define GPUSIM_TOOL_RUN_H

#include <string>
#include <vector>

#include "tests/gpusim/tool/argument.h"

namespace gpusim::tool {

struct Dump {
  uint64_t argument = 0; /* number of an --arg, from 0 */
  uint64_t count = 0;
};

struct RunOptions {
  const char *path = nullptr;
  const char *kernel = nullptr;
  unsigned grid[3] = {1, 1, 1};
  unsigned block[3] = {1, 1, 1};
  unsigned shared_bytes = 0; /* dynamic */
  std::vector<Argument> arguments;
  std::vector<Dump> dumps;
  bool json = false;
};

/* False when the options are wrong; then stderr says which. --device, --seed and --checks become
 * the environment variables that the driver reads. */
bool parse_run_options(int count, char **words, RunOptions *options);

int run_kernel(const RunOptions &options);

}  // namespace gpusim::tool

#endif
