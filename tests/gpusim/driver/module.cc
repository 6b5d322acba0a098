#include "tests/gpusim/driver/module.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "tests/gpusim/driver/capture.h"
#include "tests/gpusim/driver/context.h"
#include "tests/gpusim/driver/device.h"
#include "tests/gpusim/driver/memory.h"
#include "tests/gpusim/driver/occupancy.h"

namespace gpusim::driver {
namespace {

constexpr unsigned kPtxMajor = 9;

/* The buffers for messages that the options name. */
struct Log {
  char *text = nullptr;
  size_t bytes = 0;
  void **written = nullptr; /* the option's value, which gets the count of bytes used */
};

void write_log(const Log &log, const std::string &message) {
  if (log.text != nullptr && log.bytes != 0) snprintf(log.text, log.bytes, "%s", message.c_str());
  if (log.written == nullptr) return;
  const uint64_t used = std::min<uint64_t>(message.empty() ? 0 : message.size() + 1, log.bytes);
  memcpy(log.written, &used, sizeof used);
}

CUresult read_options(const Call &call, const JitOptions &jit, Log *errors, Log *info) {
  if (jit.count != 0 && (jit.options == nullptr || jit.values == nullptr)) {
    return call.null("options");
  }
  for (unsigned i = 0; i < jit.count; i++) {
    if (static_cast<unsigned>(jit.options[i]) >= CU_JIT_NUM_OPTIONS) {
      return call.fail(CUDA_ERROR_INVALID_VALUE, "option %u",
                       static_cast<unsigned>(jit.options[i]));
    }
    const auto value = reinterpret_cast<uintptr_t>(jit.values[i]);
    switch (jit.options[i]) {
      case CU_JIT_ERROR_LOG_BUFFER:
        errors->text = static_cast<char *>(jit.values[i]);
        break;
      case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES:
        errors->bytes = static_cast<unsigned>(value);
        errors->written = &jit.values[i];
        break;
      case CU_JIT_INFO_LOG_BUFFER:
        info->text = static_cast<char *>(jit.values[i]);
        break;
      case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES:
        info->bytes = static_cast<unsigned>(value);
        info->written = &jit.values[i];
        break;
      default:
        break; /* the rest is about the code that a compiler would make */
    }
  }
  return CUDA_SUCCESS;
}

/* Says why the module can't be used on the device; empty if it can. */
std::string check_target(const ptx::Module &source, CUresult *result) {
  const unsigned sm = static_cast<unsigned>(device().major * 10 + device().minor);
  if (source.version_major > kPtxMajor) {
    *result = CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
    return "PTX " + std::to_string(source.version_major) + "." +
           std::to_string(source.version_minor) + " is newer than the driver";
  }
  if (source.target > sm) {
    *result = CUDA_ERROR_INVALID_PTX;
    return "the PTX is for sm_" + std::to_string(source.target) + ", and the device is sm_" +
           std::to_string(sm);
  }
  return "";
}

}  // namespace

CUresult read_file(const Call &call, const char *path, std::string *bytes) {
  if (path == nullptr) return call.null("fname");
  FILE *file = fopen(path, "rb");
  if (file == nullptr) return call.fail(CUDA_ERROR_FILE_NOT_FOUND, "%s", path);
  char part[4096];
  size_t count = 0;
  while ((count = fread(part, 1, sizeof part, file)) != 0) bytes->append(part, count);
  const bool failed = ferror(file) != 0;
  fclose(file);
  if (failed) return call.fail(CUDA_ERROR_FILE_NOT_FOUND, "%s can't be read", path);
  return CUDA_SUCCESS;
}

CUresult load(const Call &call, const void *image, const JitOptions &options, void *context,
              Module **made) {
  Log errors, info;
  if (refuse_unsafe_capture(call)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  if (const CUresult error = read_options(call, options, &errors, &info)) return error;
  write_log(errors, "");
  write_log(info, "");
  if (!host_mapped(host_address(image), 1)) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "the image is not in memory");
  }
  Image read = read_image(image, static_cast<unsigned>(device().major * 10 + device().minor));
  const auto refuse = [&](CUresult result, const std::string &why) {
    write_log(errors, why);
    return call.fail(result, "%s", why.c_str());
  };
  if (read.result != CUDA_SUCCESS) return refuse(read.result, read.error);
  LoadResult loaded = load_module(read.ptx);
  if (loaded.module == nullptr) return refuse(CUDA_ERROR_INVALID_PTX, loaded.error);
  CUresult result = CUDA_SUCCESS;
  const std::string why = check_target(module_source(*loaded.module), &result);
  if (!why.empty()) return refuse(result, why);
  Module *module = Handles::all().make<Module>(std::move(loaded));
  if (module == nullptr) return call.fail(CUDA_ERROR_OUT_OF_MEMORY, "no more handles");
  module->context = context;
  module->registers = std::move(read.registers);
  *made = module;
  return CUDA_SUCCESS;
}

void unload_module(void *handle) {
  const auto *module = Handles::all().find<Module>(handle);
  if (module == nullptr) return;
  for (const auto &entry : module->functions) Handles::all().destroy(entry.second);
  Handles::all().destroy(handle);
}

std::vector<std::string> entry_names(const Module &module) {
  std::vector<std::string> names;
  for (const ptx::Function &function : module_source(*module.loaded).functions) {
    if (function.is_entry && !function.is_declaration) names.emplace_back(function.name);
  }
  return names;
}

