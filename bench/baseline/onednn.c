/* oneDNN's f32 matmul primitive (or convolution) with the weights reordered, once and untimed, into
 * the layout that the primitive asks for. */
#include <stdlib.h>

#include "bench/baseline/baseline.h"
#include "bench/baseline/onednn_api.h"
#include "bench/baseline/onednn_conv.h"
#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

typedef struct {
  const tsr__onednn_api *api;
  int32_t threads;
  size_t weight_bytes;
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  dnnl_memory_t x, weights, y;
  dnnl_primitive_t primitive;
  tsr__onednn_conv *conv; /* of a convolution, which uses none of the others */
} matmul;

static tsr_status matmul_open(const char **version) {
  const tsr__onednn_api *api;
  return tsr__onednn_open(&api, version);
}

static void matmul_destroy(void *state) {
  matmul *s = state;
  if (!s) return;
  tsr__onednn_conv_destroy(s->conv);
  if (s->primitive) s->api->dnnl_primitive_destroy(s->primitive);
  if (s->x) s->api->dnnl_memory_destroy(s->x);
  if (s->weights) s->api->dnnl_memory_destroy(s->weights);
  if (s->y) s->api->dnnl_memory_destroy(s->y);
  if (s->stream) s->api->dnnl_stream_destroy(s->stream);
  if (s->engine) s->api->dnnl_engine_destroy(s->engine);
  free(s);
}

/* Describes a two-dimensional f32 matrix. */
static tsr_status describe(const matmul *s, int64_t rows, int64_t cols, dnnl_format_tag_t tag,
                           dnnl_memory_desc_t *out) {
  dnnl_dims_t dims = {rows, cols};
  TRY_DNNL(s->api->dnnl_memory_desc_init_by_tag(out, 2, dims, dnnl_f32, tag));
  return TSR_OK;
}

/* Copies weights into the layout `wanted`. */
static tsr_status reorder(matmul *s, const tsr__product *p, const dnnl_memory_desc_t *wanted) {
  dnnl_memory_desc_t plain;
  /* W[m, k] in rows is the k x m right-hand side in columns. */
  TSR_TRY(describe(s, p->k, p->m, dnnl_ba, &plain));
  dnnl_memory_t from = NULL;
  dnnl_primitive_desc_t desc = NULL;
  dnnl_primitive_t primitive = NULL;
  /* oneDNN takes no pointers to const, but only reads the source of a reorder. */
  dnnl_status_t status =
      s->api->dnnl_memory_create(&from, &plain, s->engine, (void *)(uintptr_t)p->weights);
  if (status == dnnl_success)
    status = s->api->dnnl_memory_create(&s->weights, wanted, s->engine, DNNL_MEMORY_ALLOCATE);
  if (status == dnnl_success)
    status = s->api->dnnl_reorder_primitive_desc_create(&desc, &plain, s->engine, wanted, s->engine,
                                                        NULL);
  if (status == dnnl_success) status = s->api->dnnl_primitive_create(&primitive, desc);
  if (status == dnnl_success) {
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, s->weights}};
    status = s->api->dnnl_primitive_execute(primitive, s->stream, 2, args);
  }
  if (status == dnnl_success) status = s->api->dnnl_stream_wait(s->stream);
  if (primitive) s->api->dnnl_primitive_destroy(primitive);
  if (desc) s->api->dnnl_primitive_desc_destroy(desc);
  if (from) s->api->dnnl_memory_destroy(from);
  TSR_CHECK(status == dnnl_success, TSR_UNSUPPORTED, "oneDNN: status %d from reordering weights",
            (int)status);
  s->weight_bytes = s->api->dnnl_memory_desc_get_size(wanted);
  return TSR_OK;
}

static tsr_status build(matmul *s, const tsr__product *p) {
  const tsr__onednn_api *api = s->api;
  dnnl_memory_desc_t x, any, y;
  dnnl_matmul_desc_t desc;
  TRY_DNNL(api->dnnl_engine_create(&s->engine, dnnl_cpu, 0));
  TRY_DNNL(api->dnnl_stream_create(&s->stream, s->engine, dnnl_stream_default_flags));
  TSR_TRY(describe(s, p->n, p->k, dnnl_ab, &x));
  TSR_TRY(describe(s, p->k, p->m, dnnl_format_tag_any, &any));
  TSR_TRY(describe(s, p->n, p->m, dnnl_ab, &y));
  TRY_DNNL(api->dnnl_memory_create(&s->x, &x, s->engine, (void *)(uintptr_t)p->x));
  TRY_DNNL(api->dnnl_memory_create(&s->y, &y, s->engine, p->y));
  TRY_DNNL(api->dnnl_matmul_desc_init(&desc, &x, &any, NULL, &y));
  dnnl_primitive_desc_t primitive;
  TRY_DNNL(api->dnnl_primitive_desc_create(&primitive, &desc, NULL, s->engine, NULL));
  tsr_status status =
      reorder(s, p, api->dnnl_primitive_desc_query_md(primitive, dnnl_query_weights_md, 0));
  if (status == TSR_OK && api->dnnl_primitive_create(&s->primitive, primitive) != dnnl_success)
    status = tsr__error(TSR_UNSUPPORTED, "oneDNN: no matmul of %lld x %lld x %lld", (long long)p->m,
                        (long long)p->k, (long long)p->n);
  api->dnnl_primitive_desc_destroy(primitive);
  return status;
}

