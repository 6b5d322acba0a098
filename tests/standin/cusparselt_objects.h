/* What the parts of the stand-in for cuSPARSELt share. */
#ifndef TESSERA_STANDIN_CUSPARSELT_H
#define TESSERA_STANDIN_CUSPARSELT_H

#include "bench/baseline/cusparselt_api.h"
#include "tests/standin/standin.h"

enum { HANDLE = 1, MATRIX, SELECTION, PLAN, MATMUL_MAGIC = 0x2041 };

typedef struct {
  CUcontext context;
} handle_object;

typedef struct {
  int structured;
  int64_t rows, cols, ld;
  uint32_t alignment;
  cudaDataType type;
  cusparseOrder_t order;
} matrix_object;

typedef struct {
  int magic, relu;
  const matrix_object *a, *b, *c, *d;
  const void *bias, *pruned;
} matmul_object;
_Static_assert(sizeof(matmul_object) <= sizeof(cusparseLtMatmulDescriptor_t), "too large");

typedef struct {
  const matmul_object *matmul;
} selection_object;

typedef struct {
  const matmul_object *matmul;
  int searched;
} plan_object;

#define ENTER() STANDIN_ENTER(cusparseStatus_t)
#define REQUIRE STANDIN_REQUIRE
#define INVALID CUSPARSE_STATUS_INVALID_VALUE
#define UNSUPPORTED CUSPARSE_STATUS_NOT_SUPPORTED

/* NULL unless it is alive. */
void *held(const void *opaque, int kind);
matmul_object *matmul_of(const cusparseLtMatmulDescriptor_t *matmul);
cusparseStatus_t check_handle(const cusparseLtHandle_t *handle);

/* The library's functions, where there is no header that declares them. */
#if !TESSERA_HAVE_CUSPARSELT_HEADER
#define DECLARE(type, name, parameters) type name parameters;
TSR__CUSPARSELT_MAP(DECLARE)
#undef DECLARE
#endif

#endif
