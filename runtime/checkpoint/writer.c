#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/atomic_file.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/checkpoint/json.h"

typedef struct item {
  char *name;
  tsr_dtype dtype;
  int ndim;
  int64_t shape[TSR_TENSOR_DIMS_MAX];
  const void *data;
  uint64_t bytes;
  void *owned; /* data, where it is the writer's own; else NULL */
} item;

typedef struct text_pair {
  char *key, *value;
} text_pair;

struct tsr_checkpoint_writer {
  item *items;
  size_t item_count, item_capacity;
  text_pair *metadata;
  size_t metadata_count, metadata_capacity;
};

tsr_status tsr_checkpoint_writer_create(tsr_checkpoint_writer **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_checkpoint_writer_create: out is NULL");
  return tsr__calloc(1, sizeof **out, "a checkpoint writer", out);
}

void tsr_checkpoint_writer_destroy(tsr_checkpoint_writer *writer) {
  if (!writer) return;
  for (size_t i = 0; i < writer->item_count; i++) {
    free(writer->items[i].name);
    free(writer->items[i].owned);
  }
  for (size_t i = 0; i < writer->metadata_count; i++) {
    free(writer->metadata[i].key);
    free(writer->metadata[i].value);
  }
  free(writer->items);
  free(writer->metadata);
  free(writer);
}

static tsr_status check_text(const char *what, const char *text) {
  size_t left = strlen(text), length;
  for (const char *p = text; left; p += length, left -= length) {
    length = tsr__utf8_length(p, left);
    TSR_CHECK(length, TSR_INVALID_ARGUMENT, "%s " TSR__NAME ": byte %td is not UTF-8", what, text,
              p - text);
  }
  return TSR_OK;
}

tsr_status tsr_checkpoint_writer_add(tsr_checkpoint_writer *writer, const char *name,
                                     tsr_dtype dtype, int ndim, const int64_t *shape,
                                     const void *data) {
  item added = {.dtype = dtype, .ndim = ndim, .data = data};
  TSR_CHECK(writer && name, TSR_INVALID_ARGUMENT,
            "tsr_checkpoint_writer_add: the writer or the name is NULL");
  TSR_TRY(check_text("tensor", name));
  TSR_CHECK(strcmp(name, TSR__METADATA_KEY), TSR_INVALID_ARGUMENT,
            "a tensor cannot be called " TSR__METADATA_KEY);
  TSR_CHECK(tsr_dtype_bits(dtype), TSR_INVALID_ARGUMENT, "tensor " TSR__NAME ": unknown dtype %d",
            name, (int)dtype);
  TSR_CHECK(ndim >= 0 && ndim <= TSR_TENSOR_DIMS_MAX, TSR_INVALID_ARGUMENT,
            "tensor " TSR__NAME ": %d dimensions, not 0 to %d", name, ndim, TSR_TENSOR_DIMS_MAX);
  TSR_CHECK(shape || !ndim, TSR_INVALID_ARGUMENT, "tensor " TSR__NAME ": the shape is NULL", name);
  if (ndim) memcpy(added.shape, shape, (size_t)ndim * sizeof *shape);
  TSR_TRY(tsr__tensor_bytes(TSR_INVALID_ARGUMENT, "checkpoint writer", name, dtype, ndim,
                            added.shape, &added.bytes));
  TSR_CHECK(data || !added.bytes, TSR_INVALID_ARGUMENT, "tensor " TSR__NAME ": the data is NULL",
            name);
  TSR_TRY(tsr__reserve(&writer->items, &writer->item_capacity, writer->item_count, sizeof added));
  TSR_TRY(tsr__strdup(name, &added.name));
  writer->items[writer->item_count++] = added;
  return TSR_OK;
}

tsr_status tsr__checkpoint_writer_add_integers(tsr_checkpoint_writer *writer, const char *name,
                                               const int64_t *values, int64_t count) {
  int64_t *copy;
  TSR_TRY(tsr__calloc((size_t)count, sizeof *copy, "a small tensor", &copy));
  memcpy(copy, values, (size_t)count * sizeof *copy);
  tsr_status status = tsr_checkpoint_writer_add(writer, name, TSR_DTYPE_I64, 1, &count, copy);
  if (status == TSR_OK)
    writer->items[writer->item_count - 1].owned = copy;
  else
    free(copy);
  return status;
}

