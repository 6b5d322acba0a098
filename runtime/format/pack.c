#include "tessera/pack.h"

#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/half.h"
#include "runtime/format/format.h"

tsr_pattern tsr_packed_pattern(const tsr_packed *packed) {
  tsr_pattern pattern = {.kind = TSR_PATTERN_DENSE};
  const tsr__format_ops *ops = packed ? tsr__format_ops_of(packed->format) : NULL;
  if (!ops) return pattern;
  pattern.kind = ops->kind(packed);
  if (ops->uses & TSR__BLOCK_SIZES) {
    pattern.block_rows = packed->block_rows;
    pattern.block_cols = packed->block_cols;
  }
  if (ops->uses & TSR__PANEL_SIZE) pattern.v = packed->v;
  if (ops->uses & TSR__GROUP_SIZES) {
    pattern.n = packed->n;
    pattern.m = packed->m;
  }
  return pattern;
}

double tsr_packed_density(const tsr_packed *packed) {
  if (!packed || packed->rows <= 0 || packed->cols <= 0) return 0;
  return (double)packed->stored / ((double)packed->rows * (double)packed->cols);
}

size_t tsr_packed_bytes(const tsr_packed *packed) {
  const tsr__format_ops *ops = packed ? tsr__format_ops_of(packed->format) : NULL;
  if (!ops || tsr__check_sizes(packed, TSR_INVALID_ARGUMENT)) return 0;
  tsr__array arrays[TSR__ARRAYS_MAX];
  int count = ops->arrays(packed, arrays);
  size_t total = 0, bytes;
  int64_t elements;
  for (int a = 0; a < count; a++) {
    if (!tsr__array_size(&arrays[a], &elements, &bytes) || bytes > SIZE_MAX - total) return 0;
    total += bytes;
  }
  return total;
}

void tsr_packed_release(tsr_packed *packed) {
  if (!packed) return;
  free(packed->owned);
  memset(packed, 0, sizeof *packed);
}

tsr_status tsr__check_matrix(const char *caller, const tsr_matrix *dense) {
  int64_t elements, bytes;
  TSR_CHECK(dense, TSR_INVALID_ARGUMENT, "%s: the matrix is NULL", caller);
  TSR_CHECK(dense->rows >= 0 && dense->cols >= 0 && dense->ld >= dense->cols, TSR_INVALID_ARGUMENT,
            "%s: rows %lld, cols %lld, ld %lld", caller, (long long)dense->rows,
            (long long)dense->cols, (long long)dense->ld);
  TSR_CHECK(tsr__mul_i64(dense->rows, dense->ld, &elements) && tsr__mul_i64(elements, 8, &bytes),
            TSR_INVALID_ARGUMENT, "%s: rows %lld x ld %lld is too much", caller,
            (long long)dense->rows, (long long)dense->ld);
  TSR_CHECK(dense->data || !dense->rows || !dense->cols, TSR_INVALID_ARGUMENT, "%s: data is NULL",
            caller);
  return TSR_OK;
}

/* Takes the sizes that the format uses from the pattern. */
static tsr_status take_sizes(const tsr__format_ops *ops, const tsr_pattern *pattern,
                             tsr_packed *packed) {
  if (!ops->uses) return TSR_OK;
  TSR_CHECK(pattern, TSR_INVALID_ARGUMENT, "tsr_pack: format %s needs a pattern",
            tsr_format_name(packed->format));
  if (ops->uses & TSR__BLOCK_SIZES) {
    packed->block_rows = pattern->block_rows;
    packed->block_cols = pattern->block_cols;
  }
  if (ops->uses & TSR__PANEL_SIZE) packed->v = pattern->v;
  if (ops->uses & TSR__GROUP_SIZES) {
    packed->n = pattern->n;
    packed->m = pattern->m;
  }
  return TSR_OK;
}

/* One allocation for all arrays, each on its own cache line. */
static tsr_status allocate(const tsr__format_ops *ops, tsr_packed *packed) {
  tsr__array arrays[TSR__ARRAYS_MAX];
  size_t offsets[TSR__ARRAYS_MAX], total = 0, bytes;
  int64_t elements;
  int count = ops->arrays(packed, arrays);
  for (int a = 0; a < count; a++) {
    TSR_CHECK(tsr__array_size(&arrays[a], &elements, &bytes) && bytes < SIZE_MAX / 2 - total,
              TSR_OUT_OF_MEMORY, "tsr_pack: %s of a %lld x %lld matrix are too large",
              arrays[a].key, (long long)packed->rows, (long long)packed->cols);
    if (a == 0) packed->stored = elements;
    offsets[a] = total;
    total += tsr__round_line(bytes);
  }
  TSR_TRY(tsr__aligned(total, 1, "a packed matrix", &packed->owned));
  memset(packed->owned, 0, total);
  for (int a = 0; a < count; a++)
    tsr__array_point(packed, &arrays[a], (char *)packed->owned + offsets[a]);
  return TSR_OK;
}

