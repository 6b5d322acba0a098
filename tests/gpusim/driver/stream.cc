#include "tests/gpusim/driver/stream.h"

#include "tests/gpusim/driver/capture.h"
#include "tests/gpusim/driver/context.h"

namespace gpusim::driver {
namespace {

uint64_t next_id = 1;

Stream *make_stream(const Context &context) {
  auto *stream = Handles::all().make<Stream>();
  if (stream == nullptr) return nullptr;
  stream->context = context.handle;
  stream->id = next_id++;
  return stream;
}

Stream *default_stream(Context &context, bool legacy) {
  void *&handle = legacy ? context.legacy : context.per_thread[std::this_thread::get_id()];
  if (auto *stream = Handles::all().find<Stream>(handle)) return stream;
  Stream *stream = make_stream(context);
  if (stream == nullptr) return nullptr;
  stream->is_default = true;
  stream->legacy = legacy;
  handle = stream->handle;
  return stream;
}

/* Work of destroyed streams that the legacy default stream still has to wait for. */
struct Orphan {
  void *context;
  uint64_t ticket;
};
std::vector<Orphan> &orphans() {
  static auto *const the = new std::vector<Orphan>;
  return *the;
}

CUresult create(const Call &call, CUstream *made, unsigned flags, int priority) {
  if (made == nullptr) return call.null("phStream");
  if ((flags & ~unsigned{CU_STREAM_NON_BLOCKING}) != 0) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "flags 0x%x", flags);
  }
  Stream *stream = make_stream(call.context());
  if (stream == nullptr) return call.fail(CUDA_ERROR_OUT_OF_MEMORY, "no more handles");
  stream->blocking = flags == CU_STREAM_DEFAULT;
  stream->priority = priority > kLeastPriority      ? kLeastPriority
                     : priority < kGreatestPriority ? kGreatestPriority
                                                    : priority;
  *made = handle_of<CUstream>(*stream);
  return CUDA_SUCCESS;
}

}  // namespace

Stream *find_stream(const Call &call, CUstream handle, CUresult *error) {
  Stream *stream = nullptr;
  if (handle == nullptr || handle == CU_STREAM_LEGACY) {
    stream = default_stream(call.context(), true);
  } else if (handle == CU_STREAM_PER_THREAD) {
    stream = default_stream(call.context(), false);
  } else {
    stream = Handles::all().find<Stream>(handle);
  }
  if (stream == nullptr) {
    *error = call.bad_handle("stream");
    return nullptr;
  }
  if (stream->context != call.context().handle) {
    *error = call.fail(CUDA_ERROR_INVALID_HANDLE, "the stream belongs to another context");
    return nullptr;
  }
  return stream;
}

/* What `property` tells of a stream, into *result, which the documentation calls `name`. */
template <class T, class Property>
static CUresult get(const Call &call, CUstream handle, T *result, const char *name,
                    Property property) {
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  const Stream *stream = find_stream(call, handle, &error);
  if (stream == nullptr) return error;
  if (result == nullptr) return call.null(name);
  *result = property(*stream);
  return CUDA_SUCCESS;
}

Stream *legacy_stream(const Call &call) { return default_stream(call.context(), true); }

void enqueue(Stream &stream, Work work, std::vector<uint64_t> after) {
  after.push_back(stream.last);
  if (stream.legacy) {
    Handles::all().each<Stream>([&](Stream &other) {
      if (other.context == stream.context && other.blocking) after.push_back(other.last);
    });
    for (const Orphan &orphan : orphans()) {
      if (orphan.context == stream.context) after.push_back(orphan.ticket);
    }
  } else if (stream.blocking) {
    const auto *context = Handles::all().find<Context>(stream.context);
    const auto *legacy =
        context != nullptr ? Handles::all().find<Stream>(context->legacy) : nullptr;
    if (legacy != nullptr) after.push_back(legacy->last);
  }
  stream.last = Queue::device().push(stream.context, std::move(work), std::move(after));
}

CUresult submit(const Call &call, Stream &stream, NodeWork work) {
  if (stream.capture != nullptr) return capture_work(call, stream, std::move(work));
  if (const CUresult refused = refuse_implicit_capture(call, stream)) return refused;
  enqueue(stream, work.prepare());
  return CUDA_SUCCESS;
}

}  // namespace gpusim::driver

using gpusim::driver::Call;
using gpusim::driver::find_stream;
using gpusim::driver::Handles;
using gpusim::driver::Queue;
using gpusim::driver::Stream;

CUresult cuStreamCreate(CUstream *stream, unsigned flags) {
  const Call call(__func__);
  return call ? gpusim::driver::create(call, stream, flags, 0) : call.result();
}

