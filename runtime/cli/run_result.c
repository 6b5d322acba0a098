#include "runtime/cli/run_result.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/status.h"
#include "runtime/checkpoint/json.h"

/* Version 1.0 of the format: magic, version, length of the rest, a Python dictionary padded with
 * blanks. A fixed length, so that the number of rows can be put in at the end. */
enum { NPY_HEADER = 128, NPY_PREFIX = 10 };

static tsr_status check_stream(const tsr__run_result *result) {
  TSR_CHECK(!ferror(result->stream), TSR_IO, "writing the result failed: %s", strerror(errno));
  return TSR_OK;
}

static tsr_status write_npy_header(tsr__run_result *result) {
  char header[NPY_HEADER + 1];
  memcpy(header, "\x93NUMPY\x01\x00", 8);
  header[8] = NPY_HEADER - NPY_PREFIX;
  header[9] = 0;
  int bytes =
      snprintf(header + NPY_PREFIX, sizeof header - NPY_PREFIX,
               "{'descr': '<f4', 'fortran_order': False, 'shape': (%lld,", (long long)result->rows);
  char *end = header + NPY_PREFIX + bytes;
  size_t room = sizeof header - NPY_PREFIX - (size_t)bytes;
  if (result->width)
    end += snprintf(end, room, " %lld), }", (long long)result->width);
  else
    end += snprintf(end, room, "), }");
  memset(end, ' ', (size_t)(header + NPY_HEADER - end));
  header[NPY_HEADER - 1] = '\n';
  fwrite(header, 1, NPY_HEADER, result->stream);
  return check_stream(result);
}

static int is_utf8(const char *text) {
  size_t left = strlen(text), length = 1;
  for (; left && length; text += length, left -= length) length = tsr__utf8_length(text, left);
  return length > 0;
}

/* "text" as a JSON string; empty if it is no UTF-8. */
static tsr_status write_json_text(FILE *stream, const char *text) {
  char *dump = NULL;
  json_t *string = json_string(is_utf8(text) ? text : "");
  if (string) dump = json_dumps(string, JSON_ENCODE_ANY);
  json_decref(string);
  TSR_CHECK(dump, TSR_OUT_OF_MEMORY, "out of memory for the JSON result");
  fputs(dump, stream);
  free(dump);
  return TSR_OK;
}

static tsr_status write_json_classes(const tsr__run_result *result) {
  fputs("  \"classes\": [", result->stream);
  for (int64_t i = 0; i < result->width; i++) {
    if (i) fputs(", ", result->stream);
    TSR_TRY(write_json_text(result->stream, result->classes[i]));
  }
  fputs("],\n", result->stream);
  return TSR_OK;
}

static tsr_status write_json_head(tsr__run_result *result) {
  fputs("{\n  \"model\": ", result->stream);
  TSR_TRY(write_json_text(result->stream, result->model));
  fputs(",\n", result->stream);
  if (result->classes)
    TSR_TRY(write_json_classes(result));
  else if (result->width)
    fprintf(result->stream, "  \"width\": %lld,\n", (long long)result->width);
  fprintf(result->stream, "  \"%s\": [", result->key);
  return check_stream(result);
}

tsr_status tsr__run_result_open(const char *path, tsr__run_result *result) {
  int piped = !path || !strcmp(path, "-");
  TSR_CHECK(result->format != TSR__RUN_NPY || !piped || !isatty(STDOUT_FILENO),
            TSR_INVALID_ARGUMENT, "--format: npy is binary; give a file with --output");
  TSR_TRY(tsr__output_open(path, &result->output));
  result->stream = result->output.stream;
  tsr_status status = TSR_OK;
  if (result->format == TSR__RUN_NPY && piped) {
    result->stream = tmpfile();
    if (!result->stream)
      status = tsr__error(TSR_IO, "cannot make a temporary file: %s", strerror(errno));
  }
  if (status == TSR_OK && result->format == TSR__RUN_NPY) status = write_npy_header(result);
  if (status == TSR_OK && result->format == TSR__RUN_JSON) status = write_json_head(result);
  if (status != TSR_OK) tsr__run_result_close(result);
  return status;
}

tsr_status tsr__run_result_begin_group(tsr__run_result *result) {
  if (!result->grouped) return TSR_OK;
  if (result->format == TSR__RUN_TEXT && result->groups) fputc('\n', result->stream);
  if (result->format == TSR__RUN_JSON)
    fprintf(result->stream, "%s\n    [", result->groups ? "," : "");
  result->groups++;
  result->row_of_group = 0;
  return check_stream(result);
}

tsr_status tsr__run_result_end_group(tsr__run_result *result) {
  if (result->grouped && result->format == TSR__RUN_JSON) fputc(']', result->stream);
  return check_stream(result);
}

