/* The header of a safetensors file: a 64-bit little-endian length, then JSON. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/checkpoint/json.h"

tsr_status tsr__tensor_bytes(tsr_status failure, const char *file, const char *name,
                             tsr_dtype dtype, int ndim, const int64_t *shape, uint64_t *bytes) {
  int64_t count = 1, bits;
  for (int d = 0; d < ndim; d++) {
    TSR_CHECK(shape[d] >= 0, failure, TSR__FILE ": tensor " TSR__NAME ": dimension %d is %" PRId64,
              file, name, d, shape[d]);
    TSR_CHECK(tsr__mul_i64(count, shape[d], &count), failure,
              TSR__FILE ": tensor " TSR__NAME
                        ": the product of its shape overflows at dimension %d (%" PRId64 ")",
              file, name, d, shape[d]);
  }
  TSR_CHECK(tsr__mul_i64(count, tsr_dtype_bits(dtype), &bits), failure,
            TSR__FILE ": tensor " TSR__NAME ": %" PRId64 " elements of %s overflow", file, name,
            count, tsr_dtype_name(dtype));
  TSR_CHECK(bits % 8 == 0, failure,
            TSR__FILE ": tensor " TSR__NAME ": %" PRId64 " elements of %s are no whole bytes", file,
            name, count, tsr_dtype_name(dtype));
  *bytes = (uint64_t)bits / 8;
  return TSR_OK;
}

static tsr_status read_shape(tsr__json *json, tsr_tensor *tensor) {
  int more = 0;
  TSR_TRY(tsr__json_begin(json, '[', &more));
  for (;;) {
    int64_t size;
    TSR_TRY(tsr__json_next(json, ']', &more));
    if (!more) return TSR_OK;
    TSR_TRY(tsr__json_int(json, &size));
    if (size < 0) return tsr__json_error(json, "the shape holds %" PRId64, size);
    TSR_CHECK(tensor->ndim < TSR_TENSOR_DIMS_MAX, TSR_UNSUPPORTED,
              TSR__FILE ": tensor " TSR__NAME ": more than %d dimensions", json->file,
              json->subject, TSR_TENSOR_DIMS_MAX);
    tensor->shape[tensor->ndim++] = size;
  }
}

static tsr_status read_offsets(tsr__json *json, int64_t offsets[2]) {
  int more = 0, count = 0;
  TSR_TRY(tsr__json_begin(json, '[', &more));
  for (;;) {
    int64_t value;
    TSR_TRY(tsr__json_next(json, ']', &more));
    if (!more) break;
    TSR_TRY(tsr__json_int(json, &value));
    if (value < 0) return tsr__json_error(json, "data_offsets holds %" PRId64, value);
    if (count == 2) return tsr__json_error(json, "data_offsets has more than 2 entries");
    offsets[count++] = value;
  }
  if (count < 2) return tsr__json_error(json, "data_offsets has %d entries, not 2", count);
  return TSR_OK;
}

static tsr_status read_dtype(tsr__json *json, tsr_dtype *out) {
  const char *text;
  TSR_TRY(tsr__json_string(json, &text));
  if (tsr_dtype_parse(text, out) != TSR_OK)
    return tsr__error(TSR_UNSUPPORTED, TSR__FILE ": tensor " TSR__NAME ": unknown dtype " TSR__NAME,
                      json->file, json->subject, text);
  return TSR_OK;
}

enum { HAS_DTYPE = 1, HAS_SHAPE = 2, HAS_OFFSETS = 4, HAS_ALL = 7 };

static tsr_status read_fields(tsr__json *json, tsr_tensor *tensor, int64_t offsets[2]) {
  int more = 0, seen = 0;
  TSR_TRY(tsr__json_begin(json, '{', &more));
  for (;;) {
    const char *key;
    TSR_TRY(tsr__json_next(json, '}', &more));
    if (!more) break;
    TSR_TRY(tsr__json_key(json, &key));
    int field = !strcmp(key, "dtype")          ? HAS_DTYPE
                : !strcmp(key, "shape")        ? HAS_SHAPE
                : !strcmp(key, "data_offsets") ? HAS_OFFSETS
                                               : 0;
    if (!field) return tsr__json_error(json, "unknown key " TSR__NAME, key);
    if (seen & field) return tsr__json_error(json, "the key '%s' appears twice", key);
    seen |= field;
    if (field == HAS_DTYPE) TSR_TRY(read_dtype(json, &tensor->dtype));
    if (field == HAS_SHAPE) TSR_TRY(read_shape(json, tensor));
    if (field == HAS_OFFSETS) TSR_TRY(read_offsets(json, offsets));
  }
  const char *missing = !(seen & HAS_DTYPE) ? "dtype" : !(seen & HAS_SHAPE) ? "shape" : NULL;
  if (!(seen & HAS_OFFSETS) && !missing) missing = "data_offsets";
  return missing ? tsr__json_error(json, "the key '%s' is missing", missing) : TSR_OK;
}

/* data: the file's first byte after the header, data_size bytes. */
static tsr_status read_tensor(tsr__json *json, const unsigned char *data, size_t data_size,
                              tsr_tensor *tensor) {
  int64_t offsets[2] = {0};
  TSR_TRY(read_fields(json, tensor, offsets));
  TSR_TRY(tsr__tensor_bytes(TSR_MALFORMED, json->file, tensor->name, tensor->dtype, tensor->ndim,
                            tensor->shape, &tensor->bytes));
  TSR_CHECK(offsets[0] <= offsets[1], TSR_MALFORMED,
            TSR__FILE ": tensor " TSR__NAME ": data_offsets [%" PRId64 ", %" PRId64
                      "] end before they begin",
            json->file, tensor->name, offsets[0], offsets[1]);
  TSR_CHECK((uint64_t)offsets[1] <= data_size, TSR_MALFORMED,
            TSR__FILE ": tensor " TSR__NAME ": data_offsets [%" PRId64 ", %" PRId64
                      "] go beyond the %zu data bytes of the file",
            json->file, tensor->name, offsets[0], offsets[1], data_size);
  TSR_CHECK((uint64_t)(offsets[1] - offsets[0]) == tensor->bytes, TSR_MALFORMED,
            TSR__FILE ": tensor " TSR__NAME ": data_offsets [%" PRId64 ", %" PRId64
                      "] span %" PRId64 " bytes, its dtype and shape take %" PRIu64,
            json->file, tensor->name, offsets[0], offsets[1], offsets[1] - offsets[0],
            tensor->bytes);
  tensor->data = data + offsets[0];
  return TSR_OK;
}

