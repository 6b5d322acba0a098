/* Tessera's own dense kernel: what selection falls back to. */
#include <stdlib.h>

#include "bench/baseline/baseline.h"
#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/plan/linear_plan.h"
#include "tessera/execute.h"

typedef struct {
  tsr__product product;
  tsr_conv_shape conv; /* channels = 0: none */
  int sum;             /* y is added to */
  tsr_linear_plan *plan;
  void *workspace;
  size_t workspace_bytes;
} dense;

static tsr_status dense_open(const char **version) {
  *version = tsr_version();
  return TSR_OK;
}

static void dense_destroy(void *state) {
  dense *s = state;
  if (!s) return;
  tsr_linear_plan_destroy(s->plan);
  free(s->workspace);
  free(s);
}

static tsr_status build(dense *s) {
  const tsr__product *p = &s->product;
  tsr_linear linear = {.name = "dense baseline",
                       .weight = {.format = TSR_FORMAT_DENSE,
                                  .dtype = TSR_DTYPE_F32,
                                  .rows = p->m,
                                  .cols = p->k,
                                  .stored = p->m * p->k,
                                  .values = p->weights}};
  if (p->conv) {
    s->conv = p->conv->shape;
    linear.conv = &s->conv;
    linear.bias = p->conv->bias;
    linear.activation = p->conv->relu ? TSR_ACTIVATION_RELU : TSR_ACTIVATION_NONE;
    linear.residual_first = 1;
    s->sum = p->conv->sum;
  }
  tsr_plan_options options = {
      .backend = TSR_BACKEND_CPU, .max_tokens = p->n, .threads = p->threads};
  TSR_TRY(tsr_linear_plan_create(&linear, &options, &s->plan));
  s->workspace_bytes = tsr_linear_plan_workspace_bytes(s->plan);
  return tsr__aligned(s->workspace_bytes, 1, "a workspace", &s->workspace);
}

static tsr_status dense_run(void *state) {
  const dense *s = state;
  const tsr__product *p = &s->product;
  int64_t ldx = s->conv.channels ? s->conv.channels : p->k;
  tsr_linear_io io = {.tokens = p->n, .x = p->x, .ldx = ldx, .y = p->y, .ldy = p->m};
  if (s->sum) {
    io.residual = p->y;
    io.ldr = p->m;
  }
  return tsr_linear_execute(s->plan, &io, s->workspace, s->workspace_bytes);
}

static tsr_status dense_create(const tsr__product *product, void **out) {
  TSR_TRY(tsr__product_check(product, out));
  dense *s;
  TSR_TRY(tsr__calloc(1, sizeof *s, "the dense baseline", &s));
  s->product = *product;
  tsr_status status = build(s);
  if (status == TSR_OK && product->conv) status = dense_run(s);
  s->product.conv = NULL; /* the caller's */
  if (status == TSR_OK)
    *out = s;
  else
    dense_destroy(s);
  return status;
}

static tsr__range dense_weights(const void *state) {
  const dense *s = state;
  return (tsr__range){s->plan->weights, s->plan->weight_bytes};
}

const tsr__baseline tsr__baseline_dense = {
    .key = "dense",
    .name = "tessera dense",
    .open = dense_open,
    .create = dense_create,
    .run = dense_run,
    .weights = dense_weights,
    .destroy = dense_destroy,
};
