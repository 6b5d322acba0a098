/* Instructions that a module's .target does not have. Which they are, ptxas 13.0 says: each of
 * these lines was given to `ptxas -arch=sm_80`. */
#include <criterion/criterion.h>

#include "tests/gpusim/cases/kernel_run.h"

namespace gpusim::cases {
namespace {

std::string kernel(unsigned sm, const std::string &instruction) {
  return ptx_head(sm) + R"(
.visible .entry k() {
  .reg .pred %p<4>; .reg .b16 %h<8>; .reg .b32 %r<16>; .reg .b64 %rd<8>; .reg .b128 %q<4>;
  .reg .f32 %f<8>; .reg .f64 %fd<16>;
  )" + instruction +
         "\n  ret;\n}\n";
}

/* Accepted by ptxas for sm_80. */
const char *const kHere[] = {
    "fma.rn.bf16 %h1, %h2, %h3, %h4;",
    "fma.rn.relu.bf16 %h1, %h2, %h3, %h4;",
    "min.bf16 %h1, %h2, %h3;",
    "max.NaN.bf16x2 %r2, %r3, %r4;",
    "min.NaN.f32 %f1, %f2, %f3;",
    "neg.bf16 %h1, %h2;",
    "cvt.rn.bf16.f32 %h1, %f1;",
    "cvt.f32.bf16 %f1, %h1;",
    "cvt.rn.relu.bf16x2.f32 %r2, %f1, %f2;",
    "cvt.rna.tf32.f32 %r2, %f1;",
    "mbarrier.arrive.shared.b64 %rd1, [%r1];",
    "mbarrier.arrive.noComplete.shared.b64 %rd1, [%r1], 2;",
    "mbarrier.test_wait.parity.shared.b64 %p1, [%r1], %r2;",
    "atom.global.add.noftz.f16 %h1, [%rd1], %h2;",
    "redux.sync.add.s32 %r2, %r3, 0xffffffff;",
    "fence.acq_rel.gpu;",
    "fence.acquire.gpu;",
    "fence.release.cta;",
    "fence.proxy.alias;",
    "ld.shared::cta.u32 %r2, [%r1];",
    "szext.wrap.u32 %r2, %r3, %r4;",
    "bmsk.clamp.b32 %r2, %r3, %r4;",
    "atom.global.max.s64 %rd2, [%rd1], %rd3;",
    "ld.global.L2::256B.u32 %r2, [%rd1];",
    "createpolicy.fractional.L2::evict_last.b64 %rd2, 1.0;",
    "mov.u32 %r2, %dynamic_smem_size;",
    "mov.u32 %r2, %envreg3;",
};

struct Later {
  unsigned sm;
  const char *text;
};

const Later kLater[] = {
    {90, "add.rn.bf16 %h1, %h2, %h3;"},
    {90, "add.bf16x2 %r2, %r3, %r4;"},
    {90, "sub.bf16x2 %r2, %r3, %r4;"},
    {90, "mul.bf16 %h1, %h2, %h3;"},
    {90, "add.s16x2 %r2, %r3, %r4;"},
    {90, "max.u16x2 %r2, %r3, %r4;"},
    {90, "min.relu.s32 %r2, %r3, %r4;"},
    {86, "min.xorsign.abs.f32 %f1, %f2, %f3;"},
    {86, "max.xorsign.abs.f16 %h1, %h2, %h3;"},
    {100, "max.f32 %f1, %f2, %f3, %f4;"},
    {100, "add.f32x2 %rd2, %rd3, %rd4;"},
    {90, "fma.rn.oob.f16 %h1, %h2, %h3, %h4;"},
    {90, "tanh.approx.bf16 %h1, %h2;"},
    {90, "ex2.approx.ftz.bf16 %h1, %h2;"},
    {90, "setp.lt.bf16 %p1, %h1, %h2;"},
    {90, "set.lt.u32.bf16x2 %r2, %r3, %r4;"},
    {90, "cvt.rn.bf16.s32 %h1, %r1;"},
    {90, "cvt.rni.s32.bf16 %r1, %h1;"},
    {90, "cvt.rn.bf16.f16 %h1, %h2;"},
    {90, "cvt.rni.bf16.bf16 %h1, %h2;"},
    {90, "cvt.f64.bf16 %fd1, %h1;"},
    {90, "cvt.rn.tf32.f32 %r2, %f1;"},
    {89, "cvt.rn.satfinite.e4m3x2.f32 %h1, %f1, %f2;"},
    {90, "mbarrier.try_wait.shared.b64 %p1, [%r1], %rd1;"},
    {90, "mbarrier.arrive.shared.b64 %rd1, [%r1], 2;"},
    {90, "mbarrier.arrive_drop.shared.b64 %rd1, [%r1], 2;"},
    {90, "mbarrier.expect_tx.shared.b64 [%r1], 16;"},
    {90, "mbarrier.test_wait.relaxed.cta.shared.b64 %p1, [%r1], %rd1;"},
    {90, "atom.global.add.noftz.bf16 %h1, [%rd1], %h2;"},
    {90, "red.global.min.noftz.bf16 [%rd1], %h2;"},
    {90, "red.global.add.v4.f32 [%rd1], {%f1,%f2,%f3,%f4};"},
    {90, "fence.acq_rel.cluster;"},
    {90, "fence.proxy.async;"},
    {90, "fence.mbarrier_init.release.cluster;"},
    {90, "ld.relaxed.cluster.global.u32 %r2, [%rd1];"},
    {90, "ld.shared::cluster.u32 %r2, [%r1];"},
    {90, "isspacep.shared::cluster %p1, %rd1;"},
    {90, "barrier.cluster.arrive;"},
    {90, "elect.sync %r2|%p1, 0xffffffff;"},
    {100, "redux.sync.min.f32 %f2, %f3, 0xffffffff;"},
    {90, "stmatrix.sync.aligned.m8n8.x1.shared.b16 [%r1], {%r2};"},
    {90, "griddepcontrol.wait;"},
    {90, "setmaxnreg.inc.sync.aligned.u32 80;"},
    {90, "mapa.shared::cluster.u32 %r2, %r3, 0;"},
    {90, "cp.async.bulk.commit_group;"},
    {90, "mov.u32 %r2, %clusterid.x;"},
    {90, "mov.u32 %r2, %is_explicit_cluster;"},
    {90, "mov.u32 %r2, %aggr_smem_size;"},
    {90,
     "mma.sync.aligned.m16n8k4.row.col.f64.f64.f64.f64 {%fd1,%fd2,%fd3,%fd4}, {%fd5,%fd6}, "
     "{%fd7}, {%fd1,%fd2,%fd3,%fd4};"},
    {89,
     "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {%f1,%f2,%f3,%f4}, "
     "{%r2,%r3,%r4,%r5}, {%r6,%r7}, {%f1,%f2,%f3,%f4};"},
};

Test(targets, what_the_target_has) {
  for (const char *const text : kHere) {
    const std::string why = why_unsupported(kernel(80, text));
    cr_expect(why.empty(), "%s", why.c_str());
  }
}

Test(targets, what_it_does_not_have) {
  for (const Later &later : kLater) {
    const std::string wanted =
        "needs .target sm_" + std::to_string(later.sm) + " or higher, and the module's is sm_";
    for (const unsigned below : {80u, later.sm - 1}) {
      const std::string why = why_unsupported(kernel(below, later.text));
      cr_expect(why.find(wanted + std::to_string(below)) != std::string::npos, "%s: %s", later.text,
                why.c_str());
      cr_expect(why.find("PTX line") != std::string::npos, "%s", why.c_str());
    }
    const std::string then = why_unsupported(kernel(later.sm, later.text));
    cr_expect(then.find("needs .target") == std::string::npos, "%s", then.c_str());
  }
}

}  // namespace
}  // namespace gpusim::cases
