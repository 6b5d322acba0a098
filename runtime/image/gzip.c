#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/image/reader.h"

int tsr__is_gzip(const tsr__file_bytes *file) { return tsr__begins_with(file, "\x1f\x8b", 2); }

#ifndef TESSERA_HAVE_ZLIB

tsr_status tsr__gunzip(const tsr__file_bytes *file, unsigned char **out, size_t *size) {
  *out = NULL;
  *size = 0;
  return tsr__error(TSR_UNSUPPORTED, TSR__FILE ": compressed by gzip, and this build has no zlib",
                    file->name);
}

#else

#include <limits.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

/* windowBits of zlib for a gzip header and none other. */
enum { GZIP_WINDOW = 15 + 16, FIRST_CAPACITY = 1 << 16 };

typedef struct output {
  unsigned char *bytes;
  size_t size, capacity;
} output;

static tsr_status grow(const tsr__file_bytes *file, output *out) {
  size_t capacity = out->capacity ? 2 * out->capacity : FIRST_CAPACITY;
  TSR_CHECK(capacity <= TSR__IMAGE_BYTES_MAX, TSR_UNSUPPORTED,
            TSR__FILE ": more than %d bytes when uncompressed", file->name,
            (int)TSR__IMAGE_BYTES_MAX);
  unsigned char *bytes = realloc(out->bytes, capacity);
  TSR_CHECK(bytes, TSR_OUT_OF_MEMORY, TSR__FILE ": out of memory for %zu uncompressed bytes",
            file->name, capacity);
  out->bytes = bytes;
  out->capacity = capacity;
  return TSR_OK;
}

/* One more piece. *ended: the last member is complete, and nothing follows it. */
static tsr_status inflate_more(const tsr__file_bytes *file, z_stream *stream, output *out,
                               int *ended) {
  if (out->size == out->capacity) TSR_TRY(grow(file, out));
  stream->next_out = out->bytes + out->size;
  stream->avail_out = (uInt)(out->capacity - out->size);
  int code = inflate(stream, Z_NO_FLUSH);
  out->size = out->capacity - stream->avail_out;
  TSR_CHECK(code != Z_MEM_ERROR, TSR_OUT_OF_MEMORY, TSR__FILE ": out of memory for zlib",
            file->name);
  TSR_CHECK(code == Z_OK || code == Z_STREAM_END, TSR_MALFORMED, TSR__FILE ": gzip: %s", file->name,
            stream->msg ? stream->msg : "the data end too early");
  *ended = code == Z_STREAM_END && !stream->avail_in;
  if (code == Z_STREAM_END && !*ended) inflateReset(stream);
  return TSR_OK;
}

tsr_status tsr__gunzip(const tsr__file_bytes *file, unsigned char **out, size_t *size) {
  *out = NULL;
  *size = 0;
  TSR_CHECK(file->size <= TSR__IMAGE_BYTES_MAX, TSR_UNSUPPORTED,
            TSR__FILE ": %zu compressed bytes are more than %d", file->name, file->size,
            (int)TSR__IMAGE_BYTES_MAX);
  z_stream stream = {.next_in = file->bytes, .avail_in = (uInt)file->size};
  TSR_CHECK(inflateInit2(&stream, GZIP_WINDOW) == Z_OK, TSR_OUT_OF_MEMORY,
            TSR__FILE ": out of memory for zlib", file->name);
  output bytes = {0};
  tsr_status status = TSR_OK;
  for (int ended = 0; status == TSR_OK && !ended;)
    status = inflate_more(file, &stream, &bytes, &ended);
  inflateEnd(&stream);
  if (status == TSR_OK) {
    *out = bytes.bytes;
    *size = bytes.size;
  } else {
    free(bytes.bytes);
  }
  return status;
}

#endif
