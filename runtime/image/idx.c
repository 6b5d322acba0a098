/* IDX, as the MNIST data sets come: two zero bytes, the type of the elements, the number of
 * dimensions, the dimensions (big-endian, 32 bits), the elements. */
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/image/reader.h"

enum { TYPE_U8 = 0x08, PREFIX = 4 };

static int64_t big_endian(const unsigned char *b) {
  return (int64_t)b[0] << 24 | (int64_t)b[1] << 16 | (int64_t)b[2] << 8 | (int64_t)b[3];
}

tsr_status tsr__idx_parse(const tsr__file_bytes *file, int ndim, int64_t *dims,
                          const unsigned char **data) {
  TSR_CHECK(tsr__image_reader_idx.recognises(file), TSR_MALFORMED, TSR__FILE ": no IDX file",
            file->name);
  TSR_CHECK(file->bytes[2] == TYPE_U8, TSR_UNSUPPORTED,
            TSR__FILE ": IDX elements of type 0x%02x; only unsigned bytes (0x08) are supported",
            file->name, file->bytes[2]);
  TSR_CHECK(file->bytes[3] == ndim, TSR_UNSUPPORTED, TSR__FILE ": %d IDX dimensions, not %d",
            file->name, file->bytes[3], ndim);
  size_t header = PREFIX + 4 * (size_t)ndim;
  TSR_CHECK(file->size >= header, TSR_MALFORMED,
            TSR__FILE ": %zu bytes, %d IDX dimensions alone take %zu", file->name, file->size, ndim,
            header);
  int64_t elements = 1;
  for (int i = 0; i < ndim; i++) {
    dims[i] = big_endian(file->bytes + PREFIX + 4 * i);
    TSR_CHECK(tsr__mul_i64(elements, dims[i], &elements), TSR_MALFORMED,
              TSR__FILE ": the product of the IDX dimensions overflows", file->name);
  }
  TSR_CHECK((uint64_t)elements == file->size - header, TSR_MALFORMED,
            TSR__FILE ": the IDX dimensions ask for %lld bytes of data, the file holds %zu",
            file->name, (long long)elements, file->size - header);
  *data = file->bytes + header;
  return TSR_OK;
}

static int recognises(const tsr__file_bytes *file) {
  return file->size >= PREFIX && !file->bytes[0] && !file->bytes[1];
}

static tsr_status read(const tsr__file_bytes *file, tsr__images *out) {
  int64_t dims[3];
  const unsigned char *data = NULL;
  TSR_TRY(tsr__idx_parse(file, 3, dims, &data));
  *out = (tsr__images){dims[0], dims[1], dims[2], 1, TSR_DTYPE_U8, NULL};
  TSR_TRY(tsr__images_allocate(file, out));
  memcpy(out->pixels, data, (size_t)(dims[0] * dims[1] * dims[2]));
  return TSR_OK;
}

const tsr__image_reader tsr__image_reader_idx = {recognises, read};
