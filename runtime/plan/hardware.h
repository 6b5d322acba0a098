/* What the bits of cpuid mean, apart from reading them: tests forge CPUs. */
#ifndef TESSERA_PLAN_HARDWARE_H
#define TESSERA_PLAN_HARDWARE_H

#include "kernels/cpu/cpuid.h"
#include "tessera/plan.h"

typedef struct tsr__cpu_bits {
  uint32_t leaf1_ecx; /* cpuid leaf 1, ECX */
  uint32_t leaf7_ebx; /* cpuid leaf 7, subleaf 0, EBX */
  uint64_t xcr0;      /* register sets that the operating system saves */
} tsr__cpu_bits;

/* Fills isa and missing. */
void tsr__hardware_isa(const tsr__cpu_bits *bits, tsr_hardware *out);

/* What a plan for the backend must know when its caller does not say. */
tsr_status tsr__plan_hardware(tsr_backend backend, tsr_hardware *out);

/* Holds isa to at most the one named (NULL or "" = no limit). */
tsr_status tsr__hardware_limit(const char *isa, tsr_hardware *out);

#endif
