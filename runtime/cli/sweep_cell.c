#include "runtime/cli/sweep_cell.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/cli/child.h"
#include "runtime/report/report.h"

enum { RACE_ROUNDS = 5 };

/* Figures of one cell. */
typedef struct figures {
  const json_t *known; /* metrics of an earlier measurement; NULL = none */
  tsr__evaluation results[TSR__SWEEP_TASKS_MAX];
  double latency_ms, speedup;
  int64_t packed_bytes;
  double make_seconds, evaluate_seconds;
} figures;

static const tsr__variant as_is = {.as_is = 1};

/* ---- the unpruned model ---- */

static tsr__bench_options bench_options(const tsr__sweep_runner *runner) {
  return (tsr__bench_options){.hardware = runner->linear->hardware,
                              .tuning = runner->linear->tuning};
}

static void close_model(tsr__sweep_runner *runner) {
  tsr__model_run_release(&runner->dense_run);
  tsr__model_input_release(&runner->input);
  tsr__cli_close_model(&runner->dense_weights);
  tsr__cli_subject_close(&runner->reference);
  runner->model = NULL;
}

static tsr_status open_model(tsr__sweep_runner *runner, const tsr__sweep_model *model) {
  if (runner->model == model) return TSR_OK;
  close_model(runner);
  const tsr__sweep_plan *plan = runner->plan;
  tsr__bench_options options = bench_options(runner);
  TSR_TRY(tsr__cli_subject_open(model->path, NULL, runner->linear, &runner->reference));
  TSR_TRY(tsr__cli_open_model(model->path, &runner->dense_weights));
  const tsr_model *source = runner->reference.opened.model;
  TSR_TRY(
      tsr__model_input_create(tsr_model_get_info(source), plan->batch, plan->seq, &runner->input));
  TSR_TRY(tsr__model_run_create(source, runner->dense_weights.model, &as_is, &runner->input,
                                runner->linear->threads, &options, &runner->dense_run));
  runner->model = model;
  tsr__task_data_release(&runner->data);
  runner->data = (tsr__task_data){.folder = model->data};
  return TSR_OK;
}

void tsr__sweep_runner_release(tsr__sweep_runner *runner) {
  close_model(runner);
  tsr__task_data_release(&runner->data);
}

/* ---- making ---- */

/* Paths in the folder for work. */
typedef struct made {
  char *pruned, *packed, *errors;
} made;

static tsr_status name_files(const tsr__sweep_runner *runner, made *m) {
  TSR_TRY(tsr__path_join(runner->work, "pruned", &m->pruned));
  TSR_TRY(tsr__path_join(runner->work, "packed", &m->packed));
  return tsr__path_join(runner->work, "errors.txt", &m->errors);
}

static tsr_status make(const tsr__sweep_runner *runner, const tsr__sweep_job *job, const made *m) {
  enum { OWN_WORDS = 16 };
  const char *argv[OWN_WORDS + TSR__SWEEP_WORDS_MAX];
  char sparsity[32], threads[16];
  size_t n = 0;
  snprintf(sparsity, sizeof sparsity, "%.9g", job->sparsity);
  snprintf(threads, sizeof threads, "%d", (int)runner->linear->threads);
  const char *const begin[] = {"tessera",
                               "prune",
                               job->model->path,
                               "-o",
                               m->pruned,
                               "-t",
                               threads,
                               "-s",
                               sparsity,
                               "-p",
                               job->method ? job->pattern : "irregular"};
  for (size_t i = 0; i < TSR__COUNT(begin); i++) argv[n++] = begin[i];
  for (size_t i = 0; job->method && i < job->method->word_count; i++)
    argv[n++] = tsr__sweep_word(job->model, job->method->words[i]);
  argv[n] = NULL;
  TSR_TRY(tsr__child_run(argv, m->errors));
  const char *const pack[] = {"tessera", "pack", m->pruned, "-o", m->packed, "-t", threads, NULL};
  return tsr__child_run(pack, m->errors);
}

/* ---- measuring ---- */

static tsr_status race(const tsr__sweep_runner *runner, const tsr__model_run *run, figures *f) {
  const tsr__model_run *dense = &runner->dense_run;
  int alone = run == dense;
  tsr__contestant contestants[2] = {
      {"dense", tsr__model_run_execute, (void *)(uintptr_t)dense, dense->touched,
       dense->touched_count},
      {"pruned", tsr__model_run_execute, (void *)(uintptr_t)run, run->touched, run->touched_count}};
  tsr__race_options options = {
      .cache = TSR_CACHE_WARM, .min_rounds = RACE_ROUNDS, .min_seconds = runner->seconds};
  tsr__race_result result;
  tsr__timing timing = {0};
  f->packed_bytes = run->packed_bytes;
  if (runner->no_latency) return TSR_OK;
  TSR_TRY(tsr__race(contestants, alone ? 1 : 2, &options, &result));
  tsr_status status = tsr__race_timing(&result, alone ? 0 : 1, &timing);
  f->speedup = 1;
  if (status == TSR_OK && !alone) status = tsr__race_speedup(&result, 1, 0, &f->speedup);
  tsr__race_release(&result);
  f->latency_ms = timing.median_ms;
  return status;
}

