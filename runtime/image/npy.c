/* Images in NumPy's .npy.
 *
 * Shapes: [height, width], [count, height, width], [height, width, 3 or 1], [count, height, width,
 * 3 or 1] or [count, 3 or 1, height, width]. */
#include "runtime/image/npy.h"

#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"

static int are_channels(int64_t dim) { return dim == 1 || dim == 3; }

/* *planes: the channels come before the pixels. */
static tsr_status read_sizes(const tsr__file_bytes *file, const tsr__npy *h, tsr__images *out,
                             int *planes) {
  const int64_t *d = h->dims;
  *planes = 0;
  if (h->ndim == 2)
    *out = (tsr__images){1, d[0], d[1], 1, TSR_DTYPE_F32, NULL};
  else if (h->ndim == 3 && are_channels(d[2]))
    *out = (tsr__images){1, d[0], d[1], d[2], TSR_DTYPE_F32, NULL};
  else if (h->ndim == 3)
    *out = (tsr__images){d[0], d[1], d[2], 1, TSR_DTYPE_F32, NULL};
  else if (h->ndim == 4 && are_channels(d[3]))
    *out = (tsr__images){d[0], d[1], d[2], d[3], TSR_DTYPE_F32, NULL};
  else if (h->ndim == 4 && are_channels(d[1]))
    *out = (tsr__images){d[0], d[2], d[3], d[1], TSR_DTYPE_F32, NULL}, *planes = 1;
  else
    return tsr__error(TSR_UNSUPPORTED_SHAPE,
                      TSR__FILE
                      ": %d dimensions, of which neither the second nor the last says "
                      "1 (grey) or 3 (RGB) channels, are no images",
                      file->name, h->ndim);
  return TSR_OK;
}

static void copy(const tsr__npy *array, int planes, tsr__images *out) {
  size_t pixels = (size_t)(out->height * out->width), channels = (size_t)out->channels;
  size_t values = (size_t)out->count * pixels * channels;
  for (size_t i = 0; i < values; i++) {
    size_t c = i % channels, p = i / channels % pixels, image = i / channels / pixels;
    double value = tsr__npy_value(array, planes ? (image * channels + c) * pixels + p : i);
    if (out->dtype == TSR_DTYPE_U8)
      ((unsigned char *)out->pixels)[i] = (unsigned char)value;
    else
      ((float *)out->pixels)[i] = (float)value;
  }
}

static tsr_status read(const tsr__file_bytes *file, tsr__images *out) {
  tsr__npy array;
  int planes;
  size_t ignored;
  TSR_TRY(tsr__npy_parse(file, &array));
  TSR_TRY(read_sizes(file, &array, out, &planes));
  if (array.element_bytes == 1) out->dtype = TSR_DTYPE_U8;
  TSR_TRY(tsr__images_bytes(file, out, &ignored));
  TSR_TRY(tsr__npy_check_size(file, &array,
                              (size_t)(out->count * out->height * out->width * out->channels)));
  TSR_TRY(tsr__images_allocate(file, out));
  copy(&array, planes, out);
  return TSR_OK;
}

const tsr__image_reader tsr__image_reader_npy = {tsr__is_npy, read};
