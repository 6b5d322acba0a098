/* cuPointerGetAttribute and its kin. */
#include <cstring>

#include "tests/gpusim/driver/call.h"
#include "tests/gpusim/driver/context.h"
#include "tests/gpusim/driver/memory.h"
#include "tests/gpusim/memory/heap.h"

namespace gpusim::driver {
namespace {

template <class T>
CUresult give(void *data, T value) {
  memcpy(data, &value, sizeof value);
  return CUDA_SUCCESS;
}

CUresult device_attribute(void *data, CUpointer_attribute attribute, const Allocation &found,
                          CUdeviceptr address) {
  switch (attribute) {
    case CU_POINTER_ATTRIBUTE_CONTEXT:
      return give(data, allocation_context(found.first));
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
      return give(data, unsigned{CU_MEMORYTYPE_DEVICE});
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
      return give(data, address);
    case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
      return give(data, found.first);
    case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
      return give(data, found.bytes);
    case CU_POINTER_ATTRIBUTE_BUFFER_ID:
      return give(data, found.first);
    default:
      return CUDA_ERROR_INVALID_VALUE;
  }
}

CUresult host_attribute(void *data, CUpointer_attribute attribute, const HostRange &range,
                        CUdeviceptr address) {
  switch (attribute) {
    case CU_POINTER_ATTRIBUTE_CONTEXT:
      return give(data, range.context);
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
      return give(data, unsigned{CU_MEMORYTYPE_HOST});
    case CU_POINTER_ATTRIBUTE_HOST_POINTER:
      return give(data, address);
    case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
      return give(data, range.first);
    case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
      return give(data, range.bytes);
    case CU_POINTER_ATTRIBUTE_BUFFER_ID:
      return give(data, range.first);
    default:
      return CUDA_ERROR_INVALID_VALUE;
  }
}

size_t attribute_bytes(CUpointer_attribute attribute) {
  switch (attribute) {
    case CU_POINTER_ATTRIBUTE_IS_MANAGED:
      return sizeof(bool);
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
      return sizeof(int);
    default:
      return sizeof(uint64_t);
  }
}

/* INVALID_VALUE for memory the driver does not know, and for unknown attributes. */
CUresult pointer_attribute(void *data, CUpointer_attribute attribute, CUdeviceptr address) {
  const bool on_device = Heap::device().contains(address, 1);
  const Allocation *found = on_device ? Heap::device().find(address) : nullptr;
  const HostRange *range = find_pinned(address);
  if (found == nullptr && range == nullptr) return CUDA_ERROR_INVALID_VALUE;
  if (attribute == CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL) return give(data, 0);
  if (attribute == CU_POINTER_ATTRIBUTE_IS_MANAGED) return give(data, false);
  return found != nullptr ? device_attribute(data, attribute, *found, address)
                          : host_attribute(data, attribute, *range, address);
}

}  // namespace
}  // namespace gpusim::driver

CUresult cuPointerGetAttribute(void *data, CUpointer_attribute attribute, CUdeviceptr address) {
  const gpusim::driver::Call call(__func__);
  if (!call) return call.result();
  if (data == nullptr) return call.null("data");
  const CUresult result = gpusim::driver::pointer_attribute(data, attribute, address);
  if (result == CUDA_SUCCESS) return result;
  return call.fail(result, "attribute %d of 0x%llx", static_cast<int>(attribute), address);
}

CUresult cuPointerGetAttributes(unsigned count, CUpointer_attribute *attributes, void **data,
                                CUdeviceptr address) {
  const gpusim::driver::Call call(__func__);
  if (!call) return call.result();
  if (count == 0 || attributes == nullptr || data == nullptr)
    return call.null("attributes or data");
  for (unsigned i = 0; i < count; i++) {
    if (data[i] == nullptr) return call.null("data[i]");
    /* What does not apply to the pointer reads 0. */
    if (gpusim::driver::pointer_attribute(data[i], attributes[i], address) == CUDA_SUCCESS)
      continue;
    memset(data[i], 0, gpusim::driver::attribute_bytes(attributes[i]));
  }
  return CUDA_SUCCESS;
}
