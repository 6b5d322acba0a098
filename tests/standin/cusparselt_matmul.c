/* A stand-in for cuSPARSELt: compression and the product. Compressed weights are, row by row, the
 * two kept values of each group of four, and then for each group a nibble of their two positions.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/standin/cusparselt_objects.h"

enum { BUFFER = 256, WORKSPACE = 64 << 10, WORKSPACE_AFTER_SEARCH = 128 << 10 };

static size_t compressed_bytes(const matrix_object *a) {
  size_t elements = (size_t)(a->rows * a->cols);
  return elements / 2 * standin_bytes(a->type) + elements / 8;
}

static cusparseStatus_t find_plan(const cusparseLtHandle_t *handle,
                                  const cusparseLtMatmulPlan_t *plan, plan_object **out) {
  cusparseStatus_t status = check_handle(handle);
  if (status != CUSPARSE_STATUS_SUCCESS) return status;
  *out = held(plan, PLAN);
  REQUIRE(*out, INVALID, "no such plan");
  return CUSPARSE_STATUS_SUCCESS;
}

/* ---- structure ---- */

/* Positions of a group's nonzeros, filled up with others; 0 if there are more than two. */
static int positions_of(const double group[4], int positions[2]) {
  int count = 0;
  for (int i = 0; i < 4; i++) {
    if (group[i] == 0) continue;
    if (count == 2) return 0;
    positions[count++] = i;
  }
  for (int i = 0; count < 2; i++)
    if (!count || positions[0] != i) positions[count++] = i;
  if (positions[0] > positions[1]) {
    int first = positions[0];
    positions[0] = positions[1];
    positions[1] = first;
  }
  return 1;
}

static size_t span(const matrix_object *m) {
  int64_t lines = m->order == CUSPARSE_ORDER_ROW ? m->rows : m->cols;
  int64_t length = m->order == CUSPARSE_ORDER_ROW ? m->cols : m->rows;
  return (size_t)((lines - 1) * m->ld + length);
}

cusparseStatus_t cusparseLtSpMMAPruneCheck(const cusparseLtHandle_t *handle,
                                           const cusparseLtMatmulDescriptor_t *matmul,
                                           const void *dense, int *valid, cudaStream_t stream) {
  ENTER();
  cusparseStatus_t status = check_handle(handle);
  if (status != CUSPARSE_STATUS_SUCCESS) return status;
  const matmul_object *m = matmul_of(matmul);
  REQUIRE(m && dense && valid, INVALID, "arguments");
  double *values = standin_read(dense, span(m->a), m->a->type, stream);
  REQUIRE(values, CUSPARSE_STATUS_EXECUTION_FAILED, "the driver refused");
  int wrong = 0, positions[2];
  for (int64_t r = 0; r < m->a->rows; r++)
    for (int64_t c = 0; c < m->a->cols; c += 4)
      wrong |= !positions_of(values + r * m->a->ld + c, positions);
  free(values);
  REQUIRE(standin_write_bytes(valid, &wrong, sizeof wrong), CUSPARSE_STATUS_EXECUTION_FAILED,
          "the verdict is no device memory");
  return CUSPARSE_STATUS_SUCCESS;
}

cusparseStatus_t cusparseLtSpMMACompressedSize(const cusparseLtHandle_t *handle,
                                               const cusparseLtMatmulPlan_t *plan, size_t *bytes,
                                               size_t *buffer_bytes) {
  ENTER();
  plan_object *p;
  cusparseStatus_t status = find_plan(handle, plan, &p);
  if (status != CUSPARSE_STATUS_SUCCESS) return status;
  REQUIRE(bytes && buffer_bytes, INVALID, "no sizes");
  *bytes = compressed_bytes(p->matmul->a);
  *buffer_bytes = BUFFER;
  return CUSPARSE_STATUS_SUCCESS;
}

