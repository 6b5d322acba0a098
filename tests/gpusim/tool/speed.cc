/* gpusim-speed: warp instructions per second of a few loops. */
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include "tests/gpusim/counters/counters.h"
#include "tests/gpusim/exec/launch.h"

namespace gpusim {
namespace {

constexpr char kHead[] = R"(
.version 8.7
.target sm_80
.address_size 64
.global .align 16 .b8 data[65536];
.visible .entry loop(.param .u32 rounds)
{
  .shared .align 16 .b8 tile[4096];
  .reg .pred %p<3>;
  .reg .b32 %r<32>;
  .reg .b64 %rd<4>;
  .reg .f32 %f<16>;
  ld.param.u32 %r1, [rounds];
)";

/* 16 instructions a round: integer and f32 arithmetic, a predicate, a select, the loop's own. */
constexpr char kArithmetic[] = R"(
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

/* Four mma.m16n8k16 and three others a round. */
constexpr char kTensor[] = R"(
  mov.u32 %r3, 0;
  mov.b32 %r10, 0x3c003800;
  mov.b32 %r11, 0x34003c01;
  mov.b32 %r12, 0xb8003c00;
  mov.b32 %r13, 0x3555b266;
  mov.f32 %f1, 0f00000000;
  mov.f32 %f2, 0f3F800000;
  mov.f32 %f3, 0fBF800000;
  mov.f32 %f4, 0f3EAAAAAB;
again:
  mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
    {%f1,%f2,%f3,%f4}, {%r10,%r11,%r12,%r13}, {%r12,%r10}, {%f1,%f2,%f3,%f4};
  mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
    {%f1,%f2,%f3,%f4}, {%r10,%r11,%r12,%r13}, {%r12,%r10}, {%f1,%f2,%f3,%f4};
  mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
    {%f1,%f2,%f3,%f4}, {%r10,%r11,%r12,%r13}, {%r12,%r10}, {%f1,%f2,%f3,%f4};
  mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
    {%f1,%f2,%f3,%f4}, {%r10,%r11,%r12,%r13}, {%r12,%r10}, {%f1,%f2,%f3,%f4};
  add.s32 %r3, %r3, 1;
  setp.lt.u32 %p2, %r3, %r1;
  @%p2 bra again;
  ret;
}
)";

/* What a tiled kernel does: a global load, a shared store, a barrier, shared loads, arithmetic. */
constexpr char kMixed[] = R"(
  mov.u32 %r2, %tid.x;
  and.b32 %r4, %r2, 127;
  shl.b32 %r5, %r4, 4;
  mov.u32 %r6, tile;
  add.s32 %r7, %r6, %r5;
  mov.u64 %rd1, data;
  mul.wide.u32 %rd2, %r2, 16;
  add.s64 %rd1, %rd1, %rd2;
  mov.u32 %r3, 0;
  mov.f32 %f9, 0f00000000;
again:
  ld.global.v4.f32 {%f1,%f2,%f3,%f4}, [%rd1];
  xor.b32 %r8, %r5, 512;
  add.s32 %r8, %r6, %r8;
  st.shared.v4.f32 [%r7], {%f1,%f2,%f3,%f4};
  bar.sync 0;
  ld.shared.v4.f32 {%f5,%f6,%f7,%f8}, [%r8];
  ld.shared.f32 %f10, [%r7];
  fma.rn.f32 %f9, %f1, %f5, %f9;
  fma.rn.f32 %f9, %f2, %f6, %f9;
  fma.rn.f32 %f9, %f3, %f7, %f9;
  fma.rn.f32 %f9, %f4, %f8, %f9;
  fma.rn.f32 %f9, %f10, %f8, %f9;
  bar.sync 0;
  add.s32 %r3, %r3, 1;
  setp.lt.u32 %p2, %r3, %r1;
  @%p2 bra again;
  ret;
}
)";

struct Loop {
  const char *name;
  const char *body;
  uint32_t share; /* of the rounds */
};

const Loop kLoops[] = {
    {"arithmetic", kArithmetic, 1}, {"mma.m16n8k16", kTensor, 20}, {"mixed", kMixed, 4}};

int measure(const Loop &loop, gpusim_checks checks, uint32_t threads, uint32_t rounds) {
  const std::string text = std::string(kHead) + loop.body;
  const LoadResult loaded = load_module(text);
  if (loaded.module == nullptr) {
    fprintf(stderr, "%s\n", loaded.error.c_str());
    return 1;
  }
  LaunchRequest request;
  request.module = loaded.module.get();
  request.entry = find_entry(*loaded.module, "loop");
  request.grid[0] = 16;
  request.block[0] = 128;
  request.config.checks = checks;
  request.config.threads = threads;
  request.config.seed = 1;
  uint8_t parameters[sizeof rounds];
  memcpy(parameters, &rounds, sizeof rounds);
  request.parameters = parameters;
  Counters counters;
  Fault fault;
  const std::clock_t start_cpu = std::clock();
  const auto start = std::chrono::steady_clock::now();
  if (!launch(request, &counters, &fault)) {
    fprintf(stderr, "%s\n", fault.text().c_str());
    return 1;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const double cpu_seconds = static_cast<double>(std::clock() - start_cpu) / CLOCKS_PER_SEC;
  const double speed = 1e-6 / seconds.count();
  const double executed = static_cast<double>(counters.warp_instructions);
  printf("%-12s %-7s %u threads: %7.2f million warp instructions per second, %.2f per CPU second",
         loop.name, checks == GPUSIM_CHECKS_ALL ? "checked" : "fast", threads, executed * speed,
         1e-6 * executed / cpu_seconds);
  uint64_t tensor = 0;
  for (const uint64_t count : counters.tensor) tensor += count;
  if (tensor != 0) printf(", %.2f of them mma", static_cast<double>(tensor) * speed);
  printf("\n");
  return 0;
}

}  // namespace
}  // namespace gpusim

int main(int argc, char **argv) {
  if (argc > 3 || (argc == 2 && argv[1][0] == '-')) {
    printf(
        "usage: gpusim-speed [ROUNDS [LOOP]]\n"
        "How fast the simulator is here: warp instructions per second of loops of arithmetic, of\n"
        "mma.m16n8k16, and of what a tiled kernel does, fast and checked, on 1 and 2 threads.\n"
        "ROUNDS of the arithmetic loop, 20000 unless told; the others make fewer.\n"
        "LOOP: only the one of this name.\n");
    return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
  }
  const uint32_t rounds = argc > 1 ? static_cast<uint32_t>(strtoul(argv[1], nullptr, 0)) : 20000;
  int failed = 0;
  for (const gpusim::Loop &loop : gpusim::kLoops) {
    if (argc > 2 && strcmp(argv[2], loop.name) != 0) continue;
    for (const uint32_t threads : {1u, 2u}) {
      failed |= gpusim::measure(loop, GPUSIM_CHECKS_NONE, threads, rounds / loop.share);
      failed |= gpusim::measure(loop, GPUSIM_CHECKS_ALL, threads, rounds / loop.share);
    }
  }
  return failed;
}