CUresult cuStreamCreateWithPriority(CUstream *stream, unsigned flags, int priority) {
  const Call call(__func__);
  return call ? gpusim::driver::create(call, stream, flags, priority) : call.result();
}

CUresult cuStreamDestroy_v2(CUstream handle) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  Stream *stream = find_stream(call, handle, &error);
  if (stream == nullptr) return error;
  if (stream->is_default) return call.fail(CUDA_ERROR_INVALID_HANDLE, "a default stream");
  if (stream->capture != nullptr) gpusim::driver::invalidate(*stream->capture);
  /* Its work is done later: destruction does not wait. */
  auto &orphans = gpusim::driver::orphans();
  size_t kept = 0;
  for (const auto &orphan : orphans) {
    if (Queue::device().pending(orphan.ticket)) orphans[kept++] = orphan;
  }
  orphans.resize(kept);
  if (stream->blocking && Queue::device().pending(stream->last)) {
    orphans.push_back({stream->context, stream->last});
  }
  Handles::all().destroy(handle);
  return CUDA_SUCCESS;
}

CUresult cuStreamSynchronize(CUstream handle) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  Stream *stream = find_stream(call, handle, &error);
  if (stream == nullptr) return error;
  if (const CUresult refused = gpusim::driver::refuse_captured(call, *stream)) return refused;
  if (stream->legacy) {
    if (const CUresult refused = gpusim::driver::refuse_implicit_capture(call, *stream))
      return refused;
    /* Work on the default stream comes after all blocking streams, so waiting for it does too. */
    gpusim::driver::enqueue(*stream, [](gpusim::driver::Context &) {});
  }
  Queue::device().finish(stream->last);
  return call.context().sticky;
}

CUresult cuStreamQuery(CUstream handle) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  Stream *stream = find_stream(call, handle, &error);
  if (stream == nullptr) return error;
  if (const CUresult refused = gpusim::driver::refuse_captured(call, *stream)) return refused;
  if (!Queue::device().pending(stream->last)) return CUDA_SUCCESS;
  Queue::device().advance(stream->last);
  return call.context().sticky != CUDA_SUCCESS ? call.context().sticky : CUDA_ERROR_NOT_READY;
}

CUresult cuStreamGetPriority(CUstream handle, int *priority) {
  return gpusim::driver::get(Call(__func__), handle, priority, "priority",
                             [](const Stream &stream) { return stream.priority; });
}

CUresult cuStreamGetFlags(CUstream handle, unsigned *flags) {
  return gpusim::driver::get(Call(__func__), handle, flags, "flags", [](const Stream &stream) {
    return unsigned{stream.blocking ? CU_STREAM_DEFAULT : CU_STREAM_NON_BLOCKING};
  });
}

CUresult cuStreamGetId(CUstream handle, unsigned long long *id) {
  return gpusim::driver::get(Call(__func__), handle, id, "streamId",
                             [](const Stream &stream) { return stream.id; });
}

CUresult cuStreamGetCtx(CUstream handle, CUcontext *context) {
  return gpusim::driver::get(Call(__func__), handle, context, "pctx", [](const Stream &stream) {
    return static_cast<CUcontext>(stream.context);
  });
}

CUresult cuStreamGetDevice(CUstream handle, CUdevice *ordinal) {
  return gpusim::driver::get(Call(__func__), handle, ordinal, "device",
                             [](const Stream &) { return 0; });
}

CUresult cuLaunchHostFunc(CUstream handle, CUhostFn function, void *data) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  Stream *stream = find_stream(call, handle, &error);
  if (stream == nullptr) return error;
  if (function == nullptr) return call.null("fn");
  return gpusim::driver::submit(call, *stream, gpusim::driver::host_node({function, data}));
}

CUresult cuStreamAddCallback(CUstream handle, CUstreamCallback callback, void *data,
                             unsigned flags) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  Stream *stream = find_stream(call, handle, &error);
  if (stream == nullptr) return error;
  if (callback == nullptr) return call.null("callback");
  if (flags != 0) return call.fail(CUDA_ERROR_INVALID_VALUE, "flags must be 0");
  if (const CUresult refused = gpusim::driver::refuse_captured(call, *stream)) return refused;
  if (const CUresult refused = gpusim::driver::refuse_implicit_capture(call, *stream))
    return refused;
  gpusim::driver::enqueue(*stream, [callback, handle, data](gpusim::driver::Context &context) {
    const gpusim::driver::HostFunctionScope scope;
    callback(handle, context.sticky, data);
  });
  return CUDA_SUCCESS;
}