static tsr_status read_metadata(tsr__json *json, tsr_checkpoint *checkpoint, size_t index) {
  int more = 0;
  json->subject = TSR__METADATA_KEY;
  TSR_TRY(tsr__json_begin(json, '{', &more));
  for (;;) {
    tsr__pair pair = {.image = index};
    TSR_TRY(tsr__json_next(json, '}', &more));
    if (!more) break;
    TSR_TRY(tsr__json_key(json, &pair.key));
    TSR_TRY(tsr__json_string(json, &pair.value));
    TSR_TRY(tsr__reserve(&checkpoint->metadata, &checkpoint->metadata_capacity,
                         checkpoint->metadata_count, sizeof pair));
    checkpoint->metadata[checkpoint->metadata_count++] = pair;
  }
  json->subject = NULL;
  return TSR_OK;
}

static tsr_status read_entries(tsr__json *json, tsr_checkpoint *checkpoint, size_t index) {
  const tsr__image *image = &checkpoint->images[index];
  const unsigned char *data = (const unsigned char *)json->end;
  size_t data_size = (size_t)(image->bytes + image->size - data);
  int more = 0, metadata_seen = 0;
  TSR_TRY(tsr__json_begin(json, '{', &more));
  for (;;) {
    tsr_tensor tensor = {.file = image->path};
    TSR_TRY(tsr__json_next(json, '}', &more));
    if (!more) return TSR_OK;
    TSR_TRY(tsr__json_key(json, &tensor.name));
    if (!strcmp(tensor.name, TSR__METADATA_KEY)) {
      if (metadata_seen++) return tsr__json_error(json, "the key '%s' appears twice", tensor.name);
      TSR_TRY(read_metadata(json, checkpoint, index));
      continue;
    }
    json->subject = tensor.name;
    TSR_TRY(read_tensor(json, data, data_size, &tensor));
    json->subject = NULL;
    TSR_TRY(tsr__reserve(&checkpoint->tensors, &checkpoint->tensor_capacity,
                         checkpoint->tensor_count, sizeof tensor));
    checkpoint->tensors[checkpoint->tensor_count++] = tensor;
  }
}

