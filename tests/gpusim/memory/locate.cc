#include "tests/gpusim/memory/locate.h"

#include <cinttypes>
#include <cstdio>

#include "tests/gpusim/memory/heap.h"
#include "tests/gpusim/memory/state.h"

namespace gpusim {
namespace {

bool writes(AccessKind kind) {
  return kind == AccessKind::write || kind == AccessKind::atomic || kind == AccessKind::async_write;
}

/* Addresses of all 32 lanes: those outside of the mask repeat one of it, so that loops need no
 * mask. */
struct Addresses {
  const uint64_t *lane;
  uint64_t low, high, bits;
  bool contiguous;      /* all lanes, side by side */
  uint64_t own[kLanes]; /* where `lane` points unless the addresses are right as they are */

  explicit Addresses(const Access &access) : lane(access.address) {
    contiguous = access.mask == kAllLanes && side_by_side(access);
    if (contiguous) {
      low = lane[0];
      high = lane[kLanes - 1];
      bits = low;
      return;
    }
    if (access.mask != kAllLanes) fill_in(access);
    find_range();
  }
  Addresses(const Addresses &) = delete;
  Addresses &operator=(const Addresses &) = delete;

  void subtract(uint64_t base) {
    for (unsigned l = 0; l < kLanes; l++) own[l] = lane[l] - base;
    lane = own;
    low -= base;
    high -= base;
  }

  void fill_in(const Access &access) {
    const uint64_t first = access.address[__builtin_ctz(access.mask)];
    for (unsigned l = 0; l < kLanes; l++) {
      const uint64_t inside = -static_cast<uint64_t>(access.mask >> l & 1);
      own[l] = (access.address[l] & inside) | (first & ~inside);
    }
    lane = own;
  }

  static bool side_by_side(const Access &access) {
    const uint64_t *const address = access.address, bytes = access.bytes;
    if (address[1] - address[0] != bytes) return false;
    uint64_t difference = 0;
    for (unsigned l = 1; l < kLanes; l++) difference |= (address[l] - address[l - 1]) ^ bytes;
    return difference == 0;
  }

  void find_range() {
    /* Compared with their sign turned: vectors of unsigned numbers can't be. */
    constexpr uint64_t kSign = uint64_t{1} << 63;
    const uint64_t *const address = lane;
    auto least = static_cast<int64_t>(address[0] ^ kSign), most = least;
    uint64_t any = 0;
    for (unsigned l = 0; l < kLanes; l++) {
      const auto turned = static_cast<int64_t>(address[l] ^ kSign);
      least = turned < least ? turned : least;
      most = turned > most ? turned : most;
      any |= address[l];
    }
    bits = any;
    low = static_cast<uint64_t>(least) ^ kSign;
    high = static_cast<uint64_t>(most) ^ kSign;
  }
};

struct Locator {
  Warp &warp;
  const Instruction &instruction;
  const Access &access;
  AccessKind kind;
  Located *located;

  Step fault_outside(unsigned lane, const char *space, uint64_t address, uint64_t size) const {
    return warp.fault(instruction, FaultKind::out_of_bounds, static_cast<int>(lane),
                      "%s address 0x%" PRIx64 ", %u bytes: the CTA has %" PRIu64 " bytes of it",
                      space, address, access.bytes, size);
  }

  Step fault_space(unsigned lane, uint64_t address, const char *other) const {
    return warp.fault(instruction, FaultKind::wrong_space, static_cast<int>(lane),
                      "0x%" PRIx64 " is a %s address, used as a %s one", address, other,
                      space_name(access.space));
  }

  Step fault_read_only(unsigned lane, uint64_t address) const {
    return warp.fault(instruction, FaultKind::read_only, static_cast<int>(lane), "0x%" PRIx64,
                      address);
  }

  Step fault_heap(unsigned lane, uint64_t address) const {
    const Heap &heap = Heap::device();
    const Allocation *below = heap.find(address);
    const Allocation *above = heap.find_above(address);
    const bool inside = below != nullptr && address - below->first < below->bytes;
    if (inside && below->freed) {
      return warp.fault(instruction, FaultKind::use_after_free, static_cast<int>(lane),
                        "0x%" PRIx64 ", %u bytes, in the %" PRIu64 " freed bytes at 0x%" PRIx64,
                        address, access.bytes, below->bytes, below->first);
    }
    char nearest[160] = "there is no allocation";
    const uint64_t behind = below == nullptr ? ~uint64_t{0} : address - below->first - below->bytes;
    const uint64_t before = above == nullptr ? ~uint64_t{0} : above->first - address;
    const Allocation *const near = inside || behind < before ? below : above;
    if (near != nullptr) {
      const char *const name = near->name == nullptr ? "" : near->name;
      const char *const freed = near->freed ? "freed " : "";
      if (inside) {
        snprintf(nearest, sizeof nearest, "%" PRIu64 " bytes before the end of ",
                 below->first + below->bytes - address);
      } else {
        snprintf(nearest, sizeof nearest, "%" PRIu64 " bytes %s ", near == below ? behind : before,
                 near == below ? "behind" : "before");
      }
      const size_t used = std::char_traits<char>::length(nearest);
      snprintf(nearest + used, sizeof nearest - used,
               "%s%.40s%sthe %" PRIu64 " bytes at 0x%" PRIx64, freed, name, *name == 0 ? "" : ", ",
               near->bytes, near->first);
    }
    return warp.fault(instruction, FaultKind::out_of_bounds, static_cast<int>(lane),
                      "global address 0x%" PRIx64 ", %u bytes: %s", address, access.bytes, nearest);
  }

