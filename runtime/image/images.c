#include "runtime/image/images.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/image/npy.h"

static const tsr__image_reader *const readers[] = {
#define TSR_IMAGE_READER(name) &tsr__image_reader_##name,
#include "runtime/image/readers.inc"
#undef TSR_IMAGE_READER
};

int tsr__begins_with(const tsr__file_bytes *file, const char *magic, size_t bytes) {
  return file->size >= bytes && !memcmp(file->bytes, magic, bytes);
}

tsr_status tsr__images_bytes(const tsr__file_bytes *file, const tsr__images *out, size_t *bytes) {
  TSR_CHECK(out->count >= 0 && out->height > 0 && out->width > 0, TSR_MALFORMED,
            TSR__FILE ": %lld images of %lld x %lld pixels", file->name, (long long)out->count,
            (long long)out->height, (long long)out->width);
  TSR_CHECK(out->channels == 1 || out->channels == 3, TSR_UNSUPPORTED,
            TSR__FILE ": %lld channels; 1 (grey) and 3 (RGB) are supported", file->name,
            (long long)out->channels);
  TSR_CHECK(out->height <= TSR__IMAGE_SIDE_MAX && out->width <= TSR__IMAGE_SIDE_MAX,
            TSR_UNSUPPORTED, TSR__FILE ": %lld x %lld pixels; a side has at most %d", file->name,
            (long long)out->height, (long long)out->width, (int)TSR__IMAGE_SIDE_MAX);
  int64_t total = out->height * out->width * out->channels * (tsr_dtype_bits(out->dtype) / 8);
  TSR_CHECK(tsr__mul_i64(total, out->count, &total) && total <= TSR__IMAGE_BYTES_MAX,
            TSR_UNSUPPORTED,
            TSR__FILE ": %lld images of %lld x %lld pixels take more than %d bytes", file->name,
            (long long)out->count, (long long)out->height, (long long)out->width,
            (int)TSR__IMAGE_BYTES_MAX);
  *bytes = (size_t)total;
  return TSR_OK;
}

tsr_status tsr__images_allocate(const tsr__file_bytes *file, tsr__images *out) {
  size_t bytes = 0;
  TSR_TRY(tsr__images_bytes(file, out, &bytes));
  return tsr__calloc(bytes, 1, file->name, &out->pixels);
}

void tsr__images_release(tsr__images *images) {
  free(images->pixels);
  *images = (tsr__images){0};
}

static tsr_status decode_plain(const tsr__file_bytes *file, tsr__images *out) {
  for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++)
    if (readers[i]->recognises(file)) return readers[i]->read(file, out);
  unsigned char first[4] = {0};
  memcpy(first, file->bytes, file->size < 4 ? file->size : 4);
  return tsr__error(TSR_UNSUPPORTED,
                    TSR__FILE
                    ": %zu bytes that begin with %02x %02x %02x %02x are no IDX, .npy, "
                    "PGM, PPM or PNG file",
                    file->name, file->size, first[0], first[1], first[2], first[3]);
}

/* Calls use with the file's bytes, uncompressed if need be. */
static tsr_status with_plain_bytes(const tsr__file_bytes *file,
                                   tsr_status (*use)(const tsr__file_bytes *, void *), void *out) {
  if (!tsr__is_gzip(file)) return use(file, out);
  unsigned char *bytes = NULL;
  tsr__file_bytes plain = {.name = file->name};
  tsr_status status = tsr__gunzip(file, &bytes, &plain.size);
  plain.bytes = bytes;
  if (status == TSR_OK) status = use(&plain, out);
  free(bytes);
  return status;
}

static tsr_status use_as_images(const tsr__file_bytes *file, void *out) {
  tsr__images *images = out;
  tsr_status status = decode_plain(file, images);
  if (status != TSR_OK) tsr__images_release(images);
  return status;
}

static tsr_status use_as_labels(const tsr__file_bytes *file, void *out) {
  tsr__labels *labels = out;
  const unsigned char *data;
  TSR_TRY(tsr__idx_parse(file, 1, &labels->count, &data));
  TSR_TRY(tsr__calloc((size_t)labels->count, 1, file->name, &labels->values));
  memcpy(labels->values, data, (size_t)labels->count);
  return TSR_OK;
}