/* By place in the file; of two at the same place the empty one comes first. */
static int by_place(const void *a, const void *b) {
  const tsr_tensor *x = a, *y = b;
  uintptr_t p = (uintptr_t)x->data, q = (uintptr_t)y->data;
  if (p != q) return p < q ? -1 : 1;
  return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

/* The tensors must tile the data: no hole, no overlap, nothing left. */
static tsr_status check_tiling(const tsr__image *image, const unsigned char *data,
                               tsr_tensor *tensors, size_t count) {
  const unsigned char *reached = data;
  if (count) qsort(tensors, count, sizeof *tensors, by_place);
  for (size_t i = 0; i < count; i++) {
    const unsigned char *begin = tensors[i].data;
    TSR_CHECK(begin <= reached, TSR_MALFORMED,
              TSR__FILE ": tensor " TSR__NAME
                        ": begins at byte %td of the data, leaving a hole "
                        "after byte %td",
              image->path, tensors[i].name, begin - data, reached - data);
    TSR_CHECK(begin >= reached, TSR_MALFORMED,
              TSR__FILE ": tensor " TSR__NAME
                        ": begins at byte %td of the data, overlapping "
                        "another that ends at byte %td",
              image->path, tensors[i].name, begin - data, reached - data);
    reached = begin + tensors[i].bytes;
  }
  TSR_CHECK(reached == image->bytes + image->size, TSR_MALFORMED,
            TSR__FILE ": the tensors end at byte %td of the data, the file at byte %td",
            image->path, reached - data, image->bytes + image->size - data);
  return TSR_OK;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const tsr_tensor *)a)->name, ((const tsr_tensor *)b)->name);
}

static tsr_status check_names(const tsr__image *image, tsr_tensor *tensors, size_t count) {
  if (count) qsort(tensors, count, sizeof *tensors, by_name);
  for (size_t i = 1; i < count; i++)
    TSR_CHECK(by_name(&tensors[i - 1], &tensors[i]), TSR_MALFORMED,
              TSR__FILE ": tensor " TSR__NAME " appears twice", image->path, tensors[i].name);
  return TSR_OK;
}

/* The JSON's length, once the file is known to be able to hold it. */
static tsr_status read_length(const tsr__image *image, size_t *out) {
  TSR_CHECK(image->size >= TSR__HEADER_PREFIX, TSR_MALFORMED,
            TSR__FILE ": %zu bytes are too few for a safetensors file", image->path, image->size);
  uint64_t length = 0;
  for (int i = TSR__HEADER_PREFIX - 1; i >= 0; i--) length = length << 8 | image->bytes[i];
  TSR_CHECK(length <= TSR__HEADER_MAX, TSR_MALFORMED,
            TSR__FILE ": the header's length %" PRIu64 " is more than %d", image->path, length,
            (int)TSR__HEADER_MAX);
  TSR_CHECK(length <= image->size - TSR__HEADER_PREFIX, TSR_MALFORMED,
            TSR__FILE ": the header's length %" PRIu64 " goes beyond the file's %zu bytes",
            image->path, length, image->size);
  TSR_CHECK(length > 0, TSR_MALFORMED, TSR__FILE ": the header's length is 0", image->path);
  TSR_CHECK(image->bytes[TSR__HEADER_PREFIX] == '{', TSR_MALFORMED,
            TSR__FILE ": the header begins with byte 0x%02x, not '{'", image->path,
            image->bytes[TSR__HEADER_PREFIX]);
  *out = (size_t)length;
  return TSR_OK;
}

tsr_status tsr__header_read(tsr_checkpoint *checkpoint, size_t index) {
  tsr__image *image = &checkpoint->images[index];
  size_t length = 0, first = checkpoint->tensor_count;
  TSR_TRY(read_length(image, &length));
  TSR_TRY(tsr__calloc(length + 1, 1, image->path, &image->text));
  const char *begin = (const char *)image->bytes + TSR__HEADER_PREFIX;
  tsr__json json = {.file = image->path,
                    .begin = begin,
                    .at = begin,
                    .end = begin + length,
                    .strings = image->text};
  TSR_TRY(read_entries(&json, checkpoint, index));
  while (json.at < json.end && *json.at == ' ') json.at++;
  if (json.at < json.end)
    return tsr__json_error(&json, "byte 0x%02x after the closing brace, where only spaces may be",
                           (unsigned char)*json.at);
  size_t count = checkpoint->tensor_count - first;
  tsr_tensor *tensors = count ? checkpoint->tensors + first : NULL;
  TSR_TRY(check_names(image, tensors, count));
  return check_tiling(image, (const unsigned char *)json.end, tensors, count);
}
