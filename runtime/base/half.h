/* float <-> IEEE 754 half and bfloat16, rounding to nearest even. */
#ifndef TESSERA_BASE_HALF_H
#define TESSERA_BASE_HALF_H

#include <stdint.h>

#include "tessera/types.h"

float tsr__f16_to_f32(uint16_t half);
uint16_t tsr__f32_to_f16(float value);
float tsr__bf16_to_f32(uint16_t bfloat);
uint16_t tsr__f32_to_bf16(float value);

/* Converts count elements of dtype (F32, F16, BF16, F64), at any alignment, to float; 0 if the
 * type is another one. The inverse takes F32, F16 and BF16. */
int tsr__to_f32(const void *in, tsr_dtype dtype, float *out, uint64_t count);
int tsr__from_f32(const float *in, tsr_dtype dtype, void *out, uint64_t count);

#endif
