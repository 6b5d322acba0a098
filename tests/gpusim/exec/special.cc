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

/* The words of the address that cg::this_grid() finds its barrier at; 0 unless the launch was
 * cooperative. (What nvcc 13.0 emits; PTX leaves these registers to the driver.) */
uint64_t grid_workspace_high(const Warp &warp, unsigned, unsigned) {
  return warp.cta->request->grid_workspace >> 32;
}

uint64_t grid_workspace_low(const Warp &warp, unsigned, unsigned) {
  return static_cast<uint32_t>(warp.cta->request->grid_workspace);
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
    {"%aggr_smem_size", false, false, total_shared, 90},
    {"%is_explicit_cluster", false, false, zero, 90},
    {"%clusterid", true, false, ctaid, 90},
    {"%nclusterid", true, false, nctaid, 90},
    {"%cluster_ctaid", true, false, zero, 90},
    {"%cluster_nctaid", true, false, one, 90},
    {"%cluster_ctarank", false, false, zero, 90},
    {"%cluster_nctarank", false, false, one, 90},
    {"%envreg1", false, false, grid_workspace_high},
    {"%envreg2", false, false, grid_workspace_low},
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
  static constexpr Special kOtherEnvironment = {"%envreg", false, false, zero};
  return name.substr(0, 7) == kOtherEnvironment.name ? &kOtherEnvironment : nullptr;
}

}  // namespace gpusim
