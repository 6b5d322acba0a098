#include "tests/gpusim/exec/special.h"

#include "tests/gpusim/exec/frame.h"

namespace gpusim {
namespace {

uint64_t tid(const Warp &warp, unsigned lane, unsigned component) {
  const uint32_t *block = warp.cta->request->block;
  const uint32_t linear = warp.id * kLanes + lane;
  if (component == 0) return linear % block[0];
  if (component == 1) return linear / block[0] % block[1];
  return linear / block[0] / block[1];
}

uint64_t ntid(const Warp &warp, unsigned, unsigned component) {
  return warp.cta->request->block[component];
}

uint64_t ctaid(const Warp &warp, unsigned, unsigned component) { return warp.cta->id[component]; }

uint64_t nctaid(const Warp &warp, unsigned, unsigned component) {
  return warp.cta->request->grid[component];
}

uint64_t laneid(const Warp &, unsigned lane, unsigned) { return lane; }

uint64_t warpid(const Warp &warp, unsigned, unsigned) { return warp.id; }

uint64_t nwarpid(const Warp &, unsigned, unsigned) { return 64; }

uint64_t smid(const Warp &warp, unsigned, unsigned) {
  const uint32_t count = warp.cta->request->sm_count;
  return count == 0 ? 0 : warp.cta->index % count;
}

uint64_t nsmid(const Warp &warp, unsigned, unsigned) { return warp.cta->request->sm_count; }

uint64_t zero(const Warp &, unsigned, unsigned) { return 0; }

uint64_t one(const Warp &, unsigned, unsigned) { return 1; }

uint64_t warp_size(const Warp &, unsigned, unsigned) { return kLanes; }

uint64_t lanemask_eq(const Warp &, unsigned lane, unsigned) { return 1u << lane; }

uint64_t lanemask_lt(const Warp &, unsigned lane, unsigned) { return (1u << lane) - 1; }

uint64_t lanemask_le(const Warp &, unsigned lane, unsigned) {
  return ((1u << lane) - 1) | 1u << lane;
}

uint64_t lanemask_ge(const Warp &, unsigned lane, unsigned) { return kAllLanes << lane; }

uint64_t lanemask_gt(const Warp &, unsigned lane, unsigned) { return kAllLanes << lane << 1; }

uint64_t dynamic_shared(const Warp &warp, unsigned, unsigned) {
  return warp.cta->request->dynamic_shared_bytes;
}

/* In the device's granules of 128 bytes. */
uint64_t total_shared(const Warp &warp, unsigned, unsigned) {
  return (uint64_t{warp.cta->shared_bytes} + 127) / 128 * 128;
}

/* One clock per warp instruction of the CTA. */
uint64_t clock_now(const Warp &warp, unsigned, unsigned) { return warp.cta->executed; }

uint64_t clock_high(const Warp &warp, unsigned, unsigned) { return warp.cta->executed >> 32; }

constexpr Special kSpecials[] = {
    {"%tid", true, false, tid},
    {"%ntid", true, false, ntid},
    {"%ctaid", true, false, ctaid},
    {"%nctaid", true, false, nctaid},
    {"%laneid", false, false, laneid},
    {"%warpid", false, false, warpid},
    {"%nwarpid", false, false, nwarpid},
    {"%smid", false, false, smid},
    {"%nsmid", false, false, nsmid},
    {"%gridid", false, false, one},
    {"%lanemask_eq", false, false, lanemask_eq},
    {"%lanemask_le", false, false, lanemask_le},
    {"%lanemask_lt", false, false, lanemask_lt},
    {"%lanemask_ge", false, false, lanemask_ge},
    {"%lanemask_gt", false, false, lanemask_gt},
    {"%dynamic_smem_size", false, false, dynamic_shared},
    {"%total_smem_size", false, false, total_shared},
    {"%aggr_smem_size", false, false, total_shared},
    {"%is_explicit_cluster", false, false, zero},
    {"%clusterid", true, false, ctaid},
    {"%nclusterid", true, false, nctaid},
    {"%cluster_ctaid", true, false, zero},
    {"%cluster_nctaid", true, false, one},
    {"%cluster_ctarank", false, false, zero},
    {"%cluster_nctarank", false, false, one},
    {"WARP_SZ", false, false, warp_size},
    {"%clock", false, true, clock_now},
    {"%clock_hi", false, true, clock_high},
    {"%clock64", false, true, clock_now},
    {"%globaltimer", false, true, clock_now},
    {"%globaltimer_lo", false, true, clock_now},
    {"%globaltimer_hi", false, true, clock_high},
};

}  // namespace

const Special *find_special(std::string_view name) {
  for (const Special &special : kSpecials) {
    if (name == special.name) return &special;
  }
  return nullptr;
}

}  // namespace gpusim
