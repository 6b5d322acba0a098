#include "bench/baseline/onednn_conv.h"

#include <stdlib.h>

#include "bench/baseline/onednn_api.h"
#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

struct tsr__onednn_conv {
  const tsr__onednn_api *api;
  int32_t threads;
  size_t weight_bytes;
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  dnnl_memory_t x, weights, bias, y;
  dnnl_primitive_attr_t attributes;
  dnnl_primitive_desc_t desc;
  dnnl_primitive_t primitive;
};

void tsr__onednn_conv_destroy(tsr__onednn_conv *c) {
  if (!c) return;
  if (c->primitive) c->api->dnnl_primitive_destroy(c->primitive);
  if (c->desc) c->api->dnnl_primitive_desc_destroy(c->desc);
  if (c->attributes) c->api->dnnl_primitive_attr_destroy(c->attributes);
  dnnl_memory_t memories[] = {c->x, c->weights, c->bias, c->y};
  for (size_t i = 0; i < sizeof memories / sizeof memories[0]; i++)
    if (memories[i]) c->api->dnnl_memory_destroy(memories[i]);
  if (c->stream) c->api->dnnl_stream_destroy(c->stream);
  if (c->engine) c->api->dnnl_engine_destroy(c->engine);
  free(c);
}

/* ReLU comes after the sum, as in a residual block. */
static tsr_status make_attributes(tsr__onednn_conv *c, const tsr__conv_product *p) {
  const tsr__onednn_api *api = c->api;
  dnnl_post_ops_t ops;
  TRY_DNNL(api->dnnl_primitive_attr_create(&c->attributes));
  TRY_DNNL(api->dnnl_post_ops_create(&ops));
  dnnl_status_t status = p->sum ? api->dnnl_post_ops_append_sum(ops, 1.0f) : dnnl_success;
  if (status == dnnl_success && p->relu)
    status = api->dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f);
  if (status == dnnl_success) status = api->dnnl_primitive_attr_set_post_ops(c->attributes, ops);
  api->dnnl_post_ops_destroy(ops);
  TSR_CHECK(status == dnnl_success, TSR_UNSUPPORTED, "oneDNN: status %d from post-operations",
            (int)status);
  return TSR_OK;
}

/* The sizes as oneDNN orders them, whatever the layout: images, channels, rows, columns. */
typedef struct {
  dnnl_dims_t x, weights, bias, y;
} dims;

static dims dims_of(const tsr__product *p) {
  const tsr_conv_shape *s = &p->conv->shape;
  return (dims){
      .x = {p->conv->images, s->channels, s->height, s->width},
      .weights = {p->m, s->channels, s->kernel[0], s->kernel[1]},
      .bias = {p->m},
      .y = {p->conv->images, p->m, tsr_conv_output_size(s, 0), tsr_conv_output_size(s, 1)}};
}