  Step check_allocation(unsigned lane, uint64_t address, bool read_only) const {
    if (read_only && writes(kind)) return fault_read_only(lane, address);
    if (access.space == Space::constant && !read_only) return fault_space(lane, address, "global");
    if (access.space == Space::global && read_only) return fault_space(lane, address, "const");
    return Step::next;
  }

  AllocationHit &hit() const { return warp.cta->memory->hits[MemoryState::hit_of(instruction)]; }

  static unsigned lanes_of(const Addresses &addresses) { return addresses.contiguous ? 1 : kLanes; }

  /* All lanes in one allocation. False if they are not. */
  bool whole_allocation(const Addresses &addresses, bool *fine) const {
    AllocationHit &last = hit();
    if (addresses.low < last.first || addresses.high > last.end - access.bytes) {
      const Allocation *const found = Heap::device().find(addresses.low);
      if (found == nullptr || found->freed || found->bytes < access.bytes ||
          addresses.high > found->first + found->bytes - access.bytes) {
        return false;
      }
      last = {found->first, found->first + found->bytes, found->read_only};
    }
    const unsigned first = static_cast<unsigned>(__builtin_ctz(access.mask));
    *fine = check_allocation(first, access.address[first], last.read_only) == Step::next;
    uint8_t *const host = Heap::device().host(last.first);
    for (unsigned l = 0; l < lanes_of(addresses); l++) {
      located->hosts[l] = host + (addresses.lane[l] - last.first);
      located->undefineds[l] = nullptr;
    }
    located->global = access.mask;
    return true;
  }

  Step lane_in_heap(unsigned lane, uint64_t address) const {
    const Heap &heap = Heap::device();
    if (!heap.contains(address, access.bytes)) {
      uint64_t within;
      const Space window = window_of(address, &within);
      const bool foreign = access.space != Space::generic && window != Space::global;
      return foreign ? fault_space(lane, address, space_name(window)) : fault_heap(lane, address);
    }
    located->hosts[lane] = heap.host(address);
    located->undefineds[lane] = nullptr;
    located->global |= 1u << lane;
    return check_allocation(lane, address, heap.find(address)->read_only);
  }

  /* An explicit space's addresses are offsets; a generic address there is a frequent mistake. */
  Step fault_offset(unsigned lane, const char *space, uint64_t address, uint64_t size) const {
    uint64_t within;
    const Space window = window_of(address, &within);
    const bool generic = window != Space::global || Heap::device().contains(address, 1);
    if (generic && access.space != Space::generic) {
      return fault_space(lane, address, window == Space::global ? "global" : "generic");
    }
    return fault_outside(lane, space, address, size);
  }

  Step lane_in_shared(unsigned lane, uint64_t address) const {
    const Cta &cta = *warp.cta;
    if (cta.shared_bytes < access.bytes || address > cta.shared_bytes - access.bytes) {
      return fault_offset(lane, "shared", address, cta.shared_bytes);
    }
    located->hosts[lane] = cta.shared + address;
    located->undefineds[lane] =
        cta.shared_undefined == nullptr ? nullptr : cta.shared_undefined + address;
    located->shared |= 1u << lane;
    return Step::next;
  }

  bool whole_shared(const Addresses &addresses) const {
    const Cta &cta = *warp.cta;
    if (cta.shared_bytes < access.bytes || addresses.high > cta.shared_bytes - access.bytes) {
      return false;
    }
    const unsigned count = lanes_of(addresses);
    for (unsigned l = 0; l < count; l++) located->hosts[l] = cta.shared + addresses.lane[l];
    for (unsigned l = 0; l < count; l++) {
      located->undefineds[l] =
          cta.shared_undefined == nullptr ? nullptr : cta.shared_undefined + addresses.lane[l];
    }
    located->shared = access.mask;
    return true;
  }

  Step lane_in_stack(unsigned lane, Space space, uint64_t address) const {
    const Place place = space == Space::local ? local_place(warp, lane, address, access.bytes)
                                              : param_place(warp, lane, address, access.bytes);
    if (place.bytes == nullptr) {
      uint64_t within;
      const Space window = window_of(address, &within);
      const bool generic = window != Space::global || Heap::device().contains(address, 1);
      if (generic && access.space != Space::generic) {
        return fault_space(lane, address, window == Space::global ? "global" : "generic");
      }
      return warp.fault(instruction, FaultKind::out_of_bounds, static_cast<int>(lane),
                        "%s address 0x%" PRIx64 ", %u bytes: in no variable", space_name(space),
                        address, access.bytes);
    }
    if (place.read_only && writes(kind)) return fault_read_only(lane, address);
    located->hosts[lane] = place.bytes;
    located->undefineds[lane] = place.undefined;
    return Step::next;
  }

