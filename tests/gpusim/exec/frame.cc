#include "tests/gpusim/exec/frame.h"

#include <algorithm>
#include <cstring>

#include "tests/gpusim/exec/schedule.h"
#include "tests/gpusim/exec/special.h"

namespace gpusim {
namespace {

/* CUDA's bound of local memory per thread, and ours of everything that calls take in a CTA. */
constexpr uint64_t kMaxStackBytes = 512u << 10;
constexpr uint64_t kMaxCallBytes = 128u << 20;
constexpr uint32_t kStackAlign = 16;
constexpr size_t kRegisterAlign = 64;

uint32_t round_up(uint32_t value, uint32_t align) { return (value + align - 1) / align * align; }

/* False when there is no room. */
bool grow(LaneStack *stack, uint64_t bytes, bool checked, uint64_t *total) {
  if (bytes <= stack->stride) return true;
  if (bytes > kMaxStackBytes) return false;
  const uint32_t stride =
      round_up(static_cast<uint32_t>(std::max<uint64_t>(bytes, 2 * uint64_t{stack->stride})), 64);
  const uint64_t added = uint64_t{stride - stack->stride} * kLanes * (checked ? 2 : 1);
  if (*total + added > kMaxCallBytes) return false;
  *total += added;
  const auto widen = [&](std::vector<uint8_t> *bytes_of, uint8_t fill) {
    std::vector<uint8_t> wider(size_t{stride} * kLanes, fill);
    for (unsigned lane = 0; lane < kLanes && stack->stride != 0; lane++) {
      memcpy(&wider[size_t{stride} * lane], &(*bytes_of)[size_t{stack->stride} * lane],
             stack->stride);
    }
    bytes_of->swap(wider);
  };
  widen(&stack->data, 0);
  if (checked) widen(&stack->undefined, 0xff);
  stack->stride = stride;
  return true;
}

void undefine(LaneStack *stack, uint32_t first, uint32_t bytes, uint32_t mask) {
  if (stack->undefined.empty() || bytes == 0) return;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const size_t lane = static_cast<size_t>(__builtin_ctz(rest));
    memset(&stack->undefined[lane * stack->stride + first], 0xff, bytes);
  }
}

uint64_t fill_value(const Warp &warp, const Frame &frame, const Fill &fill, unsigned lane) {
  switch (fill.kind) {
    case Fill::Kind::literal:
      return fill.value;
    case Fill::Kind::special:
      return fill.special->value(warp, lane, fill.component);
    case Fill::Kind::shared:
      return warp.cta->request->entry->shared_offsets[fill.number] + fill.value;
    case Fill::Kind::local:
      return frame.local_base + fill.value;
    default:
      return frame.param_base + fill.value;
  }
}

template <class T>
void fill_lanes(const Warp &warp, const Frame &frame, const Fill &fill) {
  T *lanes = reinterpret_cast<T *>(frame.registers + fill.at);
  if (fill.kind != Fill::Kind::special) {
    std::fill(lanes, lanes + kLanes, static_cast<T>(fill_value(warp, frame, fill, 0)));
    return;
  }
  for (unsigned lane = 0; lane < kLanes; lane++) {
    lanes[lane] = static_cast<T>(fill_value(warp, frame, fill, lane));
  }
}

void fill_register(const Warp &warp, const Frame &frame, const Fill &fill) {
  switch (fill.bytes) {
    case 0: {
      const uint32_t lanes = fill.value != 0 ? kAllLanes : 0;
      memcpy(frame.registers + fill.at, &lanes, sizeof lanes);
      break;
    }
    case 1:
      return fill_lanes<uint8_t>(warp, frame, fill);
    case 2:
      return fill_lanes<uint16_t>(warp, frame, fill);
    case 4:
      return fill_lanes<uint32_t>(warp, frame, fill);
    case 8:
      return fill_lanes<uint64_t>(warp, frame, fill);
    default: {
      uint64_t *halves = reinterpret_cast<uint64_t *>(frame.registers + fill.at);
      for (unsigned lane = 0; lane < kLanes; lane++) {
        halves[2 * lane] = fill_value(warp, frame, fill, lane);
        halves[2 * lane + 1] = 0;
      }
    }
  }
}

/* Everything is undefined but literals and the lanes that don't exist. */
void undefine_registers(const Warp &warp, const Frame &frame) {
  const Code &code = *frame.code;
  memset(frame.shadow, 0xff, code.register_bytes);
  memset(frame.dirty, 1, code.register_count);
  for (const Fill &fill : code.fills) {
    memset(frame.shadow + fill.at, 0, fill.bytes == 0 ? sizeof(uint32_t) : fill.bytes * kLanes);
    frame.dirty[fill.index] = 0;
  }
  if (warp.lanes == kAllLanes) return;
  for (const Operand &reg : code.registers) {
    if (reg.bytes == 0) {
      memcpy(frame.shadow + reg.at, &warp.lanes, sizeof warp.lanes);
      continue;
    }
    for (unsigned lane = 0; lane < kLanes; lane++) {
      if ((warp.lanes >> lane & 1) == 0)
        memset(frame.shadow + reg.at + lane * reg.bytes, 0, reg.bytes);
    }
  }
}

/* Storage of a frame: registers, shadow, dirty flags. */
void arrange(Frame *frame, const Code &code, bool checked) {
  const size_t bytes =
      code.register_bytes * (checked ? 2u : 1u) + (checked ? code.register_count : 0);
  if (frame->storage.size() < bytes + kRegisterAlign) frame->storage.resize(bytes + kRegisterAlign);
  const uintptr_t start = reinterpret_cast<uintptr_t>(frame->storage.data());
  frame->registers =
      frame->storage.data() + (kRegisterAlign - start % kRegisterAlign) % kRegisterAlign;
  frame->shadow = checked ? frame->registers + code.register_bytes : nullptr;
  frame->dirty = checked ? frame->shadow + code.register_bytes : nullptr;
  frame->code = &code;
}

Frame *unused_frame(WarpSchedule *schedule, const Code &code) {
  Frame *free_one = nullptr;
  for (const std::unique_ptr<Frame> &frame : schedule->frames) {
    if (frame->users != 0) continue;
    if (frame->code == &code) return frame.get();
    free_one = frame.get();
  }
  if (free_one != nullptr) return free_one;
  schedule->frames.push_back(std::make_unique<Frame>());
  return schedule->frames.back().get();
}

Place in_stack(const LaneStack &stack, unsigned lane, uint64_t address) {
  Place place;
  const size_t at = size_t{lane} * stack.stride + address;
  place.bytes = const_cast<uint8_t *>(&stack.data[at]);
  if (!stack.undefined.empty()) place.undefined = const_cast<uint8_t *>(&stack.undefined[at]);
  return place;
}

bool holds(const std::vector<Extent> &extents, uint64_t offset, unsigned bytes) {
  for (const Extent &extent : extents) {
    if (offset >= extent.offset && offset - extent.offset + bytes <= extent.bytes) return true;
  }
  return false;
}

}  // namespace

