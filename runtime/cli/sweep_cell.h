/* Making and measuring one cell of a sweep. */
#ifndef TESSERA_CLI_SWEEP_CELL_H
#define TESSERA_CLI_SWEEP_CELL_H

#include "bench/model_runs.h"
#include "runtime/cli/evaluate_subject.h"
#include "runtime/cli/sweep_plan.h"

/* Keeps, from cell to cell, what belongs to the unpruned model: its embeddings, its plan. Set the
 * first members; release it after any use. */
typedef struct tsr__sweep_runner {
  const tsr__sweep_plan *plan;
  const char *work; /* an empty folder for the models that are made; exists */
  const tsr_plan_options *linear;
  double seconds; /* that a latency is measured for */
  int no_latency; /* quality and size only */
  /* The rest is private. */
  tsr__task_data data;
  const tsr__sweep_model *model; /* the one that is open */
  tsr__cli_subject reference;
  tsr__opened dense_weights; /* of dense_run */
  tsr__model_input input;
  tsr__model_run dense_run;
} tsr__sweep_runner;

/* *record: a new object with the cell's names and figures, or with "error"; NULL when out of
 * memory. earlier: NULL, or the cell's record without a latency, whose metrics are taken over. A
 * failure is of the sweep itself, not of the cell. */
tsr_status tsr__sweep_run_cell(tsr__sweep_runner *runner, const tsr__sweep_job *job,
                               const json_t *earlier, json_t **record);
void tsr__sweep_runner_release(tsr__sweep_runner *runner);

#endif
