/* Factors of floating-point products as integers and exponents. */
#ifndef GPUSIM_TENSOR_FORMATS_H
#define GPUSIM_TENSOR_FORMATS_H

#include <cstdint>

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

}  // namespace gpusim::tensor

#endif
