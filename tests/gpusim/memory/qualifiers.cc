#include "tests/gpusim/memory/qualifiers.h"

#include "tests/gpusim/memory/access.h"

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

unsigned take_semantics(Decoder &decoder) {
  static constexpr struct {
    const char *name;
    unsigned ordering;
  } kSemantics[] = {{"relaxed", kStrong},
                    {"acquire", kStrong | kAcquire},
                    {"release", kStrong | kRelease},
                    {"acq_rel", kStrong | kAcquire | kRelease}};
  if (decoder.take("weak")) return 0;
  if (decoder.take("volatile")) return kStrong;
  decoder.take("mmio");
  for (const auto &semantics : kSemantics) {
    if (!decoder.take(semantics.name)) continue;
    if (!take_scope(decoder)) decoder.fail("no scope");
    return semantics.ordering;
  }
  return 0;
}

unsigned take_vector(Decoder &decoder) {
  if (decoder.take("v2")) return 2;
  return decoder.take("v4") ? 4 : 1;
}

}  // namespace gpusim
