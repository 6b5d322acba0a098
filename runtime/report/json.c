/* {"machine": {...}, "records": [{...}, ...]}; no value = null. */
#include <jansson.h>

#include "runtime/base/status.h"
#include "runtime/report/report.h"

static json_t *number_or_null(int64_t number) {
  return number ? json_integer(number) : json_null();
}

/* Every function here gives NULL when out of memory; jansson's *_new functions take NULL and fail.
 * A NULL json_t is never left in a tree. */
static json_t *machine_json(const tsr_hardware *machine) {
  json_t *isa = json_array(), *missing = json_object();
  int failed = 0;
  for (int i = 0; i < TSR_ISA_CPU_COUNT; i++) {
    const char *name = tsr_isa_name((tsr_isa)i);
    failed |= machine->isa[i]
                  ? json_array_append_new(isa, json_string(name))
                  : json_object_set_new(missing, name, json_string(machine->missing[i]));
  }
  if (failed || !isa || !missing) {
    json_decref(isa);
    json_decref(missing);
    return NULL;
  }
  json_t *json = json_object();
  failed |= json_object_set_new(json, "name", json_string(machine->name));
  failed |=
      json_object_set_new(json, "gpu", *machine->gpu ? json_string(machine->gpu) : json_null());
  failed |= json_object_set_new(json, "isa", isa);
  failed |= json_object_set_new(json, "missing", missing);
  failed |= json_object_set_new(json, "cores", number_or_null(machine->cores));
  failed |= json_object_set_new(json, "l1d_bytes", number_or_null(machine->l1d_bytes));
  failed |= json_object_set_new(json, "l2_bytes", number_or_null(machine->l2_bytes));
  failed |= json_object_set_new(json, "l3_bytes", number_or_null(machine->l3_bytes));
  failed |= json_object_set_new(json, "tessera_version", json_string(tsr_version()));
  if (!failed) return json;
  json_decref(json);
  return NULL;
}

static json_t *value_json(const tsr__value *value) {
  switch (value->type) {
    case TSR__VALUE_TEXT:
      return json_string(value->text);
    case TSR__VALUE_INTEGER:
      return json_integer(value->integer);
    case TSR__VALUE_REAL:
      return json_real(value->real);
    default:
      return json_null();
  }
}

static json_t *record_json(const tsr_record *record) {
  json_t *json = json_object();
  for (size_t f = 0; tsr__field_name(f); f++) {
    tsr__value value = tsr__field_value(record, f);
    if (json_object_set_new(json, tsr__field_name(f), value_json(&value))) {
      json_decref(json);
      return NULL;
    }
  }
  return json;
}

static json_t *report_json(const tsr_report *report) {
  json_t *json = json_object(), *records = json_array();
  int failed = json_object_set_new(json, "machine", machine_json(&report->machine));
  for (size_t r = 0; r < report->count && !failed; r++)
    failed |= json_array_append_new(records, record_json(&report->records[r]));
  failed |= json_object_set_new(json, "records", records);
  if (!failed) return json;
  json_decref(json);
  return NULL;
}

tsr_status tsr_report_write_json(const tsr_report *report, FILE *stream) {
  TSR_CHECK(report && stream, TSR_INVALID_ARGUMENT, "tsr_report_write_json: an argument is NULL");
  json_t *json = report_json(report);
  TSR_CHECK(json, TSR_OUT_OF_MEMORY, "out of memory: a report of %zu records", report->count);
  /* 12 digits: 0.9 stays 0.9. */
  int failed = json_dumpf(json, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
  json_decref(json);
  fputc('\n', stream);
  TSR_TRY(tsr__stream_end(stream));
  TSR_CHECK(!failed, TSR_OUT_OF_MEMORY, "out of memory: writing %zu records", report->count);
  return TSR_OK;
}
