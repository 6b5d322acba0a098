#include "tests/gpusim/driver/context.h"
#include "tests/gpusim/driver/module.h"
#include "tests/gpusim/driver/queue.h"

namespace gpusim::driver {
namespace {

/* Handles of kernels and of functions are the same: both name a Function. */
Function *find_kernel(CUkernel handle) { return Handles::all().find<Function>(handle); }

Module *module_of(CUlibrary handle) {
  const auto *library = Handles::all().find<Library>(handle);
  return library == nullptr ? nullptr : Handles::all().find<Module>(library->module);
}

CUresult load_library(const Call &call, CUlibrary *handle, const void *code, const JitOptions &jit,
                      unsigned option_count) {
  if (handle == nullptr || code == nullptr) return call.null("library or code");
  if (option_count > 2) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "%u library options", option_count);
  }
  Module *module = nullptr;
  if (const CUresult error = load(call, code, jit, nullptr, &module)) return error;
  auto *library = Handles::all().make<Library>();
  if (library == nullptr) return call.fail(CUDA_ERROR_OUT_OF_MEMORY, "no more handles");
  library->module = module->handle;
  module->library = library->handle;
  *handle = handle_of<CUlibrary>(*library);
  return CUDA_SUCCESS;
}

}  // namespace
}  // namespace gpusim::driver

using gpusim::driver::Call;
using gpusim::driver::find_kernel;
using gpusim::driver::Function;
using gpusim::driver::Handles;
using gpusim::driver::Library;
using gpusim::driver::Module;
using gpusim::driver::module_of;
using gpusim::driver::Needs;

CUresult cuLibraryLoadData(CUlibrary *library, const void *code, CUjit_option *jit_options,
                           void **jit_values, unsigned jit_count, CUlibraryOption *, void **,
                           unsigned option_count) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  return gpusim::driver::load_library(call, library, code, {jit_count, jit_options, jit_values},
                                      option_count);
}

CUresult cuLibraryLoadFromFile(CUlibrary *library, const char *path, CUjit_option *jit_options,
                               void **jit_values, unsigned jit_count, CUlibraryOption *, void **,
                               unsigned option_count) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  std::string bytes;
  if (const CUresult error = gpusim::driver::read_file(call, path, &bytes)) return error;
  return gpusim::driver::load_library(call, library, bytes.c_str(),
                                      {jit_count, jit_options, jit_values}, option_count);
}

CUresult cuLibraryUnload(CUlibrary handle) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  const auto *library = Handles::all().find<Library>(handle);
  if (library == nullptr) return call.bad_handle("library");
  Handles::all().each<gpusim::driver::Context>([](gpusim::driver::Context &context) {
    /* Host functions must not call the driver, so nothing is made or destroyed here. */
    gpusim::driver::Queue::device().finish_context(context.handle);
  });
  gpusim::driver::unload_module(library->module);
  Handles::all().destroy(handle);
  return CUDA_SUCCESS;
}

CUresult cuLibraryGetKernel(CUkernel *kernel, CUlibrary handle, const char *name) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  Module *module = module_of(handle);
  if (module == nullptr) return call.bad_handle("library");
  if (kernel == nullptr || name == nullptr) return call.null("pKernel or name");
  const Function *function = gpusim::driver::find_function(*module, name);
  if (function == nullptr) return call.fail(CUDA_ERROR_NOT_FOUND, "no entry %.200s", name);
  *kernel = gpusim::driver::handle_of<CUkernel>(*function);
  return CUDA_SUCCESS;
}

CUresult cuLibraryGetKernelCount(unsigned *count, CUlibrary handle) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  const Module *module = module_of(handle);
  if (module == nullptr) return call.bad_handle("library");
  if (count == nullptr) return call.null("count");
  *count = static_cast<unsigned>(gpusim::driver::entry_names(*module).size());
  return CUDA_SUCCESS;
}

