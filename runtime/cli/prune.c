/* tessera prune: zeros in a pattern. The work on one weight is in prune_layer.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/files.h"
#include "runtime/cli/permute.h"
#include "runtime/cli/prune_budget.h"
#include "runtime/cli/prune_report.h"
#include "runtime/cli/prune_vectors.h"
#include "runtime/cli/weights.h"

typedef struct prune_options {
  const char *in, *out, *pattern, *method;
  double sparsity, target_speedup, target_latency;
  int64_t target_tokens, target_threads;
  int global, budget, dtype, json, permute;
  tsr__list layers, skip;
  tsr__calibrate_values calibrate;
  int64_t threads;
} prune_options;

static int has_target(const prune_options *options) {
  return !isnan(options->target_speedup) || !isnan(options->target_latency);
}

static tsr_status parse_target(const prune_options *options, tsr__prune_target *target,
                               tsr__prune_rule *rule) {
  if (!has_target(options)) return TSR_OK;
  TSR_CHECK(isnan(options->target_speedup) || isnan(options->target_latency), TSR_INVALID_ARGUMENT,
            "--target-speedup and --target-latency exclude each other");
  TSR_CHECK(isnan(options->sparsity), TSR_INVALID_ARGUMENT,
            "--sparsity and a target exclude each other: the target decides");
  TSR_CHECK(options->budget == TSR__BUDGET_MEASURED, TSR_INVALID_ARGUMENT,
            "a target needs --budget measured");
  *target = (tsr__prune_target){.speedup = options->target_speedup,
                                .ms = options->target_latency,
                                .tokens = options->target_tokens,
                                .threads = (int32_t)options->target_threads};
  rule->target = target;
  rule->sparsity = fmax(0.5, tsr_pattern_fixed_sparsity(&rule->pattern)); /* until it is known */
  return TSR_OK;
}

static tsr_status parse_rule(const prune_options *options, tsr__prune_rule *rule) {
  tsr_status status = tsr_pattern_parse(options->pattern, &rule->pattern);
  if (status != TSR_OK) return tsr__error_prefix(status, "--pattern");
  status = tsr_prune_method_parse(options->method, &rule->method);
  if (status != TSR_OK) return tsr__error_prefix(status, "--method");
  TSR_CHECK(rule->pattern.kind != TSR_PATTERN_DENSE, TSR_INVALID_ARGUMENT,
            "--pattern: dense prunes nothing");
  int own = rule->pattern.kind == TSR_PATTERN_NM || rule->pattern.kind == TSR_PATTERN_VNM;
  int given = !isnan(options->sparsity);
  TSR_CHECK(own || given || has_target(options), TSR_INVALID_ARGUMENT,
            "--sparsity is missing: the pattern %s needs one", options->pattern);
  rule->sparsity = given ? options->sparsity : -1;
  rule->dtype = tsr__dtype_choice(options->dtype);
  rule->global = options->global;
  return TSR_OK;
}

static tsr_status check_calibration(const prune_options *options, const tsr__prune_rule *rule) {
  int method = tsr_prune_method_needs(rule->method) != TSR_STATISTICS_NONE;
  int budget = options->budget >= TSR__BUDGET_OWL, given = options->calibrate.files.count > 0;
  TSR_CHECK(!method || given, TSR_INVALID_ARGUMENT,
            "--calibrate is missing: the method %s needs text or images", options->method);
  TSR_CHECK(!budget || given, TSR_INVALID_ARGUMENT,
            "--calibrate is missing: the budgets owl and measured need text or images");
  TSR_CHECK(method || budget || !given, TSR_INVALID_ARGUMENT,
            "--calibrate: the method %s looks at weights only", options->method);
  TSR_CHECK(!options->budget || !options->global, TSR_INVALID_ARGUMENT,
            "--scope global and --budget exclude each other");
  TSR_CHECK(tsr_prune_method_available(rule->method), TSR_UNSUPPORTED,
            "--method: %s needs BLAS and LAPACK, which this build of Tessera lacks",
            options->method);
  return TSR_OK;
}

/* Everything between the open checkpoint and the written one. */
typedef struct prune_job {
  const prune_options *options;
  tsr__prune_target target;
  tsr_checkpoint *checkpoint;
  tsr__prune_rule rule;
  const tsr_tensor **tensors; /* the chosen weights */
  size_t count;
  tsr__prune_layer *layers;     /* [count] */
  tsr_calibration *calibration; /* NULL if the method needs none */
  tsr__changed_vector *vectors; /* biases and the like */
  size_t vector_count;
} prune_job;

