#include "tests/gpusim/driver/device.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/gpusim/driver/call.h"
#include "tests/gpusim/driver/config.h"
#include "tests/gpusim/memory/heap.h"

namespace gpusim::driver {
namespace {

constexpr Device kDevices[] = {
#define GPUSIM_DEVICE(key, ...) {#key, __VA_ARGS__},
#include "tests/gpusim/driver/devices.inc"
#undef GPUSIM_DEVICE
};

constexpr char kBusId[] = "00000000:07:00.0";

const Device &choose_device() {
  const char *key = getenv("GPUSIM_DEVICE");
  if (key == nullptr || *key == '\0') return kDevices[0];
  if (const Device *const found = find_device(key)) return *found;
  complain(std::string("GPUSIM_DEVICE=") + key + " is not known; it is a100");
  return kDevices[0];
}

/* 0 for what the simulated device has not (textures, managed memory, ...). */
int attribute_value(CUdevice_attribute attribute) {
  const Device &d = device();
  switch (static_cast<int>(attribute)) {
#define GPUSIM_ATTRIBUTE(name, value) \
  case CU_DEVICE_ATTRIBUTE_##name:    \
    return static_cast<int>(value);
#include "tests/gpusim/driver/attributes.inc"
#undef GPUSIM_ATTRIBUTE
    default:
      return 0;
  }
}

CUresult bad_device(const Call &call, CUdevice ordinal) {
  return call.fail(CUDA_ERROR_INVALID_DEVICE, "there is no device %d", ordinal);
}

}  // namespace

const Device *find_device(const char *key) {
  for (const Device &candidate : kDevices) {
    if (strcmp(candidate.key, key) == 0) return &candidate;
  }
  return nullptr;
}

const Device &device() {
  static const Device &the = choose_device();
  return the;
}

}  // namespace gpusim::driver

using gpusim::driver::Call;
using gpusim::driver::device;
using gpusim::driver::Needs;

CUresult cuInit(unsigned flags) {
  const Call call(__func__, Needs::nothing);
  if (flags != 0) return call.fail(CUDA_ERROR_INVALID_VALUE, "flags must be 0");
  if (gpusim::driver::initialised()) return CUDA_SUCCESS;
  gpusim::driver::config();
  gpusim::Heap::device().set_limit(device().memory_bytes);
  gpusim::driver::set_initialised();
  return CUDA_SUCCESS;
}

CUresult cuDriverGetVersion(int *version) {
  const Call call(__func__, Needs::nothing);
  if (version == nullptr) return call.null("driverVersion");
  *version = gpusim::driver::kDriverVersion;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice *ordinal, int number) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (ordinal == nullptr) return call.null("device");
  if (number != 0) return gpusim::driver::bad_device(call, number);
  *ordinal = 0;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (count == nullptr) return call.null("count");
  *count = 1;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetName(char *name, int bytes, CUdevice ordinal) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (name == nullptr || bytes <= 0) return call.fail(CUDA_ERROR_INVALID_VALUE, "no room");
  if (ordinal != 0) return gpusim::driver::bad_device(call, ordinal);
  snprintf(name, static_cast<size_t>(bytes), "%s", device().name);
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice ordinal) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (uuid == nullptr) return call.null("uuid");
  if (ordinal != 0) return gpusim::driver::bad_device(call, ordinal);
  *uuid = {};
  snprintf(uuid->bytes, sizeof uuid->bytes, "gpusim-%s", device().key);
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice ordinal) {
  return cuDeviceGetUuid_v2(uuid, ordinal);
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice ordinal) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (bytes == nullptr) return call.null("bytes");
  if (ordinal != 0) return gpusim::driver::bad_device(call, ordinal);
  *bytes = device().memory_bytes;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice ordinal) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (value == nullptr) return call.null("pi");
  if (ordinal != 0) return gpusim::driver::bad_device(call, ordinal);
  const int number = static_cast<int>(attribute);
  if (number <= 0 || number >= CU_DEVICE_ATTRIBUTE_MAX) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "there is no attribute %d", number);
  }
  *value = gpusim::driver::attribute_value(attribute);
  return CUDA_SUCCESS;
}

CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice ordinal) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (major == nullptr || minor == nullptr) return call.null("major or minor");
  if (ordinal != 0) return gpusim::driver::bad_device(call, ordinal);
  *major = device().major;
  *minor = device().minor;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetPCIBusId(char *id, int bytes, CUdevice ordinal) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (id == nullptr) return call.null("pciBusId");
  if (ordinal != 0) return gpusim::driver::bad_device(call, ordinal);
  if (bytes < static_cast<int>(sizeof gpusim::driver::kBusId)) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "%d bytes are too few", bytes);
  }
  memcpy(id, gpusim::driver::kBusId, sizeof gpusim::driver::kBusId);
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetByPCIBusId(CUdevice *ordinal, const char *id) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (ordinal == nullptr || id == nullptr) return call.null("dev or pciBusId");
  /* [domain:]bus:device.function; the domain may be left out or short. */
  unsigned domain = 0, bus = 0, slot = 0, function = 0;
  const bool full = sscanf(id, "%x:%x:%x.%x", &domain, &bus, &slot, &function) >= 3;
  if (!full) domain = 0;
  if ((!full && sscanf(id, "%x:%x.%x", &bus, &slot, &function) < 2) || domain != 0 || bus != 7 ||
      slot != 0 || function != 0) {
    return call.fail(CUDA_ERROR_INVALID_DEVICE, "there is no device %s", id);
  }
  *ordinal = 0;
  return CUDA_SUCCESS;
}

CUresult cuDeviceCanAccessPeer(int *can, CUdevice ordinal, CUdevice peer) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (can == nullptr) return call.null("canAccessPeer");
  if (ordinal != 0) return gpusim::driver::bad_device(call, ordinal);
  if (peer != 0) return gpusim::driver::bad_device(call, peer);
  *can = 0;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetP2PAttribute(int *value, CUdevice_P2PAttribute attribute, CUdevice from,
                                 CUdevice to) {
  const Call call(__func__, Needs::driver);
  if (!call) return call.result();
  if (value == nullptr) return call.null("value");
  /* Two different devices are asked for, and there is one. */
  return call.fail(CUDA_ERROR_INVALID_DEVICE, "attribute %d: %d and %d are no two devices",
                   static_cast<int>(attribute), from, to);
}
