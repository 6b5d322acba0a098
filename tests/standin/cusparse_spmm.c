/* A stand-in for cuSPARSE: the product. */
#include <stdlib.h>
#include <string.h>

#include "tests/standin/cusparse_objects.h"

enum { PREPARED = 0x5ca1ab1e };

typedef struct {
  const handle_object *handle;
  cusparseOperation_t op_b;
  sparse_object *a;
  const dense_object *b, *c;
  float alpha, beta;
  cusparseSpMMAlg_t algorithm;
} problem;

static int suits(cusparseSpMMAlg_t algorithm, cusparseFormat_t format) {
  switch (algorithm) {
    case CUSPARSE_SPMM_ALG_DEFAULT:
      return 1;
    case CUSPARSE_SPMM_CSR_ALG1:
    case CUSPARSE_SPMM_CSR_ALG2:
    case CUSPARSE_SPMM_CSR_ALG3:
      return format == CUSPARSE_FORMAT_CSR;
    case CUSPARSE_SPMM_BSR_ALG1:
      return format == CUSPARSE_FORMAT_BSR;
    case CUSPARSE_SPMM_BLOCKED_ELL_ALG1:
      return format == CUSPARSE_FORMAT_BLOCKED_ELL;
    default:
      return 0;
  }
}

static size_t buffer_bytes(const problem *p) {
  switch (p->algorithm) {
    case CUSPARSE_SPMM_CSR_ALG1:
      return 256 + 4 * (size_t)p->a->rows;
    case CUSPARSE_SPMM_CSR_ALG3:
      return 1024;
    case CUSPARSE_SPMM_BSR_ALG1:
    case CUSPARSE_SPMM_BLOCKED_ELL_ALG1:
      return 128;
    default:
      return 0;
  }
}

static cusparseStatus_t check_problem(const problem *p, cusparseOperation_t op_a,
                                      cudaDataType compute) {
  const sparse_object *a = p->a;
  int64_t k = p->op_b == CUSPARSE_OPERATION_NON_TRANSPOSE ? p->b->rows : p->b->cols;
  int64_t n = p->op_b == CUSPARSE_OPERATION_NON_TRANSPOSE ? p->b->cols : p->b->rows;
  REQUIRE(
      op_a == CUSPARSE_OPERATION_NON_TRANSPOSE && p->op_b != CUSPARSE_OPERATION_CONJUGATE_TRANSPOSE,
      UNSUPPORTED, "operations");
  REQUIRE(a->cols == k && a->rows == p->c->rows && n == p->c->cols, INVALID,
          "the sizes do not match");
  REQUIRE(suits(p->algorithm, a->format), UNSUPPORTED, "algorithm %d", (int)p->algorithm);
  REQUIRE(a->format != CUSPARSE_FORMAT_BSR || a->order == CUSPARSE_ORDER_ROW, UNSUPPORTED,
          "blocks by columns");
  REQUIRE((a->type == CUDA_R_16F || a->type == CUDA_R_16BF) && a->type == p->b->type &&
              (a->type == p->c->type || p->c->type == CUDA_R_32F) && compute == CUDA_R_32F,
          UNSUPPORTED, "types");
  return CUSPARSE_STATUS_SUCCESS;
}

static cusparseStatus_t find_problem(cusparseHandle_t handle, cusparseOperation_t op_a,
                                     cusparseOperation_t op_b, const void *alpha,
                                     cusparseConstSpMatDescr_t a, cusparseConstDnMatDescr_t b,
                                     const void *beta, cusparseDnMatDescr_t c, cudaDataType compute,
                                     cusparseSpMMAlg_t algorithm, problem *out) {
  *out = (problem){.handle = standin_find(handle, HANDLE),
                   .op_b = op_b,
                   .a = standin_find(a, SPARSE),
                   .b = standin_find(b, DENSE),
                   .c = standin_find(c, DENSE),
                   .algorithm = algorithm};
  REQUIRE(out->handle, CUSPARSE_STATUS_NOT_INITIALIZED, "no such handle");
  REQUIRE(out->handle->context == standin_context(), INVALID, "the handle is of another context");
  REQUIRE(out->a && out->b && out->c, INVALID, "no such matrix");
  REQUIRE(alpha && beta, INVALID, "no alpha or beta");
  memcpy(&out->alpha, alpha, sizeof out->alpha);
  memcpy(&out->beta, beta, sizeof out->beta);
  return check_problem(out, op_a, compute);
}