/* JSON has no word for what is not finite. */
static void write_number(FILE *stream, double value, int json) {
  if (json && !isfinite(value))
    fputs("null", stream);
  else
    fprintf(stream, "%.9g", value);
}

/* The class that comes after this one (-1: before all) when the greatest is first; among equals the
 * first comes first. */
static int64_t next_class(const tsr__run_result *result, const float *values, int64_t last) {
  int64_t best = -1;
  for (int64_t i = 0; i < result->width; i++) {
    int after = last < 0 || values[i] < values[last] || (values[i] == values[last] && i > last);
    if (after && (best < 0 || values[i] > values[best])) best = i;
  }
  return best;
}

static tsr_status write_json_image(tsr__run_result *result, const float *values,
                                   const char *label) {
  FILE *stream = result->stream;
  int64_t best = next_class(result, values, -1);
  fputs("{\"image\": ", stream);
  TSR_TRY(write_json_text(stream, label));
  fputs(", \"class\": ", stream);
  if (best >= 0)
    TSR_TRY(write_json_text(stream, result->classes[best]));
  else
    fputs("null", stream);
  fprintf(stream, ", \"%s\": ", result->class_key);
  return TSR_OK;
}

static tsr_status write_json_row(tsr__run_result *result, const float *values, const char *label) {
  FILE *stream = result->stream;
  fprintf(stream, "%s\n    ", (result->grouped ? result->row_of_group : result->rows) ? "," : "");
  if (result->classes) TSR_TRY(write_json_image(result, values, label));
  if (result->width) fputc('[', stream);
  for (int64_t i = 0; i < (result->width ? result->width : 1); i++) {
    if (i) fputs(", ", stream);
    write_number(stream, (double)values[i], 1);
  }
  if (result->width) fputc(']', stream);
  if (result->classes) fputc('}', stream);
  return TSR_OK;
}

static void write_text_classes(const tsr__run_result *result, const float *values) {
  int64_t class = -1;
  for (int64_t i = 0; i < result->top && i < result->width; i++) {
    class = next_class(result, values, class);
    if (class < 0) break; /* NaN has no place */
    fprintf(result->stream, "%s%s %.6f", i ? ", " : "", result->classes[class],
            (double)values[class]);
  }
}

static void write_text_row(tsr__run_result *result, const float *values, const char *label) {
  if (result->classes) {
    write_text_classes(result, values);
  } else if (result->width) {
    for (int64_t i = 0; i < result->width; i++) {
      if (i) fputc(' ', result->stream);
      write_number(result->stream, (double)values[i], 0);
    }
  } else {
    fprintf(result->stream, "%.6f", (double)values[0]);
  }
  if (label) fprintf(result->stream, "\t%s", label);
  fputc('\n', result->stream);
}

tsr_status tsr__run_result_row(tsr__run_result *result, const float *values, const char *label) {
  switch (result->format) {
    case TSR__RUN_TEXT:
      write_text_row(result, values, label);
      break;
    case TSR__RUN_JSON:
      TSR_TRY(write_json_row(result, values, label));
      break;
    default:
      fwrite(values, sizeof *values, (size_t)(result->width ? result->width : 1), result->stream);
  }
  result->rows++;
  result->row_of_group++;
  return check_stream(result);
}

static tsr_status copy_to_stdout(FILE *from) {
  char buffer[1 << 16];
  size_t bytes;
  TSR_CHECK(!fseek(from, 0, SEEK_SET), TSR_IO, "reading the temporary file failed");
  while ((bytes = fread(buffer, 1, sizeof buffer, from)))
    TSR_CHECK(fwrite(buffer, 1, bytes, stdout) == bytes, TSR_IO,
              "writing to standard output failed");
  TSR_CHECK(!ferror(from), TSR_IO, "reading the temporary file failed");
  return TSR_OK;
}

tsr_status tsr__run_result_commit(tsr__run_result *result) {
  if (result->format == TSR__RUN_JSON) fputs("\n  ]\n}\n", result->stream);
  if (result->format == TSR__RUN_NPY) {
    TSR_CHECK(!fseek(result->stream, 0, SEEK_SET), TSR_IO, "rewinding the result failed: %s",
              strerror(errno));
    TSR_TRY(write_npy_header(result));
    if (result->stream != result->output.stream) TSR_TRY(copy_to_stdout(result->stream));
  }
  TSR_TRY(check_stream(result));
  return tsr__output_commit(&result->output);
}

void tsr__run_result_close(tsr__run_result *result) {
  if (result->stream && result->stream != result->output.stream) fclose(result->stream);
  result->stream = NULL;
  tsr__output_discard(&result->output);
}
