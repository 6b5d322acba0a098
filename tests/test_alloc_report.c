/* Running out of memory: reports. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tessera/report.h"
#include "tests/alloc_failures.h"

typedef tsr_status writer(const tsr_report *report, FILE *stream);

static tsr_status write_html(const tsr_report *report, FILE *stream) {
  return tsr_report_write_html(report, "title", stream);
}

static tsr_status add_and_write(tsr_report *report, writer *write, FILE *stream) {
  static const tsr_record record = {.kind = TSR_RECORD_LAYER,
                                    .name = "a",
                                    .pattern = "2:4",
                                    .sparsity = 0.5,
                                    .median_ms = 1,
                                    .baseline = "b",
                                    .baseline_median_ms = 2,
                                    .speedup = 2};
  for (int i = 0; i < 20; i++) {
    tsr_status status = tsr_report_add(report, &record);
    if (status != TSR_OK) return status;
  }
  return write(report, stream);
}

static tsr_status report_once(writer *write, FILE *stream) {
  static const tsr_hardware machine = {.name = "cpu", .isa = {1}};
  tsr_report *report;
  tsr_status status = tsr_report_create(&machine, &report);
  if (status == TSR_OK) status = add_and_write(report, write, stream);
  tsr_report_destroy(report);
  return status;
}

static void check(writer *write, int allocations) {
  FILE *stream = fopen("/dev/null", "w");
  cr_assert(stream);
  EXPECT_OUT_OF_MEMORY(report_once(write, stream));
  cr_assert_geq(alloc_failures_count(), allocations);
  fclose(stream);
}

Test(report, text_survives) { check(tsr_report_write_text, 3); }
Test(report, csv_survives) { check(tsr_report_write_csv, 3); }
Test(report, json_survives) { check(tsr_report_write_json, 100); }
Test(report, html_survives) { check(write_html, 7); }
