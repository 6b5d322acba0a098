#include "runtime/format/groups.h"

static tsr_pattern_kind kind(const tsr_packed *p) {
  (void)p;
  return TSR_PATTERN_NM;
}

static int arrays(const tsr_packed *p, tsr__array *a) {
  int64_t row = tsr__groups(p) * p->n;
  a[0] = (tsr__array){"values", offsetof(tsr_packed, values), p->dtype, 2, {p->rows, row}};
  a[1] =
      (tsr__array){"positions", offsetof(tsr_packed, positions), TSR_DTYPE_U8, 2, {p->rows, row}};
  return 2;
}

static tsr_status fill(const tsr_matrix *dense, tsr_packed *p) {
  int64_t count = tsr__groups(p);
  for (int64_t r = 0; r < p->rows; r++)
    for (int64_t g = 0; g < count; g++)
      TSR_TRY(
          tsr__group_fill(dense, p, r, g * p->m, tsr__group_width(p, g), (r * count + g) * p->n));
  return TSR_OK;
}

static tsr_status validate(const tsr_packed *p) {
  if (!p->stored) return TSR_OK; /* any number of empty rows */
  int64_t count = tsr__groups(p);
  for (int64_t r = 0; r < p->rows; r++)
    for (int64_t g = 0; g < count; g++)
      TSR_TRY(tsr__group_check(p, (r * count + g) * p->n, tsr__group_width(p, g)));
  return TSR_OK;
}

static void unpack(const tsr_packed *p, void *out, int64_t ld) {
  int64_t count = tsr__groups(p);
  for (int64_t r = 0; r < p->rows; r++)
    for (int64_t g = 0; g < count; g++)
      tsr__group_unpack(p, (r * count + g) * p->n, out, r * ld + g * p->m);
}

const tsr__format_ops tsr__format_nm = {.key = "nm",
                                        .uses = TSR__GROUP_SIZES,
                                        .params = TSR__GROUP_SIZES,
                                        .values_ndim = 2,
                                        .kind = kind,
                                        .arrays = arrays,
                                        .fill = fill,
                                        .validate = validate,
                                        .unpack = unpack};