static tsr_status replace_value(text_pair *pair, const char *value) {
  char *copy;
  TSR_TRY(tsr__strdup(value, &copy));
  free(pair->value);
  pair->value = copy;
  return TSR_OK;
}

tsr_status tsr_checkpoint_writer_metadata(tsr_checkpoint_writer *writer, const char *key,
                                          const char *value) {
  text_pair added = {0};
  TSR_CHECK(writer && key && value, TSR_INVALID_ARGUMENT,
            "tsr_checkpoint_writer_metadata: an argument is NULL");
  TSR_TRY(check_text("metadata key", key));
  TSR_TRY(check_text("metadata value", value));
  for (size_t i = 0; i < writer->metadata_count; i++)
    if (!strcmp(writer->metadata[i].key, key)) return replace_value(&writer->metadata[i], value);
  TSR_TRY(tsr__reserve(&writer->metadata, &writer->metadata_capacity, writer->metadata_count,
                       sizeof added));
  tsr_status status = tsr__strdup(key, &added.key);
  if (status == TSR_OK) status = tsr__strdup(value, &added.value);
  if (status == TSR_OK)
    writer->metadata[writer->metadata_count++] = added;
  else
    free(added.key);
  return status;
}

/* ---- the header ---- */

typedef struct buffer {
  char *text;
  size_t length, capacity;
} buffer;

static tsr_status put(buffer *out, const char *text, size_t length) {
  if (length > out->capacity - out->length) {
    size_t capacity = 2 * (out->length + length) + 256;
    char *grown = realloc(out->text, capacity);
    TSR_CHECK(grown, TSR_OUT_OF_MEMORY, "out of memory: %zu bytes for a header", capacity);
    out->text = grown;
    out->capacity = capacity;
  }
  memcpy(out->text + out->length, text, length);
  out->length += length;
  return TSR_OK;
}

static tsr_status put_text(buffer *out, const char *text) { return put(out, text, strlen(text)); }

static tsr_status put_string(buffer *out, const char *text) {
  static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
  TSR_TRY(put(out, "\"", 1));
  for (const char *p = text; *p; p++) {
    char escaped[8];
    const char *found = strchr(plain, *p);
    if (found)
      snprintf(escaped, sizeof escaped, "\\%c", letters[found - plain]);
    else if ((unsigned char)*p < 0x20)
      snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned)*p);
    else
      snprintf(escaped, sizeof escaped, "%c", *p);
    TSR_TRY(put_text(out, escaped));
  }
  return put(out, "\"", 1);
}

static tsr_status put_number(buffer *out, uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%" PRIu64, value);
  return put_text(out, text);
}

static tsr_status put_metadata(buffer *out, const tsr_checkpoint_writer *writer) {
  TSR_TRY(put_text(out, "\"" TSR__METADATA_KEY "\":{"));
  for (size_t i = 0; i < writer->metadata_count; i++) {
    if (i) TSR_TRY(put(out, ",", 1));
    TSR_TRY(put_string(out, writer->metadata[i].key));
    TSR_TRY(put(out, ":", 1));
    TSR_TRY(put_string(out, writer->metadata[i].value));
  }
  return put(out, "}", 1);
}

static tsr_status put_item(buffer *out, const item *added, uint64_t begin) {
  TSR_TRY(put_string(out, added->name));
  TSR_TRY(put_text(out, ":{\"dtype\":\""));
  TSR_TRY(put_text(out, tsr_dtype_name(added->dtype)));
  TSR_TRY(put_text(out, "\",\"shape\":["));
  for (int d = 0; d < added->ndim; d++) {
    if (d) TSR_TRY(put(out, ",", 1));
    TSR_TRY(put_number(out, (uint64_t)added->shape[d]));
  }
  TSR_TRY(put_text(out, "],\"data_offsets\":["));
  TSR_TRY(put_number(out, begin));
  TSR_TRY(put(out, ",", 1));
  TSR_TRY(put_number(out, begin + added->bytes));
  return put_text(out, "]}");
}

