/* Executes a grid. */
#ifndef GPUSIM_EXEC_LAUNCH_H
#define GPUSIM_EXEC_LAUNCH_H

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/gpusim/base/fault.h"
#include "tests/gpusim/exec/code.h"
#include "tests/gpusim/gpusim.h"
#include "tests/gpusim/ptx/module.h"

namespace gpusim {

/* A module on the device: variables have addresses and initial contents. */
struct LoadedModule;

struct LoadResult {
  std::unique_ptr<LoadedModule, void (*)(LoadedModule *)> module;
  std::string error;
};

/* Parses, lays out and decodes. Global variables are allocated on the heap. */
LoadResult load_module(std::string_view text);
const ptx::Module &module_source(const LoadedModule &module);
/* Null if the module has no entry of that name. */
const Code *find_entry(const LoadedModule &module, std::string_view name);
/* Address and bytes of a .global or .const variable; false if there is none. */
bool find_global(const LoadedModule &module, std::string_view name, uint64_t *address,
                 uint64_t *bytes);

/* Every instruction of the module that can't be executed: "unsupported instruction ...". */
std::vector<std::string> unsupported_instructions(const LoadedModule &module);

struct Counters;

struct LaunchRequest {
  const LoadedModule *module = nullptr;
  const Code *entry = nullptr;
  uint32_t grid[3] = {1, 1, 1};
  uint32_t block[3] = {1, 1, 1};
  uint32_t dynamic_shared_bytes = 0;
  const uint8_t *parameters = nullptr; /* entry->parameter_bytes, laid out by PTX's alignment */
  gpusim_config config = {};
  bool keep_undefined = false; /* undefined data left in global memory is no fault */
  bool hopper = false;         /* the forged device's tensor cores */
  unsigned sm = 80;            /* compute capability x 10 */
  unsigned sm_count = 108;     /* %nsmid */
  uint64_t grid_workspace = 0; /* 8 bytes of zeros that a cooperative grid meets at */
};

/* The driver has checked the request against the device's limits. True when every CTA finished. */
bool launch(const LaunchRequest &request, Counters *counters, Fault *fault);

}  // namespace gpusim

#endif
