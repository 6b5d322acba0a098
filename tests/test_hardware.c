/* What the bits of cpuid and the saved state mean, on CPUs that are forged. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/plan/hardware.h"
#include "tessera/tessera.h"

/* Bit numbers from the Intel SDM, volume 2A, CPUID. */
enum {
  FMA = 1 << 12,
  OSXSAVE = 1 << 27,
  AVX = 1 << 28,
  AVX2 = 1 << 5,
  AVX512F = 1 << 16,
  AVX512DQ = 1 << 17,
  AVX512BW = 1 << 30,
  LEAF1 = FMA | OSXSAVE | AVX,
};
#define AVX512VL 0x80000000u
#define LEAF7 ((uint32_t)(AVX2 | AVX512F | AVX512DQ | AVX512BW) | AVX512VL)
#define STATE_AVX 0x7u     /* x87, SSE, AVX */
#define STATE_AVX512 0xe7u /* and opmask, both halves of the ZMM registers */

static tsr_hardware forge(uint32_t leaf1_ecx, uint32_t leaf7_ebx, uint64_t xcr0) {
  tsr_hardware hardware = {0};
  tsr__cpu_bits bits = {leaf1_ecx, leaf7_ebx, xcr0};
  tsr__hardware_isa(&bits, &hardware);
  return hardware;
}

static void expect(const tsr_hardware *h, int avx2, int avx512) {
  cr_assert_eq(h->isa[TSR_ISA_SCALAR], 1);
  cr_assert_eq(h->isa[TSR_ISA_AVX2], avx2);
  cr_assert_eq(h->isa[TSR_ISA_AVX512], avx512);
  for (int i = 0; i < TSR_ISA_CPU_COUNT; i++) cr_assert_eq(!h->isa[i], !!h->missing[i][0]);
}

Test(hardware, a_full_avx512_cpu_has_everything) {
  tsr_hardware h = forge(LEAF1, LEAF7, STATE_AVX512);
  expect(&h, 1, 1);
}

Test(hardware, a_cpu_without_avx_says_what_it_lacks) {
  tsr_hardware h = forge(0, 0, 0);
  expect(&h, 0, 0);
  cr_assert(strstr(h.missing[TSR_ISA_AVX2], "lacks AVX, FMA, AVX2"));
}

Test(hardware, avx2_needs_fma_and_avx2) {
  tsr_hardware h = forge(LEAF1, AVX2, STATE_AVX);
  expect(&h, 1, 0);
  h = forge(OSXSAVE | AVX, AVX2, STATE_AVX);
  expect(&h, 0, 0);
  cr_assert(strstr(h.missing[TSR_ISA_AVX2], "FMA"));
  h = forge(LEAF1, 0, STATE_AVX);
  expect(&h, 0, 0);
}

Test(hardware, avx512_needs_each_of_its_parts) {
  const uint32_t parts[] = {AVX512F, AVX512DQ, AVX512BW, AVX512VL};
  const char *const names[] = {"AVX512F", "AVX512DQ", "AVX512BW", "AVX512VL"};
  for (int i = 0; i < 4; i++) {
    tsr_hardware h = forge(LEAF1, LEAF7 & ~parts[i], STATE_AVX512);
    expect(&h, 1, 0);
    cr_assert(strstr(h.missing[TSR_ISA_AVX512], names[i]));
  }
}

Test(hardware, registers_that_the_system_does_not_save_are_not_used) {
  tsr_hardware h = forge(LEAF1, LEAF7, STATE_AVX);
  expect(&h, 1, 0);
  cr_assert(strstr(h.missing[TSR_ISA_AVX512], "does not save"));
  h = forge(LEAF1, LEAF7, 0x3);
  expect(&h, 0, 0);
  h = forge(LEAF1, LEAF7, STATE_AVX512 & ~0x20u); /* without the opmask registers */
  expect(&h, 1, 0);
}

Test(hardware, a_limit_hides_what_is_above_it) {
  tsr_hardware h = forge(LEAF1, LEAF7, STATE_AVX512);
  cr_assert_eq(tsr__hardware_limit(NULL, &h), TSR_OK);
  cr_assert_eq(tsr__hardware_limit("", &h), TSR_OK);
  cr_assert_eq(tsr__hardware_limit("avx512", &h), TSR_OK);
  expect(&h, 1, 1);
  cr_assert_eq(tsr__hardware_limit("avx2", &h), TSR_OK);
  expect(&h, 1, 0);
  cr_assert(strstr(h.missing[TSR_ISA_AVX512], "TESSERA_MAX_ISA"));
  cr_assert_eq(tsr__hardware_limit("scalar", &h), TSR_OK);
  expect(&h, 0, 0);
  cr_assert_eq(tsr__hardware_limit("sse9", &h), TSR_INVALID_ARGUMENT);
  cr_assert(strstr(tsr_last_error(), "sse9"));
}

Test(hardware, a_limit_never_adds_what_is_missing) {
  tsr_hardware h = forge(LEAF1, AVX2, STATE_AVX);
  cr_assert_eq(tsr__hardware_limit("avx512", &h), TSR_OK);
  expect(&h, 1, 0);
}

Test(hardware, this_machine_is_described) {
  tsr_hardware h;
  unsetenv("TESSERA_MAX_ISA");
  cr_assert_eq(tsr_hardware_detect(&h), TSR_OK);
  cr_assert_eq(h.isa[TSR_ISA_SCALAR], 1);
  cr_assert_gt(strlen(h.name), 0);
  cr_assert_geq(h.cores, 1);
  cr_assert(h.l1d_bytes >= 0 && h.l2_bytes >= 0 && h.l3_bytes >= 0);
  cr_assert(h.isa[TSR_ISA_AVX2] || !h.isa[TSR_ISA_AVX512]);
}

Test(hardware, the_environment_holds_detection_to_less) {
  tsr_hardware h;
  setenv("TESSERA_MAX_ISA", "scalar", 1);
  cr_assert_eq(tsr_hardware_detect(&h), TSR_OK);
  expect(&h, 0, 0);
  setenv("TESSERA_MAX_ISA", "mmx", 1);
  cr_assert_eq(tsr_hardware_detect(&h), TSR_INVALID_ARGUMENT);
  cr_assert(strstr(tsr_last_error(), "mmx"));
  unsetenv("TESSERA_MAX_ISA");
}

Test(hardware, null_is_refused) { cr_assert_eq(tsr_hardware_detect(NULL), TSR_INVALID_ARGUMENT); }
