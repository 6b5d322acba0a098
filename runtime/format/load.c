#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/format/conv_order.h"
#include "runtime/format/format.h"
#include "runtime/format/names.h"

/* What is being loaded. */
typedef struct source {
  const tsr_checkpoint *checkpoint;
  const tsr__format_ops *ops;
  tsr__names *names;
} source;

static const tsr_tensor *find(const source *s, const char *array) {
  return tsr_checkpoint_find(s->checkpoint, tsr__names_of(s->names, s->ops->key, array));
}

static tsr_status need(const source *s, const char *array, const tsr_tensor **out) {
  *out = find(s, array);
  TSR_CHECK(*out, TSR_MALFORMED, "tensor '%.160s' is missing", s->names->text);
  return TSR_OK;
}

/* Reads a 1-D I64 tensor of `count` values. */
static tsr_status read_integers(const source *s, const char *array, int64_t *values, int count) {
  const tsr_tensor *t;
  TSR_TRY(need(s, array, &t));
  TSR_CHECK(t->dtype == TSR_DTYPE_I64 && t->ndim == 1 && t->shape[0] == count, TSR_MALFORMED,
            "tensor '%.160s': not I64 [%d]", t->name, count);
  memcpy(values, t->data, (size_t)count * sizeof *values);
  return TSR_OK;
}

static tsr_status read_params(const source *s, tsr_packed *packed) {
  int64_t values[TSR__PARAMS_MAX];
  size_t fields[TSR__PARAMS_MAX];
  int count = tsr__param_fields(s->ops, fields);
  if (!count) return TSR_OK;
  TSR_TRY(read_integers(s, "params", values, count));
  for (int i = 0; i < count; i++) {
    TSR_CHECK(values[i] >= INT32_MIN && values[i] <= INT32_MAX, TSR_MALFORMED,
              "tensor '%.160s': value %d is %lld", s->names->text, i, (long long)values[i]);
    int32_t value = (int32_t)values[i];
    memcpy((char *)packed + fields[i], &value, sizeof value);
  }
  return TSR_OK;
}

/* All that is known before the arrays themselves: element type, sizes, counts. */
static tsr_status read_sizes(const source *s, tsr_packed *packed) {
  int64_t shape[2];
  const tsr_tensor *values;
  TSR_TRY(read_integers(s, "shape", shape, 2));
  packed->rows = shape[0];
  packed->cols = shape[1];
  TSR_TRY(read_params(s, packed));
  TSR_TRY(need(s, "values", &values));
  TSR_CHECK(values->ndim == s->ops->values_ndim, TSR_MALFORMED,
            "tensor '%.160s' has %d dimensions, not %d", values->name, values->ndim,
            s->ops->values_ndim);
  packed->dtype = values->dtype;
  if (s->ops->measure) s->ops->measure(packed, values->shape);
  return tsr__check_sizes(packed, TSR_MALFORMED);
}

/* Other writers hold column indices as I64. */
static int is_wide(const tsr__array *array, const tsr_tensor *t) {
  return array->dtype == TSR_DTYPE_I32 && t->dtype == TSR_DTYPE_I64;
}

static int in_place(const tsr__array *array, const tsr_tensor *t) {
  size_t alignment = (size_t)tsr_dtype_bits(array->dtype) / 8;
  return !t->bytes || (!is_wide(array, t) && (uintptr_t)t->data % alignment == 0);
}

static tsr_status find_array(const source *s, const tsr__array *array, const tsr_tensor **out) {
  TSR_TRY(need(s, array->key, out));
  const tsr_tensor *t = *out;
  TSR_CHECK(t->dtype == array->dtype || is_wide(array, t), TSR_MALFORMED,
            "tensor '%.160s' is %s, not %s", t->name, tsr_dtype_name(t->dtype),
            tsr_dtype_name(array->dtype));
  TSR_CHECK(t->ndim == array->ndim, TSR_MALFORMED, "tensor '%.160s' has %d dimensions, not %d",
            t->name, t->ndim, array->ndim);
  for (int d = 0; d < t->ndim; d++)
    TSR_CHECK(t->shape[d] == array->shape[d], TSR_MALFORMED,
              "tensor '%.160s': dimension %d is %lld, the other tensors make it %lld", t->name, d,
              (long long)t->shape[d], (long long)array->shape[d]);
  return TSR_OK;
}

static tsr_status copy_array(const tsr__array *array, const tsr_tensor *t, void *to) {
  if (!is_wide(array, t)) {
    if (t->bytes) memcpy(to, t->data, t->bytes);
    return TSR_OK;
  }
  int32_t *narrow = to;
  for (uint64_t i = 0; i < t->bytes / 8; i++) {
    int64_t value;
    memcpy(&value, (const char *)t->data + 8 * i, sizeof value);
    TSR_CHECK(value >= 0 && value <= INT32_MAX, TSR_MALFORMED, "tensor '%.160s'[%llu] = %lld",
              t->name, (unsigned long long)i, (long long)value);
    narrow[i] = (int32_t)value;
  }
  return TSR_OK;
}

/* Points at the tensors where they are aligned, and copies the others into one allocation. */
static tsr_status take_arrays(tsr_packed *packed, const tsr__array *arrays,
                              const tsr_tensor *const *tensors, int count) {
  size_t copied = 0;
  for (int a = 0; a < count; a++)
    if (!in_place(&arrays[a], tensors[a])) copied += tsr__round_line(tensors[a]->bytes);
  if (copied) TSR_TRY(tsr__aligned(copied, 1, "a packed matrix", &packed->owned));
  char *next = packed->owned;
  for (int a = 0; a < count; a++) {
    if (in_place(&arrays[a], tensors[a])) {
      tsr__array_point(packed, &arrays[a], tensors[a]->data);
      continue;
    }
    TSR_TRY(copy_array(&arrays[a], tensors[a], next));
    tsr__array_point(packed, &arrays[a], next);
    next += tsr__round_line(tensors[a]->bytes);
  }
  return TSR_OK;
}

