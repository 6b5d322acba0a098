/* Floating-point formats of the tensor core, as patterns of bits. */
#ifndef GPUSIM_TENSOR_FORMATS_H
#define GPUSIM_TENSOR_FORMATS_H

#include <cstdint>
#include <cstring>

namespace gpusim::tensor {

struct Half {
  using Bits = uint16_t;
  static constexpr unsigned kFraction = 10;
  static constexpr unsigned kExponentBits = 5;
  static constexpr unsigned kIgnored = 0;
};

struct Bfloat {
  using Bits = uint16_t;
  static constexpr unsigned kFraction = 7;
  static constexpr unsigned kExponentBits = 8;
  static constexpr unsigned kIgnored = 0;
};

/* Travels as an f32, of which the low bits are ignored. */
struct Tensor32 {
  using Bits = uint32_t;
  static constexpr unsigned kFraction = 10;
  static constexpr unsigned kExponentBits = 8;
  static constexpr unsigned kIgnored = 13;
};

/* Added to the exponent of a zero: it is below that of any other number, product or accumulator. */
constexpr int32_t kZeroExponent = -1024;

/* A number is significand * 2^(exponent - kFraction); the significand is an integer. True if some
 * number is infinite or no number. Without branches: compilers vectorise it. */
template <class Format>
inline bool split(const uint8_t *__restrict image, unsigned count, float *__restrict significands,
                  int32_t *__restrict exponents) {
  constexpr int32_t kTop = (1 << Format::kExponentBits) - 1;
  constexpr int32_t kBias = kTop / 2;
  const auto *bits = reinterpret_cast<const typename Format::Bits *>(image);
  int32_t special = 0;
  for (unsigned i = 0; i < count; i++) {
    const auto x = static_cast<int32_t>(static_cast<uint32_t>(bits[i]) >> Format::kIgnored);
    const int32_t exponent = x >> Format::kFraction & kTop;
    const int32_t normal = (exponent + kTop) >> Format::kExponentBits;
    const int32_t significand = (x & ((1 << Format::kFraction) - 1)) | normal << Format::kFraction;
    const int32_t negative = x >> (Format::kFraction + Format::kExponentBits) & 1;
    const int32_t zero = (significand - 1) >> 31;
    significands[i] = static_cast<float>((significand ^ -negative) + negative);
    exponents[i] = exponent + 1 - normal - kBias + (zero & kZeroExponent);
    special |= exponent + 1;
  }
  return special >> Format::kExponentBits != 0;
}

inline float float_from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

inline uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

constexpr uint32_t kNan = 0x7fffffff; /* the tensor core's only one */
constexpr uint16_t kHalfNan = 0x7fff;

/* Exact. */
inline float float_of_half(uint16_t half) {
  const uint32_t magnitude = half & 0x7fffu;
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  if (magnitude >= 0x7c00) return float_from_bits(sign | 0x7f800000u | magnitude << 13);
  /* 2^112 moves the exponent from f16's bias to f32's, subnormals included. */
  const float scaled = float_from_bits(magnitude << 13) * 0x1p112f;
  return float_from_bits(bits_of(scaled) | sign);
}

/* To nearest, ties to even. */
inline uint16_t half_of_float(float value) {
  const uint32_t bits = bits_of(value);
  const uint32_t magnitude = bits & 0x7fffffffu;
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000u);
  if (magnitude > 0x7f800000u) return kHalfNan;
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);
  uint32_t rounded;
  if (magnitude < 0x38800000u) {
    /* Below 2^-14 the ulp is 2^-24, as it is in f32 just above 0.5. */
    rounded = bits_of(float_from_bits(magnitude) + 0.5f) - 0x3f000000u;
  } else {
    rounded = (magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1)) >> 13;
  }
  return static_cast<uint16_t>(sign | rounded);
}

}  // namespace gpusim::tensor

#endif
