/* The .approx instructions. */
#ifndef GPUSIM_EXEC_FLOAT_APPROX_H
#define GPUSIM_EXEC_FLOAT_APPROX_H

#include "tests/gpusim/exec/decoder.h"

namespace gpusim {

enum class Approximation : uint8_t { div, div_full, rcp, rsqrt, sqrt, sin, cos, lg2, ex2, tanh };

/* Takes .approx and the type; .ftz, .full and .sat have been taken. */
void decode_approximation(Decoder &decoder, Approximation approximation, bool ftz);

}  // namespace gpusim

#endif
