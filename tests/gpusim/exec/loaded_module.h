/* A module on the device. */
#ifndef GPUSIM_EXEC_LOADED_MODULE_H
#define GPUSIM_EXEC_LOADED_MODULE_H

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/gpusim/exec/launch.h"

namespace gpusim {

struct LoadedModule {
  std::unique_ptr<ptx::Module> source;
  std::deque<Code> codes; /* of the functions that have bodies */
  std::unordered_map<const ptx::Function *, Code *> by_function;
  std::unordered_map<uint64_t, const Code *> by_address;
  std::unordered_map<const ptx::Function *, uint64_t> function_addresses;
  std::unordered_map<const ptx::Variable *, uint64_t> addresses;      /* global and constant */
  std::unordered_map<const ptx::Variable *, uint32_t> shared_numbers; /* shared variables */
  std::vector<const ptx::Variable *> shared;                          /* by number */

  LoadedModule() = default;
  LoadedModule(const LoadedModule &) = delete;
  LoadedModule &operator=(const LoadedModule &) = delete;
  ~LoadedModule(); /* gives the variables' memory back */
};

/* Decodes all instructions of code.source. */
void lower(const LoadedModule &module, Code &code);

}  // namespace gpusim

#endif
