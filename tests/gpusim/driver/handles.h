/* What the driver's handles stand for.
 *
 * A handle is an address in a range that nothing can be read from; none is ever given out twice,
 * and only a look-up leads to its object. Any value is therefore safe to ask about, and a handle
 * that was destroyed stays wrong. Objects refer to each other by handle where one may outlive the
 * other.
 */
#ifndef GPUSIM_DRIVER_HANDLES_H
#define GPUSIM_DRIVER_HANDLES_H

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>

namespace gpusim::driver {

enum class ObjectKind : uint8_t {
  context,
  module,
  library,
  function,
  stream,
  event,
  graph,
  node,
  executable
};

/* T::kKind names the kind of each class. */
struct Object {
  explicit Object(ObjectKind object_kind) : kind(object_kind) {}
  Object(const Object &) = delete;
  Object &operator=(const Object &) = delete;
  virtual ~Object() = default;

  const ObjectKind kind;
  void *handle = nullptr;
};

class Handles {
 public:
  static Handles &all();

  template <class T, class... Arguments>
  T *make(Arguments &&...arguments) {
    auto object = std::make_unique<T>(std::forward<Arguments>(arguments)...);
    T *made = object.get();
    return add(std::move(object)) ? made : nullptr;
  }

  /* Null for anything but the handle of a live object of that class. */
  template <class T>
  T *find(const void *handle) const {
    Object *object = look_up(handle);
    return object != nullptr && object->kind == T::kKind ? static_cast<T *>(object) : nullptr;
  }

  void destroy(const void *handle);

  /* Calls visit(T &) for each live object of the class; visit must not add or destroy any. */
  template <class T, class Visit>
  void each(Visit visit) const {
    for (const auto &entry : objects_) {
      if (entry.second->kind == T::kKind) visit(static_cast<T &>(*entry.second));
    }
  }

 private:
  bool add(std::unique_ptr<Object> object);
  Object *look_up(const void *handle) const;

  std::unordered_map<const void *, std::unique_ptr<Object>> objects_;
  char *next_ = nullptr;
  char *end_ = nullptr;
};

/* The handle as cuda.h types it. */
template <class Handle>
Handle handle_of(const Object &object) {
  return static_cast<Handle>(object.handle);
}

}  // namespace gpusim::driver

#endif
