#include "runtime/cli/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

static const char suffix[] = ".XXXXXX";

/* mkstemp makes the file private; a result has the permissions that the user's umask leaves. */
static tsr_status open_temporary(tsr__output *output) {
  int file = mkstemp(output->temporary);
  TSR_CHECK(file >= 0, TSR_IO, "%s: cannot write: %s", output->path, strerror(errno));
  mode_t mask = umask(0);
  umask(mask);
  fchmod(file, 0666 & ~mask);
  output->stream = fdopen(file, "w+b");
  if (output->stream) return TSR_OK;
  close(file);
  unlink(output->temporary);
  return tsr__error(TSR_OUT_OF_MEMORY, "%s: no memory to write it", output->path);
}

tsr_status tsr__output_open(const char *path, tsr__output *out) {
  *out = (tsr__output){0};
  if (!path || !strcmp(path, "-")) {
    out->stream = stdout;
    return TSR_OK;
  }
  size_t bytes = strlen(path) + sizeof suffix;
  tsr_status status = tsr__strdup(path, &out->path);
  if (status == TSR_OK) status = tsr__calloc(bytes, 1, "a file name", &out->temporary);
  if (status == TSR_OK) {
    snprintf(out->temporary, bytes, "%s%s", path, suffix);
    status = open_temporary(out);
  }
  if (status != TSR_OK) {
    free(out->path);
    free(out->temporary);
    *out = (tsr__output){0};
  }
  return status;
}

tsr_status tsr__output_commit(tsr__output *output) {
  if (!output->path) return TSR_OK;
  int failed = fflush(output->stream) || ferror(output->stream) || fsync(fileno(output->stream));
  failed |= fclose(output->stream);
  output->stream = NULL;
  if (!failed) failed = rename(output->temporary, output->path);
  tsr_status status = TSR_OK;
  if (failed) status = tsr__error(TSR_IO, "%s: cannot write: %s", output->path, strerror(errno));
  if (failed) unlink(output->temporary);
  free(output->path);
  free(output->temporary);
  *output = (tsr__output){0};
  return status;
}

void tsr__output_discard(tsr__output *output) {
  if (!output->path) return;
  fclose(output->stream);
  unlink(output->temporary);
  free(output->path);
  free(output->temporary);
  *output = (tsr__output){0};
}

tsr_status tsr__print_json(json_t *value, FILE *stream) {
  TSR_CHECK(value, TSR_OUT_OF_MEMORY, "out of memory for the JSON result");
  int failed = json_dumpf(value, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
  json_decref(value);
  TSR_CHECK(!failed && fputc('\n', stream) != EOF, TSR_IO, "writing the JSON result failed");
  return TSR_OK;
}

int tsr__json_set(json_t *object, const char *key, json_t *value) {
  if (object) return json_object_set_new(object, key, value);
  json_decref(value);
  return -1;
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
