/* tessera evaluate: quality of a model on tasks. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cli/evaluate_subject.h"

typedef struct evaluate_options {
  const char *model, *reference, *data, *vocabulary;
  tsr__list tasks;
  int json, backend;
  int64_t threads, device;
} evaluate_options;

typedef struct evaluate_job {
  const evaluate_options *options;
  const tsr__task **tasks; /* [options->tasks.count] */
  tsr_hardware hardware;
  tsr_tuning *tuning;
  tsr_plan_options linear;
  tsr__cli_subject subject, reference;
  tsr__task_data data;
  tsr__evaluation *results; /* like tasks */
} evaluate_job;

static tsr_status find_tasks(evaluate_job *job) {
  const tsr__list *names = &job->options->tasks;
  TSR_CHECK(names->count, TSR_INVALID_ARGUMENT, "--task is missing");
  TSR_TRY(tsr__calloc(names->count, sizeof *job->tasks, "the tasks", &job->tasks));
  TSR_TRY(tsr__calloc(names->count, sizeof *job->results, "the results", &job->results));
  for (size_t i = 0; i < names->count; i++) {
    tsr_status status = tsr__task_find(names->items[i], &job->tasks[i]);
    if (status != TSR_OK) return tsr__error_prefix(status, "--task");
    TSR_CHECK(job->options->reference || !job->tasks[i]->ops->needs_reference, TSR_INVALID_ARGUMENT,
              "--reference is missing: %s compares with the unpruned model", names->items[i]);
  }
  return TSR_OK;
}

static tsr_status open_models(evaluate_job *job) {
  const evaluate_options *o = job->options;
  char path[TSR__PATH_MAX];
  TSR_TRY(tsr__cli_hardware_of(o->backend, o->device, &job->hardware));
  TSR_TRY(tsr__cli_load_tuning(&job->hardware, path, &job->tuning));
  job->linear = (tsr_plan_options){.backend = (tsr_backend)o->backend,
                                   .threads = tsr__cli_threads(o->threads, &job->hardware),
                                   .hardware = &job->hardware,
                                   .tuning = job->tuning};
  omp_set_num_threads(job->linear.threads); /* the tasks' own loops heed it */
  TSR_TRY(tsr__cli_subject_open(o->model, o->vocabulary, &job->linear, &job->subject));
  if (!o->reference || !strcmp(o->reference, o->model)) return TSR_OK;
  return tsr__cli_subject_open(o->reference, o->vocabulary, &job->linear, &job->reference);
}

static tsr_status report_json(const evaluate_job *job) {
  const evaluate_options *o = job->options;
  json_t *tasks = json_array();
  for (size_t i = 0; i < o->tasks.count; i++)
    tasks = tsr__json_append(tasks, tsr__evaluation_json(&job->results[i]));
  return tsr__print_json(
      json_pack("{s:s, s:s?, s:o}", "model", o->model, "reference", o->reference, "tasks", tasks),
      stdout);
}

static void print_metric(const tsr__metric *m) {
  int share = m->unit == TSR__METRIC_SHARE;
  printf("  %-14s  ", m->name);
  if (share)
    printf("%6.2f %%  ", 100 * m->value);
  else
    printf("%8.4f  ", m->value);
  if (isnan(m->low))
    printf("%18s", "");
  else
    printf("(%5.2f to %5.2f %%)", 100 * m->low, 100 * m->high);
  printf("  %s\n", m->meaning);
}

static void report_text(const evaluate_job *job) {
  for (size_t i = 0; i < job->options->tasks.count; i++) {
    const tsr__evaluation *result = &job->results[i];
    printf("%s, %lld: %s\n", result->task, (long long)result->count, job->tasks[i]->summary);
    for (size_t m = 0; m < result->metric_count; m++) print_metric(&result->metrics[m]);
  }
}

static tsr_status work(evaluate_job *job) {
  const evaluate_options *o = job->options;
  TSR_TRY(find_tasks(job));
  TSR_TRY(open_models(job));
  job->data.folder = o->data;
  /* The model may be its own reference: then nothing is computed twice. */
  tsr__subject *reference = job->reference.subject ? job->reference.subject
                            : o->reference         ? job->subject.subject
                                                   : NULL;
  for (size_t i = 0; i < o->tasks.count; i++)
    TSR_TRY(tsr__evaluate(job->tasks[i], &job->data, job->subject.subject, reference,
                          &job->results[i]));
  if (o->json) return report_json(job);
  report_text(job);
  return TSR_OK;
}

static tsr_status evaluate(const void *values) {
  evaluate_job job = {.options = values};
  tsr_status status = work(&job);
  tsr__cli_subject_close(&job.subject);
  tsr__cli_subject_close(&job.reference);
  tsr__task_data_release(&job.data);
  tsr_tuning_destroy(job.tuning);
  free(job.tasks);
  free(job.results);
  return status;
}

static const tsr__option rows[] = {
    TSR__ROW_MODEL(evaluate_options),
    {.kind = TSR__OPTION_LIST,
     .letter = 'T',
     .name = "task",
     .argument = "TASK",
     .help = "fidelity, sentiment, retrieval or fashion; may be given several times, which saves "
             "computing "
             "the same sentences again",
     .offset = offsetof(evaluate_options, tasks)},
    {.kind = TSR__OPTION_TEXT,
     .letter = 'r',
     .name = "reference",
     .argument = "MODEL",
     .help = "the unpruned model, for what is measured against it",
     .offset = offsetof(evaluate_options, reference)},
    {.kind = TSR__OPTION_TEXT,
     .letter = 'd',
     .name = "data",
     .argument = "FOLDER",
     .help = "the folder with the tasks' files: " TSR__SENTENCES_FILE
             " (scripts/get_sentences.sh); WordNet's data files, if they are not in "
             "/usr/share/wordnet; Fashion-MNIST's, if they are not in "
             "/usr/share/datasets/fashion-mnist",
     .offset = offsetof(evaluate_options, data)},
    {.kind = TSR__OPTION_TEXT,
     .name = "vocab",
     .argument = "PATH",
     .help = "the vocabulary (default: vocab.txt beside the weights)",
     .offset = offsetof(evaluate_options, vocabulary)},
    TSR__ROW_BACKEND(evaluate_options),
    TSR__ROW_DEVICE(evaluate_options),
    TSR__ROW_THREADS(evaluate_options),
    TSR__ROW_JSON(evaluate_options),
};

static const tsr__example examples[] = {
    {"tessera evaluate packed --task fidelity --reference model --data build/data/sentences",
     "how near the pruned model's embeddings are to the unpruned one's"},
    {"tessera evaluate packed --task sentiment --reference model --data build/data/sentences",
     "whether film reviews can still be told apart by the unpruned model's probe (frozen), and by "
     "one fitted anew (refit)"},
    {"tessera evaluate packed --task retrieval --json", "WordNet as Debian's wordnet-base has it"},
    {"tessera evaluate models/fashion-resnet --task fashion",
     "images as Debian's dataset-fashion-mnist has them"},
};

const tsr__command tsr__cli_evaluate = {
    .details =
        "Embeddings are L2-normalised and of at most 64 tokens. Shares come with their 95 % "
        "interval (Wilson). Judge a pruned model by frozen, cosine and rank: a refitted probe "
        "stays above 70 % even for a model whose encoder is all zeros.",
    .options = rows,
    .option_count = TSR__COUNT(rows),
    .examples = examples,
    .example_count = TSR__COUNT(examples),
    .values_bytes = sizeof(evaluate_options),
    .run = evaluate,
};
