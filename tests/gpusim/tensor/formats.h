/* Factors of floating-point products as integers and exponents. */
#ifndef GPUSIM_TENSOR_FORMATS_H
#define GPUSIM_TENSOR_FORMATS_H

#include <cstdint>
#include <cstring>

#include "tests/gpusim/tensor/tile.h"

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

/* Numbers of these exponents, zeros aside, have products that an f32 holds exactly, and 2^27 times
 * as large too. */
constexpr int32_t kModerateExponent = 50;

/* One factor of the products. A number is significand * 2^(exponent - kFraction). */
struct Terms {
  alignas(64) float significand[kMaxElements]; /* an integer */
  alignas(64) int32_t exponent[kMaxElements];
  alignas(64) float value[kMaxElements]; /* of moderate numbers only */
  bool special;                          /* some is infinite or no number */
  bool moderate;                         /* all are */
};

/* Without branches: compilers vectorise it. */
template <class Format>
inline void split(const uint8_t *__restrict image, unsigned count, Terms *__restrict terms) {
  constexpr int32_t kTop = (1 << Format::kExponentBits) - 1;
  constexpr int32_t kBias = kTop / 2;
  constexpr int32_t kFloatBias = 127;
  const auto *bits = reinterpret_cast<const typename Format::Bits *>(image);
  int32_t special = 0, extreme = 0;
  for (unsigned i = 0; i < count; i++) {
    const auto x = static_cast<int32_t>(static_cast<uint32_t>(bits[i]) >> Format::kIgnored);
    const int32_t field = x >> Format::kFraction & kTop;
    const int32_t normal = (field + kTop) >> Format::kExponentBits;
    const int32_t magnitude = (x & ((1 << Format::kFraction) - 1)) | normal << Format::kFraction;
    const int32_t negative = x >> (Format::kFraction + Format::kExponentBits) & 1;
    const int32_t zero = (magnitude - 1) >> 31;
    const auto significand = static_cast<float>((magnitude ^ -negative) + negative);
    const int32_t exponent = field + 1 - normal - kBias;
    const int32_t scale = (exponent - static_cast<int32_t>(Format::kFraction) + kFloatBias) & ~zero;
    float power;
    const uint32_t power_bits = static_cast<uint32_t>(scale) << 23; /* may be negative: not used */
    memcpy(&power, &power_bits, sizeof power);
    terms->significand[i] = significand;
    terms->exponent[i] = exponent + (zero & kZeroExponent);
    terms->value[i] = significand * power;
    special |= field + 1;
    extreme |= ~zero & ((kModerateExponent - exponent) | (kModerateExponent + exponent));
  }
  terms->special = special >> Format::kExponentBits != 0;
  terms->moderate = extreme >= 0;
}

}  // namespace gpusim::tensor

#endif
