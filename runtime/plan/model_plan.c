#include "runtime/plan/model_plan.h"

#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/plan/hardware.h"

static tsr_status check(const tsr_model *model, const tsr_model_plan_options *options) {
  TSR_CHECK(!model->weights_taken, TSR_INVALID_ARGUMENT,
            "tsr_model_plan_create: a plan has taken over the weights of %s", model->info.name);
  int text = model->image_slot == TSR__NO_SLOT; /* the others have neither tokens nor positions */
  const struct {
    const char *name;
    int64_t value;
  } sizes[] = {{"max_tokens", text ? options->linear.max_tokens : 1},
               {"max_batch", options->max_batch},
               {"max_seq", text ? options->max_seq : 1},
               {"threads", options->linear.threads}};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
    TSR_CHECK(sizes[i].value >= 1, TSR_INVALID_ARGUMENT, "tsr_model_plan_create: %s is %lld",
              sizes[i].name, (long long)sizes[i].value);
  TSR_CHECK(!text || options->max_seq <= model->info.max_positions, TSR_INVALID_ARGUMENT,
            "tsr_model_plan_create: max_seq is %lld, the model has %lld positions",
            (long long)options->max_seq, (long long)model->info.max_positions);
  return TSR_OK;
}

const tsr_layer_kernels *tsr__best_layer_kernels(const tsr_hardware *hardware) {
  int isa = TSR_ISA_CPU_COUNT - 1;
  while (isa > TSR_ISA_SCALAR && !hardware->isa[isa]) isa--;
  return &tsr__layer_kernels[isa];
}

/* Rows that the layer computes for a whole batch. */
static tsr_status count_rows(const tsr_model_plan *plan, const tsr__layer *layer, int64_t *rows) {
  int per_sequence = plan->model->slots[layer->input].per_sequence;
  *rows = per_sequence ? plan->limits.max_batch : plan->limits.max_tokens;
  if (layer->kind != TSR_LAYER_CONV2D) return TSR_OK;
  const tsr_conv_shape *s = &layer->as.conv2d.shape;
  int64_t pixels = tsr_conv_output_size(s, 0) * tsr_conv_output_size(s, 1);
  TSR_CHECK(tsr__mul_i64(*rows, pixels, rows), TSR_UNSUPPORTED_SHAPE,
            "%s: %lld images of %lld output pixels", layer->name, (long long)*rows,
            (long long)pixels);
  return TSR_OK;
}

/* Keeps the weight's shape. */
static void release_weight(tsr__layer *layer) {
  tsr_packed *weight = &tsr__layer_linear(layer)->weight;
  tsr_packed shape = {
      .format = weight->format, .dtype = weight->dtype, .rows = weight->rows, .cols = weight->cols};
  tsr_packed_release(weight);
  *weight = shape;
}

/* *bytes: what the layer wants of the workspace beside its slots. */
static tsr_status plan_layer(tsr_model_plan *plan, size_t index, const tsr_plan_options *options,
                             size_t *bytes) {
  tsr__layer *layer = &plan->model->layers[index];
  tsr_plan_options linear = *options;
  const tsr__layer_ops *ops = tsr__layer_ops_of(layer->kind);
  *bytes = ops->workspace_bytes ? ops->workspace_bytes(layer, &plan->limits) : 0;
  if (!tsr__layer_is_planned(layer)) return TSR_OK;
  TSR_TRY(count_rows(plan, layer, &linear.max_tokens));
  TSR_TRY(tsr_linear_plan_create(tsr__layer_linear(layer), &linear, &plan->linear[index]));
  *bytes = tsr__round_line(tsr_linear_plan_workspace_bytes(plan->linear[index]));
  return TSR_OK;
}

/* taken: the model, if its weights are the plan's; else NULL. */
static tsr_status build(tsr_model_plan *plan, tsr_model *taken,
                        const tsr_model_plan_options *options) {
  const tsr_model *model = plan->model;
  tsr_plan_options linear = options->linear;
  tsr_hardware detected;
  if (!linear.hardware) {
    TSR_TRY(tsr__plan_hardware(linear.backend, &detected));
    linear.hardware = &detected;
  }
  if (model->image_slot != TSR__NO_SLOT) linear.max_tokens = 1;
  plan->limits = (tsr__layer_limits){.max_tokens = linear.max_tokens,
                                     .max_batch = options->max_batch,
                                     .max_seq = options->max_seq,
                                     .threads = linear.threads,
                                     .kernels = tsr__best_layer_kernels(linear.hardware)};
  TSR_TRY(tsr__slots_place(model, linear.backend, linear.max_tokens, options->max_batch,
                           plan->slot_offsets, &plan->slot_bytes));
  TSR_TRY(tsr__calloc(model->layer_count, sizeof *plan->linear, "a plan", &plan->linear));
  size_t scratch = 0;
  for (size_t i = 0; i < model->layer_count; i++) {
    size_t bytes;
    TSR_TRY(plan_layer(plan, i, &linear, &bytes));
    if (bytes > scratch) scratch = bytes;
    if (taken && plan->linear[i]) release_weight(&taken->layers[i]);
  }
  plan->workspace_bytes = plan->slot_bytes + scratch;
  if (linear.backend != TSR_BACKEND_CUDA) return TSR_OK;
  TSR_TRY(tsr__cuda_model_create(model, plan->linear, &plan->limits, &plan->cuda));
  plan->workspace_bytes = tsr__cuda_model_workspace_bytes(plan->cuda);
  return TSR_OK;
}

static tsr_status create(const tsr_model *model, tsr_model *taken,
                         const tsr_model_plan_options *options, tsr_model_plan **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_model_plan_create: out is NULL");
  *out = NULL;
  TSR_CHECK(model && options, TSR_INVALID_ARGUMENT, "tsr_model_plan_create: NULL argument");
  TSR_TRY(check(model, options));
  tsr_model_plan *plan;
  TSR_TRY(tsr__calloc(1, sizeof *plan, "a plan", &plan));
  plan->model = model;
  if (taken) taken->weights_taken = 1;
  tsr_status status = build(plan, taken, options);
  if (status == TSR_OK)
    *out = plan;
  else
    tsr_model_plan_destroy(plan);
  return status;
}

tsr_status tsr_model_plan_create(const tsr_model *model, const tsr_model_plan_options *options,
                                 tsr_model_plan **out) {
  return create(model, NULL, options, out);
}

tsr_status tsr_model_plan_take(tsr_model *model, const tsr_model_plan_options *options,
                               tsr_model_plan **out) {
  return create(model, model, options, out);
}

void tsr_model_plan_destroy(tsr_model_plan *plan) {
  if (!plan) return;
  tsr__cuda_model_destroy(plan->cuda);
  for (size_t i = 0; plan->linear && i < plan->model->layer_count; i++)
    tsr_linear_plan_destroy(plan->linear[i]);
  free(plan->linear);
  free(plan);
}

size_t tsr_model_plan_workspace_bytes(const tsr_model_plan *plan) {
  return plan ? plan->workspace_bytes : 0;
}

const tsr_linear_plan *tsr_model_plan_linear(const tsr_model_plan *plan, size_t index) {
  return plan && index < plan->model->layer_count ? plan->linear[index] : NULL;
}
