#include "tests/gpusim/driver/capture.h"

#include <algorithm>
#include <unordered_set>

#include "tests/gpusim/driver/context.h"

namespace gpusim::driver {
namespace {

uint64_t next_id = 1;

/* Of cuThreadExchangeStreamCaptureMode. */
thread_local CUstreamCaptureMode thread_mode = CU_STREAM_CAPTURE_MODE_GLOBAL;

void add_unique(std::vector<void *> *to, const std::vector<void *> &from) {
  for (void *node : from) {
    if (std::find(to->begin(), to->end(), node) == to->end()) to->push_back(node);
  }
}

CUresult invalid(const Call &call) {
  return call.fail(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "an earlier error ended the capture");
}

/* Every stream that was forked into the capture has come back to its origin. */
bool joined(const Capture &capture, const Stream &origin) {
  std::unordered_set<const void *> reached;
  std::vector<void *> open = origin.tail;
  while (!open.empty()) {
    const void *handle = open.back();
    open.pop_back();
    const auto *node = Handles::all().find<Node>(handle);
    if (node == nullptr || !reached.insert(handle).second) continue;
    open.insert(open.end(), node->dependencies.begin(), node->dependencies.end());
  }
  bool all = true;
  Handles::all().each<Stream>([&](const Stream &stream) {
    if (stream.capture.get() != &capture) return;
    for (const void *node : stream.tail) all = all && reached.count(node) != 0;
  });
  return all;
}

void leave(const std::shared_ptr<Capture> &capture) {
  Handles::all().each<Stream>([&](Stream &stream) {
    if (stream.capture != capture) return;
    stream.capture = nullptr;
    stream.tail.clear();
  });
  if (auto *graph = Handles::all().find<Graph>(capture->graph)) graph->captured_into = false;
}

CUresult begin(const Call &call, CUstream handle, CUstreamCaptureMode mode, Graph *graph,
               std::vector<void *> tail) {
  CUresult error = CUDA_SUCCESS;
  Stream *stream = find_stream(call, handle, &error);
  if (stream == nullptr) return error;
  if (static_cast<unsigned>(mode) > CU_STREAM_CAPTURE_MODE_RELAXED) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "mode %d", static_cast<int>(mode));
  }
  if (stream->legacy) {
    return call.fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "the legacy default stream");
  }
  if (stream->capture != nullptr) {
    return call.fail(CUDA_ERROR_ILLEGAL_STATE, "the stream is captured already");
  }
  auto capture = std::make_shared<Capture>();
  capture->into_existing = graph != nullptr;
  if (graph == nullptr) graph = Handles::all().make<Graph>();
  if (graph == nullptr) return call.fail(CUDA_ERROR_OUT_OF_MEMORY, "no more handles");
  graph->captured_into = true;
  capture->graph = graph->handle;
  capture->origin = stream->handle;
  capture->mode = mode;
  capture->thread = std::this_thread::get_id();
  capture->id = next_id++;
  stream->capture = std::move(capture);
  stream->tail = std::move(tail);
  return CUDA_SUCCESS;
}

CUresult end(const Call &call, Stream &stream, CUgraph *graph) {
  const std::shared_ptr<Capture> capture = stream.capture;
  if (capture->origin != stream.handle) {
    invalidate(*capture);
    return call.fail(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "another stream began the capture");
  }
  if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED &&
      capture->thread != std::this_thread::get_id()) {
    return call.fail(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, "another thread began the capture");
  }
  const bool all_joined = joined(*capture, stream);
  leave(capture);
  if (!capture->invalid && all_joined) {
    *graph = static_cast<CUgraph>(capture->graph);
    return CUDA_SUCCESS;
  }
  if (!capture->into_existing) destroy_graph(capture->graph);
  if (capture->invalid) return invalid(call);
  return call.fail(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, "a forked stream was not joined");
}

}  // namespace

void invalidate(Capture &capture) { capture.invalid = true; }

CUresult capture_work(const Call &call, Stream &stream, NodeWork work) {
  if (stream.capture->invalid) return invalid(call);
  auto *graph = Handles::all().find<Graph>(stream.capture->graph);
  Node *node = graph != nullptr ? add_node(*graph, std::move(work), stream.tail) : nullptr;
  if (node == nullptr) return invalid(call);
  stream.tail = {node->handle};
  return CUDA_SUCCESS;
}

CUresult capture_event(const Call &call, Stream &stream, Event &event) {
  if (stream.capture->invalid) return invalid(call);
  event.capture = stream.capture;
  event.nodes = stream.tail;
  return CUDA_SUCCESS;
}

CUresult capture_wait(const Call &call, Stream &stream, const Event &event) {
  if (stream.capture != nullptr && stream.capture->invalid) return invalid(call);
  if (event.capture == nullptr && !event.recorded) return CUDA_SUCCESS;
  if (event.capture == nullptr) {
    invalidate(*stream.capture);
    return call.fail(CUDA_ERROR_STREAM_CAPTURE_ISOLATION, "the event was recorded outside");
  }
  auto *graph = Handles::all().find<Graph>(event.capture->graph);
  if (graph == nullptr || !graph->captured_into) {
    return call.fail(CUDA_ERROR_CAPTURED_EVENT, "the event's capture is over");
  }
  if (event.capture->invalid) return invalid(call);
  if (stream.legacy) {
    invalidate(*event.capture);
    return call.fail(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "the legacy default stream can't join");
  }
  if (stream.capture != nullptr && stream.capture != event.capture) {
    invalidate(*stream.capture);
    invalidate(*event.capture);
    return call.fail(CUDA_ERROR_STREAM_CAPTURE_MERGE, "two captures would become one");
  }
  stream.capture = event.capture;
  add_unique(&stream.tail, event.nodes);
  return CUDA_SUCCESS;
}

