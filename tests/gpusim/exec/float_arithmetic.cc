/* add, sub, mul, fma and mad of f32 and f64 (PTX ISA 9.7.3), and the decoders of those opcodes for
 * every format; div, rcp and sqrt with IEEE roundings. */
#include "tests/gpusim/exec/float_arithmetic.h"

#include <cmath>

#include "tests/gpusim/exec/float_approx.h"

namespace gpusim {
namespace {

struct Add {
  static constexpr unsigned kSources = 2;
  template <class T>
  static T apply(T a, T b, T) {
    return a + b;
  }
};

struct Sub {
  static constexpr unsigned kSources = 2;
  template <class T>
  static T apply(T a, T b, T) {
    return a - b;
  }
};

struct Mul {
  static constexpr unsigned kSources = 2;
  template <class T>
  static T apply(T a, T b, T) {
    return a * b;
  }
};

struct Fma {
  static constexpr unsigned kSources = 3;
  template <class T>
  static T apply(T a, T b, T c) {
    return std::fma(a, b, c);
  }
};

struct Div {
  static constexpr unsigned kSources = 2;
  template <class T>
  static T apply(T a, T b, T) {
    return a / b;
  }
};

struct Reciprocal {
  static constexpr unsigned kSources = 1;
  template <class T>
  static T apply(T a, T, T) {
    return T(1) / a;
  }
};

struct Sqrt {
  static constexpr unsigned kSources = 1;
  template <class T>
  static T apply(T a, T, T) {
    return std::sqrt(a);
  }
};

template <class Operation, class T, bool kFtz, bool kSat>
void compute(Warp &warp, const Instruction &instruction, uint32_t mask) {
  constexpr unsigned kSources = Operation::kSources;
  const T *a = source_lanes<T>(warp, instruction, 0);
  const T *b = source_lanes<T>(warp, instruction, kSources > 1 ? 1 : 0);
  const T *c = source_lanes<T>(warp, instruction, kSources - 1);
  const auto load = [](T value) {
    if constexpr (kFtz) return flush(value);
    return value;
  };
  for_elements<1>(target_lanes<T>(warp, instruction), mask, [=](unsigned i) {
    const T result = canonical(Operation::apply(load(a[i]), load(b[i]), load(c[i])));
    const T flushed = load(result);
    return kSat ? saturate(flushed) : flushed;
  });
}

template <class Operation, class T, bool kFtz, bool kSat, bool kDirected>
Step run(Warp &warp, const Instruction &instruction, uint32_t mask) {
  if constexpr (kDirected) {
    const RoundingScope scope(static_cast<Rounding>(instruction.detail[0]));
    compute<Operation, T, kFtz, kSat>(warp, instruction, mask);
  } else {
    compute<Operation, T, kFtz, kSat>(warp, instruction, mask);
  }
  return Step::next;
}

/* f64 has neither .ftz nor .sat. */
template <class Operation>
Execute choose(Type type, const ArithmeticModifiers &m) {
  const bool directed = m.rounding != Rounding::rn;
  if (m.relu) return nullptr;
  if (type == Type::f32) {
    return with_flags(
        [](auto ftz, auto sat, auto dir) -> Execute {
          return run<Operation, float, decltype(ftz)::value, decltype(sat)::value,
                     decltype(dir)::value>;
        },
        m.ftz, m.sat, directed);
  }
  if (type != Type::f64 || m.ftz || m.sat) return nullptr;
  return directed ? run<Operation, double, false, false, true>
                  : run<Operation, double, false, false, false>;
}

ArithmeticModifiers take_modifiers(Decoder &d) {
  ArithmeticModifiers m;
  m.rounded = take_rounding(d, &m.rounding);
  m.ftz = d.take("ftz");
  m.sat = d.take("sat");
  return m;
}

void finish(Decoder &d, Type type, unsigned sources, const ArithmeticModifiers &m,
            Execute execute) {
  if (execute == nullptr) return;
  real_operands(d, type, sources);
  d.detail(0, static_cast<uint64_t>(m.rounding));
  d.use(execute, real_undefined(type), real_class(type));
}

template <class Operation>
void decode(Decoder &d, Arithmetic operation) {
  ArithmeticModifiers m = take_modifiers(d);
  if (operation == Arithmetic::fma) m.relu = d.take("relu");
  const Type type = d.take_type();
  if (operation == Arithmetic::fma && !m.rounded) return;
  finish(d, type, Operation::kSources, m,
         is_half(type) ? half_arithmetic(operation, type, m) : choose<Operation>(type, m));
}

/* div, rcp and sqrt: a rounding, or else an approximation. */
template <class Operation>
void decode_inexact(Decoder &d, Approximation approximation) {
  const ArithmeticModifiers m = take_modifiers(d);
  if (!m.rounded) return decode_approximation(d, approximation, m.ftz);
  const Type type = d.take_type();
  if (m.sat) return;
  finish(d, type, Operation::kSources, m, choose<Operation>(type, m));
}

}  // namespace

void decode_add_real(Decoder &d) { decode<Add>(d, Arithmetic::add); }
void decode_sub_real(Decoder &d) { decode<Sub>(d, Arithmetic::sub); }
void decode_mul_real(Decoder &d) { decode<Mul>(d, Arithmetic::mul); }
void decode_fma(Decoder &d) { decode<Fma>(d, Arithmetic::fma); }

/* fma under its old name, without the narrow formats. */
void decode_mad_real(Decoder &d) {
  const ArithmeticModifiers m = take_modifiers(d);
  const Type type = d.take_type();
  if (m.rounded) finish(d, type, Fma::kSources, m, choose<Fma>(type, m));
}

void decode_div_real(Decoder &d) {
  if (d.take("full")) return decode_approximation(d, Approximation::div_full, d.take("ftz"));
  decode_inexact<Div>(d, Approximation::div);
}

void decode_rcp(Decoder &d) { decode_inexact<Reciprocal>(d, Approximation::rcp); }
void decode_sqrt(Decoder &d) { decode_inexact<Sqrt>(d, Approximation::sqrt); }

}  // namespace gpusim
