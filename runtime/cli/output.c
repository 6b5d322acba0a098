#include "runtime/cli/output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/status.h"

static tsr_status write_error(const char *path) {
  return tsr__error(TSR_IO, "%s: cannot write: %s", path, strerror(errno));
}

tsr_status tsr__output_open(const char *path, tsr__output *out) {
  *out = (tsr__output){0};
  if (!path || !strcmp(path, "-")) {
    out->stream = stdout;
    return TSR_OK;
  }
  tsr_status status = tsr__atomic_file_open(path, &out->file);
  if (status == TSR_OK) {
    /* The stream closes a descriptor of its own; the file still needs the first one to sync. */
    int copy = dup(out->file.fd);
    out->stream = copy < 0 ? NULL : fdopen(copy, "wb");
    if (!out->stream) {
      status = write_error(path);
      if (copy >= 0) close(copy);
    }
  }
  if (status != TSR_OK) tsr__atomic_file_close(&out->file);
  return status;
}

tsr_status tsr__output_commit(tsr__output *output) {
  if (!output->file.path) return TSR_OK;
  int failed = fflush(output->stream) || ferror(output->stream);
  return failed ? write_error(output->file.path) : tsr__atomic_file_commit(&output->file);
}

void tsr__output_discard(tsr__output *output) {
  if (!output->stream || output->stream == stdout) return;
  fclose(output->stream);
  tsr__atomic_file_close(&output->file);
  *output = (tsr__output){0};
}

tsr_status tsr__print_json(json_t *value, FILE *stream) {
  TSR_CHECK(value, TSR_OUT_OF_MEMORY, "out of memory for the JSON result");
  int failed = json_dumpf(value, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
  json_decref(value);
  TSR_CHECK(!failed || ferror(stream), TSR_OUT_OF_MEMORY, "out of memory for the JSON result");
  TSR_CHECK(!failed && fputc('\n', stream) != EOF, TSR_IO, "writing the JSON result failed");
  return TSR_OK;
}

json_t *tsr__json_append(json_t *array, json_t *value) {
  if (array && value && !json_array_append_new(array, value)) return array;
  if (!array) json_decref(value);
  json_decref(array);
  return NULL;
}

const char *tsr__bytes_text(double bytes, char text[TSR__BYTES_TEXT]) {
  static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
  int unit = 0;
  while (bytes >= 999.5 && unit < 4) {
    bytes /= 1000;
    unit++;
  }
  int decimals = unit && bytes < 99.95 ? 1 : 0;
  snprintf(text, TSR__BYTES_TEXT, "%.*f %s", decimals, bytes, units[unit]);
  return text;
}
