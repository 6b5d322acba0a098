/* Entry points of copies and fills. */
#include "tests/gpusim/driver/capture.h"
#include "tests/gpusim/driver/context.h"
#include "tests/gpusim/driver/copy.h"
#include "tests/gpusim/driver/memory.h"
#include "tests/gpusim/driver/stream.h"
#include "tests/gpusim/memory/heap.h"

namespace gpusim::driver {
namespace {

Side device_side(CUdeviceptr address) { return {true, address, 0, 0}; }

Side host_side(const void *pointer) { return {false, host_address(pointer), 0, 0}; }

/* Unified addresses tell where they are. */
Side any_side(CUdeviceptr address) {
  const uint64_t bytes = Heap::device().limit();
  const bool on_device =
      address >= kHeapFirst && address - kHeapFirst < 2 * bytes && find_pinned(address) == nullptr;
  return {on_device, address, 0, 0};
}

/* Blocking calls wait, except for copies within the device and fills, which don't. */
CUresult copy_now(const Call &call, const Copy &copy) {
  if (refuse_unsafe_capture(call)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  Stream *stream = legacy_stream(call);
  if (stream == nullptr) return call.fail(CUDA_ERROR_OUT_OF_MEMORY, "no more handles");
  if (copy.width == 0 || copy.height == 0 || copy.depth == 0) return CUDA_SUCCESS;
  if (const CUresult error = check_copy(call, copy)) return error;
  if (const CUresult error = submit(call, *stream, copy_node(copy))) return error;
  if (!copy.from.on_device || !copy.to.on_device) Queue::device().finish(stream->last);
  return call.context().sticky;
}

CUresult copy_later(const Call &call, Copy copy, CUstream handle) {
  CUresult error = CUDA_SUCCESS;
  Stream *stream = find_stream(call, handle, &error);
  if (stream == nullptr) return error;
  if (copy.width == 0 || copy.height == 0 || copy.depth == 0) return CUDA_SUCCESS;
  if (const CUresult wrong = check_copy(call, copy)) return wrong;
  if (stream->capture == nullptr) stage(&copy);
  return submit(call, *stream, copy_node(copy));
}

Copy line(const Call &call, Side to, Side from, uint64_t bytes) {
  Copy copy;
  copy.name = call.name();
  copy.from = from;
  copy.to = to;
  copy.width = bytes;
  return copy;
}

CUresult fill(const Call &call, CUstream handle, Fill what) {
  CUresult error = CUDA_SUCCESS;
  Stream *stream = find_stream(call, handle, &error);
  if (stream == nullptr) return error;
  what.name = call.name();
  if (what.width == 0 || what.height == 0) return CUDA_SUCCESS;
  if (const CUresult wrong = check_fill(call, what)) return wrong;
  return submit(call, *stream, fill_node(what));
}

CUDA_MEMCPY3D widen(const CUDA_MEMCPY2D &flat) {
  CUDA_MEMCPY3D deep = {};
  deep.srcXInBytes = flat.srcXInBytes;
  deep.srcY = flat.srcY;
  deep.srcMemoryType = flat.srcMemoryType;
  deep.srcHost = flat.srcHost;
  deep.srcDevice = flat.srcDevice;
  deep.srcPitch = flat.srcPitch;
  deep.dstXInBytes = flat.dstXInBytes;
  deep.dstY = flat.dstY;
  deep.dstMemoryType = flat.dstMemoryType;
  deep.dstHost = flat.dstHost;
  deep.dstDevice = flat.dstDevice;
  deep.dstPitch = flat.dstPitch;
  deep.WidthInBytes = flat.WidthInBytes;
  deep.Height = flat.Height;
  deep.Depth = 1;
  return deep;
}

struct End {
  CUmemorytype type;
  const void *host;
  CUdeviceptr device;
  uint64_t x, y, z, pitch, height;
};

bool locate(const End &end, uint64_t width, Side *side) {
  if (end.type == CU_MEMORYTYPE_HOST) {
    *side = host_side(end.host);
  } else if (end.type == CU_MEMORYTYPE_DEVICE) {
    *side = device_side(end.device);
  } else if (end.type == CU_MEMORYTYPE_UNIFIED) {
    *side = any_side(end.device);
  } else {
    return false;
  }
  side->pitch = end.pitch != 0 ? end.pitch : width;
  uint64_t rows = 0, slices = 0;
  return !__builtin_mul_overflow(side->pitch, end.height, &side->slice) &&
         !__builtin_mul_overflow(side->pitch, end.y, &rows) &&
         !__builtin_mul_overflow(side->slice, end.z, &slices) &&
         !__builtin_add_overflow(side->first, rows, &side->first) &&
         !__builtin_add_overflow(side->first, slices, &side->first) &&
         !__builtin_add_overflow(side->first, end.x, &side->first);
}

}  // namespace

CUresult copy_of(const Call &call, const CUDA_MEMCPY3D &p, Copy *copy) {
  copy->name = call.name();
  copy->width = p.WidthInBytes;
  copy->height = p.Height;
  copy->depth = p.Depth;
  const End from = {p.srcMemoryType, p.srcHost, p.srcDevice, p.srcXInBytes,
                    p.srcY,          p.srcZ,    p.srcPitch,  p.srcHeight};
  const End to = {p.dstMemoryType, p.dstHost, p.dstDevice, p.dstXInBytes,
                  p.dstY,          p.dstZ,    p.dstPitch,  p.dstHeight};
  if (!locate(from, p.srcXInBytes + p.WidthInBytes, &copy->from) ||
      !locate(to, p.dstXInBytes + p.WidthInBytes, &copy->to)) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "memory type, or offsets that overflow");
  }
  if (p.Depth > 1 && (p.srcHeight < p.Height || p.dstHeight < p.Height)) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "slices overlap: height below that of the copy");
  }
  return CUDA_SUCCESS;
}

}  // namespace gpusim::driver

