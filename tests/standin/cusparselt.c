/* A stand-in for cuSPARSELt: its handle, its descriptors, its plan. Of the layouts it takes the
 * ones that the baseline uses. */
#include <string.h>

#include "tests/standin/cusparselt_objects.h"

enum { SUPPORTED_MINOR = 8 };

cusparseStatus_t cusparseLtGetProperty(libraryPropertyType type, int *value) {
  ENTER();
  REQUIRE(value, INVALID, "no value");
  *value = type == MINOR_VERSION ? SUPPORTED_MINOR : type == PATCH_LEVEL;
  return CUSPARSE_STATUS_SUCCESS;
}

const char *cusparseLtGetErrorName(cusparseStatus_t status) {
  switch (status) {
    case CUSPARSE_STATUS_INTERNAL_ERROR:
      return "CUSPARSE_STATUS_INTERNAL_ERROR";
    case CUSPARSE_STATUS_EXECUTION_FAILED:
      return "CUSPARSE_STATUS_EXECUTION_FAILED";
    case CUSPARSE_STATUS_NOT_SUPPORTED:
      return "CUSPARSE_STATUS_NOT_SUPPORTED";
    default:
      return "?";
  }
}

/* A caller's struct holds the address of the object that stands for it. */
void *held(const void *opaque, int kind) {
  void *object;
  if (!opaque) return NULL;
  memcpy(&object, opaque, sizeof object);
  return standin_find(object, kind);
}

static cusparseStatus_t hold(void *opaque, int kind, size_t bytes, const void *value) {
  REQUIRE(opaque && standin_aligned(opaque, 16), INVALID, "no struct, or misaligned");
  void *object = standin_make(kind, bytes);
  REQUIRE(object, CUSPARSE_STATUS_ALLOC_FAILED, "no memory");
  memcpy(object, value, bytes);
  memcpy(opaque, &object, sizeof object);
  return CUSPARSE_STATUS_SUCCESS;
}

static cusparseStatus_t drop(const void *opaque, int kind) {
  REQUIRE(standin_drop(held(opaque, kind), kind), INVALID, "no such object");
  return CUSPARSE_STATUS_SUCCESS;
}

cusparseStatus_t check_handle(const cusparseLtHandle_t *handle) {
  const handle_object *h = held(handle, HANDLE);
  REQUIRE(h, CUSPARSE_STATUS_NOT_INITIALIZED, "no such handle");
  REQUIRE(h->context == standin_context(), INVALID, "the handle is of another context");
  return CUSPARSE_STATUS_SUCCESS;
}

#define CHECK_HANDLE(handle)                                            \
  do {                                                                  \
    cusparseStatus_t handle_status = check_handle(handle);              \
    if (handle_status != CUSPARSE_STATUS_SUCCESS) return handle_status; \
  } while (0)

cusparseStatus_t cusparseLtInit(cusparseLtHandle_t *handle) {
  ENTER();
  REQUIRE(standin_context(), CUSPARSE_STATUS_NOT_INITIALIZED, "no current context");
  handle_object made = {standin_context()};
  return hold(handle, HANDLE, sizeof made, &made);
}

cusparseStatus_t cusparseLtDestroy(const cusparseLtHandle_t *handle) {
  ENTER();
  return drop(handle, HANDLE);
}

/* Sides are multiples of `side`. */
static cusparseStatus_t make_matrix(const matrix_object *m, int64_t side, void *out) {
  int64_t least = m->order == CUSPARSE_ORDER_ROW ? m->cols : m->rows;
  REQUIRE(m->type == CUDA_R_16F || m->type == CUDA_R_16BF, UNSUPPORTED, "type %d", (int)m->type);
  REQUIRE(m->rows > 0 && m->cols > 0 && m->ld >= least, INVALID,
          "%lld x %lld, leading dimension %lld", (long long)m->rows, (long long)m->cols,
          (long long)m->ld);
  REQUIRE(m->rows % side == 0 && m->cols % side == 0 && m->ld % side == 0, UNSUPPORTED,
          "%lld x %lld, leading dimension %lld: no multiples of %lld", (long long)m->rows,
          (long long)m->cols, (long long)m->ld, (long long)side);
  REQUIRE(m->alignment > 0 && m->alignment % 16 == 0, INVALID, "alignment %u", m->alignment);
  return hold(out, MATRIX, sizeof *m, m);
}

cusparseStatus_t cusparseLtDenseDescriptorInit(const cusparseLtHandle_t *handle,
                                               cusparseLtMatDescriptor_t *out, int64_t rows,
                                               int64_t cols, int64_t ld, uint32_t alignment,
                                               cudaDataType type, cusparseOrder_t order) {
  ENTER();
  CHECK_HANDLE(handle);
  return make_matrix(&(matrix_object){0, rows, cols, ld, alignment, type, order}, 8, out);
}

cusparseStatus_t cusparseLtStructuredDescriptorInit(const cusparseLtHandle_t *handle,
                                                    cusparseLtMatDescriptor_t *out, int64_t rows,
                                                    int64_t cols, int64_t ld, uint32_t alignment,
                                                    cudaDataType type, cusparseOrder_t order,
                                                    cusparseLtSparsity_t sparsity) {
  ENTER();
  CHECK_HANDLE(handle);
  REQUIRE(sparsity == CUSPARSELT_SPARSITY_50_PERCENT, INVALID, "sparsity %d", (int)sparsity);
  return make_matrix(&(matrix_object){1, rows, cols, ld, alignment, type, order}, 16, out);
}

cusparseStatus_t cusparseLtMatDescriptorDestroy(const cusparseLtMatDescriptor_t *matrix) {
  ENTER();
  return drop(matrix, MATRIX);
}