Frame *push_frame(Warp &warp, const Instruction *call, const Code &code, Frame *caller,
                  uint32_t return_pc, uint32_t mask) {
  WarpSchedule &schedule = *warp.schedule;
  Cta &cta = *warp.cta;
  const bool checked = cta.launch->checked;
  uint32_t local_base = 0, param_base = 0;
  if (caller != nullptr) {
    const uint32_t align = std::max(kStackAlign, code.local_align);
    local_base = round_up(caller->local_base + caller->code->local_bytes, align);
    param_base = round_up(caller->param_base + caller->code->param_bytes, 128);
  }
  const bool only_entry_parameters = caller == nullptr && code.param_bytes == code.parameter_bytes;
  const uint32_t param_bytes = only_entry_parameters ? 0 : code.param_bytes;
  Frame *frame = unused_frame(&schedule, code);
  const size_t before = frame->storage.size();
  const bool room =
      grow(&schedule.local, uint64_t{local_base} + code.local_bytes, checked, &cta.call_bytes) &&
      grow(&schedule.param, uint64_t{param_base} + param_bytes, checked, &cta.call_bytes) &&
      cta.call_bytes + code.register_bytes * 2u < kMaxCallBytes;
  if (!room) {
    const uint32_t depth = caller == nullptr ? 0 : caller->depth + 1;
    static const Instruction no_instruction;
    warp.fault(call == nullptr ? no_instruction : *call, FaultKind::stack_overflow,
               __builtin_ctz(mask), "%u calls deep, %u bytes of local memory", depth,
               local_base + code.local_bytes);
    return nullptr;
  }
  arrange(frame, code, checked);
  cta.call_bytes += frame->storage.size() - before;
  frame->caller = caller;
  frame->return_pc = return_pc;
  frame->depth = caller == nullptr ? 0 : caller->depth + 1;
  frame->users = 1;
  frame->local_base = local_base;
  frame->param_base = param_base;
  if (caller != nullptr) caller->users++;
  memset(frame->registers, 0, code.register_bytes);
  if (checked) undefine_registers(warp, *frame);
  for (const Fill &fill : code.fills) fill_register(warp, *frame, fill);
  undefine(&schedule.local, local_base, code.local_bytes, mask);
  undefine(&schedule.param, param_base, param_bytes, mask);
  return frame;
}

void release_frame(Frame *frame) {
  while (frame != nullptr && --frame->users == 0) frame = frame->caller;
}

Place local_place(const Warp &warp, unsigned lane, uint64_t address, unsigned bytes) {
  for (const Frame *frame = warp.frame; frame != nullptr; frame = frame->caller) {
    if (address < frame->local_base) continue;
    if (!holds(frame->code->locals, address - frame->local_base, bytes)) break;
    return in_stack(warp.schedule->local, lane, address);
  }
  return {};
}

Place param_place(const Warp &warp, unsigned lane, uint64_t address, unsigned bytes) {
  for (const Frame *frame = warp.frame; frame != nullptr; frame = frame->caller) {
    if (address < frame->param_base) continue;
    if (!holds(frame->code->params, address - frame->param_base, bytes)) break;
    const bool of_entry = frame->caller == nullptr && address < frame->code->parameter_bytes;
    if (!of_entry) return in_stack(warp.schedule->param, lane, address);
    Place place;
    place.bytes = const_cast<uint8_t *>(warp.cta->request->parameters) + address;
    place.read_only = true;
    return place;
  }
  return {};
}

}  // namespace gpusim
