/* Floating-point elements to double and back, arithmetically rather than by their bits. */
#include <math.h>
#include <string.h>

#include "tests/standin/standin.h"

/* Digits of the significand, and the exponent of the smallest subnormal number. */
typedef struct precision {
  int digits, least;
  double greatest;
} precision;

static const precision half = {11, -24, 65504}, bfloat = {8, -133, 0x1.fep127};

size_t standin_bytes(cudaDataType type) {
  if (type == CUDA_R_16F || type == CUDA_R_16BF) return 2;
  return type == CUDA_R_32F ? 4 : 0;
}

static double round_to(double value, const precision *p) {
  int exponent;
  if (value == 0 || !isfinite(value)) return value;
  frexp(value, &exponent);
  int unit = exponent - p->digits > p->least ? exponent - p->digits : p->least;
  double rounded = ldexp(nearbyint(ldexp(value, -unit)), unit);
  return fabs(rounded) > p->greatest ? copysign(INFINITY, value) : rounded;
}

static double decode_half(uint16_t bits) {
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double magnitude = exponent == 31  ? (fraction ? NAN : INFINITY)
                     : exponent == 0 ? ldexp(fraction, -24)
                                     : ldexp(1024 + fraction, exponent - 25);
  return bits >> 15 ? -magnitude : magnitude;
}

static uint16_t encode_half(double value) {
  double magnitude = fabs(round_to(value, &half));
  unsigned sign = signbit(value) ? 0x8000 : 0;
  int exponent;
  if (isnan(value)) return (uint16_t)(sign | 0x7e00);
  if (isinf(magnitude)) return (uint16_t)(sign | 0x7c00);
  if (magnitude < 0x1p-14) return (uint16_t)(sign | (unsigned)ldexp(magnitude, 24));
  double significand = frexp(magnitude, &exponent);
  unsigned fraction = (unsigned)ldexp(significand, 11) - 1024;
  return (uint16_t)(sign | (unsigned)(exponent + 14) << 10 | fraction);
}

double standin_decode(const unsigned char *raw, cudaDataType type) {
  uint16_t bits;
  float single;
  if (type == CUDA_R_32F) {
    memcpy(&single, raw, sizeof single);
    return (double)single;
  }
  memcpy(&bits, raw, sizeof bits);
  if (type == CUDA_R_16F) return decode_half(bits);
  uint32_t wide = (uint32_t)bits << 16;
  memcpy(&single, &wide, sizeof single);
  return (double)single;
}

void standin_encode(double value, unsigned char *raw, cudaDataType type) {
  if (type == CUDA_R_16F) {
    uint16_t bits = encode_half(value);
    memcpy(raw, &bits, sizeof bits);
    return;
  }
  float single = (float)(type == CUDA_R_16BF ? round_to(value, &bfloat) : value);
  if (type == CUDA_R_32F) {
    memcpy(raw, &single, sizeof single);
    return;
  }
  uint32_t wide;
  memcpy(&wide, &single, sizeof wide);
  uint16_t bits = (uint16_t)(wide >> 16);
  memcpy(raw, &bits, sizeof bits);
}
