/* Modules, libraries and functions. */
#ifndef GPUSIM_DRIVER_MODULE_H
#define GPUSIM_DRIVER_MODULE_H

#include <memory>
#include <string>
#include <unordered_map>

#include "tests/gpusim/driver/call.h"
#include "tests/gpusim/driver/image.h"
#include "tests/gpusim/exec/launch.h"

namespace gpusim::driver {

struct Module : Object {
  static constexpr ObjectKind kKind = ObjectKind::module;
  explicit Module(LoadResult result) : Object(kKind), loaded(std::move(result.module)) {}

  void *context = nullptr; /* null: of a library, usable in all of them */
  void *library = nullptr;
  decltype(LoadResult::module) loaded;
  RegisterCounts registers;
  std::unordered_map<std::string, void *> functions;
};

struct Library : Object {
  static constexpr ObjectKind kKind = ObjectKind::library;
  Library() : Object(kKind) {}

  void *module = nullptr;
};

/* A CUfunction, and a CUkernel if its module is a library's. */
struct Function : Object {
  static constexpr ObjectKind kKind = ObjectKind::function;
  Function() : Object(kKind) {}

  void *module = nullptr;
  const Code *code = nullptr;
  std::string name;
  int registers = 0;
  int max_threads = 0;
  int max_dynamic = 0; /* bytes of shared memory that a launch may ask for */
  int carveout = -1;
};

struct JitOptions {
  unsigned count;
  const CUjit_option *options;
  void **values;
};

CUresult load(const Call &call, const void *image, const JitOptions &options, void *context,
              Module **made);
/* A file's bytes, and a zero behind them. */
CUresult read_file(const Call &call, const char *path, std::string *bytes);
void unload_module(void *handle);

/* The function of that name; made on its first use, null if there is none. */
Function *find_function(Module &module, const std::string &name);
std::vector<std::string> entry_names(const Module &module);

CUresult function_attribute(const Call &call, const Function &function,
                            CUfunction_attribute attribute, int *value);
CUresult set_function_attribute(const Call &call, Function &function,
                                CUfunction_attribute attribute, int value);
CUresult parameter_info(const Call &call, const Function &function, size_t index, size_t *offset,
                        size_t *bytes);

}  // namespace gpusim::driver

#endif
