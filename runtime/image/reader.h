/* What the readers of this folder share. */
#ifndef TESSERA_IMAGE_READER_H
#define TESSERA_IMAGE_READER_H

#include "runtime/image/images.h"

/* A file in memory. */
typedef struct tsr__file_bytes {
  const char *name; /* for messages */
  const unsigned char *bytes;
  size_t size;
} tsr__file_bytes;

typedef struct tsr__image_reader {
  int (*recognises)(const tsr__file_bytes *file);
  tsr_status (*read)(const tsr__file_bytes *file, tsr__images *out);
} tsr__image_reader;

#define TSR_IMAGE_READER(name) extern const tsr__image_reader tsr__image_reader_##name;
#include "runtime/image/readers.inc"
#undef TSR_IMAGE_READER

/* Whether the file begins with these bytes. */
int tsr__begins_with(const tsr__file_bytes *file, const char *magic, size_t bytes);

/* Checks the sizes and the channels of *out and gives *bytes, what its pixels take. Allocates
 * nothing: a reader first holds *bytes against what the file has. */
tsr_status tsr__images_bytes(const tsr__file_bytes *file, const tsr__images *out, size_t *bytes);
tsr_status tsr__images_allocate(const tsr__file_bytes *file, tsr__images *out);

/* gzip.c: *out, owned by the caller, holds the uncompressed bytes. */
int tsr__is_gzip(const tsr__file_bytes *file);
tsr_status tsr__gunzip(const tsr__file_bytes *file, unsigned char **out, size_t *size);

/* idx.c: a file of unsigned bytes with this many dimensions; *data points into it. */
tsr_status tsr__idx_parse(const tsr__file_bytes *file, int ndim, int64_t *dims,
                          const unsigned char **data);

#endif
