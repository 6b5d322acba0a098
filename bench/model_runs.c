#include "bench/model_runs.h"

#include <stdlib.h>
#include <string.h>

#include "bench/flops.h"
#include "bench/record.h"
#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/plan/linear_plan.h"
#include "runtime/plan/model_plan.h"

static tsr_status create_images(const tsr_model_info *info, tsr__model_input *out) {
  size_t floats =
      (size_t)(out->batch * info->image_height * info->image_width) * (size_t)info->image_channels;
  size_t logits = (size_t)(out->batch * info->classes);
  out->seq = 1;
  out->hidden = info->classes;
  out->height = info->image_height;
  out->width = info->image_width;
  out->channels = info->image_channels;
  TSR_TRY(tsr__aligned(logits, sizeof(float), "logits", &out->embedding));
  tsr_status status = tsr__aligned(floats, sizeof(float), "pixels", &out->pixels);
  if (status == TSR_OK)
    tsr__random_floats(1, out->pixels, floats);
  else
    tsr__model_input_release(out);
  return status;
}

tsr_status tsr__model_input_create(const tsr_model_info *info, int64_t batch, int64_t seq,
                                   tsr__model_input *out) {
  *out = (tsr__model_input){.batch = batch, .seq = seq, .hidden = info->hidden};
  if (info->image_height) return create_images(info, out);
  TSR_CHECK(seq <= info->max_positions, TSR_INVALID_ARGUMENT,
            "%s: %lld tokens a sequence, the model has %lld positions", info->name, (long long)seq,
            (long long)info->max_positions);
  size_t tokens = (size_t)(batch * seq);
  tsr_status status;
  TSR_TRY_GOTO(status, tsr__calloc((size_t)batch + 1, sizeof(int64_t), "offsets", &out->offsets),
               fail);
  TSR_TRY_GOTO(status, tsr__calloc(tokens, sizeof(int32_t), "token ids", &out->ids), fail);
  TSR_TRY_GOTO(
      status,
      tsr__aligned((size_t)(batch * info->hidden), sizeof(float), "embeddings", &out->embedding),
      fail);
  uint64_t seed = 1;
  for (int64_t s = 0; s <= batch; s++) out->offsets[s] = s * seq;
  for (size_t t = 0; t < tokens; t++)
    out->ids[t] = (int32_t)(tsr__random_next(&seed) % (uint64_t)info->vocabulary);
  return TSR_OK;
fail:
  tsr__model_input_release(out);
  return status;
}

void tsr__model_input_release(tsr__model_input *input) {
  free(input->offsets);
  free(input->ids);
  free(input->embedding);
  free(input->pixels);
  *input = (tsr__model_input){0};
}

/* The layer's weights as floats; the caller frees them. */
static tsr_status dense_weights(const tsr_linear *linear, float **out) {
  const tsr_packed *w = &linear->weight;
  TSR_TRY(tsr__aligned((size_t)(w->rows * w->cols), sizeof **out, "dense weights", out));
  tsr_status status = tsr_unpack_f32(w, *out, w->cols);
  if (status == TSR_OK) return TSR_OK;
  free(*out);
  *out = NULL;
  return status;
}

static tsr_status make_weight(const tsr_linear *linear, const tsr__variant *variant,
                              tsr_packed *out) {
  if (variant->as_is) {
    *out = linear->weight;
    out->owned = NULL; /* the source model keeps it */
    return TSR_OK;
  }
  float *weights;
  TSR_TRY(dense_weights(linear, &weights));
  tsr_status status =
      tsr__variant_pack(variant, weights, linear->weight.rows, linear->weight.cols, out);
  free(weights);
  return status;
}

/* The first convolution and the classifier of a model of images stay as they came. */
enum { LEAST_CHANNELS = 16 };

static int is_pruned(const tsr_linear *linear, const tsr__model_input *input) {
  return !input->pixels || (linear->conv && linear->conv->channels >= LEAST_CHANNELS);
}

/* Rows of activations that the layer multiplies in one execution. */
static int64_t rows_of(const tsr_linear *linear, const tsr__model_input *input) {
  if (!linear->conv) return input->batch * input->seq;
  return input->batch * tsr_conv_output_size(linear->conv, 0) *
         tsr_conv_output_size(linear->conv, 1);
}