using gpusim::driver::Call;
using gpusim::driver::Copy;
using gpusim::driver::copy_later;
using gpusim::driver::copy_now;
using gpusim::driver::device_side;
using gpusim::driver::fill;
using gpusim::driver::host_side;
using gpusim::driver::line;

CUresult cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  const Call call(__func__);
  if (!call) return call.result();
  return copy_now(call,
                  line(call, gpusim::driver::any_side(to), gpusim::driver::any_side(from), bytes));
}

CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
  const Call call(__func__);
  if (!call) return call.result();
  return copy_now(call, line(call, device_side(to), host_side(from), bytes));
}

CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
  const Call call(__func__);
  if (!call) return call.result();
  return copy_now(call, line(call, host_side(to), device_side(from), bytes));
}

CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  const Call call(__func__);
  if (!call) return call.result();
  return copy_now(call, line(call, device_side(to), device_side(from), bytes));
}

CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  const Call call(__func__);
  if (!call) return call.result();
  return copy_later(call,
                    line(call, gpusim::driver::any_side(to), gpusim::driver::any_side(from), bytes),
                    stream);
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
  const Call call(__func__);
  if (!call) return call.result();
  return copy_later(call, line(call, device_side(to), host_side(from), bytes), stream);
}

CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
  const Call call(__func__);
  if (!call) return call.result();
  return copy_later(call, line(call, host_side(to), device_side(from), bytes), stream);
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  const Call call(__func__);
  if (!call) return call.result();
  return copy_later(call, line(call, device_side(to), device_side(from), bytes), stream);
}

CUresult cuMemcpy3D_v2(const CUDA_MEMCPY3D *parameters) {
  const Call call(__func__);
  if (!call) return call.result();
  if (parameters == nullptr) return call.null("pCopy");
  Copy copy;
  const CUresult error = copy_of(call, *parameters, &copy);
  return error != CUDA_SUCCESS ? error : copy_now(call, copy);
}

