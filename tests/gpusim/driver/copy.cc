#include "tests/gpusim/driver/copy.h"

#include <cinttypes>
#include <cstring>

#include "tests/gpusim/driver/config.h"
#include "tests/gpusim/driver/context.h"
#include "tests/gpusim/driver/memory.h"
#include "tests/gpusim/memory/heap.h"

namespace gpusim::driver {
namespace {

/* Bytes from the first to behind the last; false when they are more than an address holds. */
bool span(const Side &side, uint64_t width, uint64_t height, uint64_t depth, uint64_t *bytes) {
  uint64_t rows = 0, slices = 0, sum = 0, end = 0;
  if (__builtin_mul_overflow(height - 1, side.pitch, &rows) ||
      __builtin_mul_overflow(depth - 1, side.slice, &slices) ||
      __builtin_add_overflow(rows, slices, &sum) || __builtin_add_overflow(sum, width, bytes)) {
    return false;
  }
  return !__builtin_add_overflow(side.first, *bytes, &end);
}

/* What is wrong with one side; none if nothing is. */
FaultKind wrong_side(const Side &side, uint64_t width, uint64_t height, uint64_t depth) {
  uint64_t bytes = 0;
  if (!span(side, width, height, depth, &bytes)) return FaultKind::out_of_bounds;
  if (!side.on_device) {
    return host_mapped(side.first, bytes) ? FaultKind::none : FaultKind::out_of_bounds;
  }
  if (Heap::device().contains(side.first, bytes)) return FaultKind::none;
  const Allocation *near = Heap::device().find(side.first);
  const bool freed = near != nullptr && near->freed && side.first - near->first < near->bytes;
  return freed ? FaultKind::use_after_free : FaultKind::out_of_bounds;
}

std::string describe(const Side &side, uint64_t width, uint64_t height, uint64_t depth) {
  char text[256];
  const Allocation *near = side.on_device ? Heap::device().find(side.first) : nullptr;
  const int used =
      snprintf(text, sizeof text,
               "%" PRIu64 " bytes x %" PRIu64 " rows x %" PRIu64 " slices at %s address 0x%" PRIx64,
               width, height, depth, side.on_device ? "device" : "host", side.first);
  if (near != nullptr) {
    snprintf(text + used, sizeof text - static_cast<size_t>(used),
             "; the %s allocation below is %" PRIu64 " bytes at 0x%" PRIx64,
             near->freed ? "freed" : "live", near->bytes, near->first);
  }
  return text;
}

Fault fault_of(FaultKind kind, const char *name, std::string detail) {
  Fault fault;
  fault.kind = kind;
  fault.kernel = name;
  fault.detail = std::move(detail);
  return fault;
}

/* The bytes at `to` become as defined as those at `from`; both lie in allocations. */
void copy_definedness(uint64_t to, uint64_t from, uint64_t bytes) {
  Heap &heap = Heap::device();
  for (uint64_t at = 0; at < bytes; at += 32) {
    const auto count = static_cast<unsigned>(bytes - at < 32 ? bytes - at : 32);
    heap.set_defined_bits(to + at, count, heap.defined_bits(from + at, count));
  }
}

uint8_t *bytes_of(const Side &side, uint64_t address) {
  return side.on_device ? Heap::device().host(address) : host_pointer(address);
}

/* False when it has failed. */
bool copy_row(Context &context, const Copy &copy, uint64_t from, uint64_t to) {
  Heap &heap = Heap::device();
  if (copy.from.on_device && !copy.to.on_device && config().checks == GPUSIM_CHECKS_ALL) {
    const uint64_t undefined = heap.first_undefined(from, copy.width);
    if (undefined < from + copy.width) {
      char text[160];
      snprintf(text, sizeof text,
               "the host reads device address 0x%" PRIx64 ", byte %" PRIu64
               " of the copy's row at 0x%" PRIx64,
               undefined, undefined - from, from);
      context.fail(fault_of(FaultKind::undefined, copy.name, text));
      return false;
    }
  }
  if (copy.from.on_device && copy.to.on_device) {
    copy_definedness(to, from, copy.width);
  } else if (copy.to.on_device) {
    heap.define(to, copy.width);
  }
  memmove(bytes_of(copy.to, to), bytes_of(copy.from, from), copy.width);
  return true;
}

bool overlap(const Copy &copy) {
  uint64_t from = 0, to = 0;
  if (copy.from.on_device != copy.to.on_device || !copy.to.on_device) return false;
  if (!span(copy.from, copy.width, copy.height, copy.depth, &from) ||
      !span(copy.to, copy.width, copy.height, copy.depth, &to) || copy.height > 1) {
    return false;
  }
  return copy.from.first < copy.to.first + to && copy.to.first < copy.from.first + from;
}

Side side_of(const Fill &fill) { return {true, fill.first, fill.pitch, 0}; }

}  // namespace

CUresult check_copy(const Call &call, const Copy &copy) {
  for (const Side *side : {&copy.from, &copy.to}) {
    if (copy.height > 1 && side->pitch < copy.width) {
      return call.fail(CUDA_ERROR_INVALID_VALUE, "pitch %" PRIu64 " below width %" PRIu64,
                       side->pitch, copy.width);
    }
    if (wrong_side(*side, copy.width, copy.height, copy.depth) == FaultKind::none) continue;
    return call.fail(CUDA_ERROR_INVALID_VALUE, "%s: not inside of %s",
                     describe(*side, copy.width, copy.height, copy.depth).c_str(),
                     side->on_device ? "one live allocation" : "mapped memory");
  }
  if (overlap(copy)) return call.fail(CUDA_ERROR_INVALID_VALUE, "source and target overlap");
  return CUDA_SUCCESS;
}

void run_copy(Context &context, const Copy &copy) {
  for (const Side *side : {&copy.from, &copy.to}) {
    const FaultKind wrong = wrong_side(*side, copy.width, copy.height, copy.depth);
    if (wrong == FaultKind::none) continue;
    context.fail(fault_of(wrong, copy.name, describe(*side, copy.width, copy.height, copy.depth)));
    return;
  }
  for (uint64_t z = 0; z < copy.depth; z++) {
    for (uint64_t y = 0; y < copy.height; y++) {
      const uint64_t from = copy.from.first + z * copy.from.slice + y * copy.from.pitch;
      const uint64_t to = copy.to.first + z * copy.to.slice + y * copy.to.pitch;
      if (!copy_row(context, copy, from, to)) return;
    }
  }
}

void stage(Copy *copy) {
  if (copy->from.on_device || !copy->to.on_device || find_pinned(copy->from.first) != nullptr) {
    return;
  }
  auto bytes = std::make_shared<std::vector<uint8_t>>(copy->width * copy->height * copy->depth);
  uint8_t *to = bytes->data();
  for (uint64_t z = 0; z < copy->depth; z++) {
    for (uint64_t y = 0; y < copy->height; y++, to += copy->width) {
      const uint64_t from = copy->from.first + z * copy->from.slice + y * copy->from.pitch;
      memcpy(to, host_pointer(from), copy->width);
    }
  }
  copy->from = {false, host_address(bytes->data()), copy->width, copy->width * copy->height};
  copy->staged = std::move(bytes);
}

CUresult check_fill(const Call &call, const Fill &fill) {
  uint64_t width = 0;
  if (fill.element != 1 && fill.element != 2 && fill.element != 4) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "elements of %u bytes", fill.element);
  }
  if (fill.first % fill.element != 0 || (fill.height > 1 && fill.pitch % fill.element != 0)) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "address or pitch is no multiple of %u",
                     fill.element);
  }
  if (__builtin_mul_overflow(fill.width, uint64_t{fill.element}, &width) ||
      (fill.height > 1 && fill.pitch < width)) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "pitch %" PRIu64 " below width %" PRIu64, fill.pitch,
                     fill.width);
  }
  if (wrong_side(side_of(fill), width, fill.height, 1) == FaultKind::none) return CUDA_SUCCESS;
  return call.fail(CUDA_ERROR_INVALID_VALUE, "%s: not inside of one live allocation",
                   describe(side_of(fill), width, fill.height, 1).c_str());
}

void run_fill(Context &context, const Fill &fill) {
  const uint64_t width = fill.width * fill.element;
  const FaultKind wrong = wrong_side(side_of(fill), width, fill.height, 1);
  if (wrong != FaultKind::none) {
    context.fail(fault_of(wrong, fill.name, describe(side_of(fill), width, fill.height, 1)));
    return;
  }
  for (uint64_t y = 0; y < fill.height; y++) {
    const uint64_t row = fill.first + y * fill.pitch;
    uint8_t *to = Heap::device().host(row);
    if (fill.element == 1) {
      memset(to, static_cast<int>(fill.value & 0xff), width);
    } else {
      for (uint64_t i = 0; i < width; i += fill.element) memcpy(to + i, &fill.value, fill.element);
    }
    Heap::device().define(row, width);
  }
}

}  // namespace gpusim::driver
