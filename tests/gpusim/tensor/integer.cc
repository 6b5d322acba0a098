#include "tests/gpusim/tensor/integer.h"

#include <algorithm>
#include <cmath>

namespace gpusim::tensor {
namespace {

using Float8 = float __attribute__((vector_size(32)));

constexpr unsigned kWidth = 8;

template <class T>
void read_bytes(const uint8_t *image, unsigned count, float *numbers) {
  const auto *bytes = reinterpret_cast<const T *>(image);
  for (unsigned i = 0; i < count; i++) numbers[i] = static_cast<float>(bytes[i]);
}

void read_nibbles(const uint8_t *image, unsigned count, bool is_signed, float *numbers) {
  for (unsigned i = 0; i < count; i++) {
    const int nibble = image[i / 2] >> 4 * (i % 2) & 15;
    numbers[i] = static_cast<float>(is_signed ? (nibble ^ 8) - 8 : nibble);
  }
}

int32_t add(int32_t accumulator, int32_t sum, bool saturate) {
  if (saturate) {
    const int64_t wide = int64_t{accumulator} + sum;
    return static_cast<int32_t>(std::clamp<int64_t>(wide, INT32_MIN, INT32_MAX));
  }
  return static_cast<int32_t>(static_cast<uint32_t>(accumulator) + static_cast<uint32_t>(sum));
}

struct Factors {
  alignas(64) float a[2 * kMaxElements]; /* [m][kept] */
  alignas(64) float b[2 * kMaxElements]; /* [k][n] */
};

void read_factors(const Tile &tile, const Images &images, Factors *factors) {
  read_integers(tile.a, images.a, tile.m * tile.kept(), factors->a);
  alignas(64) float columns[2 * kMaxElements];
  read_integers(tile.b, images.b, tile.n * tile.k, columns);
  for (unsigned column = 0; column < tile.n; column++) {
    for (unsigned k = 0; k < tile.k; k++) {
      /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): n * k of them were read. */
      factors->b[k * tile.n + column] = columns[column * tile.k + k];
    }
  }
}

/* Eight sums of a row. Floats hold them: 64 products of 255 * 255 are less than 2^24. */
template <bool kSparse>
void sum_row(const Tile &tile, const Factors &factors, const uint8_t *columns, unsigned row,
             unsigned column, Float8 *sums) {
  const unsigned kept = tile.kept();
  const float *a = factors.a + row * kept;
  Float8 even = {};
  Float8 odd = {};
  for (unsigned i = 0; i < kept; i += 2) {
    const unsigned k0 = kSparse ? columns[row * kept + i] : i;
    const unsigned k1 = kSparse ? columns[row * kept + i + 1] : i + 1;
    Float8 b0;
    Float8 b1;
    memcpy(&b0, factors.b + k0 * tile.n + column, sizeof b0);
    memcpy(&b1, factors.b + k1 * tile.n + column, sizeof b1);
    even += b0 * a[i];
    odd += b1 * a[i + 1];
  }
  *sums = even + odd;
}

}  // namespace

void read_integers(Element element, const uint8_t *image, unsigned count, float *numbers) {
  if (element == Element::s8) return read_bytes<int8_t>(image, count, numbers);
  if (element == Element::u8) return read_bytes<uint8_t>(image, count, numbers);
  read_nibbles(image, count, element == Element::s4, numbers);
}

void multiply_integer(const Tile &tile, const Selection *selection, Images &images) {
  Factors factors;
  read_factors(tile, images, &factors);
  const auto *c = reinterpret_cast<const int32_t *>(images.c);
  auto *d = reinterpret_cast<int32_t *>(images.d);
  for (unsigned row = 0; row < tile.m; row++) {
    for (unsigned column = 0; column < tile.n; column += kWidth) {
      Float8 sums;
      if (selection != nullptr) {
        sum_row<true>(tile, factors, selection->column, row, column, &sums);
      } else {
        sum_row<false>(tile, factors, nullptr, row, column, &sums);
      }
      const unsigned first = row * tile.n + column;
      for (unsigned i = 0; i < kWidth; i++) {
        d[first + i] = add(c[first + i], static_cast<int32_t>(sums[i]), tile.saturate);
      }
    }
  }
}

void multiply_bits(const Tile &tile, Images &images) {
  const unsigned words = tile.k / 32;
  const auto *a = reinterpret_cast<const uint32_t *>(images.a);
  const auto *b = reinterpret_cast<const uint32_t *>(images.b);
  const auto *c = reinterpret_cast<const int32_t *>(images.c);
  auto *d = reinterpret_cast<int32_t *>(images.d);
  for (unsigned i = 0; i < tile.m * tile.n; i++) {
    int32_t sum = 0;
    for (unsigned w = 0; w < words; w++) {
      const uint32_t x = a[i / tile.n * words + w];
      const uint32_t y = b[i % tile.n * words + w];
      sum += __builtin_popcount(tile.bit_operation == BitOperation::conjunction ? x & y : x ^ y);
    }
    d[i] = add(c[i], sum, false);
  }
}

void multiply_double(const Tile &tile, Images &images) {
  const auto *a = reinterpret_cast<const double *>(images.a);
  const auto *b = reinterpret_cast<const double *>(images.b);
  const auto *c = reinterpret_cast<const double *>(images.c);
  auto *d = reinterpret_cast<double *>(images.d);
  for (unsigned i = 0; i < tile.m * tile.n; i++) {
    double sum = c[i];
    for (unsigned k = 0; k < tile.k; k++) {
      sum = std::fma(a[i / tile.n * tile.k + k], b[i % tile.n * tile.k + k], sum);
    }
    d[i] = sum;
  }
}

}  // namespace gpusim::tensor
