/* A stand-in for cuSPARSE: its handle and its matrices. */
#include <string.h>

#include "tests/standin/cusparse_objects.h"

cusparseStatus_t cusparseGetProperty(libraryPropertyType type, int *value) {
  ENTER();
  REQUIRE(value, INVALID, "no value");
  switch (type) {
    case MAJOR_VERSION:
      *value = CUSPARSE_VER_MAJOR;
      break;
    case MINOR_VERSION:
      *value = CUSPARSE_VER_MINOR;
      break;
    case PATCH_LEVEL:
      *value = CUSPARSE_VER_PATCH;
      break;
    default:
      return INVALID;
  }
  return CUSPARSE_STATUS_SUCCESS;
}

const char *cusparseGetErrorName(cusparseStatus_t status) {
  static const char *const names[] = {"CUSPARSE_STATUS_SUCCESS",
                                      "CUSPARSE_STATUS_NOT_INITIALIZED",
                                      "CUSPARSE_STATUS_ALLOC_FAILED",
                                      "CUSPARSE_STATUS_INVALID_VALUE",
                                      "CUSPARSE_STATUS_ARCH_MISMATCH",
                                      "CUSPARSE_STATUS_MAPPING_ERROR",
                                      "CUSPARSE_STATUS_EXECUTION_FAILED",
                                      "CUSPARSE_STATUS_INTERNAL_ERROR",
                                      "CUSPARSE_STATUS_MATRIX_TYPE_NOT_SUPPORTED",
                                      "CUSPARSE_STATUS_ZERO_PIVOT",
                                      "CUSPARSE_STATUS_NOT_SUPPORTED",
                                      "CUSPARSE_STATUS_INSUFFICIENT_RESOURCES"};
  return (size_t)status < sizeof names / sizeof names[0] ? names[status] : "?";
}

/* ---- objects ---- */

static cusparseStatus_t make(int kind, size_t bytes, const void *value, void *out) {
  void *made = standin_make(kind, bytes);
  REQUIRE(made, CUSPARSE_STATUS_ALLOC_FAILED, "no memory");
  memcpy(made, value, bytes);
  memcpy(out, &made, sizeof made);
  return CUSPARSE_STATUS_SUCCESS;
}

static cusparseStatus_t drop(const void *object, int kind) {
  REQUIRE(standin_drop(object, kind), INVALID, "no such object");
  return CUSPARSE_STATUS_SUCCESS;
}

cusparseStatus_t cusparseCreate(cusparseHandle_t *handle) {
  ENTER();
  REQUIRE(handle, INVALID, "no handle");
  REQUIRE(standin_context(), CUSPARSE_STATUS_NOT_INITIALIZED, "no current context");
  handle_object made = {standin_context(), NULL};
  return make(HANDLE, sizeof made, &made, handle);
}

cusparseStatus_t cusparseDestroy(cusparseHandle_t handle) {
  ENTER();
  return drop(handle, HANDLE);
}

cusparseStatus_t cusparseSetStream(cusparseHandle_t handle, cudaStream_t stream) {
  ENTER();
  handle_object *h = standin_find(handle, HANDLE);
  REQUIRE(h, CUSPARSE_STATUS_NOT_INITIALIZED, "no such handle");
  REQUIRE(cuStreamQuery(stream) != CUDA_ERROR_INVALID_HANDLE, INVALID, "no such stream");
  h->stream = stream;
  return CUSPARSE_STATUS_SUCCESS;
}

static cusparseStatus_t make_sparse(const sparse_object *a, cusparseIndexType_t offsets,
                                    cusparseIndexType_t columns, void *out) {
  REQUIRE(out, INVALID, "no descriptor");
  REQUIRE(a->rows >= 0 && a->cols >= 0 && a->count >= 0, INVALID, "negative sizes");
  REQUIRE((a->columns && a->values) || a->count == 0, INVALID, "no indices or values");
  REQUIRE(offsets == CUSPARSE_INDEX_32I && columns == CUSPARSE_INDEX_32I, UNSUPPORTED,
          "indices that are not of 32 bits");
  REQUIRE(standin_aligned(a->values, (uint32_t)standin_bytes(a->type)), INVALID, "values at %p",
          a->values);
  return make(SPARSE, sizeof *a, a, out);
}