Function *find_function(Module &module, const std::string &name) {
  const auto known = module.functions.find(name);
  if (known != module.functions.end()) return Handles::all().find<Function>(known->second);
  const Code *code = find_entry(*module.loaded, name);
  auto *function = code != nullptr ? Handles::all().make<Function>() : nullptr;
  if (function == nullptr) return nullptr;
  const auto registers = module.registers.find(name);
  function->module = module.handle;
  function->code = code;
  function->name = name;
  function->registers =
      registers != module.registers.end() ? registers->second : assumed_registers(*code->source);
  function->max_threads = max_threads(*code->source, function->registers);
  function->max_dynamic = std::max(0, kSharedPerBlock - static_cast<int>(code->shared_bytes));
  module.functions[name] = function->handle;
  return function;
}

}  // namespace gpusim::driver

using gpusim::driver::Call;
using gpusim::driver::Function;
using gpusim::driver::Handles;
using gpusim::driver::Module;

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count,
                            CUjit_option *options, void **values) {
  const Call call(__func__);
  if (!call) return call.result();
  if (module == nullptr || image == nullptr) return call.null("module or image");
  Module *made = nullptr;
  const CUresult result =
      gpusim::driver::load(call, image, {count, options, values}, call.context().handle, &made);
  if (result == CUDA_SUCCESS) *module = gpusim::driver::handle_of<CUmodule>(*made);
  return result;
}

CUresult cuModuleLoadData(CUmodule *module, const void *image) {
  return cuModuleLoadDataEx(module, image, 0, nullptr, nullptr);
}

CUresult cuModuleLoadFatBinary(CUmodule *module, const void *image) {
  return cuModuleLoadDataEx(module, image, 0, nullptr, nullptr);
}

CUresult cuModuleLoad(CUmodule *module, const char *path) {
  const Call call(__func__);
  if (!call) return call.result();
  std::string bytes;
  if (const CUresult error = gpusim::driver::read_file(call, path, &bytes)) return error;
  return cuModuleLoadDataEx(module, bytes.c_str(), 0, nullptr, nullptr);
}

CUresult cuModuleUnload(CUmodule handle) {
  const Call call(__func__);
  if (!call) return call.result();
  const auto *module = Handles::all().find<Module>(handle);
  if (module == nullptr || module->library != nullptr) return call.bad_handle("module");
  gpusim::driver::Queue::device().finish_context(call.context().handle);
  gpusim::driver::unload_module(handle);
  return call.context().sticky;
}

CUresult cuModuleGetLoadingMode(CUmoduleLoadingMode *mode) {
  const Call call(__func__, gpusim::driver::Needs::driver);
  if (!call) return call.result();
  if (mode == nullptr) return call.null("mode");
  *mode = CU_MODULE_EAGER_LOADING;
  return CUDA_SUCCESS;
}

CUresult cuModuleGetFunction(CUfunction *handle, CUmodule module_handle, const char *name) {
  const Call call(__func__);
  if (!call) return call.result();
  if (handle == nullptr || name == nullptr) return call.null("hfunc or name");
  auto *module = Handles::all().find<Module>(module_handle);
  if (module == nullptr) return call.bad_handle("module");
  const Function *function = gpusim::driver::find_function(*module, name);
  if (function == nullptr) return call.fail(CUDA_ERROR_NOT_FOUND, "no entry %.200s", name);
  *handle = gpusim::driver::handle_of<CUfunction>(*function);
  return CUDA_SUCCESS;
}

CUresult cuModuleGetFunctionCount(unsigned *count, CUmodule handle) {
  const Call call(__func__);
  if (!call) return call.result();
  if (count == nullptr) return call.null("count");
  const auto *module = Handles::all().find<Module>(handle);
  if (module == nullptr) return call.bad_handle("module");
  *count = static_cast<unsigned>(gpusim::driver::entry_names(*module).size());
  return CUDA_SUCCESS;
}

CUresult cuModuleEnumerateFunctions(CUfunction *functions, unsigned count, CUmodule handle) {
  const Call call(__func__);
  if (!call) return call.result();
  if (functions == nullptr && count != 0) return call.null("functions");
  auto *module = Handles::all().find<Module>(handle);
  if (module == nullptr) return call.bad_handle("module");
  const std::vector<std::string> names = gpusim::driver::entry_names(*module);
  for (size_t i = 0; i < count && i < names.size(); i++) {
    const Function *function = gpusim::driver::find_function(*module, names[i]);
    functions[i] = function != nullptr ? gpusim::driver::handle_of<CUfunction>(*function) : nullptr;
  }
  return CUDA_SUCCESS;
}

CUresult cuModuleGetGlobal_v2(CUdeviceptr *address, size_t *bytes, CUmodule handle,
                              const char *name) {
  const Call call(__func__);
  if (!call) return call.result();
  const auto *module = Handles::all().find<Module>(handle);
  if (module == nullptr) return call.bad_handle("module");
  if (name == nullptr) return call.null("name");
  uint64_t first = 0, size = 0;
  if (!find_global(*module->loaded, name, &first, &size)) {
    return call.fail(CUDA_ERROR_NOT_FOUND, "no variable %.200s", name);
  }
  if (address != nullptr) *address = first;
  if (bytes != nullptr) *bytes = size;
  return CUDA_SUCCESS;
}
