#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/report/report.h"

tsr_status tsr_report_create(const tsr_hardware *machine, tsr_report **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_report_create: out is NULL");
  *out = NULL;
  TSR_CHECK(machine, TSR_INVALID_ARGUMENT, "tsr_report_create: machine is NULL");
  TSR_CHECK(memchr(machine->name, 0, sizeof machine->name), TSR_INVALID_ARGUMENT,
            "tsr_report_create: the machine's name has no end");
  TSR_CHECK(memchr(machine->gpu, 0, sizeof machine->gpu), TSR_INVALID_ARGUMENT,
            "tsr_report_create: the GPU's name has no end");
  for (int i = 0; i < TSR_ISA_COUNT; i++)
    TSR_CHECK(memchr(machine->missing[i], 0, sizeof machine->missing[i]), TSR_INVALID_ARGUMENT,
              "tsr_report_create: why %s is missing has no end", tsr_isa_name((tsr_isa)i));
  tsr_report *report;
  TSR_TRY(tsr__calloc(1, sizeof *report, "a report", &report));
  report->machine = *machine;
  tsr__text_clean(report->machine.name);
  tsr__text_clean(report->machine.gpu);
  for (int i = 0; i < TSR_ISA_COUNT; i++) tsr__text_clean(report->machine.missing[i]);
  *out = report;
  return TSR_OK;
}

void tsr_report_destroy(tsr_report *report) {
  if (!report) return;
  free(report->records);
  free(report);
}

tsr_status tsr_report_add(tsr_report *report, const tsr_record *record) {
  TSR_CHECK(report && record, TSR_INVALID_ARGUMENT, "tsr_report_add: an argument is NULL");
  TSR_TRY(tsr__record_check(record));
  if (report->count == report->capacity) {
    size_t capacity = report->capacity ? 2 * report->capacity : 16;
    tsr_record *records = realloc(report->records, capacity * sizeof *records);
    TSR_CHECK(records, TSR_OUT_OF_MEMORY, "out of memory: %zu records", capacity);
    report->records = records;
    report->capacity = capacity;
  }
  report->records[report->count] = *record;
  tsr__record_clean(&report->records[report->count++]);
  return TSR_OK;
}

size_t tsr_report_count(const tsr_report *report) { return report ? report->count : 0; }

const tsr_record *tsr_report_at(const tsr_report *report, size_t index) {
  return report && index < report->count ? &report->records[index] : NULL;
}