/* The reference writer's order: by type, from the last of the list to the first, then by name.
 * Wider types come later in the list, so that every tensor is aligned to its element. */
static int by_reference_order(const void *a, const void *b) {
  const item *x = a, *y = b;
  if (x->dtype != y->dtype) return x->dtype > y->dtype ? -1 : 1;
  return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const item *)a)->name, ((const item *)b)->name);
}

static int by_key(const void *a, const void *b) {
  return strcmp(((const text_pair *)a)->key, ((const text_pair *)b)->key);
}

static tsr_status sort(tsr_checkpoint_writer *writer) {
  item *items = writer->items;
  if (writer->metadata_count)
    qsort(writer->metadata, writer->metadata_count, sizeof *writer->metadata, by_key);
  if (!writer->item_count) return TSR_OK;
  qsort(items, writer->item_count, sizeof *items, by_name);
  for (size_t i = 1; i < writer->item_count; i++)
    TSR_CHECK(by_name(&items[i - 1], &items[i]), TSR_INVALID_ARGUMENT,
              "tensor " TSR__NAME " was added twice", items[i].name);
  qsort(items, writer->item_count, sizeof *items, by_reference_order);
  return TSR_OK;
}

/* The length and the JSON, padded so that the data begin at a multiple of 8. */
static tsr_status build_header(const tsr_checkpoint_writer *writer, buffer *out) {
  unsigned char length[TSR__HEADER_PREFIX] = {0};
  uint64_t begin = 0;
  TSR_TRY(put(out, (const char *)length, sizeof length));
  TSR_TRY(put(out, "{", 1));
  if (writer->metadata_count) TSR_TRY(put_metadata(out, writer));
  for (size_t i = 0; i < writer->item_count; i++) {
    if (i || writer->metadata_count) TSR_TRY(put(out, ",", 1));
    TSR_TRY(put_item(out, &writer->items[i], begin));
    begin += writer->items[i].bytes;
    TSR_CHECK(begin <= INT64_MAX, TSR_INVALID_ARGUMENT,
              "tensor " TSR__NAME ": the data exceed 2^63 bytes", writer->items[i].name);
  }
  TSR_TRY(put(out, "}", 1));
  while (out->length % 8) TSR_TRY(put(out, " ", 1));
  size_t size = out->length - sizeof length;
  TSR_CHECK(size <= TSR__HEADER_MAX, TSR_UNSUPPORTED,
            "the header would take %zu bytes, more than %d", size, (int)TSR__HEADER_MAX);
  for (size_t i = 0; i < sizeof length; i++) out->text[i] = (char)(size >> (8 * i) & 0xff);
  return TSR_OK;
}

static tsr_status write_file(const tsr_checkpoint_writer *writer, const buffer *header,
                             tsr__atomic_file *file) {
  TSR_TRY(tsr__atomic_file_write(file, header->text, header->length));
  for (size_t i = 0; i < writer->item_count; i++)
    TSR_TRY(tsr__atomic_file_write(file, writer->items[i].data, writer->items[i].bytes));
  return tsr__atomic_file_commit(file);
}

tsr_status tsr_checkpoint_writer_save(tsr_checkpoint_writer *writer, const char *path) {
  TSR_CHECK(writer && path, TSR_INVALID_ARGUMENT,
            "tsr_checkpoint_writer_save: an argument is NULL");
  TSR_CHECK(*path, TSR_INVALID_ARGUMENT, "tsr_checkpoint_writer_save: the path is empty");
  buffer header = {0};
  tsr__atomic_file file;
  TSR_TRY(sort(writer));
  tsr_status status = build_header(writer, &header);
  if (status != TSR_OK) goto free_header;
  status = tsr__atomic_file_open(path, &file);
  if (status == TSR_OK) status = write_file(writer, &header, &file);
  tsr__atomic_file_close(&file);
free_header:
  free(header.text);
  return status;
}