static tsr_status set_weights(const tsr_model *source, tsr_model *working,
                              const tsr__variant *variant, tsr__model_run *out) {
  for (size_t i = 0; i < tsr_model_layer_count(source); i++) {
    const tsr_linear *linear = tsr_model_linear(source, i);
    if (!linear) continue;
    tsr_packed weight;
    static const tsr__variant as_it_came = {.as_is = 1};
    int pruned = is_pruned(linear, out->input);
    TSR_TRY(make_weight(linear, pruned ? variant : &as_it_came, &weight));
    out->stored_flops += tsr__flops_stored(weight.stored, rows_of(linear, out->input));
    out->flops += tsr__flops_stored(weight.rows * weight.cols, rows_of(linear, out->input));
    out->stored += weight.stored;
    out->elements += weight.rows * weight.cols;
    out->packed_bytes += (int64_t)tsr_packed_bytes(&weight);
    if (pruned) TSR__SET_TEXT(out->format, tsr_format_name(weight.format));
    TSR_TRY(tsr_model_set_weight(working, i, &weight));
  }
  return TSR_OK;
}

enum { KINDS_MAX = 8 };

/* "a" when all layers use kernel a, else "30 a, 6 b". */
static void describe_kernels(const tsr_model *model, tsr__model_run *run) {
  const char *names[KINDS_MAX] = {0};
  int counts[KINDS_MAX] = {0}, kinds = 0;
  for (size_t i = 0; i < tsr_model_layer_count(model); i++) {
    const tsr_linear_plan *plan = tsr_model_plan_linear(run->plan, i);
    if (!plan) continue;
    const tsr_selection *selection = tsr_linear_plan_selection(plan);
    const char *name = tsr_spmm_kernel_name(selection->kernel);
    int kind = 0;
    while (kind < kinds && strcmp(names[kind], name) != 0) kind++;
    if (kind == KINDS_MAX) continue;
    if (kind == kinds) names[kinds++] = name;
    counts[kind]++;
    if (!*run->reason) TSR__SET_TEXT(run->reason, selection->reason);
  }
  if (kinds == 1) {
    TSR__SET_TEXT(run->kernel, names[0]);
    return;
  }
  size_t used = 0;
  for (int kind = 0; kind < kinds && used < sizeof run->kernel; kind++)
    used += (size_t)snprintf(run->kernel + used, sizeof run->kernel - used, "%s%d %s",
                             kind ? ", " : "", counts[kind], names[kind]);
}

static tsr_status list_touched(const tsr_model *model, tsr__model_run *run) {
  size_t layers = tsr_model_layer_count(model);
  TSR_TRY(tsr__calloc(layers + 2, sizeof *run->touched, "ranges", &run->touched));
  for (size_t i = 0; i < layers; i++) {
    const tsr_linear_plan *plan = tsr_model_plan_linear(run->plan, i);
    if (plan) run->touched[run->touched_count++] = (tsr__range){plan->weights, plan->weight_bytes};
  }
  run->touched[run->touched_count++] = (tsr__range){run->workspace, run->workspace_bytes};
  run->touched[run->touched_count++] = (tsr__range){
      run->input->embedding, (size_t)(run->input->batch * run->input->hidden) * sizeof(float)};
  return TSR_OK;
}

static int64_t pixel_count(const tsr__model_input *input) {
  return input->batch * input->height * input->width * input->channels;
}

static tsr_status allocate_on_gpu(tsr__model_run *run) {
  const tsr__model_input *input = run->input;
  void *embedding = NULL, *pixels = NULL;
  size_t bytes = (size_t)(input->batch * input->hidden) * sizeof(float);
  TSR_TRY(tsr__cuda_alloc(run->cuda, run->workspace_bytes, "the GPU's workspace", &run->workspace));
  TSR_TRY(tsr__cuda_alloc(run->cuda, bytes, "embeddings", &embedding));
  run->embedding = embedding;
  if (!input->pixels) return TSR_OK;
  tsr_status status = tsr__cuda_upload(
      run->cuda, input->pixels, (size_t)pixel_count(input) * sizeof(float), "pixels", &pixels);
  run->pixels = pixels;
  return status;
}

static tsr_status place_on_gpu(tsr__model_run *run) {
  TSR_TRY(tsr__cuda_open(&run->cuda));
  TSR_TRY(tsr__cuda_enter(run->cuda));
  tsr_status status = allocate_on_gpu(run);
  tsr__cuda_leave(run->cuda);
  return status == TSR_OK ? tsr__cuda_replay_create(run->plan->cuda, &run->replay) : status;
}

