/* tessera sweep: a grid of pruned models, made, measured and told. */
#include <errno.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/sweep_cell.h"
#include "runtime/cli/sweep_page.h"

typedef struct sweep_options {
  const char *file, *folder;
  int64_t threads, cells;
  double seconds;
  int report, no_latency;
} sweep_options;

typedef struct sweep_job {
  const sweep_options *options;
  tsr__sweep_plan plan;
  tsr__sweep_results results;
  tsr__sweep_runner runner;
  tsr_hardware hardware;
  tsr_tuning *tuning;
  tsr_plan_options linear;
  char *lines, *work; /* paths */
  size_t left;        /* cells without a result */
  size_t done;        /* in this run */
  double begin;
} sweep_job;

static tsr_status make_folder(const char *path) {
  TSR_CHECK(!mkdir(path, 0777) || errno == EEXIST, TSR_IO, "%s: cannot make the folder: %s", path,
            strerror(errno));
  return TSR_OK;
}

static tsr_status open_folder(sweep_job *job) {
  const char *folder = job->options->folder;
  TSR_TRY(make_folder(folder));
  TSR_TRY(tsr__path_join(folder, "results.jsonl", &job->lines));
  TSR_TRY(tsr__path_join(folder, "work", &job->work));
  TSR_TRY(make_folder(job->work));
  TSR_TRY(tsr__sweep_results_open(job->lines, &job->results));
  if (job->results.torn)
    printf("%s: the last line was incomplete and has been dropped\n", job->lines);
  return TSR_OK;
}

/* The cell's record, unless it failed and is to be tried again; NULL: none. */
static const json_t *record_of(const sweep_job *job, const tsr__sweep_job *cell) {
  const json_t *record = tsr__sweep_results_find(&job->results, cell->command);
  return record && !json_object_get(record, "error") ? record : NULL;
}

/* One without a latency is raced. */
static int is_finished(const sweep_job *job, const tsr__sweep_job *cell) {
  const json_t *record = record_of(job, cell);
  return record && (job->options->no_latency || json_object_get(record, "latency_ms"));
}

static tsr_status open_machine(sweep_job *job) {
  char path[TSR__PATH_MAX];
  TSR_TRY(tsr__cli_hardware(TSR_BACKEND_CPU, &job->hardware));
  TSR_TRY(tsr__cli_load_tuning(&job->hardware, path, &job->tuning));
  job->linear =
      (tsr_plan_options){.backend = TSR_BACKEND_CPU,
                         .threads = tsr__cli_threads(job->options->threads, &job->hardware),
                         .hardware = &job->hardware,
                         .tuning = job->tuning};
  omp_set_num_threads(job->linear.threads); /* the tasks' own loops heed it */
  job->runner = (tsr__sweep_runner){.plan = &job->plan,
                                    .work = job->work,
                                    .linear = &job->linear,
                                    .seconds = job->options->seconds,
                                    .no_latency = job->options->no_latency};
  return TSR_OK;
}

/* "3 of 150: minilm block:16x16 50 % admm: cosine 0.631, ..., 1.6x; 42 min left" */
static void tell(const sweep_job *job, const tsr__sweep_job *cell, const json_t *record) {
  const char *name, *error = json_string_value(json_object_get(record, "error"));
  json_t *value;
  printf("%zu of %zu: %s %s %g %%", job->done, job->left, cell->model->name, cell->pattern,
         100 * cell->sparsity);
  if (cell->method) printf(" %s", cell->method->name);
  if (error) {
    printf(": failed: %s", error);
  } else {
    const char *before = ": ";
    json_object_foreach(json_object_get(record, "metrics"), name, value) {
      printf("%s%s %.4g", before, name, json_number_value(value));
      before = ", ";
    }
    if (!job->options->no_latency)
      printf("; %.2f ms, %.2fx", json_number_value(json_object_get(record, "latency_ms")),
             json_number_value(json_object_get(record, "speedup")));
  }
  double each = (tsr__now() - job->begin) / (double)job->done;
  printf("; %.0f min left\n", each * (double)(job->left - job->done) / 60);
  fflush(stdout);
}

static tsr_status write_page(const sweep_job *job) {
  return tsr__sweep_write(&job->plan, &job->results, &job->hardware, job->options->file,
                          job->options->folder);
}

static tsr_status run_cell(sweep_job *job, const tsr__sweep_job *cell) {
  json_t *record = NULL;
  const json_t *earlier = tsr__sweep_results_find(&job->results, cell->command);
  TSR_TRY(tsr__sweep_run_cell(&job->runner, cell, earlier, &record));
  TSR_TRY(tsr__sweep_results_append(&job->results, record));
  job->done++;
  tell(job, cell, tsr__sweep_results_find(&job->results, cell->command));
  return write_page(job);
}

