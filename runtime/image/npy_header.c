/* NumPy's .npy: magic, version, length of the header (2 bytes, from version 2 on 4, little-endian),
 * the header (a Python dictionary of descr, fortran_order and shape), the elements. */
#include <string.h>

#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/image/npy.h"

enum { MAGIC = 6, KEYS = 3 };

typedef struct cursor {
  const tsr__file_bytes *file;
  size_t at, end; /* of the dictionary */
} cursor;

typedef struct header {
  char descr[4]; /* such as "<f4" */
  int fortran_order;
  int ndim;
  int64_t dims[TSR__NPY_DIMS_MAX];
} header;

/* One row per type of element that is read. */
static const struct {
  const char *descr;
  size_t bytes;
} types[] = {{"|u1", 1}, {"<f4", 4}, {"<f8", 8}};

int tsr__is_npy(const tsr__file_bytes *file) { return tsr__begins_with(file, "\x93NUMPY", MAGIC); }

static tsr_status expected(const cursor *c, const char *what) {
  return tsr__error(TSR_MALFORMED, TSR__FILE ": byte %zu of the .npy header: expected %s",
                    c->file->name, c->at, what);
}

static void skip_blanks(cursor *c) {
  while (c->at < c->end && c->file->bytes[c->at] == ' ') c->at++;
}

/* Takes the character, after blanks, if it is the next one. */
static int take(cursor *c, char wanted) {
  skip_blanks(c);
  if (c->at == c->end || c->file->bytes[c->at] != (unsigned char)wanted) return 0;
  c->at++;
  return 1;
}

static int take_word(cursor *c, const char *word) {
  size_t bytes = strlen(word);
  skip_blanks(c);
  if (c->end - c->at < bytes || memcmp(c->file->bytes + c->at, word, bytes) != 0) return 0;
  c->at += bytes;
  return 1;
}

static tsr_status read_descr(cursor *c, header *out) {
  if (!take(c, '\'')) return expected(c, "a string after 'descr'");
  size_t length = 0;
  while (c->at < c->end && c->file->bytes[c->at] != '\'' && length < sizeof out->descr - 1)
    out->descr[length++] = (char)c->file->bytes[c->at++];
  TSR_CHECK(take(c, '\''), TSR_UNSUPPORTED,
            TSR__FILE ": elements of type '%s...'; |u1, <f4 and <f8 are supported", c->file->name,
            out->descr);
  return TSR_OK;
}

static tsr_status read_order(cursor *c, header *out) {
  out->fortran_order = take_word(c, "True");
  if (out->fortran_order || take_word(c, "False")) return TSR_OK;
  return expected(c, "True or False after 'fortran_order'");
}

static tsr_status read_dim(cursor *c, header *out) {
  int64_t value = 0;
  size_t begin = c->at;
  for (; c->at < c->end && c->file->bytes[c->at] >= '0' && c->file->bytes[c->at] <= '9'; c->at++)
    if (value <= INT32_MAX) value = 10 * value + (c->file->bytes[c->at] - '0');
  if (c->at == begin) return expected(c, "a number or ')' in 'shape'");
  TSR_CHECK(out->ndim < TSR__NPY_DIMS_MAX, TSR_UNSUPPORTED, TSR__FILE ": more than %d dimensions",
            c->file->name, (int)TSR__NPY_DIMS_MAX);
  out->dims[out->ndim++] = value;
  return TSR_OK;
}

static tsr_status read_shape(cursor *c, header *out) {
  if (!take(c, '(')) return expected(c, "'(' after 'shape'");
  while (!take(c, ')')) {
    TSR_TRY(read_dim(c, out));
    if (take(c, ',')) {
      skip_blanks(c);
      continue;
    }
    if (!take(c, ')')) return expected(c, "',' or ')' in 'shape'");
    break;
  }
  return TSR_OK;
}

static const struct {
  const char *key; /* with its quotes */
  tsr_status (*read)(cursor *, header *);
} keys[KEYS] = {{"'descr'", read_descr}, {"'fortran_order'", read_order}, {"'shape'", read_shape}};

