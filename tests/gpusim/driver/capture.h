/* Stream capture: work becomes nodes of a graph instead of being queued. */
#ifndef GPUSIM_DRIVER_CAPTURE_H
#define GPUSIM_DRIVER_CAPTURE_H

#include <thread>

#include "tests/gpusim/driver/stream.h"

namespace gpusim::driver {

struct Capture {
  void *graph = nullptr;
  void *origin = nullptr; /* the stream that began it */
  bool into_existing = false;
  bool invalid = false;
  CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
  std::thread::id thread;
  uint64_t id = 0;
};

void invalidate(Capture &capture);

CUresult capture_work(const Call &call, Stream &stream, NodeWork work);
CUresult capture_event(const Call &call, Stream &stream, Event &event);
/* The stream joins the event's capture, or gets a further dependency. */
CUresult capture_wait(const Call &call, Stream &stream, const Event &event);

/* Calls that a stream under capture does not allow invalidate the capture. */
CUresult refuse_captured(const Call &call, const Stream &stream);
/* Use of the legacy default stream while a blocking stream of the context is captured. */
CUresult refuse_implicit_capture(const Call &call, const Stream &stream);
/* Calls that may synchronise, while a capture whose mode forbids them goes on. */
bool refuse_unsafe_capture(const Call &call);

}  // namespace gpusim::driver

#endif
