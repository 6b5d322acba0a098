/* The two instructions that tell what a CPU can do; they need inline assembly. */
#ifndef TESSERA_KERNELS_CPU_CPUID_H
#define TESSERA_KERNELS_CPU_CPUID_H

#include <stdint.h>

typedef struct tsr__cpuid_registers {
  uint32_t eax, ebx, ecx, edx;
} tsr__cpuid_registers;

/* All zero where the leaf does not exist or the CPU is no x86. */
tsr__cpuid_registers tsr__cpuid(uint32_t leaf, uint32_t subleaf);

/* XCR0: which register sets the operating system saves; 0 if it saves none. */
uint64_t tsr__xcr0(void);

#endif
