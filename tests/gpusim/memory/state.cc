#include "tests/gpusim/memory/state.h"

#include <cinttypes>
#include <cstdio>

#include "tests/gpusim/memory/heap.h"

namespace gpusim {
namespace {

/* Of a launch. Later ones are forgotten: the list is for a person, who needs the first. */
constexpr size_t kMostStores = 1u << 14;

bool still_undefined(const UndefinedStore &store) {
  for (unsigned i = 0; i < 32; i++) {
    const bool stored = (store.bytes >> i & 1) != 0;
    if (stored && !Heap::device().is_defined(store.address + i, 1)) return true;
  }
  return false;
}

void describe(const LaunchRequest &request, const UndefinedStore &store, Fault *fault) {
  const ptx::Instruction &source = *store.source;
  const std::vector<std::string_view> &files = module_source(*request.module).files;
  fault->kind = FaultKind::undefined;
  fault->kernel = std::string(request.entry->source->name);
  fault->instruction = std::string(source.text);
  fault->ptx_line = source.line;
  if (source.source_file != 0 && source.source_file < files.size()) {
    fault->source_file = std::string(files[source.source_file]);
    fault->source_line = source.source_line;
  }
  for (unsigned i = 0; i < 3; i++) fault->ctaid[i] = store.ctaid[i];
  fault->warp = store.warp;
  fault->lane = store.lane;
  char text[120];
  snprintf(text, sizeof text, "stored at 0x%" PRIx64 " and still there when the kernel ended",
           store.address);
  fault->detail = text;
}

}  // namespace

void LaunchMemory::begin(Cta *cta) {
  cta->memory = new MemoryState;
  cta->memory->touched = &touched_;
}

void LaunchMemory::end(Cta *cta, MemoryCounters *counters) {
  const std::unique_ptr<MemoryState> state(cta->memory);
  cta->memory = nullptr;
  counters->add(state->counters);
  if (state->undefined_stores.empty()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const UndefinedStore &store : state->undefined_stores) {
    if (stores_.size() < kMostStores) stores_.push_back(store);
  }
}

bool LaunchMemory::finish(Fault *fault) {
  if (request_.keep_undefined) return true;
  for (const UndefinedStore &store : stores_) {
    if (!still_undefined(store)) continue;
    describe(request_, store, fault);
    return false;
  }
  return true;
}

}  // namespace gpusim
