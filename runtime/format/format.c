#include "runtime/format/format.h"

#include "runtime/base/alloc.h"

static const tsr__format_ops *const table[TSR_FORMAT_COUNT] = {
#define TSR__FORMAT(enumerator, name) [TSR_FORMAT_##enumerator] = &tsr__format_##name,
#include "runtime/format/formats.inc"
#undef TSR__FORMAT
};

static const tsr_format suited[TSR_PATTERN_COUNT] = {
    [TSR_PATTERN_DENSE] = TSR_FORMAT_DENSE, [TSR_PATTERN_IRREGULAR] = TSR_FORMAT_CSR,
    [TSR_PATTERN_ROW] = TSR_FORMAT_COMPACT, [TSR_PATTERN_COLUMN] = TSR_FORMAT_COMPACT,
    [TSR_PATTERN_BLOCK] = TSR_FORMAT_BCSR,  [TSR_PATTERN_NM] = TSR_FORMAT_NM,
    [TSR_PATTERN_VNM] = TSR_FORMAT_VNM,     [TSR_PATTERN_BLOCK_NM] = TSR_FORMAT_BCSR_NM,
};

tsr_format tsr_pattern_format(const tsr_pattern *pattern) {
  if (!pattern || (unsigned)pattern->kind >= TSR_PATTERN_COUNT) return TSR_FORMAT_DENSE;
  return suited[pattern->kind];
}

const tsr__format_ops *tsr__format_ops_of(tsr_format format) {
  return (unsigned)format < TSR_FORMAT_COUNT ? table[format] : NULL;
}

int tsr__array_size(const tsr__array *array, int64_t *elements, size_t *bytes) {
  int64_t total;
  *elements = 1;
  for (int d = 0; d < array->ndim; d++)
    if (!tsr__mul_i64(*elements, array->shape[d], elements)) return 0;
  if (!tsr__mul_i64(*elements, tsr_dtype_bits(array->dtype) / 8, &total)) return 0;
  *bytes = (size_t)total;
  return total <= PTRDIFF_MAX;
}

int tsr__param_fields(const tsr__format_ops *ops, size_t fields[TSR__PARAMS_MAX]) {
  static const struct {
    unsigned group;
    size_t field;
  } all[TSR__PARAMS_MAX] = {
      {TSR__BLOCK_SIZES, offsetof(tsr_packed, block_rows)},
      {TSR__BLOCK_SIZES, offsetof(tsr_packed, block_cols)},
      {TSR__PANEL_SIZE, offsetof(tsr_packed, v)},
      {TSR__GROUP_SIZES, offsetof(tsr_packed, n)},
      {TSR__GROUP_SIZES, offsetof(tsr_packed, m)},
  };
  int count = 0;
  for (int i = 0; i < TSR__PARAMS_MAX; i++)
    if (ops->params & all[i].group) fields[count++] = all[i].field;
  return count;
}

const void *tsr__array_pointer(const tsr_packed *packed, const tsr__array *array) {
  const void *data;
  memcpy(&data, (const char *)packed + array->field, sizeof data);
  return data;
}

void tsr__array_point(tsr_packed *packed, const tsr__array *array, const void *data) {
  memcpy((char *)packed + array->field, &data, sizeof data);
}

int tsr__all_zero(const void *values, tsr_dtype dtype, int64_t index, int64_t count) {
  size_t size = tsr__element_bytes(dtype), bytes = (size_t)count * size, i = 0;
  const char *from = (const char *)values + (size_t)index * size;
  uint64_t word;
  for (; i + sizeof word <= bytes; i += sizeof word) {
    memcpy(&word, from + i, sizeof word);
    if (word) return 0;
  }
  for (; i < bytes; i++)
    if (from[i]) return 0;
  return 1;
}

static tsr_status check_extent(const char *name, const char *what, int64_t value,
                               tsr_status status) {
  TSR_CHECK(value >= 0 && value <= INT32_MAX, status, "packed %s: %s is %lld, not in 0..%d", name,
            what, (long long)value, INT32_MAX);
  return TSR_OK;
}

static tsr_status check_block(const char *name, const char *what, int32_t value,
                              tsr_status status) {
  TSR_CHECK(value >= 1 && value <= TSR__BLOCK_MAX, status, "packed %s: %s is %d, not in 1..%d",
            name, what, value, TSR__BLOCK_MAX);
  return TSR_OK;
}

tsr_status tsr__check_sizes(const tsr_packed *packed, tsr_status status) {
  const char *name = tsr_format_name(packed->format);
  unsigned uses = tsr__format_ops_of(packed->format)->uses;
  tsr_dtype dtype = packed->dtype;
  TSR_CHECK(dtype == TSR_DTYPE_F32 || dtype == TSR_DTYPE_F16 || dtype == TSR_DTYPE_BF16,
            TSR_UNSUPPORTED, "packed %s: elements are %s, not F32, F16 or BF16", name,
            tsr_dtype_name(dtype));
  TSR_TRY(check_extent(name, "rows", packed->rows, status));
  TSR_TRY(check_extent(name, "cols", packed->cols, status));
  if (uses & TSR__BLOCK_SIZES) {
    TSR_TRY(check_block(name, "block_rows", packed->block_rows, status));
    TSR_TRY(check_block(name, "block_cols", packed->block_cols, status));
  }
  if (uses & TSR__GROUP_SIZES)
    TSR_CHECK(1 <= packed->n && packed->n <= packed->m && packed->m <= TSR__GROUP_MAX, status,
              "packed %s: n:m is %d:%d, not 1 <= n <= m <= %d", name, packed->n, packed->m,
              TSR__GROUP_MAX);
  if (uses & TSR__PANEL_SIZE) {
    TSR_CHECK(packed->v >= 1, status, "packed %s: v is %d, not positive", name, packed->v);
    TSR_CHECK(packed->n == TSR__VNM_KEPT && packed->m >= TSR__VNM_COLUMNS, status,
              "packed %s: n:m is %d:%d; only n = 2 with m >= 4 is supported", name, packed->n,
              packed->m);
  }
  return TSR_OK;
}
