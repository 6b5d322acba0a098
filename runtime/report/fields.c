#include <math.h>
#include <string.h>
#include <utf8proc.h>

#include "runtime/base/status.h"
#include "runtime/report/report.h"

typedef enum field_type { KIND, CACHE, TEXT, INT32, INT64, REAL } field_type;

/* bytes: of the field in the record. optional: 0 means that there is no value. */
static const struct {
  const char *name;
  field_type type;
  size_t offset, bytes;
  int optional;
} fields[] = {
#define FIELD(name, type, optional) \
  { #name, type, offsetof(tsr_record, name), sizeof(((tsr_record *)0)->name), optional }
    FIELD(kind, KIND, 0),
    FIELD(name, TEXT, 1),
    FIELD(m, INT64, 1),
    FIELD(k, INT64, 1),
    FIELD(n, INT64, 1),
    FIELD(pattern, TEXT, 1),
    FIELD(sparsity, REAL, 0),
    FIELD(density, REAL, 0),
    FIELD(format, TEXT, 1),
    FIELD(kernel, TEXT, 1),
    FIELD(reason, TEXT, 1),
    FIELD(backend, TEXT, 1),
    FIELD(dtype, TEXT, 1),
    FIELD(threads, INT32, 1),
    FIELD(batch, INT32, 1),
    FIELD(seq, INT32, 1),
    FIELD(cache, CACHE, 0),
    FIELD(runs, INT32, 1),
    FIELD(median_ms, REAL, 1),
    FIELD(p10_ms, REAL, 1),
    FIELD(p90_ms, REAL, 1),
    FIELD(baseline, TEXT, 1),
    FIELD(baseline_version, TEXT, 1),
    FIELD(baseline_median_ms, REAL, 1),
    FIELD(speedup, REAL, 1),
    FIELD(useful_gflops, REAL, 1),
    FIELD(dense_equivalent_gflops, REAL, 1),
    FIELD(packed_bytes, INT64, 1),
    FIELD(dense_bytes, INT64, 1),
    FIELD(device, TEXT, 1),
    FIELD(launches, INT32, 1),
    FIELD(modelled_us, REAL, 1),
    FIELD(modelled_limiter, TEXT, 1),
    FIELD(baseline_modelled_us, REAL, 1),
    FIELD(executed_share, REAL, 1),
    FIELD(warp_instructions, INT64, 1),
    FIELD(tensor_instructions, INT64, 1),
    FIELD(global_sectors, INT64, 1),
    FIELD(bank_conflicts, INT64, 1),
#undef FIELD
};

enum { FIELD_COUNT = sizeof fields / sizeof *fields };

const char *tsr__field_name(size_t index) {
  return index < FIELD_COUNT ? fields[index].name : NULL;
}

static tsr__value text_value(const char *text) {
  return (tsr__value){*text ? TSR__VALUE_TEXT : TSR__VALUE_NONE, text, 0, 0};
}

static tsr__value integer_value(int64_t integer, int optional) {
  return (tsr__value){integer || !optional ? TSR__VALUE_INTEGER : TSR__VALUE_NONE, NULL, integer,
                      0};
}

tsr__value tsr__field_value(const tsr_record *record, size_t index) {
  const char *at = (const char *)record + fields[index].offset;
  int optional = fields[index].optional;
  int32_t small;
  int64_t large;
  double real;
  switch (fields[index].type) {
    case KIND:
      return text_value(record->kind == TSR_RECORD_MODEL ? "model" : "layer");
    case CACHE:
      return text_value(record->cache == TSR_CACHE_COLD ? "cold" : "warm");
    case TEXT:
      return text_value(at);
    case INT32:
      memcpy(&small, at, sizeof small);
      return integer_value(small, optional);
    case INT64:
      memcpy(&large, at, sizeof large);
      return integer_value(large, optional);
    default:
      memcpy(&real, at, sizeof real);
      return (tsr__value){real != 0 || !optional ? TSR__VALUE_REAL : TSR__VALUE_NONE, NULL, 0,
                          real};
  }
}

tsr_status tsr__record_check(const tsr_record *record) {
  TSR_CHECK(record->kind == TSR_RECORD_LAYER || record->kind == TSR_RECORD_MODEL,
            TSR_INVALID_ARGUMENT, "record: kind is %d", (int)record->kind);
  TSR_CHECK(record->cache == TSR_CACHE_WARM || record->cache == TSR_CACHE_COLD,
            TSR_INVALID_ARGUMENT, "record: cache is %d", (int)record->cache);
  for (size_t i = 0; i < FIELD_COUNT; i++) {
    if (fields[i].type == TEXT)
      TSR_CHECK(memchr((const char *)record + fields[i].offset, 0, fields[i].bytes),
                TSR_INVALID_ARGUMENT, "record: %s has no end", fields[i].name);
    tsr__value value = tsr__field_value(record, i);
    TSR_CHECK(value.integer >= 0, TSR_INVALID_ARGUMENT, "record: %s is %lld", fields[i].name,
              (long long)value.integer);
    TSR_CHECK(isfinite(value.real), TSR_INVALID_ARGUMENT, "record: %s is %g", fields[i].name,
              value.real);
  }
  return TSR_OK;
}

void tsr__text_clean(char *text) {
  for (size_t left = strlen(text); left > 0;) {
    utf8proc_int32_t code;
    utf8proc_ssize_t length =
        utf8proc_iterate((const uint8_t *)text, (utf8proc_ssize_t)left, &code);
    if (length <= 0) length = 1, code = 0;
    /* C0 and C1 controls, DEL, and the two code points that XML forbids. */
    if (code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0xFFFE || code == 0xFFFF)
      memset(text, '?', (size_t)length);
    text += length;
    left -= (size_t)length;
  }
}

void tsr__record_clean(tsr_record *record) {
  for (size_t i = 0; i < FIELD_COUNT; i++)
    if (fields[i].type == TEXT) tsr__text_clean((char *)record + fields[i].offset);
}
