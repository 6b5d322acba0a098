/* One run of the model over the calibration, layer by layer, and of the unpruned model beside it.
 */
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/calibrate/conv_rows.h"
#include "runtime/calibrate/run.h"

static void forget(tsr__calibrate_run *run) {
  tsr_statistics_destroy(run->statistics);
  run->statistics = NULL;
  run->known = TSR__NO_SLOT;
}

/* Whether the layer's output is no more than its share of a sum. */
static int adds_to_a_sum(const tsr__layer *layer) {
  return layer->kind == TSR_LAYER_LINEAR && layer->residual != TSR__NO_SLOT &&
         layer->as.linear.activation == TSR_ACTIVATION_NONE;
}

/* The unpruned model has run the layer already. x: what the layer reads. */
static tsr_status add_goal(const tsr__calibrate_run *run, const tsr__layer *layer, const float *x,
                           int64_t rows) {
  const tsr__slot *slots = run->own.model->slots;
  const tsr_linear *linear = &layer->as.linear;
  const float *sums = tsr__calibrate_slot(run, &run->reference, layer->output);
  tsr__sum_goal goal = {.sum = sums + layer->output_column,
                        .residual = tsr__calibrate_slot(run, &run->own, layer->residual),
                        .bias = linear->bias,
                        .outputs = linear->weight.rows,
                        .lds = slots[layer->output].width,
                        .ldr = slots[layer->residual].width};
  return tsr__statistics_add_goal(run->statistics, x, rows, slots[layer->input].width, &goal,
                                  run->options->threads);
}

static tsr_status gather_statistics(tsr__calibrate_run *run, const tsr__layer *layer) {
  const tsr_calibrate_options *o = run->options;
  const float *x = tsr__calibrate_slot(run, &run->own, layer->input), *reference = NULL;
  if (run->reference.model && o->statistics == TSR_STATISTICS_GRAM)
    reference = tsr__calibrate_slot(run, &run->reference, layer->input);
  int64_t rows, width = run->own.model->slots[layer->input].width;
  TSR_TRY(tsr__calibrate_rows(run, layer, &rows));
  if (layer->kind == TSR_LAYER_CONV2D) {
    TSR_TRY(tsr_statistics_create(layer->as.conv2d.linear.weight.cols, o->statistics,
                                  &run->statistics));
    return tsr__statistics_add_conv(run->statistics, &layer->as.conv2d.shape, x, reference,
                                    run->sequences, o->threads);
  }
  TSR_TRY(tsr_statistics_create(width, o->statistics, &run->statistics));
  if (reference && adds_to_a_sum(layer)) return add_goal(run, layer, x, rows);
  if (reference)
    return tsr__statistics_add_pair(run->statistics, x, reference, rows, width, o->threads);
  return tsr_statistics_add(run->statistics, x, rows, width, o->threads);
}

/* Convolutions that read the same see it through kernels of their own, and what layers add to is
 * theirs alone. */
static tsr_status visit(tsr__calibrate_run *run, size_t index) {
  const tsr__layer *layer = &run->own.model->layers[index];
  int own = layer->kind == TSR_LAYER_CONV2D || layer->residual != TSR__NO_SLOT;
  if (run->known != layer->input || own) {
    forget(run);
    TSR_TRY(gather_statistics(run, layer));
    if (!own) run->known = layer->input;
  }
  return run->options->visit(run->options->user, index, run->statistics);
}

static tsr_status compare(tsr__calibrate_run *run, size_t index) {
  size_t width = (size_t)tsr__layer_linear(&run->own.model->layers[index])->weight.rows;
  double *sums;
  TSR_TRY(tsr__aligned(4 * width, sizeof *sums, "a layer's moments", &sums));
  const tsr_moments now = {sums, sums + width}, wanted = {sums + 2 * width, sums + 3 * width};
  tsr_status status = tsr__calibrate_moments(run, &run->own, index, sums, sums + width);
  if (status == TSR_OK)
    status =
        tsr__calibrate_moments(run, &run->reference, index, sums + 2 * width, sums + 3 * width);
  if (status == TSR_OK) status = run->options->compare(run->options->user, index, &now, &wanted);
  free(sums);
  return status;
}

static tsr_status visit_and_compare(tsr__calibrate_run *run, size_t index) {
  TSR_TRY(visit(run, index));
  return run->options->compare ? compare(run, index) : TSR_OK;
}

static tsr_status run_reference(tsr__calibrate_run *run, size_t index) {
  return run->reference.model ? tsr__calibrate_layer(run, &run->reference, index) : TSR_OK;
}

