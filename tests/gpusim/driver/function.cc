#include <algorithm>

#include "tests/gpusim/driver/device.h"
#include "tests/gpusim/driver/module.h"

namespace gpusim::driver {

CUresult function_attribute(const Call &call, const Function &function,
                            CUfunction_attribute attribute, int *value) {
  if (value == nullptr) return call.null("pi");
  const auto *module = Handles::all().find<Module>(function.module);
  if (module == nullptr) return call.bad_handle("module of the function");
  const ptx::Module &source = module_source(*module->loaded);
  switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
      *value = function.max_threads;
      break;
    case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
      *value = static_cast<int>(function.code->shared_bytes);
      break;
    case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES:
      *value = 0;
      for (const ptx::Variable *variable : source.globals) {
        if (variable->space == Space::constant) *value += static_cast<int>(variable->bytes);
      }
      break;
    case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
      *value = static_cast<int>(function.code->local_bytes);
      break;
    case CU_FUNC_ATTRIBUTE_NUM_REGS:
      *value = function.registers;
      break;
    case CU_FUNC_ATTRIBUTE_PTX_VERSION:
      *value = static_cast<int>(source.target);
      break;
    case CU_FUNC_ATTRIBUTE_BINARY_VERSION:
      *value = device().major * 10 + device().minor;
      break;
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
      *value = function.max_dynamic;
      break;
    case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
      *value = function.carveout;
      break;
    default:
      if (static_cast<unsigned>(attribute) >= CU_FUNC_ATTRIBUTE_MAX) {
        return call.fail(CUDA_ERROR_INVALID_VALUE, "attribute %d", static_cast<int>(attribute));
      }
      *value = 0;
  }
  return CUDA_SUCCESS;
}

CUresult set_function_attribute(const Call &call, Function &function,
                                CUfunction_attribute attribute, int value) {
  if (attribute == CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT) {
    if (value < -1 || value > 100) {
      return call.fail(CUDA_ERROR_INVALID_VALUE, "carveout of %d %%", value);
    }
    function.carveout = value;
    return CUDA_SUCCESS;
  }
  if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "attribute %d can't be set",
                     static_cast<int>(attribute));
  }
  const int most = device().shared_optin - static_cast<int>(function.code->shared_bytes);
  if (value < 0 || value > most) {
    return call.fail(CUDA_ERROR_INVALID_VALUE,
                     "%d bytes of dynamic shared memory: %s allows %d beside %u static ones", value,
                     device().name, most, function.code->shared_bytes);
  }
  function.max_dynamic = value;
  return CUDA_SUCCESS;
}

CUresult parameter_info(const Call &call, const Function &function, size_t index, size_t *offset,
                        size_t *bytes) {
  const auto &parameters = function.code->source->parameters;
  if (offset == nullptr) return call.null("paramOffset");
  if (index >= parameters.size()) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "parameter %zu of %zu", index, parameters.size());
  }
  uint64_t at = 0;
  for (size_t i = 0;; i++) {
    const uint64_t align = std::max(parameters[i]->align, 1u);
    at = (at + align - 1) / align * align;
    if (i == index) break;
    at += parameters[i]->bytes;
  }
  *offset = at;
  if (bytes != nullptr) *bytes = parameters[index]->bytes;
  return CUDA_SUCCESS;
}

}  // namespace gpusim::driver

using gpusim::driver::Call;
using gpusim::driver::Function;
using gpusim::driver::Handles;

CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction handle) {
  const Call call(__func__);
  if (!call) return call.result();
  const auto *function = Handles::all().find<Function>(handle);
  if (function == nullptr) return call.bad_handle("function");
  return gpusim::driver::function_attribute(call, *function, attribute, value);
}

CUresult cuFuncSetAttribute(CUfunction handle, CUfunction_attribute attribute, int value) {
  const Call call(__func__);
  if (!call) return call.result();
  auto *function = Handles::all().find<Function>(handle);
  if (function == nullptr) return call.bad_handle("function");
  return gpusim::driver::set_function_attribute(call, *function, attribute, value);
}

CUresult cuFuncSetCacheConfig(CUfunction handle, CUfunc_cache cache) {
  const Call call(__func__);
  if (!call) return call.result();
  if (Handles::all().find<Function>(handle) == nullptr) return call.bad_handle("function");
  if (static_cast<unsigned>(cache) > CU_FUNC_CACHE_PREFER_EQUAL) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "config %d", static_cast<int>(cache));
  }
  return CUDA_SUCCESS;
}

CUresult cuFuncGetModule(CUmodule *module, CUfunction handle) {
  const Call call(__func__);
  if (!call) return call.result();
  const auto *function = Handles::all().find<Function>(handle);
  if (function == nullptr) return call.bad_handle("function");
  if (module == nullptr) return call.null("hmod");
  *module = static_cast<CUmodule>(function->module);
  return CUDA_SUCCESS;
}

CUresult cuFuncGetName(const char **name, CUfunction handle) {
  const Call call(__func__);
  if (!call) return call.result();
  const auto *function = Handles::all().find<Function>(handle);
  if (function == nullptr) return call.bad_handle("function");
  if (name == nullptr) return call.null("name");
  *name = function->name.c_str();
  return CUDA_SUCCESS;
}

CUresult cuFuncGetParamInfo(CUfunction handle, size_t index, size_t *offset, size_t *bytes) {
  const Call call(__func__);
  if (!call) return call.result();
  const auto *function = Handles::all().find<Function>(handle);
  if (function == nullptr) return call.bad_handle("function");
  return gpusim::driver::parameter_info(call, *function, index, offset, bytes);
}

CUresult cuFuncIsLoaded(CUfunctionLoadingState *state, CUfunction handle) {
  const Call call(__func__);
  if (!call) return call.result();
  if (Handles::all().find<Function>(handle) == nullptr) return call.bad_handle("function");
  if (state == nullptr) return call.null("state");
  *state = CU_FUNCTION_LOADING_STATE_LOADED;
  return CUDA_SUCCESS;
}

CUresult cuFuncLoad(CUfunction handle) {
  const Call call(__func__);
  if (!call) return call.result();
  return Handles::all().find<Function>(handle) == nullptr ? call.bad_handle("function")
                                                          : CUDA_SUCCESS;
}