static tsr_status place(const tsr_model *model, tsr__model_run *run) {
  run->workspace_bytes = tsr_model_plan_workspace_bytes(run->plan);
  if (run->plan->cuda) return place_on_gpu(run);
  run->embedding = run->input->embedding;
  run->pixels = run->input->pixels;
  TSR_TRY(tsr__aligned(run->workspace_bytes, 1, "a workspace", &run->workspace));
  return list_touched(model, run);
}

static tsr_status build_run(const tsr_model *source, tsr_model *working,
                            const tsr__variant *variant, int32_t threads,
                            const tsr__bench_options *options, tsr__model_run *out) {
  TSR_TRY(set_weights(source, working, variant, out));
  const tsr__model_input *input = out->input;
  tsr_model_plan_options plan = {
      .linear = {.backend = options->gpu ? TSR_BACKEND_CUDA : TSR_BACKEND_CPU,
                 .max_tokens = input->batch * input->seq,
                 .threads = threads,
                 .hardware = options->hardware,
                 .tuning = options->tuning,
                 .force_kernel = options->force_kernel,
                 .no_dense_fallback = options->no_dense_fallback},
      .max_batch = input->batch,
      .max_seq = input->seq};
  /* A forced kernel of a sparse format cannot run the dense model. */
  if (!variant->as_is && variant->pattern.kind == TSR_PATTERN_DENSE)
    plan.linear.force_kernel = NULL;
  TSR_TRY(tsr_model_plan_create(working, &plan, &out->plan));
  describe_kernels(working, out);
  return place(working, out);
}

tsr_status tsr__model_run_create(const tsr_model *source, tsr_model *working,
                                 const tsr__variant *variant, const tsr__model_input *input,
                                 int32_t threads, const tsr__bench_options *options,
                                 tsr__model_run *out) {
  *out = (tsr__model_run){.input = input};
  tsr_status status = build_run(source, working, variant, threads, options, out);
  if (status != TSR_OK) tsr__model_run_release(out);
  return status;
}

static void free_on_gpu(const tsr__model_run *run) {
  tsr__cuda_replay_destroy(run->replay);
  if (tsr__cuda_enter(run->cuda) == TSR_OK) {
    tsr__cuda_free(run->cuda, run->workspace);
    tsr__cuda_free(run->cuda, run->embedding);
    tsr__cuda_free(run->cuda, run->pixels);
    tsr__cuda_leave(run->cuda);
  }
  tsr__cuda_close(run->cuda);
}

void tsr__model_run_release(tsr__model_run *run) {
  if (run->cuda)
    free_on_gpu(run);
  else
    free(run->workspace);
  tsr_model_plan_destroy(run->plan);
  free(run->touched);
  *run = (tsr__model_run){0};
}

tsr_status tsr__model_run_execute(void *user) {
  const tsr__model_run *run = user;
  const tsr__model_input *input = run->input;
  tsr_batch batch = {.sequences = input->batch, .offsets = input->offsets, .ids = input->ids};
  if (input->pixels) {
    tsr_image_batch images = {input->batch,    input->height, input->width,
                              input->channels, run->pixels,   TSR_IMAGE_NHWC};
    tsr_image_output logits = {.logits = run->embedding};
    if (run->replay)
      return tsr__cuda_replay_execute_images(run->replay, &images, &logits, run->workspace);
    return tsr_model_execute_images(run->plan, &images, &logits, run->workspace,
                                    run->workspace_bytes);
  }
  tsr_output output = {.embedding = run->embedding, .normalise = 1};
  if (run->replay) return tsr__cuda_replay_execute(run->replay, &batch, &output, run->workspace);
  return tsr_model_execute(run->plan, &batch, &output, run->workspace, run->workspace_bytes);
}

