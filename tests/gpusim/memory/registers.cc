#include "tests/gpusim/memory/registers.h"

#include <algorithm>

namespace gpusim {

void clear_shadow(Warp &warp, const Operand &operand, uint32_t mask) {
  if (!is_dirty(warp, operand)) return;
  uint8_t *const shadow = warp.shadow + operand.at;
  const size_t all = size_t{kLanes} * operand.bytes;
  if ((warp.lanes & ~mask) == 0) {
    memset(shadow, 0, all);
    warp.dirty[operand.index] = 0;
    return;
  }
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    memset(shadow + size_t{lane} * operand.bytes, 0, operand.bytes);
  }
  const bool any = std::any_of(shadow, shadow + all, [](uint8_t bits) { return bits != 0; });
  warp.dirty[operand.index] = any ? 1 : 0;
}

void set_shadow(Warp &warp, const Operand &operand, unsigned lane, const uint8_t *undefined,
                unsigned bytes, bool sign_extended) {
  if (warp.dirty[operand.index] == 0) {
    memset(warp.shadow + operand.at, 0, size_t{kLanes} * operand.bytes);
  }
  uint8_t *const shadow = warp.shadow + operand.at + size_t{lane} * operand.bytes;
  const unsigned low = std::min<unsigned>(bytes, operand.bytes);
  const bool sign = sign_extended && (undefined[low - 1] & 0x80) != 0;
  memcpy(shadow, undefined, low);
  memset(shadow + low, sign ? 0xff : 0, operand.bytes - low);
  const bool any = std::any_of(undefined, undefined + low, [](uint8_t bits) { return bits != 0; });
  if (any) warp.dirty[operand.index] = 1;
}

bool get_shadow(const Warp &warp, const Operand &operand, unsigned lane, uint8_t *undefined,
                unsigned bytes) {
  memset(undefined, 0, bytes);
  if (!is_dirty(warp, operand)) return false;
  const unsigned low = std::min<unsigned>(bytes, operand.bytes);
  memcpy(undefined, warp.shadow + operand.at + size_t{lane} * operand.bytes, low);
  return std::any_of(undefined, undefined + low, [](uint8_t bits) { return bits != 0; });
}

}  // namespace gpusim