cusparseStatus_t cusparseSpMM_bufferSize(cusparseHandle_t handle, cusparseOperation_t op_a,
                                         cusparseOperation_t op_b, const void *alpha,
                                         cusparseConstSpMatDescr_t a, cusparseConstDnMatDescr_t b,
                                         const void *beta, cusparseDnMatDescr_t c,
                                         cudaDataType compute, cusparseSpMMAlg_t algorithm,
                                         size_t *bytes) {
  ENTER();
  problem p;
  cusparseStatus_t status =
      find_problem(handle, op_a, op_b, alpha, a, b, beta, c, compute, algorithm, &p);
  if (status != CUSPARSE_STATUS_SUCCESS) return status;
  REQUIRE(bytes, INVALID, "no size");
  *bytes = buffer_bytes(&p);
  p.a->sized[algorithm] = 1;
  return CUSPARSE_STATUS_SUCCESS;
}

static cusparseStatus_t check_buffer(const problem *p, const void *buffer) {
  size_t bytes = buffer_bytes(p);
  REQUIRE(p->a->sized[p->algorithm], INVALID, "the size of the buffer was not asked for");
  REQUIRE(bytes == 0 || (buffer && standin_allocated(buffer, bytes)), INVALID,
          "no buffer of %zu bytes", bytes);
  return CUSPARSE_STATUS_SUCCESS;
}

cusparseStatus_t cusparseSpMM_preprocess(cusparseHandle_t handle, cusparseOperation_t op_a,
                                         cusparseOperation_t op_b, const void *alpha,
                                         cusparseConstSpMatDescr_t a, cusparseConstDnMatDescr_t b,
                                         const void *beta, cusparseDnMatDescr_t c,
                                         cudaDataType compute, cusparseSpMMAlg_t algorithm,
                                         void *buffer) {
  ENTER();
  static const uint32_t mark = PREPARED;
  problem p;
  cusparseStatus_t status =
      find_problem(handle, op_a, op_b, alpha, a, b, beta, c, compute, algorithm, &p);
  if (status == CUSPARSE_STATUS_SUCCESS) status = check_buffer(&p, buffer);
  if (status != CUSPARSE_STATUS_SUCCESS || buffer_bytes(&p) == 0) return status;
  REQUIRE(standin_write_bytes(buffer, &mark, sizeof mark), CUSPARSE_STATUS_EXECUTION_FAILED,
          "the driver refused");
  p.a->prepared[algorithm] = buffer;
  return CUSPARSE_STATUS_SUCCESS;
}

/* What preprocessing left in the buffer must still be there. */
static int intact(const problem *p, const void *buffer) {
  if (!buffer || p->a->prepared[p->algorithm] != buffer) return 1;
  uint32_t *mark = standin_read_bytes(buffer, sizeof *mark, p->handle->stream);
  int same = mark && *mark == PREPARED;
  free(mark);
  return same;
}

/* The arrays of a sparse matrix, in host memory. */
typedef struct {
  int32_t *offsets, *columns;
  double *values;
} arrays;

static void release(arrays *host) {
  free(host->offsets);
  free(host->columns);
  free(host->values);
}

static int read_arrays(const sparse_object *a, cudaStream_t stream, arrays *host) {
  int ell = a->format == CUSPARSE_FORMAT_BLOCKED_ELL;
  size_t block_rows = (size_t)(a->rows / a->block);
  size_t stored = ell ? block_rows * (size_t)a->count : (size_t)a->count;
  *host = (arrays){0};
  if (!ell) {
    host->offsets = standin_read_bytes(a->offsets, (block_rows + 1) * sizeof(int32_t), stream);
    if (!host->offsets) return 0;
  }
  host->columns = standin_read_bytes(a->columns, stored * sizeof(int32_t), stream);
  host->values = standin_read(a->values, stored * (size_t)(a->block * a->block), a->type, stream);
  return host->columns && host->values;
}

/* Adds one stored block to the dense matrix; ld: from one row of the block to the next. 0 if its
 * column does not exist. */
static int add_block(const sparse_object *a, int64_t block_row, int64_t column,
                     const double *values, int64_t ld, double *dense) {
  column -= a->base == CUSPARSE_INDEX_BASE_ONE;
  if (column < 0 || column >= a->cols / a->block) return 0;
  for (int64_t r = 0; r < a->block; r++)
    for (int64_t c = 0; c < a->block; c++)
      dense[(block_row * a->block + r) * a->cols + column * a->block + c] += values[r * ld + c];
  return 1;
}

static int expand_rows(const sparse_object *a, const arrays *host, double *dense) {
  int64_t base = a->base == CUSPARSE_INDEX_BASE_ONE, block_rows = a->rows / a->block;
  if (host->offsets[0] != base || host->offsets[block_rows] - base != a->count) return 0;
  for (int64_t r = 0; r < block_rows; r++) {
    if (host->offsets[r + 1] < host->offsets[r]) return 0;
    for (int64_t i = host->offsets[r] - base; i < host->offsets[r + 1] - base; i++)
      if (!add_block(a, r, host->columns[i], host->values + i * a->block * a->block, a->block,
                     dense))
        return 0;
  }
  return 1;
}

