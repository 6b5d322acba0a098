#include "tests/gpusim/driver/handles.h"

#include <sys/mman.h>

namespace gpusim::driver {
namespace {

constexpr size_t kHandleRange = size_t{1} << 36;
constexpr size_t kHandleStep = 64;

}  // namespace

Handles &Handles::all() {
  /* Never destroyed: host code may call the driver from its own exit handlers. */
  static Handles *const handles = new Handles;
  return *handles;
}

bool Handles::add(std::unique_ptr<Object> object) {
  if (next_ == end_) {
    void *range =
        mmap(nullptr, kHandleRange, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) return false;
    next_ = static_cast<char *>(range) + kHandleStep;
    end_ = static_cast<char *>(range) + kHandleRange;
  }
  object->handle = next_;
  next_ += kHandleStep;
  objects_.emplace(object->handle, std::move(object));
  return true;
}

Object *Handles::look_up(const void *handle) const {
  const auto found = objects_.find(handle);
  return found == objects_.end() ? nullptr : found->second.get();
}

void Handles::destroy(const void *handle) { objects_.erase(handle); }

}  // namespace gpusim::driver