tsr_status tsr_pack(const tsr_matrix *dense, tsr_format format, const tsr_pattern *pattern,
                    tsr_packed *out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_pack: out is NULL");
  memset(out, 0, sizeof *out);
  TSR_TRY(tsr__check_matrix("tsr_pack", dense));
  const tsr__format_ops *ops = tsr__format_ops_of(format);
  TSR_CHECK(ops, TSR_INVALID_ARGUMENT, "tsr_pack: format %d does not exist", (int)format);
  tsr_packed packed = {
      .format = format, .dtype = dense->dtype, .rows = dense->rows, .cols = dense->cols};
  TSR_TRY(take_sizes(ops, pattern, &packed));
  TSR_TRY(tsr__check_sizes(&packed, TSR_INVALID_ARGUMENT));
  if (ops->count) TSR_TRY(ops->count(dense, &packed));
  TSR_TRY(allocate(ops, &packed));
  tsr_status status = ops->fill(dense, &packed);
  if (status)
    tsr_packed_release(&packed);
  else
    *out = packed;
  return status;
}

static tsr_status check_arrays(const tsr__format_ops *ops, const tsr_packed *packed) {
  const char *name = tsr_format_name(packed->format);
  tsr__array arrays[TSR__ARRAYS_MAX];
  size_t bytes;
  int64_t elements;
  int count = ops->arrays(packed, arrays);
  for (int a = 0; a < count; a++) {
    TSR_CHECK(tsr__array_size(&arrays[a], &elements, &bytes), TSR_MALFORMED,
              "packed %s: the size of %s overflows", name, arrays[a].key);
    TSR_CHECK(a || packed->stored == elements, TSR_MALFORMED,
              "packed %s: stored is %lld, but the sizes make it %lld", name,
              (long long)packed->stored, (long long)elements);
    TSR_CHECK(!bytes || tsr__array_pointer(packed, &arrays[a]), TSR_MALFORMED,
              "packed %s: %s is NULL", name, arrays[a].key);
  }
  return TSR_OK;
}

tsr_status tsr_packed_validate(const tsr_packed *packed) {
  TSR_CHECK(packed, TSR_INVALID_ARGUMENT, "tsr_packed_validate: packed is NULL");
  const tsr__format_ops *ops = tsr__format_ops_of(packed->format);
  TSR_CHECK(ops, TSR_INVALID_ARGUMENT, "tsr_packed_validate: format %d does not exist",
            (int)packed->format);
  TSR_TRY(tsr__check_sizes(packed, TSR_MALFORMED));
  TSR_CHECK(packed->nnzb >= 0 && packed->stored >= 0 && packed->kept_row_count >= 0 &&
                packed->kept_col_count >= 0,
            TSR_MALFORMED, "packed %s: a count is negative", tsr_format_name(packed->format));
  TSR_TRY(check_arrays(ops, packed));
  return ops->validate ? ops->validate(packed) : TSR_OK;
}

static tsr_status check_unpack(const char *caller, const tsr_packed *packed, const void *out,
                               int64_t ld) {
  int64_t bytes;
  TSR_CHECK(packed, TSR_INVALID_ARGUMENT, "%s: packed is NULL", caller);
  TSR_TRY(tsr_packed_validate(packed));
  TSR_CHECK(out || !packed->rows || !packed->cols, TSR_INVALID_ARGUMENT, "%s: out is NULL", caller);
  TSR_CHECK(ld >= packed->cols && tsr__mul_i64(packed->rows, ld, &bytes) &&
                tsr__mul_i64(bytes, 4, &bytes),
            TSR_INVALID_ARGUMENT, "%s: ld is %lld, the matrix is %lld x %lld", caller,
            (long long)ld, (long long)packed->rows, (long long)packed->cols);
  return TSR_OK;
}

static void unpack(const tsr_packed *packed, void *out, int64_t ld) {
  if (!packed->rows || !packed->cols) return;
  size_t size = tsr__element_bytes(packed->dtype);
  for (int64_t r = 0; r < packed->rows; r++)
    memset((char *)out + (size_t)(r * ld) * size, 0, (size_t)packed->cols * size);
  tsr__format_ops_of(packed->format)->unpack(packed, out, ld);
}

tsr_status tsr_unpack(const tsr_packed *packed, void *out, int64_t ld) {
  TSR_TRY(check_unpack("tsr_unpack", packed, out, ld));
  unpack(packed, out, ld);
  return TSR_OK;
}

tsr_status tsr_unpack_f32(const tsr_packed *packed, float *out, int64_t ld) {
  TSR_TRY(check_unpack("tsr_unpack_f32", packed, out, ld));
  if (packed->dtype == TSR_DTYPE_F32) {
    unpack(packed, out, ld);
    return TSR_OK;
  }
  uint16_t *narrow;
  TSR_TRY(tsr__aligned((size_t)(packed->rows * packed->cols), 2, "unpacking", &narrow));
  unpack(packed, narrow, packed->cols);
  for (int64_t r = 0; r < packed->rows; r++)
    tsr__to_f32(narrow + r * packed->cols, packed->dtype, out + r * ld, (uint64_t)packed->cols);
  free(narrow);
  return TSR_OK;
}

void tsr_canonical_zeros(void *data, tsr_dtype dtype, int64_t count) {
  if (!data || count <= 0) return;
  if (dtype != TSR_DTYPE_F32 && dtype != TSR_DTYPE_F16 && dtype != TSR_DTYPE_BF16) return;
  uint32_t negative_zero = dtype == TSR_DTYPE_F32 ? 0x80000000u : 0x8000u;
  for (int64_t i = 0; i < count; i++)
    if (tsr__bits_at(data, dtype, i) == negative_zero) tsr__put_bits(data, dtype, i, 0);
}
