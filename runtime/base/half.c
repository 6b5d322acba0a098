#include "runtime/base/half.h"

#include <string.h>

static uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

float tsr__f16_to_f32(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  uint32_t magnitude = half & 0x7fff;
  if (magnitude >= 0x7c00) return float_of(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
  if (magnitude >= 0x0400) return float_of(sign | ((magnitude << 13) + ((127 - 15) << 23)));
  float subnormal = (float)magnitude * 0x1p-24f;
  return float_of(sign | bits_of(subnormal));
}

uint16_t tsr__f32_to_f16(float value) {
  uint32_t bits = bits_of(value);
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
  if (magnitude >= 0x47800000) return sign | 0x7c00; /* 65536 and above, infinity */
  if (magnitude < 0x38800000) {
    /* Below 2^-14: adding 0.5 lines the fraction up with the subnormal's and rounds to even. */
    float aligned = float_of(magnitude) + 0.5f;
    return (uint16_t)(sign | (bits_of(aligned) - bits_of(0.5f)));
  }
  uint32_t rounded = magnitude - ((127 - 15) << 23) + 0xfff + (magnitude >> 13 & 1);
  return (uint16_t)(sign | rounded >> 13);
}

float tsr__bf16_to_f32(uint16_t bfloat) { return float_of((uint32_t)bfloat << 16); }

uint16_t tsr__f32_to_bf16(float value) {
  uint32_t bits = bits_of(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

int tsr__to_f32(const void *in, tsr_dtype dtype, float *out, uint64_t count) {
  const unsigned char *bytes = in;
  uint16_t half;
  double wide;
  switch (dtype) {
    case TSR_DTYPE_F32:
      if (count) memcpy(out, in, count * sizeof *out);
      return 1;
    case TSR_DTYPE_F16:
      for (uint64_t i = 0; i < count; i++) {
        memcpy(&half, bytes + 2 * i, 2);
        out[i] = tsr__f16_to_f32(half);
      }
      return 1;
    case TSR_DTYPE_BF16:
      for (uint64_t i = 0; i < count; i++) {
        memcpy(&half, bytes + 2 * i, 2);
        out[i] = tsr__bf16_to_f32(half);
      }
      return 1;
    case TSR_DTYPE_F64:
      for (uint64_t i = 0; i < count; i++) {
        memcpy(&wide, bytes + 8 * i, 8);
        out[i] = (float)wide;
      }
      return 1;
    default:
      return 0;
  }
}

int tsr__from_f32(const float *in, tsr_dtype dtype, void *out, uint64_t count) {
  unsigned char *bytes = out;
  if (dtype == TSR_DTYPE_F32) {
    if (count) memcpy(out, in, count * sizeof *in);
    return 1;
  }
  if (dtype != TSR_DTYPE_F16 && dtype != TSR_DTYPE_BF16) return 0;
  for (uint64_t i = 0; i < count; i++) {
    uint16_t half = dtype == TSR_DTYPE_F16 ? tsr__f32_to_f16(in[i]) : tsr__f32_to_bf16(in[i]);
    memcpy(bytes + 2 * i, &half, 2);
  }
  return 1;
}