/* residual: the layer adds one. */
static tsr_status add_product(const tsr_linear *linear, int residual, const tsr__model_input *input,
                              int32_t threads, tsr__products_run *run) {
  size_t i = run->count++;
  TSR_TRY(dense_weights(linear, &run->weights[i]));
  tsr__product product = {.m = linear->weight.rows,
                          .k = linear->weight.cols,
                          .n = rows_of(linear, input),
                          .threads = threads,
                          .weights = run->weights[i],
                          .x = run->x,
                          .y = run->y,
                          .gpu = run->gpu.cuda ? &run->gpu.operands : NULL};
  tsr__conv_product conv = {.images = input->batch,
                            .bias = linear->bias,
                            .relu = linear->activation == TSR_ACTIVATION_RELU,
                            .sum = residual,
                            .shared = {run->x, run->y},
                            .shared_floats = run->shared_floats};
  if (linear->conv) {
    conv.shape = *linear->conv;
    product.conv = &conv;
    /* Values for it to bring into its layout; not those of the shared memory that it brings them
     * to.
     */
    tsr__random_floats(2, run->plain, run->shared_floats);
    product.x = run->plain;
    product.y = run->plain;
  }
  TSR_TRY(run->baseline->create(&product, &run->states[i]));
  run->touched[i] = run->baseline->weights(run->states[i]);
  return TSR_OK;
}

static int64_t greater(int64_t a, int64_t b) { return a > b ? a : b; }

/* Floats that a layer reads. */
static int64_t input_floats(const tsr_linear *linear, const tsr__model_input *input) {
  const tsr_conv_shape *s = linear->conv;
  return s ? input->batch * s->height * s->width * s->channels
           : rows_of(linear, input) * linear->weight.cols;
}

static tsr_status build_products(const tsr_model *source, const tsr__model_input *input,
                                 int32_t threads, tsr__products_run *run) {
  size_t layers = tsr_model_layer_count(source);
  int64_t rows = 0, cols = 0, read = 0, written = 0;
  for (size_t i = 0; i < layers; i++) {
    const tsr_linear *linear = tsr_model_linear(source, i);
    if (!linear) continue;
    rows = greater(rows, linear->weight.rows);
    cols = greater(cols, linear->weight.cols);
    read = greater(read, input_floats(linear, input));
    written = greater(written, rows_of(linear, input) * linear->weight.rows);
  }
  run->shared_floats = (size_t)greater(read, written);
  size_t room = run->shared_floats + TSR__GPU_TOKEN_GROUP * (size_t)greater(rows, cols);
  TSR_TRY(tsr__aligned(run->shared_floats, sizeof *run->x, "activations", &run->x));
  TSR_TRY(tsr__aligned(run->shared_floats, sizeof *run->y, "outputs", &run->y));
  TSR_TRY(tsr__aligned(run->shared_floats, sizeof *run->plain, "activations", &run->plain));
  TSR_TRY(tsr__calloc(layers, sizeof *run->states, "products", &run->states));
  TSR_TRY(tsr__calloc(layers, sizeof *run->weights, "products", &run->weights));
  TSR_TRY(tsr__calloc(layers, sizeof *run->touched, "products", &run->touched));
  tsr__random_floats(2, run->x, run->shared_floats);
  tsr__random_floats(3, run->y, run->shared_floats);
  if (run->baseline->backend == TSR_BACKEND_CUDA)
    TSR_TRY(tsr__gpu_activations_create(run->x, run->shared_floats, room, room, &run->gpu));
  for (size_t i = 0; i < layers; i++) {
    const tsr_linear *linear = tsr_model_linear(source, i);
    if (linear)
      TSR_TRY(add_product(linear, source->layers[i].residual != TSR__NO_SLOT, input, threads, run));
  }
  return TSR_OK;
}

tsr_status tsr__products_run_create(const tsr_model *source, const tsr__baseline *baseline,
                                    const tsr__model_input *input, int32_t threads,
                                    tsr__products_run *out) {
  *out = (tsr__products_run){.baseline = baseline};
  tsr_status status = build_products(source, input, threads, out);
  if (status != TSR_OK) tsr__products_run_release(out);
  return status;
}

void tsr__products_run_release(tsr__products_run *run) {
  for (size_t i = 0; i < run->count; i++) {
    run->baseline->destroy(run->states[i]);
    free(run->weights[i]);
  }
  tsr__gpu_activations_release(&run->gpu);
  free(run->states);
  free(run->weights);
  free(run->touched);
  free(run->x);
  free(run->y);
  free(run->plain);
  *run = (tsr__products_run){0};
}

tsr_status tsr__products_run_execute(void *user) {
  const tsr__products_run *run = user;
  for (size_t i = 0; i < run->count; i++) TSR_TRY(run->baseline->run(run->states[i]));
  return TSR_OK;
}