static tsr_status evaluate(tsr__sweep_runner *runner, tsr__subject *subject, figures *f) {
  if (f->known) return TSR_OK;
  for (size_t i = 0; i < runner->model->task_count; i++)
    TSR_TRY(tsr__evaluate(runner->model->tasks[i], &runner->data, subject,
                          runner->reference.subject, &f->results[i]));
  return TSR_OK;
}

/* The packed model is opened twice: a run takes the weights out of one and plans the other. */
static tsr_status measure_packed(tsr__sweep_runner *runner, const char *path, figures *f) {
  tsr__cli_subject subject = {0};
  tsr__opened working = {0};
  tsr__model_run run = {0};
  tsr__bench_options options = bench_options(runner);
  tsr_status status;
  TSR_TRY_GOTO(status, tsr__cli_subject_open(path, NULL, runner->linear, &subject), done);
  TSR_TRY_GOTO(status, tsr__cli_open_model(path, &working), done);
  TSR_TRY_GOTO(status,
               tsr__model_run_create(subject.opened.model, working.model, &as_is, &runner->input,
                                     runner->linear->threads, &options, &run),
               done);
  TSR_TRY_GOTO(status, race(runner, &run, f), done);
  status = evaluate(runner, subject.subject, f);
done:
  tsr__model_run_release(&run);
  tsr__cli_close_model(&working);
  tsr__cli_subject_close(&subject);
  return status;
}

static tsr_status measure(tsr__sweep_runner *runner, const tsr__sweep_job *job, figures *f) {
  made m = {0};
  double begin = tsr__now();
  tsr_status status = name_files(runner, &m);
  if (status == TSR_OK) status = open_model(runner, job->model);
  if (status == TSR_OK && !job->dense) status = make(runner, job, &m);
  f->make_seconds = tsr__now() - begin;
  if (status == TSR_OK && job->dense) {
    status = race(runner, &runner->dense_run, f);
    if (status == TSR_OK) status = evaluate(runner, runner->reference.subject, f);
  } else if (status == TSR_OK) {
    status = measure_packed(runner, m.packed, f);
  }
  f->evaluate_seconds = tsr__now() - begin - f->make_seconds;
  free(m.pruned);
  free(m.packed);
  free(m.errors);
  return status;
}

/* ---- the record ---- */

static json_t *metrics_json(const tsr__sweep_model *model, const figures *f) {
  if (f->known) return json_deep_copy(f->known);
  json_t *metrics = json_object();
  for (size_t t = 0; t < model->task_count; t++)
    for (size_t i = 0; i < f->results[t].metric_count; i++) {
      const tsr__metric *m = &f->results[t].metrics[i];
      if (!isfinite(m->value) || !json_object_set_new(metrics, m->name, json_real(m->value)))
        continue;
      json_decref(metrics);
      return NULL;
    }
  return metrics;
}

static json_t *names_json(const tsr__sweep_job *job) {
  return json_pack("{s:s, s:s, s:f, s:s, s:s, s:s}", "model", job->model->name, "pattern",
                   job->pattern, "sparsity", job->sparsity, "method",
                   job->method ? job->method->name : "", "command", job->command, "version",
                   tsr_version());
}

static json_t *record_of(const tsr__sweep_runner *runner, const tsr__sweep_job *job,
                         const figures *f, const char *error) {
  json_t *record = names_json(job);
  json_t *measured =
      error ? json_pack("{s:s}", "error", error)
            : json_pack("{s:o, s:I, s:i, s:f, s:f}", "metrics", metrics_json(job->model, f),
                        "packed_bytes", (json_int_t)f->packed_bytes, "threads",
                        (int)runner->linear->threads, "make_seconds", f->make_seconds,
                        "evaluate_seconds", f->evaluate_seconds);
  int failed = !record || !measured || json_object_update(record, measured);
  if (!error && !runner->no_latency)
    failed |= json_object_set_new(record, "latency_ms", json_real(f->latency_ms)) ||
              json_object_set_new(record, "speedup", json_real(f->speedup));
  json_decref(measured);
  if (!failed) return record;
  json_decref(record);
  return NULL;
}

tsr_status tsr__sweep_run_cell(tsr__sweep_runner *runner, const tsr__sweep_job *job,
                               const json_t *earlier, json_t **record) {
  figures f = {.known = json_object_get(earlier, "metrics")};
  char error[512] = "";
  tsr_status status = measure(runner, job, &f);
  if (status == TSR_OUT_OF_MEMORY) return status;
  if (status != TSR_OK) {
    snprintf(error, sizeof error, "%s", tsr_last_error());
    tsr__text_clean(error);
  }
  *record = record_of(runner, job, &f, *error ? error : NULL);
  return TSR_OK;
}