CUresult refuse_captured(const Call &call, const Stream &stream) {
  if (stream.capture == nullptr) return CUDA_SUCCESS;
  if (stream.capture->invalid) return invalid(call);
  invalidate(*stream.capture);
  return call.fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "not while the stream is captured");
}

CUresult refuse_implicit_capture(const Call &call, const Stream &stream) {
  if (!stream.legacy) return CUDA_SUCCESS;
  bool captured = false;
  Handles::all().each<Stream>([&](const Stream &other) {
    if (other.capture == nullptr || !other.blocking || other.context != stream.context) return;
    captured = true;
    invalidate(*other.capture);
  });
  if (!captured) return CUDA_SUCCESS;
  return call.fail(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT,
                   "the legacy default stream would wait for a stream under capture");
}

bool refuse_unsafe_capture(const Call &call) {
  if (thread_mode == CU_STREAM_CAPTURE_MODE_RELAXED) return false;
  bool unsafe = false;
  Handles::all().each<Stream>([&](const Stream &stream) {
    if (stream.capture == nullptr || stream.capture->mode == CU_STREAM_CAPTURE_MODE_RELAXED) return;
    const bool here = stream.capture->thread == std::this_thread::get_id();
    const bool everywhere = stream.capture->mode == CU_STREAM_CAPTURE_MODE_GLOBAL &&
                            thread_mode == CU_STREAM_CAPTURE_MODE_GLOBAL;
    if (!here && !everywhere) return;
    unsafe = true;
    invalidate(*stream.capture);
  });
  if (unsafe) {
    call.fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "unsafe while a stream is captured");
  }
  return unsafe;
}

}  // namespace gpusim::driver

using gpusim::driver::Call;
using gpusim::driver::find_stream;
using gpusim::driver::Graph;
using gpusim::driver::Handles;

CUresult cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode mode) {
  const Call call(__func__);
  return call ? gpusim::driver::begin(call, stream, mode, nullptr, {}) : call.result();
}

CUresult cuStreamBeginCaptureToGraph(CUstream stream, CUgraph handle,
                                     const CUgraphNode *dependencies, const CUgraphEdgeData *,
                                     size_t count, CUstreamCaptureMode mode) {
  const Call call(__func__);
  if (!call) return call.result();
  auto *graph = Handles::all().find<Graph>(handle);
  if (graph == nullptr) return call.bad_handle("graph");
  std::vector<void *> tail;
  if (const CUresult error = check_nodes(call, *graph, dependencies, count, &tail)) return error;
  return gpusim::driver::begin(call, stream, mode, graph, std::move(tail));
}

CUresult cuStreamEndCapture(CUstream handle, CUgraph *graph) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  gpusim::driver::Stream *stream = find_stream(call, handle, &error);
  if (stream == nullptr) return error;
  if (graph == nullptr) return call.null("phGraph");
  *graph = nullptr;
  if (stream->capture == nullptr) {
    return call.fail(CUDA_ERROR_ILLEGAL_STATE, "the stream is not captured");
  }
  return gpusim::driver::end(call, *stream, graph);
}

CUresult cuStreamIsCapturing(CUstream handle, CUstreamCaptureStatus *status) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  const gpusim::driver::Stream *stream = find_stream(call, handle, &error);
  if (stream == nullptr) return error;
  if (status == nullptr) return call.null("captureStatus");
  if (const CUresult refused = gpusim::driver::refuse_implicit_capture(call, *stream))
    return refused;
  *status = stream->capture == nullptr ? CU_STREAM_CAPTURE_STATUS_NONE
            : stream->capture->invalid ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
                                       : CU_STREAM_CAPTURE_STATUS_ACTIVE;
  return CUDA_SUCCESS;
}

CUresult cuStreamGetCaptureInfo_v3(CUstream handle, CUstreamCaptureStatus *status, cuuint64_t *id,
                                   CUgraph *graph, const CUgraphNode **dependencies,
                                   const CUgraphEdgeData **edges, size_t *count) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  const gpusim::driver::Stream *stream = find_stream(call, handle, &error);
  if (stream == nullptr) return error;
  if (const CUresult result = cuStreamIsCapturing(handle, status)) return result;
  if (stream->capture == nullptr) return CUDA_SUCCESS;
  if (id != nullptr) *id = stream->capture->id;
  if (graph != nullptr) *graph = static_cast<CUgraph>(stream->capture->graph);
  /* The caller reads the list before the next call on the stream; handles are plain pointers. */
  if (dependencies != nullptr) {
    *dependencies = reinterpret_cast<const CUgraphNode *>(stream->tail.data());
  }
  if (edges != nullptr) *edges = nullptr;
  if (count != nullptr) *count = stream->tail.size();
  return CUDA_SUCCESS;
}

CUresult cuStreamGetCaptureInfo_v2(CUstream stream, CUstreamCaptureStatus *status, cuuint64_t *id,
                                   CUgraph *graph, const CUgraphNode **dependencies,
                                   size_t *count) {
  return cuStreamGetCaptureInfo_v3(stream, status, id, graph, dependencies, nullptr, count);
}

CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode) {
  const Call call(__func__, gpusim::driver::Needs::driver);
  if (!call) return call.result();
  if (mode == nullptr) return call.null("mode");
  if (static_cast<unsigned>(*mode) > CU_STREAM_CAPTURE_MODE_RELAXED) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "mode %d", static_cast<int>(*mode));
  }
  std::swap(*mode, gpusim::driver::thread_mode);
  return CUDA_SUCCESS;
}
