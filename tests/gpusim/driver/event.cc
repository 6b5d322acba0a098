#include <chrono>

#include "tests/gpusim/driver/capture.h"
#include "tests/gpusim/driver/context.h"
#include "tests/gpusim/driver/stream.h"

namespace gpusim::driver {
namespace {

constexpr unsigned kEventFlags =
    CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING | CU_EVENT_INTERPROCESS;

double now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(since).count();
}

Event *find_event(const Call &call, CUevent handle, CUresult *error) {
  auto *event = Handles::all().find<Event>(handle);
  if (event == nullptr) *error = call.bad_handle("event");
  return event;
}

/* An event that a capture recorded can't be waited for by the host. */
CUresult refuse_captured_event(const Call &call, const Event &event) {
  if (event.capture == nullptr) return CUDA_SUCCESS;
  invalidate(*event.capture);
  return call.fail(CUDA_ERROR_CAPTURED_EVENT, "the event was recorded in a captured stream");
}

CUresult record(const Call &call, CUevent handle, CUstream stream_handle, unsigned flags) {
  CUresult error = CUDA_SUCCESS;
  Event *event = find_event(call, handle, &error);
  Stream *stream = event != nullptr ? find_stream(call, stream_handle, &error) : nullptr;
  if (stream == nullptr) return error;
  if (event->context != stream->context) {
    return call.fail(CUDA_ERROR_INVALID_HANDLE, "event and stream belong to two contexts");
  }
  if ((flags & ~unsigned{CU_EVENT_RECORD_EXTERNAL}) != 0) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "flags 0x%x", flags);
  }
  if (stream->capture != nullptr) {
    if (flags != 0) return capture_work(call, *stream, record_node(handle));
    return capture_event(call, *stream, *event);
  }
  if (const CUresult refused = refuse_implicit_capture(call, *stream)) return refused;
  event->capture = nullptr;
  enqueue(*stream, record_node(handle).prepare());
  event->recorded = true;
  event->ticket = stream->last;
  return CUDA_SUCCESS;
}

}  // namespace

void stamp_event(const void *handle) {
  auto *event = Handles::all().find<Event>(handle);
  if (event == nullptr) return;
  event->recorded = true;
  event->milliseconds = now();
}

}  // namespace gpusim::driver

using gpusim::driver::Call;
using gpusim::driver::Event;
using gpusim::driver::find_event;
using gpusim::driver::Handles;
using gpusim::driver::Queue;

CUresult cuEventCreate(CUevent *made, unsigned flags) {
  const Call call(__func__);
  if (!call) return call.result();
  if (made == nullptr) return call.null("phEvent");
  if ((flags & ~gpusim::driver::kEventFlags) != 0 || (flags & CU_EVENT_INTERPROCESS) != 0) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "flags 0x%x", flags);
  }
  auto *event = Handles::all().make<Event>();
  if (event == nullptr) return call.fail(CUDA_ERROR_OUT_OF_MEMORY, "no more handles");
  event->context = call.context().handle;
  event->timed = (flags & CU_EVENT_DISABLE_TIMING) == 0;
  *made = gpusim::driver::handle_of<CUevent>(*event);
  return CUDA_SUCCESS;
}

CUresult cuEventDestroy_v2(CUevent handle) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  if (find_event(call, handle, &error) == nullptr) return error;
  Handles::all().destroy(handle);
  return CUDA_SUCCESS;
}

CUresult cuEventRecord(CUevent event, CUstream stream) {
  const Call call(__func__);
  return call ? gpusim::driver::record(call, event, stream, 0) : call.result();
}

CUresult cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned flags) {
  const Call call(__func__);
  return call ? gpusim::driver::record(call, event, stream, flags) : call.result();
}

CUresult cuEventQuery(CUevent handle) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  const Event *event = find_event(call, handle, &error);
  if (event == nullptr) return error;
  if (const CUresult refused = gpusim::driver::refuse_captured_event(call, *event)) return refused;
  if (!Queue::device().pending(event->ticket)) return CUDA_SUCCESS;
  Queue::device().advance(event->ticket);
  return call.context().sticky != CUDA_SUCCESS ? call.context().sticky : CUDA_ERROR_NOT_READY;
}

CUresult cuEventSynchronize(CUevent handle) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  const Event *event = find_event(call, handle, &error);
  if (event == nullptr) return error;
  if (const CUresult refused = gpusim::driver::refuse_captured_event(call, *event)) return refused;
  if (gpusim::driver::refuse_unsafe_capture(call)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  Queue::device().finish(event->ticket);
  return call.context().sticky;
}

CUresult cuEventElapsedTime_v2(float *milliseconds, CUevent start, CUevent end) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  const Event *first = find_event(call, start, &error);
  const Event *last = first != nullptr ? find_event(call, end, &error) : nullptr;
  if (last == nullptr) return error;
  if (milliseconds == nullptr) return call.null("pMilliseconds");
  if (!first->timed || !last->timed || !first->recorded || !last->recorded ||
      first->capture != nullptr || last->capture != nullptr) {
    return call.fail(CUDA_ERROR_INVALID_HANDLE, "an event that is not timed or not recorded");
  }
  if (Queue::device().pending(first->ticket) || Queue::device().pending(last->ticket)) {
    return CUDA_ERROR_NOT_READY;
  }
  *milliseconds = static_cast<float>(last->milliseconds - first->milliseconds);
  return CUDA_SUCCESS;
}

CUresult cuEventElapsedTime(float *milliseconds, CUevent start, CUevent end) {
  return cuEventElapsedTime_v2(milliseconds, start, end);
}

CUresult cuStreamWaitEvent(CUstream stream_handle, CUevent handle, unsigned flags) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  const Event *event = find_event(call, handle, &error);
  gpusim::driver::Stream *stream =
      event != nullptr ? gpusim::driver::find_stream(call, stream_handle, &error) : nullptr;
  if (stream == nullptr) return error;
  if ((flags & ~unsigned{CU_EVENT_WAIT_EXTERNAL}) != 0) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "flags 0x%x", flags);
  }
  if (stream->capture != nullptr && flags != 0) {
    return gpusim::driver::capture_work(call, *stream, gpusim::driver::wait_node(handle));
  }
  if (stream->capture != nullptr || event->capture != nullptr) {
    return gpusim::driver::capture_wait(call, *stream, *event);
  }
  if (!event->recorded) return CUDA_SUCCESS;
  if (const CUresult refused = gpusim::driver::refuse_implicit_capture(call, *stream))
    return refused;
  gpusim::driver::enqueue(*stream, [](gpusim::driver::Context &) {}, {event->ticket});
  return CUDA_SUCCESS;
}