cusparseStatus_t cusparseCreateConstCsr(cusparseConstSpMatDescr_t *out, int64_t rows, int64_t cols,
                                        int64_t nonzeros, const void *offsets, const void *columns,
                                        const void *values, cusparseIndexType_t offset_type,
                                        cusparseIndexType_t column_type, cusparseIndexBase_t base,
                                        cudaDataType type) {
  ENTER();
  REQUIRE(offsets, INVALID, "no offsets");
  REQUIRE(standin_bytes(type), INVALID, "type %d", (int)type);
  sparse_object a = {.format = CUSPARSE_FORMAT_CSR,
                     .rows = rows,
                     .cols = cols,
                     .count = nonzeros,
                     .block = 1,
                     .offsets = offsets,
                     .columns = columns,
                     .values = values,
                     .base = base,
                     .type = type};
  return make_sparse(&a, offset_type, column_type, out);
}

cusparseStatus_t cusparseCreateConstBsr(cusparseConstSpMatDescr_t *out, int64_t block_rows,
                                        int64_t block_cols, int64_t blocks, int64_t row_block,
                                        int64_t col_block, const void *offsets, const void *columns,
                                        const void *values, cusparseIndexType_t offset_type,
                                        cusparseIndexType_t column_type, cusparseIndexBase_t base,
                                        cudaDataType type, cusparseOrder_t order) {
  ENTER();
  REQUIRE(offsets, INVALID, "no offsets");
  REQUIRE(standin_bytes(type), INVALID, "type %d", (int)type);
  REQUIRE(row_block == col_block && row_block > 1, INVALID, "blocks of %lld x %lld",
          (long long)row_block, (long long)col_block);
  sparse_object a = {.format = CUSPARSE_FORMAT_BSR,
                     .rows = block_rows * row_block,
                     .cols = block_cols * col_block,
                     .count = blocks,
                     .block = row_block,
                     .offsets = offsets,
                     .columns = columns,
                     .values = values,
                     .base = base,
                     .type = type,
                     .order = order};
  return make_sparse(&a, offset_type, column_type, out);
}

cusparseStatus_t cusparseCreateConstBlockedEll(cusparseConstSpMatDescr_t *out, int64_t rows,
                                               int64_t cols, int64_t block, int64_t ell_cols,
                                               const void *columns, const void *values,
                                               cusparseIndexType_t index_type,
                                               cusparseIndexBase_t base, cudaDataType type) {
  ENTER();
  REQUIRE(standin_bytes(type), INVALID, "type %d", (int)type);
  REQUIRE(block > 0 && rows % block == 0 && cols % block == 0 && ell_cols % block == 0 &&
              ell_cols > 0 && ell_cols <= cols,
          INVALID, "%lld x %lld, %lld kept, in blocks of %lld", (long long)rows, (long long)cols,
          (long long)ell_cols, (long long)block);
  sparse_object a = {.format = CUSPARSE_FORMAT_BLOCKED_ELL,
                     .rows = rows,
                     .cols = cols,
                     .count = ell_cols / block,
                     .block = block,
                     .columns = columns,
                     .values = values,
                     .base = base,
                     .type = type};
  return make_sparse(&a, index_type, index_type, out);
}

cusparseStatus_t cusparseDestroySpMat(cusparseConstSpMatDescr_t matrix) {
  ENTER();
  return drop(matrix, SPARSE);
}

static cusparseStatus_t make_dense(const dense_object *d, void *out) {
  REQUIRE(out && d->values, INVALID, "no descriptor or values");
  REQUIRE(d->rows >= 0 && d->cols >= 0, INVALID, "negative sizes");
  REQUIRE(d->ld >= (d->order == CUSPARSE_ORDER_COL ? d->rows : d->cols), INVALID,
          "leading dimension %lld", (long long)d->ld);
  REQUIRE(standin_bytes(d->type) && standin_aligned(d->values, (uint32_t)standin_bytes(d->type)),
          INVALID, "type %d at %p", (int)d->type, d->values);
  return make(DENSE, sizeof *d, d, out);
}

cusparseStatus_t cusparseCreateConstDnMat(cusparseConstDnMatDescr_t *out, int64_t rows,
                                          int64_t cols, int64_t ld, const void *values,
                                          cudaDataType type, cusparseOrder_t order) {
  ENTER();
  return make_dense(&(dense_object){rows, cols, ld, values, type, order}, out);
}

cusparseStatus_t cusparseCreateDnMat(cusparseDnMatDescr_t *out, int64_t rows, int64_t cols,
                                     int64_t ld, void *values, cudaDataType type,
                                     cusparseOrder_t order) {
  ENTER();
  return make_dense(&(dense_object){rows, cols, ld, values, type, order}, out);
}

cusparseStatus_t cusparseDestroyDnMat(cusparseConstDnMatDescr_t matrix) {
  ENTER();
  return drop(matrix, DENSE);
}
