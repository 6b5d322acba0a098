#include "tests/gpusim/memory/access.h"

#include <cstring>

#include "tests/gpusim/exec/lanes.h"
#include "tests/gpusim/memory/heap.h"
#include "tests/gpusim/memory/locate.h"
#include "tests/gpusim/memory/state.h"
#include "tests/gpusim/memory/traffic.h"

namespace gpusim {
namespace {

/* Of a CTA. */
constexpr size_t kMostStores = 256;

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

void count_shared(const Access &access, const Located &located, AccessKind kind,
                  MemoryCounters *counters) {
  const unsigned words = access.bytes <= kBankBytes ? 1 : access.bytes / kBankBytes;
  Wavefronts waves;
  waves.total = words;
  const bool one_word = words == 1 && located.low / kBankBytes == located.high / kBankBytes;
  if (!located.contiguous && !one_word) {
    waves = wavefronts(access.address, located.shared, access.bytes);
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

void count(const Access &access, const Located &located, AccessKind kind,
           MemoryCounters *counters) {
  if (access.space == Space::constant) {
    counters->constant_load_bytes +=
        static_cast<unsigned>(__builtin_popcount(access.mask)) * access.bytes;
    return;
  }
  if (located.global != 0) count_global(access, located, kind, counters);
  if (located.shared != 0) count_shared(access, located, kind, counters);
  const uint32_t stack = access.mask & ~located.global & ~located.shared;
  if (stack == 0 || access.space == Space::param) return;
  const unsigned bytes = static_cast<unsigned>(__builtin_popcount(stack)) * access.bytes;
  if (kind == AccessKind::read) counters->local_load_bytes += bytes;
  if (kind == AccessKind::write) counters->local_store_bytes += bytes;
}

}  // namespace

Step access_addresses(Warp &warp, const Instruction &instruction, const Operand &operand,
                      Access *access) {
  if (operand.bytes == 8) {
    const uint64_t *const base = lanes<uint64_t>(warp, operand);
    const uint64_t offset = static_cast<uint64_t>(instruction.offset);
    for (unsigned lane = 0; lane < kLanes; lane++) access->address[lane] = base[lane] + offset;
  } else {
    const uint32_t *const base = lanes<uint32_t>(warp, operand);
    const uint32_t offset = static_cast<uint32_t>(instruction.offset);
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
                  Located *located) {
  const Step step = locate(warp, instruction, access, kind, located);
  if (step != Step::next) return step;
  count(access, *located, kind, &warp.cta->memory->counters);
  return Step::next;
}

Step access_read(Warp &warp, const Instruction &instruction, const Access &access,
                 LaneBytes *values, LaneBytes *undefined) {
  Located located;
  const Step step = access_begin(warp, instruction, access, AccessKind::read, &located);
  if (step != Step::next) return step;
  for (uint32_t rest = access.mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    memcpy(values->lane[lane], located.host[lane], access.bytes);
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
  const Step step = access_begin(warp, instruction, access, AccessKind::write, &located);
  if (step != Step::next) return step;
  const LaneBytes *const shadow = warp.shadow == nullptr ? nullptr : undefined;
  for (uint32_t rest = access.mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    memcpy(located.host[lane], values.lane[lane], access.bytes);
    if (warp.shadow == nullptr) continue;
    const uint8_t none[16] = {};
    access_set_undefined(warp, instruction, access, located, lane,
                         shadow == nullptr ? none : shadow->lane[lane]);
  }
  return Step::next;
}

void access_get_undefined(const Access &access, const Located &located, unsigned lane,
                          uint8_t *undefined) {
  if (located.undefined[lane] != nullptr) {
    memcpy(undefined, located.undefined[lane], access.bytes);
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
  if (located.undefined[lane] != nullptr) {
    memcpy(located.undefined[lane], undefined, access.bytes);
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
