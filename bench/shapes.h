/* Shape files: one product a line, `m k n [name]`, or one convolution, `conv cin cout h w kernel
 * stride padding layers [name]`; # starts a comment. */
#ifndef TESSERA_BENCH_SHAPES_H
#define TESSERA_BENCH_SHAPES_H

#include <stddef.h>
#include <stdint.h>

#include "tessera/types.h"

enum { TSR__SHAPE_NAME_MAX = 64, TSR__SHAPE_SIZE_MAX = 1 << 20 };

typedef struct tsr__shape {
  int64_t m, k, n;                /* each 1..TSR__SHAPE_SIZE_MAX */
  char name[TSR__SHAPE_NAME_MAX]; /* "MxK" when the line gives none */
  tsr_conv_shape conv;            /* channels = 0: none; else n = output pixels of one image */
  int64_t layers;                 /* of a network that have this shape; 1 without conv */
} tsr__shape;

typedef struct tsr__shapes {
  tsr__shape *items;
  size_t count;
} tsr__shapes;

/* TSR_MALFORMED names path, line and the word at fault; TSR_IO when the file cannot be read. A file
 * without shapes is malformed. */
tsr_status tsr__shapes_load(const char *path, tsr__shapes *out);
void tsr__shapes_release(tsr__shapes *shapes); /* NULL is fine */

#endif