tsr_status tsr__images_decode(const char *name, const unsigned char *bytes, size_t size,
                              tsr__images *out) {
  *out = (tsr__images){0};
  return with_plain_bytes(&(tsr__file_bytes){name, bytes, size}, use_as_images, out);
}

static tsr_status read_file(const char *path, tsr_status (*use)(const tsr__file_bytes *, void *),
                            void *out) {
  static const unsigned char nothing[1];
  tsr__image file = {0};
  TSR_TRY(tsr__image_map(path, &file));
  tsr__file_bytes bytes = {path, file.size ? file.bytes : nothing, file.size};
  tsr_status status = with_plain_bytes(&bytes, use, out);
  tsr__image_release(&file);
  return status;
}

tsr_status tsr__images_read(const char *path, tsr__images *out) {
  *out = (tsr__images){0};
  return read_file(path, use_as_images, out);
}

tsr_status tsr__labels_read(const char *path, tsr__labels *out) {
  *out = (tsr__labels){0};
  return read_file(path, use_as_labels, out);
}

static tsr_status use_as_floats(const tsr__file_bytes *file, void *out) {
  tsr__float_array *floats = out;
  tsr__npy array;
  int64_t elements = 1;
  TSR_CHECK(tsr__is_npy(file), TSR_UNSUPPORTED, TSR__FILE ": no .npy file", file->name);
  TSR_TRY(tsr__npy_parse(file, &array));
  for (int d = 0; d < array.ndim; d++)
    TSR_CHECK(tsr__mul_i64(elements, array.dims[d], &elements) && elements <= TSR__IMAGE_BYTES_MAX,
              TSR_UNSUPPORTED, TSR__FILE ": more than %d numbers", file->name,
              (int)TSR__IMAGE_BYTES_MAX);
  TSR_TRY(tsr__npy_check_size(file, &array, (size_t)elements));
  TSR_TRY(tsr__aligned((size_t)elements, sizeof *floats->values, file->name, &floats->values));
  for (int64_t i = 0; i < elements; i++)
    floats->values[i] = (float)tsr__npy_value(&array, (size_t)i);
  floats->ndim = array.ndim;
  memcpy(floats->dims, array.dims, sizeof floats->dims);
  return TSR_OK;
}

tsr_status tsr__float_array_read(const char *path, tsr__float_array *out) {
  *out = (tsr__float_array){0};
  return read_file(path, use_as_floats, out);
}

void tsr__float_array_release(tsr__float_array *array) {
  free(array->values);
  *array = (tsr__float_array){0};
}

void tsr__labels_release(tsr__labels *labels) {
  free(labels->values);
  *labels = (tsr__labels){0};
}

static float pixel_at(const tsr__images *images, int64_t index) {
  if (images->dtype == TSR_DTYPE_F32) return ((const float *)images->pixels)[index];
  return (float)((const unsigned char *)images->pixels)[index] / 255;
}

/* Channel c of what the model takes, from the pixel whose first value is at index. */
static float channel_at(const tsr__images *images, int64_t index, int64_t channels, int64_t c) {
  if (images->channels == channels) return pixel_at(images, index + c);
  if (images->channels == 1) return pixel_at(images, index);
  return 0.299f * pixel_at(images, index) + 0.587f * pixel_at(images, index + 1) +
         0.114f * pixel_at(images, index + 2);
}

tsr_status tsr__images_to_input(const tsr__images *images, const char *name, int64_t first,
                                int64_t count, const tsr__image_input *input, float *out) {
  TSR_CHECK(images->height == input->height && images->width == input->width, TSR_UNSUPPORTED_SHAPE,
            TSR__FILE ": images of %lld x %lld pixels, the model takes %lld x %lld", name,
            (long long)images->height, (long long)images->width, (long long)input->height,
            (long long)input->width);
  int64_t pixels = images->height * images->width;
  for (int64_t p = first * pixels; p < (first + count) * pixels; p++)
    for (int64_t c = 0; c < input->channels; c++) {
      float value = channel_at(images, p * images->channels, input->channels, c);
      *out++ = (value - input->mean[c]) / input->std[c];
    }
  return TSR_OK;
}
