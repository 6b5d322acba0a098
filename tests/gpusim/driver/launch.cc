/* Entry points that launch. */
#include "tests/gpusim/driver/context.h"
#include "tests/gpusim/driver/device.h"
#include "tests/gpusim/driver/stream.h"

namespace gpusim::driver {
namespace {

CUresult start(const Call &call, const CUDA_KERNEL_NODE_PARAMS &wanted, bool cooperative,
               CUstream handle) {
  CUresult error = CUDA_SUCCESS;
  Stream *stream = find_stream(call, handle, &error);
  if (stream == nullptr) return error;
  Kernel kernel;
  if (const CUresult wrong = make_kernel(call, wanted, cooperative, &kernel)) return wrong;
  return submit(call, *stream, kernel_node(std::move(kernel)));
}

CUresult check_cluster(const Call &call, const CUlaunchAttributeValue &value) {
  const auto &size = value.clusterDim;
  if (size.x == 0 || size.y == 0 || size.z == 0) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "cluster of %u x %u x %u", size.x, size.y, size.z);
  }
  if (size.x == 1 && size.y == 1 && size.z == 1) return CUDA_SUCCESS;
  if (device().major < 9) {
    return call.fail(CUDA_ERROR_INVALID_CLUSTER_SIZE, "%s has no clusters", device().name);
  }
  return call.fail(CUDA_ERROR_NOT_SUPPORTED, "gpusim executes no clusters");
}

/* Attributes that change where or how fast a kernel runs are accepted; those that change what it
 * may see are not. */
CUresult read_attribute(const Call &call, const CUlaunchAttribute &attribute, bool *cooperative) {
  switch (attribute.id) {
    case CU_LAUNCH_ATTRIBUTE_COOPERATIVE:
      *cooperative = attribute.value.cooperative != 0;
      return CUDA_SUCCESS;
    case CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION:
    case CU_LAUNCH_ATTRIBUTE_PREFERRED_CLUSTER_DIMENSION:
      return check_cluster(call, attribute.value);
    case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION:
      if (attribute.value.programmaticStreamSerializationAllowed == 0) return CUDA_SUCCESS;
      return call.fail(CUDA_ERROR_NOT_SUPPORTED, "programmatic dependent launch");
    case CU_LAUNCH_ATTRIBUTE_IGNORE:
    case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
    case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
    case CU_LAUNCH_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
    case CU_LAUNCH_ATTRIBUTE_PRIORITY:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
    case CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
      return CUDA_SUCCESS;
    default:
      return call.fail(CUDA_ERROR_NOT_SUPPORTED, "launch attribute %d",
                       static_cast<int>(attribute.id));
  }
}

}  // namespace
}  // namespace gpusim::driver

using gpusim::driver::Call;

CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                        unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                        CUstream stream, void **values, void **extra) {
  const Call call(__func__);
  if (!call) return call.result();
  return gpusim::driver::start(call,
                               {function, grid_x, grid_y, grid_z, block_x, block_y, block_z,
                                shared_bytes, values, extra, nullptr, nullptr},
                               false, stream);
}

CUresult cuLaunchCooperativeKernel(CUfunction function, unsigned grid_x, unsigned grid_y,
                                   unsigned grid_z, unsigned block_x, unsigned block_y,
                                   unsigned block_z, unsigned shared_bytes, CUstream stream,
                                   void **values) {
  const Call call(__func__);
  if (!call) return call.result();
  return gpusim::driver::start(call,
                               {function, grid_x, grid_y, grid_z, block_x, block_y, block_z,
                                shared_bytes, values, nullptr, nullptr, nullptr},
                               true, stream);
}

CUresult cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction function, void **values,
                          void **extra) {
  const Call call(__func__);
  if (!call) return call.result();
  if (config == nullptr) return call.null("config");
  if (config->numAttrs != 0 && config->attrs == nullptr) return call.null("config->attrs");
  bool cooperative = false;
  for (unsigned i = 0; i < config->numAttrs; i++) {
    const CUresult error = gpusim::driver::read_attribute(call, config->attrs[i], &cooperative);
    if (error != CUDA_SUCCESS) return error;
  }
  return gpusim::driver::start(call,
                               {function, config->gridDimX, config->gridDimY, config->gridDimZ,
                                config->blockDimX, config->blockDimY, config->blockDimZ,
                                config->sharedMemBytes, values, extra, nullptr, nullptr},
                               cooperative, config->hStream);
}
