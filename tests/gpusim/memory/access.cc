#include "tests/gpusim/memory/access.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "tests/gpusim/checks/races.h"
#include "tests/gpusim/exec/lanes.h"
#include "tests/gpusim/memory/heap.h"
#include "tests/gpusim/memory/locate.h"
#include "tests/gpusim/memory/state.h"
#include "tests/gpusim/memory/traffic.h"

namespace gpusim {
namespace {

/* Of a CTA. */
constexpr size_t kMostStores = 256;

constexpr uint8_t kDefined[16] = {};

/* A span of memory up to this length is looked at as a whole. */
constexpr uint64_t kShortSpan = 2048;

bool is_short(const Access &access, const Located &located) {
  return located.global == access.mask && located.high - located.low <= kShortSpan;
}

/* All lanes have shadow bytes, of shared memory or of one of the stacks. */
bool has_shadow_bytes(const Access &access, const Located &located) {
  if (located.shared == access.mask) return true;
  if (located.global != 0 || located.shared != 0) return false;
  bool all = true;
  for (unsigned lane = 0; lane < kLanes; lane++) all = all && located.undefined(lane) != nullptr;
  return all;
}

/* Calls function(width), a constant of the access's bytes. */
template <class Function>
auto with_bytes(unsigned bytes, Function function) {
  switch (bytes) {
    case 1:
      return function(std::integral_constant<unsigned, 1>());
    case 2:
      return function(std::integral_constant<unsigned, 2>());
    case 4:
      return function(std::integral_constant<unsigned, 4>());
    case 8:
      return function(std::integral_constant<unsigned, 8>());
    default:
      return function(std::integral_constant<unsigned, 16>());
  }
}

bool any_shadow(const Access &access, const Located &located) {
  return with_bytes(access.bytes, [&](auto width) {
    constexpr unsigned kBytes = decltype(width)::value;
    uint64_t any[2] = {};
    for (unsigned lane = 0; lane < kLanes; lane++) {
      const uint8_t *const at =
          located.contiguous ? located.undefined(0) + lane * kBytes : located.undefined(lane);
      uint64_t words[2] = {};
      memcpy(words, at, kBytes);
      any[0] |= words[0];
      any[1] |= words[1];
    }
    return (any[0] | any[1]) != 0;
  });
}

void clear_shadow_bytes(const Access &access, const Located &located) {
  with_bytes(access.bytes, [&](auto width) {
    constexpr unsigned kBytes = decltype(width)::value;
    if (located.contiguous) {
      memset(located.undefined(0), 0, size_t{kBytes} * kLanes);
      return;
    }
    /* Lanes outside of the mask repeat one of it. */
    for (unsigned lane = 0; lane < kLanes; lane++) memset(located.undefined(lane), 0, kBytes);
  });
}

bool lane_is_defined(const Access &access, const Located &located, unsigned lane) {
  if ((located.global >> lane & 1) != 0) {
    return Heap::device().is_defined(access.address[lane], access.bytes);
  }
  const uint8_t *const undefined = located.undefined(lane);
  return undefined == nullptr ||
         std::all_of(undefined, undefined + access.bytes, [](uint8_t bits) { return bits == 0; });
}

void count_global(const Access &access, const Located &located, AccessKind kind,
                  MemoryCounters *counters) {
  const unsigned touched =
      located.contiguous
          ? static_cast<unsigned>(located.high / kSectorBytes - located.low / kSectorBytes + 1)
          : sectors(access.address, located.global);
  const unsigned lanes = static_cast<unsigned>(__builtin_popcount(located.global));
  switch (kind) {
    case AccessKind::read:
      counters->global_load_requests++;
      counters->global_load_sectors += touched;
      counters->global_load_bytes += lanes * access.bytes;
      break;
    case AccessKind::write:
      counters->global_store_requests++;
      counters->global_store_sectors += touched;
      counters->global_store_bytes += lanes * access.bytes;
      break;
    case AccessKind::atomic:
      counters->global_atomic_requests++;
      counters->global_atomics += lanes;
      break;
    case AccessKind::async_read:
      counters->async_requests++;
      counters->async_bytes += lanes * access.bytes;
      counters->async_global_sectors += touched;
      break;
    case AccessKind::async_write:
      break;
  }
}

void count_shared(const Access &access, const Located &located, AccessKind kind, WavefrontsHit *hit,
                  MemoryCounters *counters) {
  const unsigned words = access.bytes <= kBankBytes ? 1 : access.bytes / kBankBytes;
  Wavefronts waves;
  waves.total = words;
  const bool one_word = words == 1 && located.low / kBankBytes == located.high / kBankBytes;
  if (!located.contiguous && !one_word) {
    waves = hit->find(access.address, located.shared, access.bytes);
  }
  const unsigned lanes = static_cast<unsigned>(__builtin_popcount(located.shared));
  counters->shared_bank_conflicts += waves.conflicts;
  switch (kind) {
    case AccessKind::read:
      counters->shared_load_requests++;
      counters->shared_load_wavefronts += waves.total;
      counters->shared_load_bytes += lanes * access.bytes;
      break;
    case AccessKind::write:
      counters->shared_store_requests++;
      counters->shared_store_wavefronts += waves.total;
      counters->shared_store_bytes += lanes * access.bytes;
      break;
    case AccessKind::atomic:
      counters->shared_atomic_requests++;
      counters->shared_atomics += lanes;
      break;
    case AccessKind::async_write:
      counters->async_shared_wavefronts += waves.total;
      break;
    case AccessKind::async_read:
      break;
  }
}

void touch(const Access &access, const Located &located, TouchedSectors *touched) {
  if (located.contiguous) return touched->add(located.low, located.high + access.bytes - 1);
  for (uint32_t rest = located.global; rest != 0; rest &= rest - 1) {
    const uint64_t address = access.address[__builtin_ctz(rest)];
    touched->add(address, address + access.bytes - 1);
  }
}

void count(const Instruction &instruction, const Access &access, const Located &located,
           AccessKind kind, MemoryState *memory) {
  MemoryCounters *const counters = &memory->counters;
  if (access.space == Space::constant) {
    counters->constant_load_bytes +=
        static_cast<unsigned>(__builtin_popcount(access.mask)) * access.bytes;
    return;
  }
  if (located.global != 0) {
    count_global(access, located, kind, counters);
    touch(access, located, memory->touched);
  }
  if (located.shared != 0) {
    WavefrontsHit *const hit = &memory->wavefronts[MemoryState::hit_of(instruction)];
    count_shared(access, located, kind, hit, counters);
  }
  const uint32_t stack = access.mask & ~located.global & ~located.shared;
  if (stack == 0 || access.space == Space::param) return;
  const unsigned bytes = static_cast<unsigned>(__builtin_popcount(stack)) * access.bytes;
  if (kind == AccessKind::read) counters->local_load_bytes += bytes;
  if (kind == AccessKind::write) counters->local_store_bytes += bytes;
}

}  // namespace

Step access_addresses(Warp &warp, const Instruction &instruction, const Operand &operand,
                      Access *access) {
  return access_addresses(warp, instruction, operand, instruction.offset, access);
}

Step access_addresses(Warp &warp, const Instruction &instruction, const Operand &operand,
                      int64_t distance, Access *access) {
  if (operand.bytes == 8) {
    const uint64_t *const base = lanes<uint64_t>(warp, operand);
    const uint64_t offset = static_cast<uint64_t>(distance);
    for (unsigned lane = 0; lane < kLanes; lane++) access->address[lane] = base[lane] + offset;
  } else {
    const uint32_t *const base = lanes<uint32_t>(warp, operand);
    const uint32_t offset = static_cast<uint32_t>(distance);
    for (unsigned lane = 0; lane < kLanes; lane++) access->address[lane] = base[lane] + offset;
  }
  if (warp.shadow == nullptr || !warp.dirty[operand.index]) return Step::next;
  for (uint32_t rest = access->mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    const uint64_t undefined = operand.bytes == 8 ? shadow_lanes<uint64_t>(warp, operand)[lane]
                                                  : shadow_lanes<uint32_t>(warp, operand)[lane];
    if (undefined == 0) continue;
    return warp.fault(instruction, FaultKind::undefined, static_cast<int>(lane),
                      "the address is undefined");
  }
  return Step::next;
}

Step access_begin(Warp &warp, const Instruction &instruction, const Access &access, AccessKind kind,
                  Located *located, const LaneBytes *values) {
  Step step = locate(warp, instruction, access, kind, located);
  if (step == Step::next && warp.cta->races != nullptr) {
    step = races_access(warp, instruction, access, kind, located, values);
  }
  if (step != Step::next) return step;
  if (warp.shadow != nullptr && !async_may_access(warp, instruction, access, *located)) {
    return Step::fault;
  }
  count(instruction, access, *located, kind, warp.cta->memory);
  return Step::next;
}

Step access_read(Warp &warp, const Instruction &instruction, const Access &access,
                 LaneBytes *values, LaneBytes *undefined) {
  Located located;
  const Step step = access_begin(warp, instruction, access, AccessKind::read, &located);
  if (step != Step::next) return step;
  for (uint32_t rest = access.mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    memcpy(values->lane[lane], located.host(lane), access.bytes);
    if (undefined == nullptr) continue;
    if (warp.shadow == nullptr) {
      memset(undefined->lane[lane], 0, access.bytes);
      continue;
    }
    access_get_undefined(access, located, lane, undefined->lane[lane]);
  }
  return Step::next;
}

Step access_write(Warp &warp, const Instruction &instruction, const Access &access,
                  const LaneBytes &values, const LaneBytes *undefined) {
  Located located;
  const Step step = access_begin(warp, instruction, access, AccessKind::write, &located, &values);
  if (step != Step::next) return step;
  const LaneBytes *const shadow = warp.shadow == nullptr ? nullptr : undefined;
  for (uint32_t rest = access.mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    memcpy(located.host(lane), values.lane[lane], access.bytes);
    if (warp.shadow == nullptr) continue;
    access_set_undefined(warp, instruction, access, located, lane,
                         shadow == nullptr ? kDefined : shadow->lane[lane]);
  }
  return Step::next;
}

bool access_is_defined(const Access &access, const Located &located) {
  if (is_short(access, located)) {
    const uint64_t span = located.high - located.low + access.bytes;
    if (Heap::device().is_defined(located.low, span)) return true;
  } else if (has_shadow_bytes(access, located)) {
    if (!any_shadow(access, located)) return true;
  }
  for (uint32_t rest = access.mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    if (!lane_is_defined(access, located, lane)) return false;
  }
  return true;
}

void access_define(Warp &warp, const Instruction &instruction, const Access &access,
                   const Located &located) {
  if (is_short(access, located)) {
    const uint64_t span = located.high - located.low + access.bytes;
    if (Heap::device().is_defined(located.low, span)) return;
    if (located.contiguous) return Heap::device().define(located.low, span);
  } else if (has_shadow_bytes(access, located)) {
    return clear_shadow_bytes(access, located);
  }
  for (uint32_t rest = access.mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    access_set_undefined(warp, instruction, access, located, lane, kDefined);
  }
}

void access_get_undefined(const Access &access, const Located &located, unsigned lane,
                          uint8_t *undefined) {
  if (located.undefined(lane) != nullptr) {
    memcpy(undefined, located.undefined(lane), access.bytes);
    return;
  }
  uint32_t defined = ~0u;
  if ((located.global >> lane & 1) != 0) {
    defined = Heap::device().defined_bits(access.address[lane], access.bytes);
  }
  for (unsigned i = 0; i < access.bytes; i++) undefined[i] = (defined >> i & 1) != 0 ? 0 : 0xff;
}

void access_set_undefined(Warp &warp, const Instruction &instruction, const Access &access,
                          const Located &located, unsigned lane, const uint8_t *undefined) {
  if (located.undefined(lane) != nullptr) {
    memcpy(located.undefined(lane), undefined, access.bytes);
    return;
  }
  if ((located.global >> lane & 1) == 0) return;
  uint32_t bits = 0;
  for (unsigned i = 0; i < access.bytes; i++) bits |= (undefined[i] != 0 ? 1u : 0u) << i;
  Heap::device().set_defined_bits(access.address[lane], access.bytes, ~bits);
  if (bits == 0) return;
  std::vector<UndefinedStore> &stores = warp.cta->memory->undefined_stores;
  if (stores.size() >= kMostStores) return;
  UndefinedStore store;
  store.address = access.address[lane];
  store.bytes = bits;
  memcpy(store.ctaid, warp.cta->id, sizeof store.ctaid);
  store.warp = static_cast<int32_t>(warp.id);
  store.lane = static_cast<int32_t>(lane);
  store.source = instruction.source;
  stores.push_back(store);
}

}  // namespace gpusim
