#include "runtime/format/format.h"

static tsr_pattern_kind kind(const tsr_packed *p) {
  (void)p;
  return TSR_PATTERN_DENSE;
}

static int arrays(const tsr_packed *p, tsr__array *a) {
  a[0] = (tsr__array){"values", offsetof(tsr_packed, values), p->dtype, 2, {p->rows, p->cols}};
  return 1;
}

static tsr_status fill(const tsr_matrix *dense, tsr_packed *p) {
  for (int64_t r = 0; r < p->rows; r++)
    tsr__copy_elements((void *)p->values, r * p->cols, dense->data, r * dense->ld, p->cols,
                       p->dtype);
  return TSR_OK;
}

static void unpack(const tsr_packed *p, void *out, int64_t ld) {
  for (int64_t r = 0; r < p->rows; r++)
    tsr__copy_elements(out, r * ld, p->values, r * p->cols, p->cols, p->dtype);
}

const tsr__format_ops tsr__format_dense = {
    .values_ndim = 2, .kind = kind, .arrays = arrays, .fill = fill, .unpack = unpack};