static void describe_calibration(const prune_job *job, char *text, size_t size) {
  const tsr_calibration *c = job->calibration;
  const tsr_batch *batch = tsr_calibration_batch(c);
  long long seed = job->options->calibrate.seed;
  if (!batch)
    snprintf(text, size, "%lld images, seed %lld", (long long)tsr_calibration_images(c)->images,
             seed);
  else
    snprintf(text, size, "%lld sequences%s, %lld tokens, seed %lld", (long long)batch->sequences,
             batch->ids ? "" : " of hidden states", (long long)batch->offsets[batch->sequences],
             seed);
}

static tsr_status add_calibration(const prune_job *job, tsr_checkpoint_writer *writer) {
  if (!job->calibration) return TSR_OK;
  char text[128];
  describe_calibration(job, text, sizeof text);
  TSR_TRY(tsr_checkpoint_writer_metadata(writer, "tessera.prune.calibration", text));
  return tsr_checkpoint_writer_metadata(writer, "tessera.prune.calibration_hash",
                                        tsr_calibration_hash(job->calibration));
}

/* What was asked for and what was reached where it was pruned. */
static tsr_status add_target(const prune_job *job, tsr_checkpoint_writer *writer) {
  const tsr__prune_target *t = job->rule.target;
  if (!t) return TSR_OK;
  char wanted[48], reached[128];
  if (isnan(t->ms))
    snprintf(wanted, sizeof wanted, "%.9gx dense", t->speedup);
  else
    snprintf(wanted, sizeof wanted, "%.9g ms", t->ms);
  snprintf(reached, sizeof reached, "%.4g ms, %.3gx dense, %lld tokens, %d threads", t->got_ms,
           t->got_speedup, (long long)t->tokens, (int)t->threads);
  TSR_TRY(tsr_checkpoint_writer_metadata(writer, "tessera.prune.target", wanted));
  return tsr_checkpoint_writer_metadata(writer, "tessera.prune.target_reached", reached);
}

static tsr_status add_metadata(const prune_job *job, tsr_checkpoint_writer *writer) {
  TSR_TRY(tsr__copy_metadata(job->checkpoint, NULL, writer));
  char pattern[TSR_PATTERN_TEXT_MAX], sparsity[32];
  tsr_pattern_text(&job->rule.pattern, pattern);
  snprintf(sparsity, sizeof sparsity, "%.9g",
           job->rule.sparsity >= 0 ? job->rule.sparsity
                                   : tsr_pattern_fixed_sparsity(&job->rule.pattern));
  static const char *const budgets[] = {"uniform", "erk", "owl", "measured"};
  const char *const entries[][2] = {
      {"tessera.version", tsr_version()},
      {"tessera.prune.method", tsr_prune_method_name(job->rule.method)},
      {"tessera.prune.pattern", pattern},
      {"tessera.prune.sparsity", sparsity},
      {"tessera.prune.scope", job->rule.global ? "global" : "layer"},
      {"tessera.prune.budget", budgets[job->options->budget]},
      {"tessera.prune.permuted", job->options->permute ? "yes" : "no"},
  };
  for (size_t i = 0; i < TSR__COUNT(entries); i++)
    TSR_TRY(tsr_checkpoint_writer_metadata(writer, entries[i][0], entries[i][1]));
  TSR_TRY(add_target(job, writer));
  return add_calibration(job, writer);
}

static tsr_status write(const prune_job *job, const tsr__target *target) {
  tsr_checkpoint_writer *writer;
  TSR_TRY(tsr_checkpoint_writer_create(&writer));
  tsr_status status = add_metadata(job, writer);
  size_t layer = 0, total = tsr_checkpoint_tensor_count(job->checkpoint);
  for (size_t i = 0; i < total && status == TSR_OK; i++) {
    const tsr_tensor *tensor = tsr_checkpoint_tensor(job->checkpoint, i);
    const tsr__prune_layer *pruned = layer < job->count ? &job->layers[layer] : NULL;
    int here = pruned && pruned->tensor == tensor;
    layer += (size_t)here;
    const void *data = tsr__changed_vector_of(job->vectors, job->vector_count, tensor);
    if (!data) data = here ? pruned->data : tensor->data;
    status = tsr_checkpoint_writer_add(writer, tensor->name, here ? pruned->dtype : tensor->dtype,
                                       tensor->ndim, tensor->shape, data);
  }
  if (status == TSR_OK) status = tsr_checkpoint_writer_save(writer, target->weights);
  tsr_checkpoint_writer_destroy(writer);
  if (status == TSR_OK) status = tsr__target_copy_side_files(job->checkpoint, target);
  return status;
}

/* Of the layers together. */
static double common_sparsity(const prune_job *job) {
  double pruned = 0, all = 0;
  for (size_t i = 0; i < job->count; i++) {
    double elements =
        (double)tsr__matrix_rows(job->tensors[i]) * (double)tsr__matrix_cols(job->tensors[i]);
    pruned += job->layers[i].sparsity * elements;
    all += elements;
  }
  return all > 0 ? pruned / all : 0;
}