CUresult cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D *parameters, CUstream stream) {
  const Call call(__func__);
  if (!call) return call.result();
  if (parameters == nullptr) return call.null("pCopy");
  Copy copy;
  const CUresult error = copy_of(call, *parameters, &copy);
  return error != CUDA_SUCCESS ? error : copy_later(call, copy, stream);
}

CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D *parameters) {
  const Call call(__func__);
  if (!call) return call.result();
  if (parameters == nullptr) return call.null("pCopy");
  Copy copy;
  const CUresult error = copy_of(call, gpusim::driver::widen(*parameters), &copy);
  return error != CUDA_SUCCESS ? error : copy_now(call, copy);
}

CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D *parameters) {
  return cuMemcpy2D_v2(parameters);
}

CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *parameters, CUstream stream) {
  const Call call(__func__);
  if (!call) return call.result();
  if (parameters == nullptr) return call.null("pCopy");
  Copy copy;
  const CUresult error = copy_of(call, gpusim::driver::widen(*parameters), &copy);
  return error != CUDA_SUCCESS ? error : copy_later(call, copy, stream);
}

CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t count) {
  const Call call(__func__);
  return call ? fill(call, nullptr, {"", to, 0, value, 1, count, 1}) : call.result();
}

CUresult cuMemsetD16_v2(CUdeviceptr to, unsigned short value, size_t count) {
  const Call call(__func__);
  return call ? fill(call, nullptr, {"", to, 0, value, 2, count, 1}) : call.result();
}

CUresult cuMemsetD32_v2(CUdeviceptr to, unsigned value, size_t count) {
  const Call call(__func__);
  return call ? fill(call, nullptr, {"", to, 0, value, 4, count, 1}) : call.result();
}

CUresult cuMemsetD2D8_v2(CUdeviceptr to, size_t pitch, unsigned char value, size_t width,
                         size_t height) {
  const Call call(__func__);
  return call ? fill(call, nullptr, {"", to, pitch, value, 1, width, height}) : call.result();
}

CUresult cuMemsetD2D16_v2(CUdeviceptr to, size_t pitch, unsigned short value, size_t width,
                          size_t height) {
  const Call call(__func__);
  return call ? fill(call, nullptr, {"", to, pitch, value, 2, width, height}) : call.result();
}

CUresult cuMemsetD2D32_v2(CUdeviceptr to, size_t pitch, unsigned value, size_t width,
                          size_t height) {
  const Call call(__func__);
  return call ? fill(call, nullptr, {"", to, pitch, value, 4, width, height}) : call.result();
}

CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count, CUstream stream) {
  const Call call(__func__);
  return call ? fill(call, stream, {"", to, 0, value, 1, count, 1}) : call.result();
}

CUresult cuMemsetD16Async(CUdeviceptr to, unsigned short value, size_t count, CUstream stream) {
  const Call call(__func__);
  return call ? fill(call, stream, {"", to, 0, value, 2, count, 1}) : call.result();
}

CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count, CUstream stream) {
  const Call call(__func__);
  return call ? fill(call, stream, {"", to, 0, value, 4, count, 1}) : call.result();
}

CUresult cuMemsetD2D8Async(CUdeviceptr to, size_t pitch, unsigned char value, size_t width,
                           size_t height, CUstream stream) {
  const Call call(__func__);
  return call ? fill(call, stream, {"", to, pitch, value, 1, width, height}) : call.result();
}

CUresult cuMemsetD2D16Async(CUdeviceptr to, size_t pitch, unsigned short value, size_t width,
                            size_t height, CUstream stream) {
  const Call call(__func__);
  return call ? fill(call, stream, {"", to, pitch, value, 2, width, height}) : call.result();
}

CUresult cuMemsetD2D32Async(CUdeviceptr to, size_t pitch, unsigned value, size_t width,
                            size_t height, CUstream stream) {
  const Call call(__func__);
  return call ? fill(call, stream, {"", to, pitch, value, 4, width, height}) : call.result();
}
