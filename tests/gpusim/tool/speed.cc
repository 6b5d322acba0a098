/* gpusim-speed: warp instructions per second of a loop of plain arithmetic. */
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/gpusim/counters/counters.h"
#include "tests/gpusim/exec/launch.h"

namespace gpusim {
namespace {

/* 16 instructions a round: integer and f32 arithmetic, a predicate, a select, the loop's own. */
constexpr char kLoop[] = R"(
.version 8.7
.target sm_80
.address_size 64
.visible .entry loop(.param .u32 rounds)
{
  .reg .pred %p<3>;
  .reg .b32 %r<12>;
  .reg .f32 %f<8>;
  ld.param.u32 %r1, [rounds];
  mov.u32 %r2, %tid.x;
  mov.u32 %r3, 0;
  mov.u32 %r4, 1;
  cvt.rn.f32.u32 %f1, %r2;
  mov.f32 %f2, 0f3F000000;
  mov.f32 %f3, 0f3F800000;
again:
  add.s32 %r5, %r2, %r3;
  mad.lo.s32 %r4, %r4, 5, %r5;
  xor.b32 %r6, %r4, %r5;
  shl.b32 %r7, %r6, 3;
  and.b32 %r8, %r7, 255;
  add.s32 %r4, %r4, %r8;
  fma.rn.f32 %f4, %f1, %f2, %f3;
  add.f32 %f5, %f4, %f1;
  mul.f32 %f6, %f5, %f2;
  fma.rn.f32 %f1, %f6, %f2, %f3;
  min.s32 %r9, %r4, %r6;
  setp.gt.s32 %p1, %r9, 100;
  selp.b32 %r2, %r9, %r8, %p1;
  add.s32 %r3, %r3, 1;
  setp.lt.u32 %p2, %r3, %r1;
  @%p2 bra again;
  ret;
}
)";

int measure(gpusim_checks checks, uint32_t threads, uint32_t rounds) {
  const LoadResult loaded = load_module(kLoop);
  if (loaded.module == nullptr) {
    fprintf(stderr, "%s\n", loaded.error.c_str());
    return 1;
  }
  LaunchRequest request;
  request.module = loaded.module.get();
  request.entry = find_entry(*loaded.module, "loop");
  request.grid[0] = 16;
  request.block[0] = 256;
  request.config.checks = checks;
  request.config.threads = threads;
  request.config.seed = 1;
  uint8_t parameters[sizeof rounds];
  memcpy(parameters, &rounds, sizeof rounds);
  request.parameters = parameters;
  Counters counters;
  Fault fault;
  const auto start = std::chrono::steady_clock::now();
  if (!launch(request, &counters, &fault)) {
    fprintf(stderr, "%s\n", fault.text().c_str());
    return 1;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  printf("%s, %u threads: %.1f million warp instructions per second\n",
         checks == GPUSIM_CHECKS_ALL ? "checked" : "fast", threads,
         static_cast<double>(counters.warp_instructions) / seconds.count() / 1e6);
  return 0;
}

}  // namespace
}  // namespace gpusim

int main(int argc, char **argv) {
  const uint32_t rounds = argc > 1 ? static_cast<uint32_t>(strtoul(argv[1], nullptr, 0)) : 20000;
  int failed = 0;
  for (const uint32_t threads : {1u, 2u}) {
    failed |= gpusim::measure(GPUSIM_CHECKS_NONE, threads, rounds);
    failed |= gpusim::measure(GPUSIM_CHECKS_ALL, threads, rounds);
  }
  return failed;
}