/* powers: [count], zeroed; filled for the time of the permutation. */
static tsr_status permute_by(prune_job *job, const tsr__calibrated_run *run, float **powers) {
  tsr__permute_weight *weights;
  if (tsr_prune_method_needs(job->rule.method) != TSR_STATISTICS_NONE) {
    TSR_TRY(tsr__calibrated_powers(run, powers));
    TSR_TRY(tsr__calibrated_sensitivities(&job->rule, run));
  }
  TSR_TRY(tsr__calloc(job->count, sizeof *weights, "the layers", &weights));
  for (size_t i = 0; i < job->count; i++)
    weights[i] = (tsr__permute_weight){job->tensors[i], powers[i], job->layers[i].sensitivities};
  tsr_status status =
      tsr__permute_checkpoint(&job->rule, run->threads, job->checkpoint, weights, job->count);
  free(weights);
  return status;
}

/* By what a calibrated method would keep, if there is one. */
static tsr_status permute(prune_job *job, const tsr__calibrated_run *run) {
  float **powers;
  TSR_TRY(tsr__calloc(job->count, sizeof *powers, "the layers", &powers));
  tsr_status status = permute_by(job, run, powers);
  for (size_t i = 0; i < job->count; i++) free(powers[i]);
  free(powers);
  return status;
}

static tsr_status prune_layers(prune_job *job) {
  const prune_options *options = job->options;
  tsr_hardware hardware;
  TSR_TRY(tsr_hardware_detect(&hardware));
  int threads = tsr__cli_threads(options->threads, &hardware);
  TSR_TRY(tsr__calloc(job->count, sizeof *job->layers, "the layers", &job->layers));
  for (size_t i = 0; i < job->count; i++) job->layers[i].tensor = job->tensors[i];
  if (options->calibrate.files.count)
    TSR_TRY(tsr__calibration_open(&options->calibrate, job->checkpoint, &job->calibration));
  tsr__calibrated_run run = {.checkpoint = job->checkpoint,
                             .calibration = job->calibration,
                             .threads = threads,
                             .layers = job->layers,
                             .count = job->count};
  if (options->permute) TSR_TRY(permute(job, &run));
  if (job->calibration) TSR_TRY(tsr__calibrated_sensitivities(&job->rule, &run));
  TSR_TRY(tsr__budget_share((tsr__budget)options->budget, &job->rule, &run));
  if (job->rule.target) job->rule.sparsity = common_sparsity(job);
  if (tsr_prune_method_needs(job->rule.method) == TSR_STATISTICS_NONE)
    return tsr__prune_layers(&job->rule, threads, job->layers, job->count);
  return tsr__prune_calibrated(&job->rule, threads, job->checkpoint, job->calibration, job->layers,
                               job->count);
}

static tsr_status work(prune_job *job, const tsr__target *target) {
  TSR_TRY(tsr__weights_choose(job->checkpoint, &job->options->layers, &job->options->skip,
                              &job->tensors, &job->count));
  TSR_TRY(prune_layers(job));
  tsr__prune_report_damping(job->layers, job->count);
  TSR_TRY(tsr__change_vectors(job->checkpoint, job->layers, job->count, &job->vectors,
                              &job->vector_count));
  TSR_TRY(write(job, target));
  return tsr__prune_report(&job->rule, job->layers, job->count, target->weights,
                           job->options->json);
}

static tsr_status prune(const void *values) {
  const prune_options *options = values;
  prune_job job = {.options = options};
  TSR_TRY(parse_rule(options, &job.rule));
  TSR_TRY(parse_target(options, &job.target, &job.rule));
  TSR_TRY(check_calibration(options, &job.rule));
  tsr_checkpoint *checkpoint;
  TSR_TRY(tsr_checkpoint_open(options->in, &checkpoint));
  job.checkpoint = checkpoint;
  tsr__target target;
  tsr_status status = tsr__target_open(checkpoint, options->in, options->out, &target);
  if (status == TSR_OK) status = work(&job, &target);
  tsr__target_close(&target);
  for (size_t i = 0; job.layers && i < job.count; i++) tsr__prune_layer_release(&job.layers[i]);
  free(job.layers);
  tsr__changed_vectors_free(job.vectors, job.vector_count);
  tsr_calibration_destroy(job.calibration);
  free(job.tensors);
  tsr_checkpoint_close(checkpoint);
  return status;
}

