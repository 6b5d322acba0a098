/* What `tessera sweep` is asked for: a text file, and the cells of its grid. */
#ifndef TESSERA_CLI_SWEEP_PLAN_H
#define TESSERA_CLI_SWEEP_PLAN_H

#include "runtime/evaluate/evaluate.h"
#include "tessera/types.h"

enum {
  TSR__SWEEP_MODELS_MAX = 16,
  TSR__SWEEP_VALUES_MAX = 64,
  TSR__SWEEP_TASKS_MAX = 8,
  TSR__SWEEP_WORDS_MAX = 24,
  TSR__SWEEP_COMMAND_MAX = 2048
};

typedef struct tsr__sweep_model {
  const char *name, *path;
  const char *calibration; /* what TSR__SWEEP_CALIBRATION stands for; or NULL */
  const tsr__task *tasks[TSR__SWEEP_TASKS_MAX]; /* its own, or the plan's */
  size_t task_count;
  const char *data; /* likewise; may be NULL */
} tsr__sweep_model;

/* A word of a method's options that is another one for each model. */
#define TSR__SWEEP_CALIBRATION "{calibration}"
const char *tsr__sweep_word(const tsr__sweep_model *model, const char *word);

typedef struct tsr__sweep_method {
  const char *name;
  size_t word_count;
  const char *words[TSR__SWEEP_WORDS_MAX]; /* options of tessera prune */
} tsr__sweep_method;

/* One model to be made and measured. The dense and the null one have no method. */
typedef struct tsr__sweep_job {
  const tsr__sweep_model *model;
  const tsr__sweep_method *method; /* NULL for the dense and the null row */
  int dense;                       /* nothing is pruned */
  char pattern[TSR_PATTERN_TEXT_MAX];
  double sparsity;
  char command[TSR__SWEEP_COMMAND_MAX]; /* what a user would type: the cell's name */
} tsr__sweep_job;

/* Texts point into `text`. */
typedef struct tsr__sweep_plan {
  char *text;
  tsr__sweep_model models[TSR__SWEEP_MODELS_MAX];
  tsr_pattern patterns[TSR__SWEEP_VALUES_MAX];
  double sparsities[TSR__SWEEP_VALUES_MAX];
  tsr__sweep_method methods[TSR__SWEEP_VALUES_MAX];
  const tsr__task *tasks[TSR__SWEEP_TASKS_MAX];
  size_t model_count, pattern_count, sparsity_count, method_count, task_count;
  const char *data;
  int64_t batch, seq;   /* that latency is measured with */
  tsr__sweep_job *jobs; /* the models one after the other, each with its dense and null row first */
  size_t job_count;
} tsr__sweep_plan;

/* Lines of words between blanks; # begins a comment. TSR_INVALID_ARGUMENT names file and line.
 * Release the plan either way. */
tsr_status tsr__sweep_plan_read(const char *path, tsr__sweep_plan *out);
void tsr__sweep_plan_release(tsr__sweep_plan *plan);

#endif
