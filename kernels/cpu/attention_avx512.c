#include "kernels/cpu/layer_avx512.h"
/* The body is compiled against the header above. */
#include "kernels/cpu/attention_body.h"
