#include "tests/gpusim/memory/qualifiers.h"

namespace gpusim {

bool take_cache_hints(Decoder &decoder) {
  for (const char *const name : {"ca", "cg", "cs", "lu", "cv", "wb", "wt"}) {
    if (decoder.take(name)) break;
  }
  for (const char *const name : {"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first",
                                 "L1::evict_last", "L1::no_allocate"}) {
    if (decoder.take(name)) break;
  }
  for (const char *const name : {"L2::evict_normal", "L2::evict_first", "L2::evict_last"}) {
    if (decoder.take(name)) break;
  }
  for (const char *const name : {"L2::64B", "L2::128B", "L2::256B"}) {
    if (decoder.take(name)) break;
  }
  return decoder.take("L2::cache_hint");
}

bool take_scope(Decoder &decoder) {
  for (const char *const name : {"cta", "cluster", "gpu", "sys"}) {
    if (decoder.take(name)) return true;
  }
  return false;
}

bool take_semantics(Decoder &decoder) {
  if (decoder.take("weak")) return false;
  if (decoder.take("volatile")) return true;
  decoder.take("mmio");
  for (const char *const name : {"relaxed", "acquire", "release", "acq_rel"}) {
    if (!decoder.take(name)) continue;
    if (!take_scope(decoder)) decoder.fail("no scope");
    return true;
  }
  return false;
}

unsigned take_vector(Decoder &decoder) {
  if (decoder.take("v2")) return 2;
  return decoder.take("v4") ? 4 : 1;
}

}  // namespace gpusim
