#include "kernels/cpu/layer_avx2.h"
/* The body is compiled against the header above. */
#include "kernels/cpu/rows_body.h"
