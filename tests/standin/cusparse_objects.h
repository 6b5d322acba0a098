/* What the parts of the stand-in for cuSPARSE share. */
#ifndef TESSERA_STANDIN_CUSPARSE_H
#define TESSERA_STANDIN_CUSPARSE_H

#include <cusparse.h>

#include "tests/standin/standin.h"

enum { HANDLE = 1, SPARSE, DENSE };
enum { ALGORITHMS = 16 };

typedef struct {
  CUcontext context;
  cudaStream_t stream;
} handle_object;

typedef struct {
  cusparseFormat_t format;
  int64_t rows, cols; /* in elements */
  int64_t count;      /* CSR: nonzeros; BSR: blocks; ELL: blocks in a row */
  int64_t block;      /* CSR: 1 */
  const void *offsets, *columns, *values;
  cusparseIndexBase_t base;
  cudaDataType type;
  cusparseOrder_t order;            /* within blocks */
  int sized[ALGORITHMS];            /* the size of the algorithm's buffer was asked for */
  const void *prepared[ALGORITHMS]; /* the buffer that preprocessing wrote to */
} sparse_object;

typedef struct {
  int64_t rows, cols, ld;
  const void *values;
  cudaDataType type;
  cusparseOrder_t order;
} dense_object;

#define ENTER() STANDIN_ENTER(cusparseStatus_t)
#define REQUIRE STANDIN_REQUIRE
#define INVALID CUSPARSE_STATUS_INVALID_VALUE
#define UNSUPPORTED CUSPARSE_STATUS_NOT_SUPPORTED

#endif