static const tsr__option rows[] = {
    TSR__ROW_IN(prune_options),
    TSR__ROW_OUT(prune_options),
    {.kind = TSR__OPTION_TEXT,
     .letter = 'p',
     .name = "pattern",
     .argument = "P",
     .help = "irregular, row, column, block:RxC, N:M (N kept of M), vnm:V:N:M, or "
             "block:RxC+N:M",
     .offset = offsetof(prune_options, pattern),
     .required = 1},
    {.kind = TSR__OPTION_NUMBER,
     .letter = 's',
     .name = "sparsity",
     .argument = "S",
     .help = "the share of zeros to reach, 0..1; N:M and vnm have their own",
     .offset = offsetof(prune_options, sparsity),
     .max = 1},
    {.kind = TSR__OPTION_TEXT,
     .name = "method",
     .argument = "M",
     .help = "how weights are chosen: magnitude-l1, magnitude-l2, or, with --calibrate, wanda, "
             "sparsegpt or admm",
     .offset = offsetof(prune_options, method),
     .fallback = "magnitude-l1"},
    {.kind = TSR__OPTION_CHOICE,
     .name = "scope",
     .argument = "layer|global",
     .help = "reach the sparsity in every weight, or over all of them together: those go that do "
             "least to the embeddings to first order, or of which the magnitude is least",
     .offset = offsetof(prune_options, global),
     .fallback = "layer"},
    TSR__ROW_BUDGET(prune_options),
    {.kind = TSR__OPTION_NUMBER,
     .name = "target-speedup",
     .argument = "X",
     .help = "with --budget measured, in place of --sparsity: the least harm for a model that is "
             "X times as fast as its dense self; layers and model are timed here and now",
     .offset = offsetof(prune_options, target_speedup),
     .min = 1,
     .max = 1000},
    {.kind = TSR__OPTION_NUMBER,
     .name = "target-latency",
     .argument = "MS",
     .help = "the same, for a model that takes so many milliseconds",
     .offset = offsetof(prune_options, target_latency),
     .min = 1e-3,
     .max = 1e6},
    {.kind = TSR__OPTION_INTEGER,
     .name = "target-tokens",
     .argument = "N",
     .help = "tokens of the sequence that is timed",
     .offset = offsetof(prune_options, target_tokens),
     .fallback = "128",
     .min = 1,
     .max = 1 << 20},
    {.kind = TSR__OPTION_INTEGER,
     .name = "target-threads",
     .argument = "N",
     .help = "threads that it is timed with",
     .offset = offsetof(prune_options, target_threads),
     .fallback = "1",
     .min = 1,
     .max = TSR__THREADS_MAX},
    {.kind = TSR__OPTION_FLAG,
     .name = "permute",
     .help =
         "first reorder the channels whose order is free (between the two matrices of a "
         "feed-forward part, within a head), so that N:M, vnm and block patterns keep more; the "
         "model computes the same, at no cost",
     .offset = offsetof(prune_options, permute)},
    TSR__ROWS_CALIBRATE(prune_options),
    TSR__ROW_LAYERS(prune_options),
    TSR__ROW_SKIP(prune_options),
    TSR__ROW_DTYPE(prune_options),
    TSR__ROW_THREADS(prune_options),
    TSR__ROW_JSON(prune_options),
};

static const tsr__example examples[] = {
    {"tessera prune model -o pruned --pattern block:16x16 --sparsity 0.9",
     "keeps the best tenth of the 16x16 blocks of every layer"},
    {"tessera prune model -o pruned -p 2:4 --method wanda --calibrate sentences.txt",
     "2:4, weighed by what each layer reads when the model sees these sentences"},
    {"tessera prune model -o pruned --pattern 2:4 --layers '*.intermediate.*' --layers "
     "'*.output.dense'",
     "2:4 in some of the layers only"},
    {"tessera prune model -o pruned -p block:16x16 --method admm -c sentences.txt --budget "
     "measured "
     "--target-speedup 2",
     "blocks from the layers that can spare them, until the model is twice as fast"},
    {"tessera prune model.safetensors -o pruned.safetensors -p row -s 0.5 --scope global",
     "whole rows; layers that matter less lose more of them"},
};

const tsr__command tsr__cli_prune = {
    .details =
        "Pruned weights are +0.0. What was done is noted in the file's metadata. A filter that is "
        "pruned as a row gives 0: its BatchNorm loses scale and shift. With --calibrate, "
        "BatchNorm gives other filters back the mean and the variance that they have in IN, "
        "biases make up for the mean of what a layer loses, and under row rows that only one other "
        "matrix reads (a feed-forward part's, an attention's values, a filter within a block) "
        "are chosen by what that matrix loses: it loses their columns, they lose their bias. "
        "Everything else is copied bit by bit. 'score kept' is the share of the magnitude that is "
        "left: the higher, the less the model suffers.",
    .options = rows,
    .option_count = TSR__COUNT(rows),
    .examples = examples,
    .example_count = TSR__COUNT(examples),
    .values_bytes = sizeof(prune_options),
    .run = prune,
};
