/* What tests of the driver share: a context, a module with small kernels, and checked calls. */
#ifndef GPUSIM_CASES_DRIVER_CASE_H
#define GPUSIM_CASES_DRIVER_CASE_H

#include <criterion/criterion.h>
#include <cuda.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/gpusim/gpusim.h"

#define FAILS(error, call)                                                                \
  do {                                                                                    \
    const CUresult driver_case_result = (call);                                           \
    cr_assert_eq(driver_case_result, (error), #call " gave %d", (int)driver_case_result); \
  } while (0)
#define OK(call) FAILS(CUDA_SUCCESS, call)

/* Kernels:
 *   add(u32 *p, u32 value): p[ctaid * ntid + tid] += value
 *   set(u32 *p, u32 value): p[ctaid * ntid + tid] = value
 *   big(u32 *p, struct of 400 bytes by value): p[tid] = word tid of the struct
 *   dynamic(u32 *p): writes and reads the last word of the dynamic shared memory
 *   bad(): writes to address 16
 *   bounded(): .maxntid 64; required(): .reqntid 32, 2, 1; fixed(): 1024 bytes of shared memory */
extern const char *const driver_case_ptx;

/* A healthy primary context, made current; the module above. */
void driver_case_begin(void);
void driver_case_end(void);
extern CUmodule driver_case_module;
CUfunction driver_case_function(const char *name);

/* Device memory with these words; and the words of device memory. */
CUdeviceptr driver_case_words(uint32_t value, size_t count);
uint32_t driver_case_word(CUdeviceptr address);

/* add or set on `count` words, one CTA. */
CUresult driver_case_launch(const char *name, CUdeviceptr p, uint32_t value, unsigned count,
                            CUstream stream);

#endif
