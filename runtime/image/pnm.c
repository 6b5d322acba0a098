/* PGM and PPM in their binary forms: "P5" or "P6", width, height and the greatest value as decimal
 * numbers between blanks and comments, one blank, the values (two bytes each, big-endian, if the
 * greatest is above 255). */
#include <string.h>

#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/image/reader.h"

enum { VALUE_MAX = 65535 };

static int is_blank(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static int recognises(const tsr__file_bytes *file) {
  return file->size >= 3 && file->bytes[0] == 'P' && file->bytes[1] >= '1' &&
         file->bytes[1] <= '7' && (is_blank(file->bytes[2]) || file->bytes[2] == '#');
}

/* Blanks, and comments from '#' to the end of the line. */
static size_t skip_blanks(const tsr__file_bytes *file, size_t at) {
  int comment = 0;
  for (; at < file->size; at++) {
    int c = file->bytes[at];
    if (c == '#') comment = 1;
    if (!comment && !is_blank(c)) break;
    if (c == '\n' || c == '\r') comment = 0;
  }
  return at;
}

static tsr_status read_number(const tsr__file_bytes *file, const char *what, size_t *at,
                              int64_t *out) {
  size_t begin = skip_blanks(file, *at), end = begin;
  *out = 0;
  for (; end < file->size && file->bytes[end] >= '0' && file->bytes[end] <= '9'; end++)
    if (*out < INT32_MAX) *out = 10 * *out + (file->bytes[end] - '0');
  TSR_CHECK(end > begin, TSR_MALFORMED, TSR__FILE ": byte %zu: no number for the %s", file->name,
            begin, what);
  *at = end;
  return TSR_OK;
}

static tsr_status read_header(const tsr__file_bytes *file, tsr__images *out, size_t *at,
                              int64_t *greatest) {
  *at = 2;
  out->count = 1;
  out->channels = file->bytes[1] == '6' ? 3 : 1;
  TSR_TRY(read_number(file, "width", at, &out->width));
  TSR_TRY(read_number(file, "height", at, &out->height));
  TSR_TRY(read_number(file, "greatest value", at, greatest));
  TSR_CHECK(*greatest >= 1 && *greatest <= VALUE_MAX, TSR_MALFORMED,
            TSR__FILE ": the greatest value is %lld, not 1 to %d", file->name, (long long)*greatest,
            (int)VALUE_MAX);
  TSR_CHECK(*at < file->size && is_blank(file->bytes[*at]), TSR_MALFORMED,
            TSR__FILE ": byte %zu: no blank before the values", file->name, *at);
  (*at)++;
  out->dtype = *greatest == 255 ? TSR_DTYPE_U8 : TSR_DTYPE_F32;
  return TSR_OK;
}

/* Values in parts of the greatest one. */
static tsr_status scale(const tsr__file_bytes *file, size_t at, int64_t greatest, size_t values,
                        float *out) {
  int wide = greatest > 255;
  for (size_t i = 0; i < values; i++) {
    const unsigned char *b = file->bytes + at + (wide ? 2 * i : i);
    int64_t value = wide ? b[0] << 8 | b[1] : b[0];
    TSR_CHECK(value <= greatest, TSR_MALFORMED,
              TSR__FILE ": the value %lld is above the greatest one, %lld", file->name,
              (long long)value, (long long)greatest);
    out[i] = (float)value / (float)greatest;
  }
  return TSR_OK;
}

static tsr_status read(const tsr__file_bytes *file, tsr__images *out) {
  TSR_CHECK(file->bytes[1] == '5' || file->bytes[1] == '6', TSR_UNSUPPORTED,
            TSR__FILE ": P%c; the binary forms of PGM (P5) and PPM (P6) are supported", file->name,
            file->bytes[1]);
  size_t at, bytes;
  int64_t greatest;
  TSR_TRY(read_header(file, out, &at, &greatest));
  TSR_TRY(tsr__images_bytes(file, out, &bytes));
  size_t values = (size_t)(out->height * out->width * out->channels);
  size_t wanted = greatest > 255 ? 2 * values : values;
  TSR_CHECK(file->size - at == wanted, TSR_MALFORMED,
            TSR__FILE ": %lld x %lld pixels take %zu bytes, the file holds %zu", file->name,
            (long long)out->width, (long long)out->height, wanted, file->size - at);
  TSR_TRY(tsr__images_allocate(file, out));
  if (out->dtype == TSR_DTYPE_F32) return scale(file, at, greatest, values, out->pixels);
  memcpy(out->pixels, file->bytes + at, bytes);
  return TSR_OK;
}

const tsr__image_reader tsr__image_reader_pnm = {recognises, read};
