#include "kernels/cpu/cpuid.h"

#if defined(__x86_64__) || defined(__i386__)

#include <cpuid.h>

tsr__cpuid_registers tsr__cpuid(uint32_t leaf, uint32_t subleaf) {
  tsr__cpuid_registers r = {0};
  if (!__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx))
    return (tsr__cpuid_registers){0};
  return r;
}

uint64_t tsr__xcr0(void) {
  /* Without OSXSAVE the instruction itself is undefined. */
  if (!(tsr__cpuid(1, 0).ecx & bit_OSXSAVE)) return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

#else

tsr__cpuid_registers tsr__cpuid(uint32_t leaf, uint32_t subleaf) {
  (void)leaf, (void)subleaf;
  return (tsr__cpuid_registers){0};
}

uint64_t tsr__xcr0(void) { return 0; }

#endif