/* out: compressed_bytes. 0 if there are more than two nonzeros in a group. */
static int compress(const matrix_object *a, const double *dense, unsigned char *out) {
  size_t size = standin_bytes(a->type), group = 0;
  unsigned char *meta = out + (size_t)(a->rows * a->cols) / 2 * size;
  for (int64_t r = 0; r < a->rows; r++)
    for (int64_t c = 0; c < a->cols; c += 4, group++) {
      const double *values = dense + r * a->ld + c;
      int positions[2];
      if (!positions_of(values, positions)) return 0;
      for (int i = 0; i < 2; i++)
        standin_encode(values[positions[i]], out + (2 * group + (size_t)i) * size, a->type);
      meta[group / 2] |= (unsigned char)((positions[0] | positions[1] << 2) << (group % 2 * 4));
    }
  return 1;
}

cusparseStatus_t cusparseLtSpMMACompress(const cusparseLtHandle_t *handle,
                                         const cusparseLtMatmulPlan_t *plan, const void *dense,
                                         void *compressed, void *buffer, cudaStream_t stream) {
  ENTER();
  plan_object *p;
  cusparseStatus_t status = find_plan(handle, plan, &p);
  if (status != CUSPARSE_STATUS_SUCCESS) return status;
  const matrix_object *a = p->matmul->a;
  size_t bytes = compressed_bytes(a);
  REQUIRE(dense && compressed && standin_aligned(compressed, 16), INVALID, "operands");
  REQUIRE(standin_allocated(buffer, BUFFER), INVALID, "no buffer of %d bytes", BUFFER);
  double *values = standin_read(dense, span(a), a->type, stream);
  unsigned char *packed = calloc(1, bytes);
  int done = values && packed && compress(a, values, packed) &&
             standin_write_bytes(compressed, packed, bytes);
  free(values);
  free(packed);
  REQUIRE(done, CUSPARSE_STATUS_EXECUTION_FAILED, "not 2:4, or the driver refused");
  return CUSPARSE_STATUS_SUCCESS;
}

/* ---- the product ---- */

static size_t workspace_of(const plan_object *p) {
  return p->searched ? WORKSPACE_AFTER_SEARCH : WORKSPACE;
}

cusparseStatus_t cusparseLtMatmulGetWorkspace(const cusparseLtHandle_t *handle,
                                              const cusparseLtMatmulPlan_t *plan, size_t *bytes) {
  ENTER();
  plan_object *p;
  cusparseStatus_t status = find_plan(handle, plan, &p);
  if (status != CUSPARSE_STATUS_SUCCESS) return status;
  REQUIRE(bytes, INVALID, "no size");
  *bytes = workspace_of(p);
  return CUSPARSE_STATUS_SUCCESS;
}

/* [rows, cols], to be freed. */
static double *expand(const matrix_object *a, const void *compressed, cudaStream_t stream) {
  size_t size = standin_bytes(a->type), groups = (size_t)(a->rows * a->cols) / 4;
  unsigned char *packed = standin_read_bytes(compressed, compressed_bytes(a), stream);
  double *dense = calloc(groups * 4, sizeof *dense);
  for (size_t g = 0; packed && dense && g < groups; g++) {
    unsigned nibble = packed[groups * 2 * size + g / 2] >> (g % 2 * 4) & 15u;
    for (unsigned i = 0; i < 2; i++)
      dense[4 * g + (nibble >> (2 * i) & 3)] +=
          standin_decode(packed + (2 * g + i) * size, a->type);
  }
  free(packed);
  return dense;
}

static double element(const matmul_object *m, double scale, const double *a, const double *b,
                      double kept, const double *bias, int64_t row, int64_t token) {
  double sum = 0;
  for (int64_t i = 0; i < m->a->cols; i++) sum += a[row * m->a->cols + i] * b[token * m->b->ld + i];
  sum = scale * sum + kept + (bias ? bias[row] : 0);
  return m->relu && sum < 0 ? 0 : sum;
}

typedef struct {
  float alpha, beta;
  const void *a, *b, *c;
  void *d;
  cudaStream_t stream;
} operands;

