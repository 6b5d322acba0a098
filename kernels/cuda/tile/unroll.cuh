// A loop whose counter is a constant in its body: f(Constant<0>()), f(Constant<1>()), ...
#pragma once

namespace tessera {

template <int v>
struct Constant {
  static constexpr int value = v;
};

template <int count, int i = 0, class F>
__device__ __forceinline__ void unroll(const F &f) {
  if constexpr (i < count) {
    f(Constant<i>());
    unroll<count, i + 1>(f);
  }
}

}  // namespace tessera
