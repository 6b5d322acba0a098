/* Arrays in NumPy's .npy. */
#ifndef TESSERA_IMAGE_NPY_H
#define TESSERA_IMAGE_NPY_H

#include "runtime/image/reader.h"

enum { TSR__NPY_DIMS_MAX = 4 };

typedef struct tsr__npy {
  size_t element_bytes; /* 1: |u1, 4: <f4, 8: <f8 */
  int ndim;
  int64_t dims[TSR__NPY_DIMS_MAX];
  const unsigned char *data; /* the elements, within the file; any alignment */
  size_t bytes;              /* what there is of them */
} tsr__npy;

int tsr__is_npy(const tsr__file_bytes *file);
/* The header of a file that tsr__is_npy. */
tsr_status tsr__npy_parse(const tsr__file_bytes *file, tsr__npy *out);
/* TSR_MALFORMED unless the file holds exactly so many elements. */
tsr_status tsr__npy_check_size(const tsr__file_bytes *file, const tsr__npy *array, size_t elements);
double tsr__npy_value(const tsr__npy *array, size_t index);

#endif