static tsr_status run_cells(sweep_job *job) {
  job->begin = tsr__now();
  size_t most = job->options->cells ? (size_t)job->options->cells : job->left;
  for (size_t i = 0; i < job->plan.job_count && job->done < most; i++)
    if (!is_finished(job, &job->plan.jobs[i])) TSR_TRY(run_cell(job, &job->plan.jobs[i]));
  return TSR_OK;
}

static tsr_status work(sweep_job *job) {
  TSR_TRY(tsr__sweep_plan_read(job->options->file, &job->plan));
  TSR_TRY(open_folder(job));
  TSR_TRY(open_machine(job));
  size_t unraced = 0;
  for (size_t i = 0; i < job->plan.job_count; i++) {
    int finished = is_finished(job, &job->plan.jobs[i]);
    job->left += !finished;
    unraced += !finished && record_of(job, &job->plan.jobs[i]);
  }
  printf("%zu of %zu cells are finished", job->plan.job_count - job->left, job->plan.job_count);
  if (unraced) printf(", %zu have everything but a latency", unraced);
  printf("\n");
  fflush(stdout);
  if (!job->options->report) TSR_TRY(run_cells(job));
  TSR_TRY(write_page(job));
  printf("wrote results.csv and index.html into %s\n", job->options->folder);
  return TSR_OK;
}

static tsr_status sweep(const void *values) {
  sweep_job job = {.options = values};
  tsr_status status = work(&job);
  tsr__sweep_runner_release(&job.runner);
  tsr__sweep_results_close(&job.results);
  tsr__sweep_plan_release(&job.plan);
  tsr_tuning_destroy(job.tuning);
  free(job.lines);
  free(job.work);
  return status;
}

static const tsr__option rows[] = {
    {.kind = TSR__OPTION_TEXT,
     .argument = "FILE",
     .help = "what to measure: lines that begin with model, pattern, sparsity, method, task, data "
             "or latency",
     .offset = offsetof(sweep_options, file),
     .required = 1},
    {.kind = TSR__OPTION_TEXT,
     .letter = 'o',
     .name = "output",
     .argument = "FOLDER",
     .help = "gets results.jsonl, results.csv and index.html, and in work/ the model that is being "
             "measured; made if need be",
     .offset = offsetof(sweep_options, folder),
     .required = 1},
    {.kind = TSR__OPTION_INTEGER,
     .name = "cells",
     .argument = "N",
     .help = "stop after so many cells (default: all)",
     .offset = offsetof(sweep_options, cells),
     .min = 1,
     .max = 1e9},
    {.kind = TSR__OPTION_NUMBER,
     .name = "seconds",
     .argument = "S",
     .help = "measure each latency for so long",
     .offset = offsetof(sweep_options, seconds),
     .fallback = "1",
     .max = 3600},
    {.kind = TSR__OPTION_FLAG,
     .name = "no-latency",
     .help = "measure quality and size only, where the machine is busy; without it the same sweep "
             "later measures what latencies are missing, and nothing else",
     .offset = offsetof(sweep_options, no_latency)},
    {.kind = TSR__OPTION_FLAG,
     .name = "report",
     .help = "measure nothing, write results.csv and index.html anew",
     .offset = offsetof(sweep_options, report)},
    TSR__ROW_THREADS(sweep_options),
};

static const tsr__example examples[] = {
    {"tessera sweep bench/experiments/founding.txt -o build/founding",
     "the families of patterns against each other; may be interrupted and started again"},
    {"tessera sweep grid.txt -o results --cells 10", "ten cells more"},
};

const tsr__command tsr__cli_sweep = {
    .details =
        "Every cell is a model, pruned by a method into a pattern at a sparsity, packed, raced "
        "against the dense model and evaluated; every model also has a dense row and a null row, "
        "the model with all its pruned matrices zero. A cell that is no better than the null row "
        "is reported as destroyed.\n"
        "In FILE: model NAME PATH, and what is this model's alone, calibrate=FILE, task=TASK, "
        "data=FOLDER; pattern P...; sparsity S...; method NAME OPTIONS-OF-PRUNE...; "
        "task T...; data FOLDER; latency BATCH TOKENS (1 128). Among a method's options "
        "{calibration} stands for the model's calibrate=FILE. Lines of a kind add up; # begins a "
        "comment. Words hold no blanks.\n"
        "Results are appended to results.jsonl cell by cell. A sweep that is killed goes on where "
        "it was; cells are known by their command, those that failed are tried again.",
    .options = rows,
    .option_count = TSR__COUNT(rows),
    .examples = examples,
    .example_count = TSR__COUNT(examples),
    .values_bytes = sizeof(sweep_options),
    .run = sweep,
};