static tsr_status make_desc(tsr__onednn_conv *c, const tsr__product *p, const dims *d) {
  const tsr__onednn_api *api = c->api;
  const tsr_conv_shape *s = &p->conv->shape;
  dnnl_memory_desc_t x, weights, bias, y;
  const struct {
    dnnl_memory_desc_t *desc;
    const dnnl_dim_t *dims;
    int count;
    dnnl_format_tag_t tag;
  } rows[] = {{&x, d->x, 4, dnnl_format_tag_any},
              {&weights, d->weights, 4, dnnl_format_tag_any},
              {&bias, d->bias, 1, dnnl_a},
              {&y, d->y, 4, dnnl_format_tag_any}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    TRY_DNNL(api->dnnl_memory_desc_init_by_tag(rows[i].desc, rows[i].count, rows[i].dims, dnnl_f32,
                                               rows[i].tag));
  const dnnl_dims_t strides = {s->stride[0], s->stride[1]},
                    dilations = {s->dilation[0] - 1, s->dilation[1] - 1},
                    padding = {s->padding[0], s->padding[1]};
  dnnl_convolution_desc_t convolution;
  TRY_DNNL(api->dnnl_dilated_convolution_forward_desc_init(
      &convolution, dnnl_forward_inference, dnnl_convolution_direct, &x, &weights,
      p->conv->bias ? &bias : NULL, &y, strides, dilations, padding, padding));
  TRY_DNNL(api->dnnl_primitive_desc_create(&c->desc, &convolution, c->attributes, c->engine, NULL));
  TRY_DNNL(api->dnnl_primitive_create(&c->primitive, c->desc));
  return TSR_OK;
}

/* Copies between two memories of different layouts. */
static tsr_status reorder(const tsr__onednn_conv *c, dnnl_memory_t from,
                          const dnnl_memory_desc_t *from_desc, dnnl_memory_t to,
                          const dnnl_memory_desc_t *to_desc) {
  const tsr__onednn_api *api = c->api;
  dnnl_primitive_desc_t desc = NULL;
  dnnl_primitive_t primitive = NULL;
  dnnl_status_t status = api->dnnl_reorder_primitive_desc_create(&desc, from_desc, c->engine,
                                                                 to_desc, c->engine, NULL);
  if (status == dnnl_success) status = api->dnnl_primitive_create(&primitive, desc);
  dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
  if (status == dnnl_success) status = api->dnnl_primitive_execute(primitive, c->stream, 2, args);
  if (status == dnnl_success) status = api->dnnl_stream_wait(c->stream);
  if (primitive) api->dnnl_primitive_destroy(primitive);
  if (desc) api->dnnl_primitive_desc_destroy(desc);
  TSR_CHECK(status == dnnl_success, TSR_UNSUPPORTED, "oneDNN: status %d from a reorder",
            (int)status);
  return TSR_OK;
}

/* A memory in the layout that the convolution wants. shared: its place, NULL = oneDNN's own. */
static tsr_status make_memory(const tsr__onednn_conv *c, dnnl_query_t which, float *shared,
                              size_t shared_floats, dnnl_memory_t *out, size_t *bytes) {
  const dnnl_memory_desc_t *desc = c->api->dnnl_primitive_desc_query_md(c->desc, which, 0);
  *bytes = c->api->dnnl_memory_desc_get_size(desc);
  int fits = shared && *bytes <= shared_floats * sizeof *shared;
  TRY_DNNL(c->api->dnnl_memory_create(out, desc, c->engine, fits ? shared : DNNL_MEMORY_ALLOCATE));
  return TSR_OK;
}

/* Between the caller's plain memory and one of the convolution's: to_plain tells which way. */
static tsr_status exchange(const tsr__onednn_conv *c, const dnnl_dims_t sizes,
                           dnnl_format_tag_t tag, const float *plain, dnnl_query_t which,
                           dnnl_memory_t memory, int to_plain) {
  dnnl_memory_desc_t desc;
  dnnl_memory_t other;
  const dnnl_memory_desc_t *own = c->api->dnnl_primitive_desc_query_md(c->desc, which, 0);
  TRY_DNNL(c->api->dnnl_memory_desc_init_by_tag(&desc, 4, sizes, dnnl_f32, tag));
  /* oneDNN takes no pointers to const, but only reads the source of a reorder. */
  TRY_DNNL(c->api->dnnl_memory_create(&other, &desc, c->engine, (void *)(uintptr_t)plain));
  tsr_status status =
      to_plain ? reorder(c, memory, own, other, &desc) : reorder(c, other, &desc, memory, own);
  c->api->dnnl_memory_destroy(other);
  return status;
}

static tsr_status build(tsr__onednn_conv *c, const tsr__product *p) {
  const tsr__onednn_api *api = c->api;
  const tsr__conv_product *conv = p->conv;
  dims d = dims_of(p);
  size_t bytes;
  TRY_DNNL(api->dnnl_engine_create(&c->engine, dnnl_cpu, 0));
  TRY_DNNL(api->dnnl_stream_create(&c->stream, c->engine, dnnl_stream_default_flags));
  TSR_TRY(make_attributes(c, conv));
  TSR_TRY(make_desc(c, p, &d));
  TSR_TRY(make_memory(c, dnnl_query_weights_md, NULL, 0, &c->weights, &c->weight_bytes));
  TSR_TRY(make_memory(c, dnnl_query_src_md, conv->shared[0], conv->shared_floats, &c->x, &bytes));
  TSR_TRY(make_memory(c, dnnl_query_dst_md, conv->shared[1], conv->shared_floats, &c->y, &bytes));
  if (conv->bias) {
    dnnl_memory_desc_t bias;
    TRY_DNNL(api->dnnl_memory_desc_init_by_tag(&bias, 1, d.bias, dnnl_f32, dnnl_a));
    TRY_DNNL(api->dnnl_memory_create(&c->bias, &bias, c->engine, (void *)(uintptr_t)conv->bias));
  }
  TSR_TRY(exchange(c, d.weights, dnnl_ohwi, p->weights, dnnl_query_weights_md, c->weights, 0));
  TSR_TRY(exchange(c, d.x, dnnl_nhwc, p->x, dnnl_query_src_md, c->x, 0));
  TSR_TRY(exchange(c, d.y, dnnl_nhwc, p->y, dnnl_query_dst_md, c->y, 0));
  TSR_TRY(tsr__onednn_conv_run(c));
  return exchange(c, d.y, dnnl_nhwc, p->y, dnnl_query_dst_md, c->y, 1);
}

tsr_status tsr__onednn_conv_create(const tsr__product *product, tsr__onednn_conv **out) {
  const tsr__onednn_api *api;
  const char *version;
  TSR_TRY(tsr__onednn_open(&api, &version));
  tsr__onednn_conv *c;
  TSR_TRY(tsr__calloc(1, sizeof *c, "a oneDNN convolution", &c));
  c->api = api;
  c->threads = product->threads;
  /* The blocking is chosen for the number of threads at creation. */
  api->omp_set_num_threads(c->threads);
  tsr_status status = build(c, product);
  if (status != TSR_OK) {
    tsr__onednn_conv_destroy(c);
    return status;
  }
  *out = c;
  return TSR_OK;
}

tsr_status tsr__onednn_conv_run(tsr__onednn_conv *c) {
  c->api->omp_set_num_threads(c->threads);
  dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, c->x},
                            {DNNL_ARG_WEIGHTS, c->weights},
                            {DNNL_ARG_DST, c->y},
                            {DNNL_ARG_BIAS, c->bias}};
  TRY_DNNL(c->api->dnnl_primitive_execute(c->primitive, c->stream, c->bias ? 4 : 3, args));
  TRY_DNNL(c->api->dnnl_stream_wait(c->stream));
  return TSR_OK;
}

tsr__range tsr__onednn_conv_weights(const tsr__onednn_conv *c) {
  void *data = NULL;
  c->api->dnnl_memory_get_data_handle(c->weights, &data);
  return (tsr__range){data, data ? c->weight_bytes : 0};
}
