/* tessera explain: which kernel runs each linear layer or convolution of a model, and why not
 * another. */
#include <string.h>

#include "runtime/base/status.h"
#include "runtime/cli/cli.h"

typedef struct explain_options {
  const char *model, *kernel;
  int64_t batch, seq, threads, device;
  int json, backend;
} explain_options;

/* What was opened, and planned with. */
typedef struct explanation {
  tsr_hardware hardware;
  tsr__opened opened;
  tsr_tuning *tuning;
  char tuning_path[TSR__PATH_MAX];
  int64_t seq, tokens; /* of a model of images: 1, and its images */
  int32_t threads;
  tsr_model_plan *plan;
} explanation;

static tsr_status prepare(const explain_options *options, explanation *e) {
  TSR_TRY(tsr__cli_hardware_of(options->backend, options->device, &e->hardware));
  TSR_TRY(tsr__cli_load_tuning(&e->hardware, e->tuning_path, &e->tuning));
  TSR_TRY(tsr__cli_open_model(options->model, &e->opened));
  const tsr_model_info *info = tsr_model_get_info(e->opened.model);
  e->seq = info->image_height ? 1 : options->seq;
  TSR_CHECK(info->image_height || e->seq <= info->max_positions, TSR_INVALID_ARGUMENT,
            "--seq: %lld is more than the model's %lld positions", (long long)options->seq,
            (long long)info->max_positions);
  e->threads = tsr__cli_threads(options->threads, &e->hardware);
  e->tokens = options->batch * e->seq;
  tsr_model_plan_options plan = {.linear = {.backend = (tsr_backend)options->backend,
                                            .max_tokens = e->tokens,
                                            .threads = e->threads,
                                            .hardware = &e->hardware,
                                            .tuning = e->tuning,
                                            .force_kernel = options->kernel},
                                 .max_batch = options->batch,
                                 .max_seq = e->seq};
  return tsr_model_plan_create(e->opened.model, &plan, &e->plan);
}

/* A convolution's image and kernel; nothing for another layer. */
static void print_conv(const tsr_conv_shape *s) {
  if (s)
    printf(" over %lldx%lldx%lld, kernel %dx%d, stride %d, padding %d", (long long)s->height,
           (long long)s->width, (long long)s->channels, (int)s->kernel[0], (int)s->kernel[1],
           (int)s->stride[0], (int)s->padding[0]);
}

static void print_layer(const tsr_model *model, size_t index, const tsr_selection *selection) {
  const tsr_linear *linear = tsr_model_linear(model, index);
  const tsr_packed *weight = &linear->weight;
  tsr_pattern pattern = tsr_packed_pattern(weight);
  char text[TSR_PATTERN_TEXT_MAX];
  tsr_pattern_text(&pattern, text);
  printf("\n%s  %lldx%lld", tsr_model_layer_name(model, index), (long long)weight->rows,
         (long long)weight->cols);
  print_conv(linear->conv);
  printf("  %s (%s), density %.4g\n", tsr_format_name(weight->format), text,
         tsr_packed_density(weight));
  for (int32_t c = 0; c < selection->candidate_count; c++) {
    const tsr_candidate *candidate = &selection->candidates[c];
    char predicted[32] = "";
    if (candidate->predicted_us > 0)
      snprintf(predicted, sizeof predicted, "%.1f us", candidate->predicted_us);
    printf("  %c %-40s %12s  %s\n", c ? ' ' : '*', tsr_spmm_kernel_name(candidate->kernel),
           predicted, candidate->reason);
  }
}

static void report_text(const explain_options *options, const explanation *e) {
  const tsr_model *model = e->opened.model;
  int cuda = options->backend == TSR_BACKEND_CUDA;
  if (tsr_model_get_info(model)->image_height)
    printf("%s: %lld image%s, ", options->model, (long long)e->tokens, e->tokens == 1 ? "" : "s");
  else
    printf("%s: %lld tokens (batch %lld x %lld), ", options->model, (long long)e->tokens,
           (long long)options->batch, (long long)e->seq);
  if (cuda)
    printf("%s\n", e->hardware.gpu);
  else
    printf("%d thread%s, %s\n", e->threads, e->threads == 1 ? "" : "s", e->hardware.name);
  if (cuda)
    printf("modelled lower bounds with the rates of an A100; nothing is measured\n");
  else if (e->tuning)
    printf("costs measured on this machine: %s\n", e->tuning_path);
  else
    printf("built-in costs; tessera tune measures this machine's\n");
  for (size_t i = 0; i < tsr_model_layer_count(model); i++) {
    const tsr_linear_plan *plan = tsr_model_plan_linear(e->plan, i);
    if (plan) print_layer(model, i, tsr_linear_plan_selection(plan));
  }
}

