#include "tessera/types.h"

#include <string.h>

#include "runtime/base/status.h"

static const struct {
  const char *name;
  int bits;
} dtypes[] = {
#define ROW(name, bits) {#name, bits},
    TSR_DTYPE_MAP(ROW)
#undef ROW
};

static const char *const formats[] = {
#define ROW(name, text) text,
    TSR_FORMAT_MAP(ROW)
#undef ROW
};

const char *tsr_dtype_name(tsr_dtype dtype) {
  return (unsigned)dtype < TSR_DTYPE_COUNT ? dtypes[dtype].name : "unknown";
}

int tsr_dtype_bits(tsr_dtype dtype) {
  return (unsigned)dtype < TSR_DTYPE_COUNT ? dtypes[dtype].bits : 0;
}

tsr_status tsr_dtype_parse(const char *name, tsr_dtype *out) {
  TSR_CHECK(name && out, TSR_INVALID_ARGUMENT, "tsr_dtype_parse: an argument is NULL");
  for (int d = 0; d < TSR_DTYPE_COUNT; d++)
    if (!strcmp(name, dtypes[d].name)) {
      *out = (tsr_dtype)d;
      return TSR_OK;
    }
  return tsr__error(TSR_UNSUPPORTED, "unknown element type '%s'", name);
}

const char *tsr_format_name(tsr_format format) {
  return (unsigned)format < TSR_FORMAT_COUNT ? formats[format] : "unknown";
}

tsr_status tsr_format_parse(const char *name, tsr_format *out) {
  TSR_CHECK(name && out, TSR_INVALID_ARGUMENT, "tsr_format_parse: an argument is NULL");
  for (int f = 0; f < TSR_FORMAT_COUNT; f++)
    if (!strcmp(name, formats[f])) {
      *out = (tsr_format)f;
      return TSR_OK;
    }
  return tsr__error(TSR_INVALID_ARGUMENT, "unknown format '%s'", name);
}

const char *tsr_backend_name(tsr_backend backend) {
  static const char *const names[] = {"cpu", "cuda"};
  return (unsigned)backend < TSR_BACKEND_COUNT ? names[backend] : "unknown";
}

const char *tsr_isa_name(tsr_isa isa) {
  static const char *const names[] = {"scalar", "avx2", "avx512", "sm80"};
  return (unsigned)isa < TSR_ISA_COUNT ? names[isa] : "unknown";
}

int64_t tsr_conv_output_size(const tsr_conv_shape *shape, int axis) {
  if (!shape || axis < 0 || axis > 1 || shape->stride[axis] < 1) return 0;
  int64_t size = axis ? shape->width : shape->height;
  int64_t span = (int64_t)shape->dilation[axis] * (shape->kernel[axis] - 1) + 1;
  int64_t room = size + 2 * (int64_t)shape->padding[axis] - span;
  return room < 0 ? 0 : room / shape->stride[axis] + 1;
}
