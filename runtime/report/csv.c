/* CSV as in RFC 4180: a header line, CRLF, quotes where a field needs them. No value = empty. */
#include "runtime/report/csv.h"

#include <inttypes.h>
#include <string.h>

#include "runtime/base/status.h"
#include "runtime/report/report.h"

/* Texts hold no line breaks: tsr__record_clean. */
void tsr__csv_text(FILE *stream, const char *text) {
  if (!strpbrk(text, ",\"")) {
    fputs(text, stream);
    return;
  }
  fputc('"', stream);
  for (; *text; text++) {
    if (*text == '"') fputc('"', stream);
    fputc(*text, stream);
  }
  fputc('"', stream);
}

static void put_value(FILE *stream, const tsr__value *value) {
  if (value->type == TSR__VALUE_TEXT)
    tsr__csv_text(stream, value->text);
  else if (value->type == TSR__VALUE_INTEGER)
    fprintf(stream, "%" PRId64, value->integer);
  else if (value->type == TSR__VALUE_REAL)
    fputs(tsr__general(value->real, 9).text, stream);
}

tsr_status tsr_report_write_csv(const tsr_report *report, FILE *stream) {
  TSR_CHECK(report && stream, TSR_INVALID_ARGUMENT, "tsr_report_write_csv: an argument is NULL");
  for (size_t f = 0; tsr__field_name(f); f++)
    fprintf(stream, "%s%s", f ? "," : "", tsr__field_name(f));
  fputs("\r\n", stream);
  for (size_t r = 0; r < report->count; r++) {
    for (size_t f = 0; tsr__field_name(f); f++) {
      tsr__value value = tsr__field_value(&report->records[r], f);
      if (f) fputc(',', stream);
      put_value(stream, &value);
    }
    fputs("\r\n", stream);
  }
  return tsr__stream_end(stream);
}
