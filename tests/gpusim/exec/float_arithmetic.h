/* Operations shared by the formats: what a value is, each executor's file says. */
#ifndef GPUSIM_EXEC_FLOAT_ARITHMETIC_H
#define GPUSIM_EXEC_FLOAT_ARITHMETIC_H

#include "tests/gpusim/exec/float_lanes.h"

namespace gpusim {

enum class Clamp : uint8_t { none, sat, relu };

/* Modifiers of add, sub, mul and fma. */
struct ArithmeticModifiers {
  Rounding rounding = Rounding::rn;
  bool rounded = false; /* a rounding is written */
  bool ftz = false;
  bool sat = false;
  bool relu = false;
};

enum class Arithmetic : uint8_t { add, sub, mul, fma };

/* The executor for f16, bf16 and their pairs; null when there is none. */
Execute half_arithmetic(Arithmetic operation, Type type, const ArithmeticModifiers &modifiers);

}  // namespace gpusim

#endif