static tsr_status read_entry(cursor *c, int seen[KEYS], header *out) {
  for (size_t i = 0; i < KEYS; i++) {
    if (!take_word(c, keys[i].key)) continue;
    TSR_CHECK(!seen[i], TSR_MALFORMED, TSR__FILE ": the .npy header has %s twice", c->file->name,
              keys[i].key);
    seen[i] = 1;
    if (!take(c, ':')) return expected(c, "':'");
    return keys[i].read(c, out);
  }
  return expected(c, "'descr', 'fortran_order' or 'shape'");
}

static tsr_status read_dictionary(cursor *c, header *out) {
  int seen[KEYS] = {0};
  if (!take(c, '{')) return expected(c, "'{'");
  while (!take(c, '}')) {
    TSR_TRY(read_entry(c, seen, out));
    if (take(c, ',')) continue;
    if (!take(c, '}')) return expected(c, "',' or '}'");
    break;
  }
  for (size_t i = 0; i < KEYS; i++)
    TSR_CHECK(seen[i], TSR_MALFORMED, TSR__FILE ": the .npy header has no %s", c->file->name,
              keys[i].key);
  skip_blanks(c);
  if (c->at + 1 != c->end || c->file->bytes[c->at] != '\n')
    return expected(c, "a newline at the end");
  return TSR_OK;
}

/* *data: where the elements begin. */
static tsr_status read_header(const tsr__file_bytes *file, header *out, size_t *data) {
  const unsigned char *b = file->bytes;
  TSR_CHECK(file->size >= MAGIC + 6, TSR_MALFORMED, TSR__FILE ": %zu bytes are too few for .npy",
            file->name, file->size);
  TSR_CHECK(b[6] >= 1 && b[6] <= 3, TSR_UNSUPPORTED, TSR__FILE ": version %d of .npy", file->name,
            b[6]);
  size_t length = b[8] | (size_t)b[9] << 8, begin = MAGIC + 4;
  if (b[6] > 1) {
    length |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
    begin += 2;
  }
  TSR_CHECK(length <= file->size - begin, TSR_MALFORMED,
            TSR__FILE ": the .npy header's length %zu goes beyond the file's %zu bytes", file->name,
            length, file->size);
  cursor c = {file, begin, begin + length};
  *data = c.end;
  return read_dictionary(&c, out);
}

tsr_status tsr__npy_parse(const tsr__file_bytes *file, tsr__npy *out) {
  header h = {0};
  size_t data = 0;
  *out = (tsr__npy){0};
  TSR_TRY(read_header(file, &h, &data));
  TSR_CHECK(!h.fortran_order, TSR_UNSUPPORTED, TSR__FILE ": fortran_order is not supported",
            file->name);
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
    if (!strcmp(h.descr, types[i].descr)) out->element_bytes = types[i].bytes;
  TSR_CHECK(out->element_bytes, TSR_UNSUPPORTED,
            TSR__FILE ": elements of type '%s'; |u1, <f4 and <f8 are supported", file->name,
            h.descr);
  out->ndim = h.ndim;
  memcpy(out->dims, h.dims, sizeof out->dims);
  out->data = file->bytes + data;
  out->bytes = file->size - data;
  return TSR_OK;
}

tsr_status tsr__npy_check_size(const tsr__file_bytes *file, const tsr__npy *array,
                               size_t elements) {
  size_t wanted = elements * array->element_bytes;
  TSR_CHECK(array->bytes == wanted, TSR_MALFORMED,
            TSR__FILE ": the .npy shape takes %zu bytes, the file holds %zu", file->name, wanted,
            array->bytes);
  return TSR_OK;
}

double tsr__npy_value(const tsr__npy *array, size_t index) {
  const unsigned char *from = array->data + index * array->element_bytes;
  float narrow;
  double wide;
  if (array->element_bytes == 1) return *from;
  if (array->element_bytes == 4) return memcpy(&narrow, from, 4), (double)narrow;
  return memcpy(&wide, from, 8), wide;
}
