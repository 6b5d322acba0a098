/* Halves of products, without overflow in C++. T is a signed or unsigned integer of 16, 32 or 64
 * bits. */
#ifndef GPUSIM_EXEC_INTEGER_PRODUCT_H
#define GPUSIM_EXEC_INTEGER_PRODUCT_H

#include <cstdint>
#include <type_traits>

namespace gpusim {

template <class T>
struct WiderType;
template <>
struct WiderType<uint16_t> {
  using Type = uint32_t;
};
template <>
struct WiderType<int16_t> {
  using Type = int32_t;
};
template <>
struct WiderType<uint32_t> {
  using Type = uint64_t;
};
template <>
struct WiderType<int32_t> {
  using Type = int64_t;
};
template <>
struct WiderType<uint64_t> {
  using Type = unsigned __int128;
};
template <>
struct WiderType<int64_t> {
  using Type = __int128;
};
template <class T>
using Wider = typename WiderType<T>::Type;

template <class T>
Wider<T> whole_product(T a, T b) {
  return static_cast<Wider<T>>(a) * b;
}

struct LowHalf {
  template <class T>
  static T product(T a, T b) {
    return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  }
};

struct HighHalf {
  template <class T>
  static T product(T a, T b) {
    return static_cast<T>(whole_product(a, b) >> (8 * sizeof(T)));
  }
};

template <class T>
T wrapping_sum(T a, T b) {
  using U = std::make_unsigned_t<T>;
  return static_cast<T>(static_cast<U>(static_cast<U>(a) + static_cast<U>(b)));
}

}  // namespace gpusim

#endif
