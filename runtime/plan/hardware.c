#include "runtime/plan/hardware.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/status.h"

/* One feature that an instruction set consists of. */
typedef struct feature {
  tsr_isa isa;
  int leaf; /* 1 = leaf 1 ECX, 7 = leaf 7 EBX */
  int bit;
  const char *name;
} feature;

static const feature features[] = {
    {TSR_ISA_AVX2, 1, 28, "AVX"},        {TSR_ISA_AVX2, 1, 12, "FMA"},
    {TSR_ISA_AVX2, 7, 5, "AVX2"},        {TSR_ISA_AVX512, 7, 16, "AVX512F"},
    {TSR_ISA_AVX512, 7, 17, "AVX512DQ"}, {TSR_ISA_AVX512, 7, 30, "AVX512BW"},
    {TSR_ISA_AVX512, 7, 31, "AVX512VL"},
};

/* Bits of XCR0: SSE and AVX registers; with the masks and the 512-bit registers. */
static const uint64_t saved_state[TSR_ISA_CPU_COUNT] = {
    [TSR_ISA_AVX2] = 0x6, [TSR_ISA_AVX512] = 0xe6};

static void find_missing(const tsr__cpu_bits *bits, tsr_isa isa, char *text, size_t size) {
  size_t used = 0;
  for (size_t i = 0; i < sizeof features / sizeof features[0] && used < size; i++) {
    uint32_t word = features[i].leaf == 1 ? bits->leaf1_ecx : bits->leaf7_ebx;
    if (features[i].isa <= isa && !(word >> features[i].bit & 1))
      used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "the CPU lacks ",
                               features[i].name);
  }
  if (!used && (bits->xcr0 & saved_state[isa]) != saved_state[isa])
    snprintf(text, size, "the operating system does not save its registers");
}

void tsr__hardware_isa(const tsr__cpu_bits *bits, tsr_hardware *out) {
  for (int i = 0; i < TSR_ISA_CPU_COUNT; i++) {
    out->missing[i][0] = 0;
    if (i != TSR_ISA_SCALAR)
      find_missing(bits, (tsr_isa)i, out->missing[i], sizeof out->missing[i]);
    out->isa[i] = !out->missing[i][0];
  }
}

tsr_status tsr__hardware_limit(const char *isa, tsr_hardware *out) {
  if (!isa || !isa[0]) return TSR_OK;
  int limit = 0;
  while (limit < TSR_ISA_CPU_COUNT && strcmp(isa, tsr_isa_name((tsr_isa)limit)) != 0) limit++;
  TSR_CHECK(limit < TSR_ISA_CPU_COUNT, TSR_INVALID_ARGUMENT,
            "TESSERA_MAX_ISA is \"%.40s\": expected scalar, avx2 or avx512", isa);
  for (int i = limit + 1; i < TSR_ISA_CPU_COUNT; i++) {
    if (!out->isa[i]) continue;
    out->isa[i] = 0;
    snprintf(out->missing[i], sizeof out->missing[i], "TESSERA_MAX_ISA is %s", isa);
  }
  return TSR_OK;
}

/* The brand string, without the spaces that some makers pad it with. */
static void read_name(char name[64]) {
  char brand[49] = {0};
  for (uint32_t i = 0; i < 3; i++) {
    tsr__cpuid_registers r = tsr__cpuid(0x80000002u + i, 0);
    memcpy(brand + 16 * i, &r, sizeof r);
  }
  const char *begin = brand + strspn(brand, " ");
  size_t length = strlen(begin);
  while (length && begin[length - 1] == ' ') length--;
  snprintf(name, 64, "%.*s", (int)length, length ? begin : "");
  if (!length) snprintf(name, 64, "unknown CPU");
}

/* leaf: Intel's 4 or AMD's 0x8000001d, which have one layout. 0 = the CPU does not have it. */
static int read_caches(uint32_t leaf, tsr_hardware *out) {
  enum { TYPE_DATA = 1, TYPE_UNIFIED = 3, CACHES_MAX = 16 };
  int found = 0;
  for (uint32_t i = 0; i < CACHES_MAX; i++) {
    tsr__cpuid_registers r = tsr__cpuid(leaf, i);
    uint32_t type = r.eax & 31, level = r.eax >> 5 & 7;
    if (!type) break;
    if (type != TYPE_DATA && type != TYPE_UNIFIED) continue;
    int64_t ways = (r.ebx >> 22) + 1, partitions = (r.ebx >> 12 & 0x3ff) + 1;
    int64_t line = (r.ebx & 0xfff) + 1, sets = (int64_t)r.ecx + 1;
    int64_t bytes = ways * partitions * line * sets;
    if (level == 1) out->l1d_bytes = bytes;
    if (level == 2) out->l2_bytes = bytes;
    if (level == 3) out->l3_bytes = bytes;
    found = 1;
  }
  return found;
}

tsr_status tsr_hardware_detect(tsr_hardware *out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_hardware_detect: out is NULL");
  memset(out, 0, sizeof *out);
  tsr__cpu_bits bits = {
      .leaf1_ecx = tsr__cpuid(1, 0).ecx, .leaf7_ebx = tsr__cpuid(7, 0).ebx, .xcr0 = tsr__xcr0()};
  tsr__hardware_isa(&bits, out);
  snprintf(out->missing[TSR_ISA_SM80], sizeof out->missing[0], "nobody looked for a GPU");
  read_name(out->name);
  if (!read_caches(4, out)) read_caches(0x8000001du, out);
  out->cores = omp_get_num_procs(); /* heeds the process's affinity mask */
  return tsr__hardware_limit(getenv("TESSERA_MAX_ISA"), out);
}

tsr_status tsr__plan_hardware(tsr_backend backend, tsr_hardware *out) {
  TSR_TRY(tsr_hardware_detect(out));
  return backend == TSR_BACKEND_CUDA ? tsr_hardware_detect_gpu(out) : TSR_OK;
}