static tsr_status matmul_create(const tsr__product *product, void **out) {
  TSR_TRY(tsr__product_check(product, out));
  const tsr__onednn_api *api;
  const char *version;
  TSR_TRY(tsr__onednn_open(&api, &version));
  matmul *s;
  TSR_TRY(tsr__calloc(1, sizeof *s, "a oneDNN matmul", &s));
  s->api = api;
  s->threads = product->threads;
  /* The blocking is chosen for the number of threads at creation. */
  api->omp_set_num_threads(s->threads);
  tsr_status status =
      product->conv ? tsr__onednn_conv_create(product, &s->conv) : build(s, product);
  if (status != TSR_OK) {
    matmul_destroy(s);
    return status;
  }
  *out = s;
  return TSR_OK;
}

static tsr_status matmul_run(void *state) {
  matmul *s = state;
  if (s->conv) return tsr__onednn_conv_run(s->conv);
  s->api->omp_set_num_threads(s->threads);
  dnnl_exec_arg_t args[] = {
      {DNNL_ARG_SRC, s->x}, {DNNL_ARG_WEIGHTS, s->weights}, {DNNL_ARG_DST, s->y}};
  TRY_DNNL(s->api->dnnl_primitive_execute(s->primitive, s->stream, 3, args));
  TRY_DNNL(s->api->dnnl_stream_wait(s->stream));
  return TSR_OK;
}

static tsr__range matmul_weights(const void *state) {
  const matmul *s = state;
  if (s->conv) return tsr__onednn_conv_weights(s->conv);
  void *data = NULL;
  s->api->dnnl_memory_get_data_handle(s->weights, &data);
  return (tsr__range){data, data ? s->weight_bytes : 0};
}

const tsr__baseline tsr__baseline_onednn = {
    .key = "onednn",
    .name = "onednn matmul (packed weights)",
    .open = matmul_open,
    .create = matmul_create,
    .run = matmul_run,
    .weights = matmul_weights,
    .destroy = matmul_destroy,
};

/* ---- sgemm: the weights stay as they are, so each call packs them anew ---- */

typedef struct {
  const tsr__onednn_api *api;
  tsr__product product;
} sgemm;

static tsr_status sgemm_create(const tsr__product *product, void **out) {
  TSR_TRY(tsr__product_check(product, out));
  TSR_CHECK(!product->conv, TSR_UNSUPPORTED, "oneDNN's sgemm has no convolutions");
  const tsr__onednn_api *api;
  const char *version;
  TSR_TRY(tsr__onednn_open(&api, &version));
  sgemm *s;
  TSR_TRY(tsr__calloc(1, sizeof *s, "a oneDNN sgemm", &s));
  *s = (sgemm){api, *product};
  *out = s;
  return TSR_OK;
}

static tsr_status sgemm_run(void *state) {
  const sgemm *s = state;
  const tsr__product *p = &s->product;
  s->api->omp_set_num_threads(p->threads);
  TRY_DNNL(s->api->dnnl_sgemm('N', 'T', p->n, p->m, p->k, 1.0f, p->x, p->k, p->weights, p->k, 0.0f,
                              p->y, p->m));
  return TSR_OK;
}

static tsr__range sgemm_weights(const void *state) {
  const sgemm *s = state;
  size_t elements = (size_t)s->product.m * (size_t)s->product.k;
  return (tsr__range){s->product.weights, elements * sizeof(float)};
}

static void sgemm_destroy(void *state) { free(state); }

const tsr__baseline tsr__baseline_sgemm = {
    .key = "sgemm",
    .name = "onednn sgemm",
    .open = matmul_open,
    .create = sgemm_create,
    .run = sgemm_run,
    .weights = sgemm_weights,
    .destroy = sgemm_destroy,
};