static json_t *candidates_json(const tsr_selection *selection) {
  json_t *array = json_array();
  for (int32_t c = 0; c < selection->candidate_count; c++) {
    const tsr_candidate *candidate = &selection->candidates[c];
    array = tsr__json_append(
        array, json_pack("{s:s, s:b, s:f, s:s}", "kernel", tsr_spmm_kernel_name(candidate->kernel),
                         "chosen", c == 0, "predicted_us", candidate->predicted_us, "reason",
                         candidate->reason));
  }
  return array;
}

static json_t *layer_json(const tsr_model *model, size_t index, const tsr_linear_plan *plan) {
  const tsr_selection *selection = tsr_linear_plan_selection(plan);
  const tsr_packed *weight = &tsr_model_linear(model, index)->weight;
  tsr_pattern pattern = tsr_packed_pattern(weight);
  char text[TSR_PATTERN_TEXT_MAX];
  tsr_pattern_text(&pattern, text);
  return json_pack("{s:s, s:I, s:I, s:s, s:s, s:f, s:s, s:s, s:I, s:o}", "name",
                   tsr_model_layer_name(model, index), "m", (json_int_t)weight->rows, "k",
                   (json_int_t)weight->cols, "format", tsr_format_name(weight->format), "pattern",
                   text, "density", tsr_packed_density(weight), "kernel",
                   tsr_spmm_kernel_name(selection->kernel), "reason", selection->reason,
                   "weight_bytes", (json_int_t)tsr_linear_plan_weight_bytes(plan), "candidates",
                   candidates_json(selection));
}

static tsr_status report_json(const explain_options *options, const explanation *e) {
  const tsr_model *model = e->opened.model;
  json_t *layers = json_array();
  for (size_t i = 0; i < tsr_model_layer_count(model); i++) {
    const tsr_linear_plan *plan = tsr_model_plan_linear(e->plan, i);
    if (plan) layers = tsr__json_append(layers, layer_json(model, i, plan));
  }
  return tsr__print_json(
      json_pack("{s:s, s:s, s:s, s:s?, s:I, s:I, s:i, s:s?, s:o}", "model", options->model,
                "backend", tsr_backend_name((tsr_backend)options->backend), "cpu", e->hardware.name,
                "gpu", *e->hardware.gpu ? e->hardware.gpu : NULL, "batch",
                (json_int_t)options->batch, "seq", (json_int_t)e->seq, "threads", e->threads,
                "tuning", e->tuning ? e->tuning_path : NULL, "layers", layers),
      stdout);
}

static tsr_status explain(const void *values) {
  const explain_options *options = values;
  explanation e = {0};
  tsr_status status = prepare(options, &e);
  if (status == TSR_OK && options->json)
    status = report_json(options, &e);
  else if (status == TSR_OK)
    report_text(options, &e);
  tsr_model_plan_destroy(e.plan);
  tsr__cli_close_model(&e.opened);
  tsr_tuning_destroy(e.tuning);
  return status;
}

static const tsr__option rows[] = {
    TSR__ROW_MODEL(explain_options),
    {.kind = TSR__OPTION_INTEGER,
     .letter = 'b',
     .name = "batch",
     .argument = "N",
     .help = "sequences or images at once",
     .offset = offsetof(explain_options, batch),
     .fallback = "1",
     .min = 1,
     .max = 65536},
    {.kind = TSR__OPTION_INTEGER,
     .name = "seq",
     .argument = "N",
     .help = "tokens of each sequence",
     .offset = offsetof(explain_options, seq),
     .fallback = "128",
     .min = 1,
     .max = 65536},
    {.kind = TSR__OPTION_TEXT,
     .letter = 'k',
     .name = "kernel",
     .argument = "NAME",
     .help = "see what using this kernel everywhere would mean",
     .offset = offsetof(explain_options, kernel)},
    TSR__ROW_BACKEND(explain_options),
    TSR__ROW_DEVICE(explain_options),
    TSR__ROW_THREADS(explain_options),
    TSR__ROW_JSON(explain_options),
};

static const tsr__example examples[] = {
    {"tessera explain packed", "one sequence of 128 tokens"},
    {"tessera explain bert-base --batch 8 --seq 384 --threads 1",
     "a preset, with other sizes: what is best depends on them"},
};

const tsr__command tsr__cli_explain = {
    .details =
        "Of every linear layer and convolution: the kernels that were looked at, the chosen one "
        "first (*), with the time that the cost model predicts and the reason.",
    .options = rows,
    .option_count = TSR__COUNT(rows),
    .examples = examples,
    .example_count = TSR__COUNT(examples),
    .values_bytes = sizeof(explain_options),
    .run = explain,
};