static tsr_status load_arrays(const source *s, tsr_packed *packed) {
  tsr__array arrays[TSR__ARRAYS_MAX];
  const tsr_tensor *tensors[TSR__ARRAYS_MAX];
  size_t bytes;
  TSR_TRY(read_sizes(s, packed));
  int count = s->ops->arrays(packed, arrays);
  for (int a = 0; a < count; a++) TSR_TRY(find_array(s, &arrays[a], &tensors[a]));
  TSR_CHECK(tsr__array_size(&arrays[0], &packed->stored, &bytes), TSR_MALFORMED,
            "tensor '%.160s': its size overflows",
            tsr__names_of(s->names, s->ops->key, arrays[0].key));
  TSR_TRY(take_arrays(packed, arrays, tensors, count));
  return tsr_packed_validate(packed);
}

/* A file without a version comes from another writer: it is read as version 1. */
static tsr_status check_version(const tsr_checkpoint *checkpoint) {
  const char *version = tsr_checkpoint_metadata(checkpoint, TSR__FORMAT_VERSION_KEY);
  TSR_CHECK(!version || !strcmp(version, TSR__FORMAT_VERSION), TSR_UNSUPPORTED,
            "%s is '%.40s', this library reads '%s'", TSR__FORMAT_VERSION_KEY, version,
            TSR__FORMAT_VERSION);
  return TSR_OK;
}

static tsr_status load_packed(const source *s, tsr_packed *packed) {
  TSR_TRY(check_version(s->checkpoint));
  return load_arrays(s, packed);
}

/* torch's [filters, channels, rows, columns] as the matrix of a convolution. */
static tsr_status load_filters(const tsr_tensor *t, tsr_packed *packed) {
  const int64_t *shape = t->shape;
  int64_t taps, cols;
  TSR_CHECK(tsr__mul_i64(shape[2], shape[3], &taps) && tsr__mul_i64(taps, shape[1], &cols),
            TSR_UNSUPPORTED_SHAPE, "%lld x %lld x %lld x %lld", (long long)shape[0],
            (long long)shape[1], (long long)shape[2], (long long)shape[3]);
  packed->dtype = t->dtype;
  packed->rows = shape[0];
  packed->cols = cols;
  TSR_TRY(tsr__check_sizes(packed, TSR_UNSUPPORTED_SHAPE));
  packed->stored = packed->rows * packed->cols;
  TSR_TRY(tsr__aligned(t->bytes, 1, "filters", &packed->owned));
  tsr__conv_to_matrix(t->data, (size_t)tsr_dtype_bits(t->dtype) / 8, shape, packed->owned);
  packed->values = packed->owned;
  return TSR_OK;
}

static tsr_status load_plain(const tsr_tensor *t, tsr_packed *packed) {
  tsr__array values;
  if (t->ndim == 4) return load_filters(t, packed);
  TSR_CHECK(t->ndim == 2, TSR_UNSUPPORTED_SHAPE, "the tensor has %d dimensions, not 2 or 4",
            t->ndim);
  packed->dtype = t->dtype;
  packed->rows = t->shape[0];
  packed->cols = t->shape[1];
  TSR_TRY(tsr__check_sizes(packed, TSR_UNSUPPORTED_SHAPE));
  packed->stored = packed->rows * packed->cols;
  tsr__format_ops_of(TSR_FORMAT_DENSE)->arrays(packed, &values);
  return take_arrays(packed, &values, &t, 1);
}

/* The format under which NAME is stored, and one of its tensors. */
static tsr_status detect(source *s, const char *name, tsr_format *format, const tsr_tensor **out) {
  *format = TSR_FORMAT_DENSE;
  *out = tsr_checkpoint_find(s->checkpoint, name);
  for (int f = 0; f < TSR_FORMAT_COUNT; f++) {
    s->ops = tsr__format_ops_of((tsr_format)f);
    if (!s->ops->key) continue;
    const tsr_tensor *found = find(s, "values");
    if (!found) found = find(s, "shape");
    if (!found) continue;
    TSR_CHECK(!*out, TSR_MALFORMED, "tensor '%.160s' is stored twice: '%.160s' and '%.160s'", name,
              (*out)->name, found->name);
    *format = (tsr_format)f;
    *out = found;
  }
  TSR_CHECK(*out, TSR_NOT_FOUND, "there is no tensor '%.160s' in any form", name);
  s->ops = tsr__format_ops_of(*format);
  return TSR_OK;
}

static tsr_status load(source *s, const char *name, tsr_packed *packed) {
  const tsr_tensor *found;
  TSR_TRY(detect(s, name, &packed->format, &found));
  tsr_status status = s->ops->key ? load_packed(s, packed) : load_plain(found, packed);
  return status ? tsr__error_prefix(status, "%.400s: '%.160s'", found->file, name) : TSR_OK;
}

tsr_status tsr_packed_load(const tsr_checkpoint *checkpoint, const char *name, tsr_packed *out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_packed_load: out is NULL");
  memset(out, 0, sizeof *out);
  TSR_CHECK(checkpoint && name, TSR_INVALID_ARGUMENT, "tsr_packed_load: an argument is NULL");
  tsr__names names;
  TSR_TRY(tsr__names_create(name, &names));
  source s = {.checkpoint = checkpoint, .names = &names};
  tsr_packed packed = {0};
  tsr_status status = load(&s, name, &packed);
  tsr__names_destroy(&names);
  if (status)
    tsr_packed_release(&packed);
  else
    *out = packed;
  return status;
}
