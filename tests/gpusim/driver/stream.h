/* Streams and events. */
#ifndef GPUSIM_DRIVER_STREAM_H
#define GPUSIM_DRIVER_STREAM_H

#include <memory>
#include <vector>

#include "tests/gpusim/driver/call.h"
#include "tests/gpusim/driver/graph.h"
#include "tests/gpusim/driver/queue.h"

namespace gpusim::driver {

struct Capture;

constexpr int kLeastPriority = 0;
constexpr int kGreatestPriority = -5;

struct Stream : Object {
  static constexpr ObjectKind kKind = ObjectKind::stream;
  Stream() : Object(kKind) {}

  void *context = nullptr;
  bool is_default = false; /* the legacy default stream, or a thread's */
  bool legacy = false;
  bool blocking = true; /* waits for the legacy default stream, and it for this one */
  int priority = 0;
  uint64_t id = 0;
  uint64_t last = 0; /* ticket of its newest work */
  std::shared_ptr<Capture> capture;
  std::vector<void *> tail; /* while captured: nodes that the next one depends on */
};

struct Event : Object {
  static constexpr ObjectKind kKind = ObjectKind::event;
  Event() : Object(kKind) {}

  void *context = nullptr;
  bool timed = true;
  bool recorded = false;
  uint64_t ticket = 0;
  double milliseconds = 0;          /* of the host's clock, when its record was executed */
  std::shared_ptr<Capture> capture; /* it was last recorded in a captured stream */
  std::vector<void *> nodes;
};

/* The stream of the call's context, also by the default streams' special handles. Null if it is
 * none of them; then *error holds what to return. */
Stream *find_stream(const Call &call, CUstream handle, CUresult *error);
Stream *legacy_stream(const Call &call);

/* Queues or captures. */
CUresult submit(const Call &call, Stream &stream, NodeWork work);

/* Queues work without a node of its own; not for captured streams. */
void enqueue(Stream &stream, Work work, std::vector<uint64_t> after = {});

/* Work that records the event. */
Work record_work(const Event &event, uint64_t *ticket);

}  // namespace gpusim::driver

#endif