/* The values lie row by row over all the blocks of a row of blocks; column -1 is no block. */
static int expand_ell(const sparse_object *a, const arrays *host, double *dense) {
  int64_t ld = a->count * a->block;
  for (int64_t r = 0; r < a->rows / a->block; r++)
    for (int64_t i = 0; i < a->count; i++) {
      int32_t column = host->columns[r * a->count + i];
      const double *values = host->values + r * a->block * ld + i * a->block;
      if (column != -1 && !add_block(a, r, column, values, ld, dense)) return 0;
    }
  return 1;
}

/* [rows, cols], to be freed; NULL if the matrix is not what its format says. */
static double *expand(const sparse_object *a, cudaStream_t stream) {
  arrays host;
  double *dense = calloc((size_t)(a->rows * a->cols) + 1, sizeof *dense);
  int good = read_arrays(a, stream, &host) && dense &&
             (a->format == CUSPARSE_FORMAT_BLOCKED_ELL ? expand_ell(a, &host, dense)
                                                       : expand_rows(a, &host, dense));
  release(&host);
  if (good) return dense;
  free(dense);
  return NULL;
}

static size_t place(const dense_object *d, int64_t row, int64_t col) {
  return (size_t)(d->order == CUSPARSE_ORDER_COL ? row + col * d->ld : row * d->ld + col);
}

static size_t span(const dense_object *d) {
  return d->rows && d->cols ? place(d, d->rows - 1, d->cols - 1) + 1 : 0;
}

static double element_of_b(const problem *p, const double *b, int64_t row, int64_t col) {
  return p->op_b == CUSPARSE_OPERATION_NON_TRANSPOSE ? b[place(p->b, row, col)]
                                                     : b[place(p->b, col, row)];
}

/* One element of C. c: C as it was, or NULL where beta is 0. */
static double element_of_c(const problem *p, const double *a, const double *b, const double *c,
                           int64_t row, int64_t col) {
  double sum = 0;
  for (int64_t i = 0; i < p->a->cols; i++)
    sum += a[row * p->a->cols + i] * element_of_b(p, b, i, col);
  return (double)p->alpha * sum + (c ? (double)p->beta * c[place(p->c, row, col)] : 0);
}

/* Column by column, or row by row: what lies between them stays as it is. */
static int multiply(const problem *p, const double *a, const double *b, const double *c) {
  const dense_object *out = p->c;
  unsigned char *base = (unsigned char *)(uintptr_t)out->values;
  int by_columns = out->order == CUSPARSE_ORDER_COL, done = 1;
  int64_t lines = by_columns ? out->cols : out->rows, length = by_columns ? out->rows : out->cols;
  double *line = malloc((size_t)length * sizeof *line + 1);
  for (int64_t l = 0; done && line && l < lines; l++) {
    for (int64_t i = 0; i < length; i++)
      line[i] = by_columns ? element_of_c(p, a, b, c, i, l) : element_of_c(p, a, b, c, l, i);
    done = standin_write(base + (size_t)(l * out->ld) * standin_bytes(out->type), line,
                         (size_t)length, out->type);
  }
  free(line);
  return done && line;
}

static cusparseStatus_t execute(const problem *p) {
  cudaStream_t stream = p->handle->stream;
  double *a = expand(p->a, stream);
  double *b = standin_read(p->b->values, span(p->b), p->b->type, stream);
  double *c = p->beta != 0 ? standin_read(p->c->values, span(p->c), p->c->type, stream) : NULL;
  int done = a && b && (c || p->beta == 0) && multiply(p, a, b, c);
  free(a);
  free(b);
  free(c);
  REQUIRE(done, CUSPARSE_STATUS_EXECUTION_FAILED, "no such memory, or indices out of order");
  return CUSPARSE_STATUS_SUCCESS;
}

cusparseStatus_t cusparseSpMM(cusparseHandle_t handle, cusparseOperation_t op_a,
                              cusparseOperation_t op_b, const void *alpha,
                              cusparseConstSpMatDescr_t a, cusparseConstDnMatDescr_t b,
                              const void *beta, cusparseDnMatDescr_t c, cudaDataType compute,
                              cusparseSpMMAlg_t algorithm, void *buffer) {
  ENTER();
  problem p;
  cusparseStatus_t status =
      find_problem(handle, op_a, op_b, alpha, a, b, beta, c, compute, algorithm, &p);
  if (status == CUSPARSE_STATUS_SUCCESS) status = check_buffer(&p, buffer);
  if (status != CUSPARSE_STATUS_SUCCESS) return status;
  REQUIRE(intact(&p, buffer), INVALID, "the buffer of the preprocessing was overwritten");
  return execute(&p);
}
