/* What a storage format consists of. One file and one row of formats.inc each. */
#ifndef TESSERA_FORMAT_FORMAT_H
#define TESSERA_FORMAT_FORMAT_H

#include <string.h>

#include "runtime/base/pattern.h"
#include "runtime/base/status.h"
#include "tessera/pack.h"

enum { TSR__ARRAYS_MAX = 5, TSR__PARAMS_MAX = 5 };

/* Size fields of tsr_packed that a format uses, in the order of its params tensor. */
enum { TSR__BLOCK_SIZES = 1, TSR__PANEL_SIZE = 2, TSR__GROUP_SIZES = 4 };

/* One array of a packed matrix, in memory and on disk. */
typedef struct tsr__array {
  const char *key; /* the last part of its tensor's name */
  size_t field;    /* offset of the pointer in tsr_packed */
  tsr_dtype dtype;
  int ndim;
  int64_t shape[3];
} tsr__array;

typedef struct tsr__format_ops {
  const char *key; /* tensors are called P.<key>.<array>; NULL: a plain tensor */
  unsigned uses;   /* size fields: checked, and copied from the pattern */
  unsigned params; /* those that the file holds in P.<key>.params */
  int values_ndim;
  tsr_pattern_kind (*kind)(const tsr_packed *packed);
  /* Sets the counts and sizes that the shape of the values tells; NULL: none. */
  void (*measure)(tsr_packed *packed, const int64_t *values_shape);
  /* Lists the arrays, values first; needs sizes and counts only. Returns how many. */
  int (*arrays)(const tsr_packed *packed, tsr__array *arrays);
  /* Sets the counts; NULL: none. */
  tsr_status (*count)(const tsr_matrix *dense, tsr_packed *packed);
  /* Writes the arrays, which are zeroed and the packed matrix's own. */
  tsr_status (*fill)(const tsr_matrix *dense, tsr_packed *packed);
  /* Checks what the arrays hold; sizes, counts and pointers are already checked. NULL: nothing. */
  tsr_status (*validate)(const tsr_packed *packed);
  /* Writes what is stored over zeros. */
  void (*unpack)(const tsr_packed *packed, void *out, int64_t ld);
} tsr__format_ops;

#define TSR__FORMAT(enumerator, name) extern const tsr__format_ops tsr__format_##name;
#include "runtime/format/formats.inc"
#undef TSR__FORMAT

/* NULL when out of range. */
const tsr__format_ops *tsr__format_ops_of(tsr_format format);

/* Elements and bytes of an array; 0 on overflow, else 1. */
int tsr__array_size(const tsr__array *array, int64_t *elements, size_t *bytes);

/* Offsets in tsr_packed of the int32_t fields that P.<key>.params holds; returns how many. */
int tsr__param_fields(const tsr__format_ops *ops, size_t fields[TSR__PARAMS_MAX]);

const void *tsr__array_pointer(const tsr_packed *packed, const tsr__array *array);
void tsr__array_point(tsr_packed *packed, const tsr__array *array, const void *data);

/* Element type, rows, cols, and the sizes that the format uses. TSR_INVALID_ARGUMENT or `status`.
 */
tsr_status tsr__check_sizes(const tsr_packed *packed, tsr_status status);

/* Sizes, and data unless it is empty; not the element type. `caller` is for the message. */
tsr_status tsr__check_matrix(const char *caller, const tsr_matrix *dense);

/* Values are opaque elements of 2 or 4 bytes. */
static inline size_t tsr__element_bytes(tsr_dtype dtype) { return dtype == TSR_DTYPE_F32 ? 4 : 2; }

static inline uint32_t tsr__bits_at(const void *values, tsr_dtype dtype, int64_t index) {
  uint32_t word = 0;
  uint16_t half;
  if (dtype == TSR_DTYPE_F32) {
    memcpy(&word, (const char *)values + 4 * index, 4);
    return word;
  }
  memcpy(&half, (const char *)values + 2 * index, 2);
  return half;
}

static inline void tsr__put_bits(void *values, tsr_dtype dtype, int64_t index, uint32_t bits) {
  uint16_t half = (uint16_t)bits;
  if (dtype == TSR_DTYPE_F32)
    memcpy((char *)values + 4 * index, &bits, 4);
  else
    memcpy((char *)values + 2 * index, &half, 2);
}

static inline uint32_t tsr__matrix_bits(const tsr_matrix *matrix, int64_t row, int64_t col) {
  return tsr__bits_at(matrix->data, matrix->dtype, row * matrix->ld + col);
}

static inline void tsr__copy_elements(void *to, int64_t to_index, const void *from,
                                      int64_t from_index, int64_t count, tsr_dtype dtype) {
  int64_t size = (int64_t)tsr__element_bytes(dtype);
  if (count)
    memcpy((char *)to + to_index * size, (const char *)from + from_index * size,
           (size_t)(count * size));
}

/* Whether all bits of count elements are zero. */
int tsr__all_zero(const void *values, tsr_dtype dtype, int64_t index, int64_t count);

static inline int64_t tsr__ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0); }
static inline int64_t tsr__min_i64(int64_t a, int64_t b) { return a < b ? a : b; }

#endif