/* There is no function that destroys one, so that it lives in the caller's struct alone. */
matmul_object *matmul_of(const cusparseLtMatmulDescriptor_t *matmul) {
  matmul_object *m = (matmul_object *)(uintptr_t)matmul;
  return m && m->magic == MATMUL_MAGIC ? m : NULL;
}

static cusparseStatus_t check_matmul(const matmul_object *m, cusparseOperation_t op_a,
                                     cusparseOperation_t op_b, cusparseComputeType compute) {
  REQUIRE(m->a && m->b && m->c && m->d, INVALID, "no such matrix");
  REQUIRE(m->a->structured && !m->b->structured && !m->c->structured && !m->d->structured, INVALID,
          "A alone must be structured here");
  REQUIRE(op_a == CUSPARSE_OPERATION_NON_TRANSPOSE && op_b == CUSPARSE_OPERATION_TRANSPOSE &&
              m->a->order == CUSPARSE_ORDER_ROW && m->b->order == CUSPARSE_ORDER_ROW &&
              m->d->order == CUSPARSE_ORDER_COL,
          UNSUPPORTED, "layouts");
  REQUIRE(m->a->rows == m->d->rows && m->a->cols == m->b->cols && m->b->rows == m->d->cols, INVALID,
          "the sizes do not match");
  REQUIRE(m->c->rows == m->d->rows && m->c->cols == m->d->cols && m->c->ld == m->d->ld &&
              m->c->order == m->d->order,
          INVALID, "C and D differ");
  REQUIRE(m->a->type == m->b->type && m->a->type == m->c->type && m->a->type == m->d->type &&
              compute == CUSPARSE_COMPUTE_32F,
          UNSUPPORTED, "types");
  return CUSPARSE_STATUS_SUCCESS;
}

cusparseStatus_t cusparseLtMatmulDescriptorInit(
    const cusparseLtHandle_t *handle, cusparseLtMatmulDescriptor_t *out, cusparseOperation_t op_a,
    cusparseOperation_t op_b, const cusparseLtMatDescriptor_t *a,
    const cusparseLtMatDescriptor_t *b, const cusparseLtMatDescriptor_t *c,
    const cusparseLtMatDescriptor_t *d, cusparseComputeType compute) {
  ENTER();
  CHECK_HANDLE(handle);
  REQUIRE(out && standin_aligned(out, 16), INVALID, "no struct, or misaligned");
  matmul_object made = {.magic = MATMUL_MAGIC,
                        .a = held(a, MATRIX),
                        .b = held(b, MATRIX),
                        .c = held(c, MATRIX),
                        .d = held(d, MATRIX)};
  cusparseStatus_t status = check_matmul(&made, op_a, op_b, compute);
  if (status == CUSPARSE_STATUS_SUCCESS) memcpy(out, &made, sizeof made);
  return status;
}

cusparseStatus_t cusparseLtMatmulDescSetAttribute(const cusparseLtHandle_t *handle,
                                                  cusparseLtMatmulDescriptor_t *matmul,
                                                  cusparseLtMatmulDescAttribute_t attribute,
                                                  const void *value, size_t size) {
  ENTER();
  CHECK_HANDLE(handle);
  matmul_object *m = matmul_of(matmul);
  REQUIRE(m && value, INVALID, "no such product, or no value");
  size_t wanted = attribute == CUSPARSELT_MATMUL_ACTIVATION_RELU ? sizeof(int) : sizeof(void *);
  REQUIRE(size == wanted, INVALID, "%zu bytes for an attribute of %zu", size, wanted);
  switch (attribute) {
    case CUSPARSELT_MATMUL_ACTIVATION_RELU:
      memcpy(&m->relu, value, size);
      break;
    case CUSPARSELT_MATMUL_BIAS_POINTER:
      memcpy(&m->bias, value, size);
      break;
    case CUSPARSELT_MATMUL_SPARSE_MAT_POINTER:
      memcpy(&m->pruned, value, size);
      break;
    default:
      return (cusparseStatus_t)standin_reject(UNSUPPORTED, "attribute %d", (int)attribute);
  }
  return CUSPARSE_STATUS_SUCCESS;
}

cusparseStatus_t cusparseLtMatmulAlgSelectionInit(const cusparseLtHandle_t *handle,
                                                  cusparseLtMatmulAlgSelection_t *out,
                                                  const cusparseLtMatmulDescriptor_t *matmul,
                                                  cusparseLtMatmulAlg_t algorithm) {
  ENTER();
  CHECK_HANDLE(handle);
  selection_object made = {matmul_of(matmul)};
  REQUIRE(made.matmul && algorithm == CUSPARSELT_MATMUL_ALG_DEFAULT, INVALID, "arguments");
  return hold(out, SELECTION, sizeof made, &made);
}

cusparseStatus_t cusparseLtMatmulAlgSelectionDestroy(
    const cusparseLtMatmulAlgSelection_t *selection) {
  ENTER();
  return drop(selection, SELECTION);
}

cusparseStatus_t cusparseLtMatmulPlanInit(const cusparseLtHandle_t *handle,
                                          cusparseLtMatmulPlan_t *out,
                                          const cusparseLtMatmulDescriptor_t *matmul,
                                          const cusparseLtMatmulAlgSelection_t *selection) {
  ENTER();
  CHECK_HANDLE(handle);
  const selection_object *s = held(selection, SELECTION);
  plan_object made = {matmul_of(matmul), 0};
  REQUIRE(made.matmul && s && s->matmul == made.matmul, INVALID,
          "no such product or selection, or one for another product");
  return hold(out, PLAN, sizeof made, &made);
}

cusparseStatus_t cusparseLtMatmulPlanDestroy(const cusparseLtMatmulPlan_t *plan) {
  ENTER();
  return drop(plan, PLAN);
}