static tsr_status run_layer(tsr__calibrate_run *run, size_t index) {
  const tsr__layer *layer = &run->own.model->layers[index];
  int reference_first = adds_to_a_sum(layer);
  if (reference_first) TSR_TRY(run_reference(run, index));
  if (run->options->chosen[index]) {
    tsr_status status = visit_and_compare(run, index);
    if (status != TSR_OK) return tsr__error_prefix(status, "%s", layer->name);
  }
  if (layer->output == run->known) forget(run);
  TSR_TRY(tsr__calibrate_layer(run, &run->own, index));
  return reference_first ? TSR_OK : run_reference(run, index);
}

/* What comes after the last layer to be visited need not be computed. */
static size_t layers_to_run(const tsr__calibrate_run *run) {
  size_t end = run->own.model->layer_count;
  while (end && !run->options->chosen[end - 1]) end--;
  return end;
}

static tsr_status check_input(const tsr_model *model, const tsr_calibration *calibration) {
  const tsr_image_batch *images = tsr_calibration_images(calibration);
  const tsr_model_info *info = &model->info;
  TSR_CHECK(!images == (model->image_slot == TSR__NO_SLOT), TSR_INVALID_ARGUMENT,
            "tsr_calibrate: %s takes %s", info->name,
            images ? "text, not images" : "images, not text");
  TSR_CHECK(
      !images || (images->height == info->image_height && images->width == info->image_width &&
                  images->channels == info->image_channels),
      TSR_UNSUPPORTED_SHAPE,
      "tsr_calibrate: images of %lld x %lld x %lld, %s takes %lld x %lld x %lld",
      (long long)images->height, (long long)images->width, (long long)images->channels, info->name,
      (long long)info->image_height, (long long)info->image_width, (long long)info->image_channels);
  TSR_CHECK(!calibration->width || calibration->width == info->hidden, TSR_UNSUPPORTED_SHAPE,
            "tsr_calibrate: hidden states of %lld values, %s has %lld",
            (long long)calibration->width, info->name, (long long)info->hidden);
  return TSR_OK;
}

/* Of the same kinds and shapes, in the same slots. */
static int same_layers(const tsr_model *a, const tsr_model *b) {
  if (a->layer_count != b->layer_count || a->slot_count != b->slot_count) return 0;
  for (int32_t i = 0; i < a->slot_count; i++)
    if (a->slots[i].width != b->slots[i].width) return 0;
  for (size_t i = 0; i < a->layer_count; i++) {
    const tsr__layer *x = &a->layers[i], *y = &b->layers[i];
    if (x->kind != y->kind || x->input != y->input || x->output != y->output) return 0;
    if (!tsr__layer_is_planned(x)) continue;
    const tsr_packed *v = &tsr_model_linear(a, i)->weight, *w = &tsr_model_linear(b, i)->weight;
    if (v->rows != w->rows || v->cols != w->cols) return 0;
  }
  return 1;
}

static tsr_status check(const tsr_model *model, const tsr_calibration *calibration,
                        const tsr_calibrate_options *options) {
  TSR_CHECK(model && calibration && options && options->chosen && options->visit,
            TSR_INVALID_ARGUMENT, "tsr_calibrate: NULL argument");
  TSR_CHECK(options->threads >= 1, TSR_INVALID_ARGUMENT, "tsr_calibrate: %d threads",
            (int)options->threads);
  for (size_t i = 0; i < model->layer_count; i++)
    TSR_CHECK(!options->chosen[i] || tsr__layer_is_planned(&model->layers[i]), TSR_INVALID_ARGUMENT,
              "tsr_calibrate: layer '%s' is neither linear nor a convolution of one group",
              model->layers[i].name);
  const tsr_model *reference = options->reference;
  TSR_CHECK(reference || !options->compare, TSR_INVALID_ARGUMENT,
            "tsr_calibrate: nothing to compare with: reference is NULL");
  TSR_CHECK(!reference || same_layers(model, reference), TSR_INVALID_ARGUMENT,
            "tsr_calibrate: the reference's layers are not the model's");
  return check_input(model, calibration);
}

tsr_status tsr_calibrate(tsr_model *model, const tsr_calibration *calibration,
                         const tsr_calibrate_options *options) {
  TSR_TRY(check(model, calibration, options));
  tsr__calibrate_run run = {.own.model = model,
                            .reference.model = options->reference,
                            .calibration = calibration,
                            .batch = tsr_calibration_batch(calibration),
                            .options = options,
                            .known = TSR__NO_SLOT};
  tsr_status status = tsr__calibrate_open(&run);
  size_t end = layers_to_run(&run);
  for (size_t i = run.first; i < end && status == TSR_OK; i++) status = run_layer(&run, i);
  forget(&run);
  tsr__calibrate_close(&run);
  return status;
}