static cusparseStatus_t execute(const matmul_object *m, const operands *o) {
  cudaDataType type = m->d->type;
  double *a = expand(m->a, o->a, o->stream), *b = standin_read(o->b, span(m->b), type, o->stream);
  double *c = o->beta != 0 ? standin_read(o->c, span(m->c), type, o->stream) : NULL;
  double *bias = m->bias ? standin_read(m->bias, (size_t)m->d->rows, type, o->stream) : NULL;
  double *column = malloc((size_t)m->d->rows * sizeof *column);
  int done = a && b && column && (c || o->beta == 0) && (bias || !m->bias);
  for (int64_t t = 0; done && t < m->d->cols; t++) {
    for (int64_t r = 0; r < m->d->rows; r++)
      column[r] = element(m, (double)o->alpha, a, b, c ? (double)o->beta * c[t * m->c->ld + r] : 0,
                          bias, r, t);
    done = standin_write((unsigned char *)o->d + (size_t)(t * m->d->ld) * standin_bytes(type),
                         column, (size_t)m->d->rows, type);
  }
  free(a);
  free(b);
  free(c);
  free(bias);
  free(column);
  REQUIRE(done, CUSPARSE_STATUS_EXECUTION_FAILED, "the driver refused");
  return CUSPARSE_STATUS_SUCCESS;
}

static cusparseStatus_t check_call(const plan_object *p, const operands *o, const void *workspace) {
  const void *const pointers[] = {o->a, o->b, o->c, o->d};
  const matmul_object *m = p->matmul;
  const matrix_object *const matrices[] = {m->a, m->b, m->c, m->d};
  for (int i = 0; i < 4; i++)
    REQUIRE(pointers[i] && standin_aligned(pointers[i], matrices[i]->alignment), INVALID,
            "operand %d at %p", i, pointers[i]);
  REQUIRE(standin_allocated(workspace, workspace_of(p)), INVALID, "no workspace of %zu bytes",
          workspace_of(p));
  REQUIRE(cuStreamQuery(o->stream) != CUDA_ERROR_INVALID_HANDLE, INVALID, "no such stream");
  return CUSPARSE_STATUS_SUCCESS;
}

static cusparseStatus_t multiply(plan_object *p, const void *alpha, const void *beta, operands *o,
                                 const void *workspace, const cudaStream_t *streams,
                                 int32_t stream_count) {
  REQUIRE(alpha && beta, INVALID, "no alpha or beta");
  REQUIRE(stream_count == 0 || (streams && stream_count > 0), INVALID, "%d streams", stream_count);
  memcpy(&o->alpha, alpha, sizeof o->alpha);
  memcpy(&o->beta, beta, sizeof o->beta);
  o->stream = stream_count ? streams[0] : NULL;
  cusparseStatus_t status = check_call(p, o, workspace);
  return status == CUSPARSE_STATUS_SUCCESS ? execute(p->matmul, o) : status;
}

cusparseStatus_t cusparseLtMatmulSearch(const cusparseLtHandle_t *handle,
                                        cusparseLtMatmulPlan_t *plan, const void *alpha,
                                        const void *a, const void *b, const void *beta,
                                        const void *c, void *d, void *workspace,
                                        cudaStream_t *streams, int32_t stream_count) {
  ENTER();
  plan_object *p;
  operands o = {.a = a, .b = b, .c = c, .d = d};
  cusparseStatus_t status = find_plan(handle, plan, &p);
  if (status == CUSPARSE_STATUS_SUCCESS)
    status = multiply(p, alpha, beta, &o, workspace, streams, stream_count);
  if (status == CUSPARSE_STATUS_SUCCESS) p->searched = 1;
  return status;
}

cusparseStatus_t cusparseLtMatmul(const cusparseLtHandle_t *handle,
                                  const cusparseLtMatmulPlan_t *plan, const void *alpha,
                                  const void *a, const void *b, const void *beta, const void *c,
                                  void *d, void *workspace, cudaStream_t *streams,
                                  int32_t stream_count) {
  ENTER();
  plan_object *p;
  operands o = {.a = a, .b = b, .c = c, .d = d};
  cusparseStatus_t status = find_plan(handle, plan, &p);
  return status == CUSPARSE_STATUS_SUCCESS
             ? multiply(p, alpha, beta, &o, workspace, streams, stream_count)
             : status;
}