CUresult cuLibraryEnumerateKernels(CUkernel *kernels, unsigned count, CUlibrary handle) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  Module *module = module_of(handle);
  if (module == nullptr) return call.bad_handle("library");
  if (kernels == nullptr && count != 0) return call.null("kernels");
  const std::vector<std::string> names = gpusim::driver::entry_names(*module);
  for (size_t i = 0; i < count && i < names.size(); i++) {
    const Function *function = gpusim::driver::find_function(*module, names[i]);
    kernels[i] = function != nullptr ? gpusim::driver::handle_of<CUkernel>(*function) : nullptr;
  }
  return CUDA_SUCCESS;
}

CUresult cuLibraryGetModule(CUmodule *made, CUlibrary handle) {
  const Call call(__func__);
  if (!call) return call.result();
  const Module *module = module_of(handle);
  if (module == nullptr) return call.bad_handle("library");
  if (made == nullptr) return call.null("pMod");
  *made = gpusim::driver::handle_of<CUmodule>(*module);
  return CUDA_SUCCESS;
}

CUresult cuLibraryGetGlobal(CUdeviceptr *address, size_t *bytes, CUlibrary handle,
                            const char *name) {
  const Call call(__func__);
  if (!call) return call.result();
  const Module *module = module_of(handle);
  if (module == nullptr) return call.bad_handle("library");
  return cuModuleGetGlobal_v2(address, bytes, gpusim::driver::handle_of<CUmodule>(*module), name);
}

CUresult cuLibraryGetManaged(CUdeviceptr *, size_t *, CUlibrary handle, const char *name) {
  const Call call(__func__);
  if (!call) return call.result();
  if (module_of(handle) == nullptr) return call.bad_handle("library");
  if (name == nullptr) return call.null("name");
  return call.fail(CUDA_ERROR_NOT_FOUND, "no managed variable %.200s", name);
}

CUresult cuKernelGetFunction(CUfunction *function, CUkernel handle) {
  const Call call(__func__);
  if (!call) return call.result();
  if (find_kernel(handle) == nullptr) return call.bad_handle("kernel");
  if (function == nullptr) return call.null("pFunc");
  *function = static_cast<CUfunction>(static_cast<void *>(handle));
  return CUDA_SUCCESS;
}

CUresult cuKernelGetLibrary(CUlibrary *library, CUkernel handle) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  const Function *kernel = find_kernel(handle);
  const auto *module = kernel != nullptr ? Handles::all().find<Module>(kernel->module) : nullptr;
  if (module == nullptr || module->library == nullptr) return call.bad_handle("kernel");
  if (library == nullptr) return call.null("pLib");
  *library = static_cast<CUlibrary>(module->library);
  return CUDA_SUCCESS;
}

CUresult cuKernelGetName(const char **name, CUkernel handle) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  const Function *kernel = find_kernel(handle);
  if (kernel == nullptr) return call.bad_handle("kernel");
  if (name == nullptr) return call.null("name");
  *name = kernel->name.c_str();
  return CUDA_SUCCESS;
}

CUresult cuKernelGetParamInfo(CUkernel handle, size_t index, size_t *offset, size_t *bytes) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  const Function *kernel = find_kernel(handle);
  if (kernel == nullptr) return call.bad_handle("kernel");
  return gpusim::driver::parameter_info(call, *kernel, index, offset, bytes);
}

CUresult cuKernelGetAttribute(int *value, CUfunction_attribute attribute, CUkernel handle,
                              CUdevice ordinal) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  const Function *kernel = find_kernel(handle);
  if (kernel == nullptr) return call.bad_handle("kernel");
  if (ordinal != 0) return call.fail(CUDA_ERROR_INVALID_DEVICE, "there is no device %d", ordinal);
  return gpusim::driver::function_attribute(call, *kernel, attribute, value);
}

CUresult cuKernelSetAttribute(CUfunction_attribute attribute, int value, CUkernel handle,
                              CUdevice ordinal) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  Function *kernel = find_kernel(handle);
  if (kernel == nullptr) return call.bad_handle("kernel");
  if (ordinal != 0) return call.fail(CUDA_ERROR_INVALID_DEVICE, "there is no device %d", ordinal);
  return gpusim::driver::set_function_attribute(call, *kernel, attribute, value);
}