  /* Lanes with one address lie a stride apart: the outer two tell all. */
  Step whole_stack(const Addresses &addresses, Space space) const {
    const unsigned first = static_cast<unsigned>(__builtin_ctz(access.mask));
    const unsigned last = 31 - static_cast<unsigned>(__builtin_clz(access.mask));
    Step step = lane_in_stack(first, space, addresses.low);
    if (step == Step::next) step = lane_in_stack(last, space, addresses.low);
    if (step != Step::next) return step;
    const ptrdiff_t lanes_between = first == last ? 1 : static_cast<ptrdiff_t>(last - first);
    const ptrdiff_t stride = (located->hosts[last] - located->hosts[first]) / lanes_between;
    uint8_t *const host = located->hosts[first];
    uint8_t *const undefined = located->undefineds[first];
    for (unsigned l = 0; l < kLanes; l++) {
      const unsigned within = l < first ? first : l > last ? last : l;
      const ptrdiff_t away = static_cast<ptrdiff_t>(within - first) * stride;
      located->hosts[l] = host + away;
      located->undefineds[l] = undefined == nullptr ? nullptr : undefined + away;
    }
    return Step::next;
  }

  Step lane_in(unsigned lane, Space space, uint64_t address) const {
    switch (space) {
      case Space::shared:
        return lane_in_shared(lane, address);
      case Space::local:
      case Space::param:
        return lane_in_stack(lane, space, address);
      case Space::generic:
      case Space::reg:
      case Space::sreg:
      case Space::constant:
      case Space::global:
        break;
    }
    return lane_in_heap(lane, address);
  }

  Step each_lane() const {
    for (uint32_t rest = access.mask; rest != 0; rest &= rest - 1) {
      const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
      uint64_t address = access.address[lane];
      const Space space =
          access.space == Space::generic ? window_of(address, &address) : access.space;
      const Step step = lane_in(lane, space, address);
      if (step != Step::next) return step;
    }
    const unsigned first = static_cast<unsigned>(__builtin_ctz(access.mask));
    for (unsigned l = 0; l < kLanes; l++) {
      if ((access.mask >> l & 1) != 0) continue;
      located->hosts[l] = located->hosts[first];
      located->undefineds[l] = located->undefineds[first];
    }
    return Step::next;
  }

  Step misaligned() const {
    for (uint32_t rest = access.mask;; rest &= rest - 1) {
      const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
      if (access.address[lane] % access.bytes == 0) continue;
      return warp.fault(instruction, FaultKind::misaligned, static_cast<int>(lane),
                        "0x%" PRIx64 " is no multiple of %u", access.address[lane], access.bytes);
    }
  }

  Step run() const {
    Addresses addresses(access);
    located->global = located->shared = 0;
    if ((addresses.bits & (access.bytes - 1)) != 0) return misaligned();
    located->contiguous = addresses.contiguous;
    located->bytes = access.bytes;
    Space space = access.space;
    if (space == Space::generic) space = one_window(&addresses);
    located->low = addresses.low;
    located->high = addresses.high;
    switch (space) {
      case Space::global:
      case Space::constant: {
        bool fine = false;
        if (!whole_allocation(addresses, &fine)) break;
        return fine ? Step::next : Step::fault;
      }
      case Space::shared:
        if (whole_shared(addresses)) return Step::next;
        break;
      case Space::local:
      case Space::param:
        located->contiguous = false;
        if (addresses.low == addresses.high) return whole_stack(addresses, space);
        break;
      case Space::generic:
      case Space::reg:
      case Space::sreg:
        break;
    }
    located->contiguous = false;
    return each_lane();
  }

  /* The window of all addresses, which become offsets within it; generic if there are several. */
  static Space one_window(Addresses *addresses) {
    uint64_t low;
    uint64_t high;
    const Space window = window_of(addresses->low, &low);
    if (window_of(addresses->high, &high) != window) return Space::generic;
    const uint64_t base = addresses->low - low;
    if (base != 0) addresses->subtract(base);
    return window;
  }
};

}  // namespace

Space window_of(uint64_t address, uint64_t *within) {
  *within = address;
  for (const Space space : {Space::shared, Space::local, Space::param}) {
    if (address - window_base(space) >= kWindowBytes) continue;
    *within = address - window_base(space);
    return space;
  }
  return Space::global;
}

uint64_t window_base(Space space) {
  switch (space) {
    case Space::shared:
      return kSharedWindow;
    case Space::local:
      return kLocalWindow;
    case Space::param:
      return kParamWindow;
    case Space::generic:
    case Space::reg:
    case Space::sreg:
    case Space::constant:
    case Space::global:
      break;
  }
  return 0;
}

Step locate(Warp &warp, const Instruction &instruction, const Access &access, AccessKind kind,
            Located *located) {
  return Locator{warp, instruction, access, kind, located}.run();
}

}  // namespace gpusim
