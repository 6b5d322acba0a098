#include "runtime/cli/sweep_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/cli/output.h"
#include "runtime/report/sweep.h"

static size_t metric_index(tsr__sweep *sweep, const char *name) {
  size_t i = 0;
  while (i < sweep->metric_count && strcmp(sweep->metric_names[i], name) != 0) i++;
  if (i == sweep->metric_count && i < TSR__SWEEP_METRICS_MAX)
    sweep->metric_names[sweep->metric_count++] = name;
  return i;
}

/* Names come from the cells, as the tasks gave them. */
static void read_metrics(tsr__sweep *sweep, const json_t *record, tsr__sweep_cell *cell) {
  for (size_t i = 0; i < TSR__SWEEP_METRICS_MAX; i++) cell->metrics[i] = NAN;
  const char *name;
  json_t *value;
  json_object_foreach(json_object_get(record, "metrics"), name, value) {
    size_t i = metric_index(sweep, name);
    if (i < TSR__SWEEP_METRICS_MAX && json_is_number(value))
      cell->metrics[i] = json_number_value(value);
  }
}

static void add_cell(tsr__sweep *sweep, const tsr__sweep_job *job, const json_t *record) {
  tsr__sweep_cell *cell = &sweep->cells[sweep->count++];
  *cell = (tsr__sweep_cell){
      .model = job->model->name,
      .pattern = job->pattern,
      .method = job->method ? job->method->name : "",
      .command = job->command,
      .error = json_string_value(json_object_get(record, "error")),
      .sparsity = job->sparsity,
      .latency_ms = json_number_value(json_object_get(record, "latency_ms")),
      .speedup = json_number_value(json_object_get(record, "speedup")),
      .packed_bytes = json_integer_value(json_object_get(record, "packed_bytes"))};
  read_metrics(sweep, record, cell);
}

static tsr_status write_file(const tsr__sweep *sweep, const char *folder, const char *name,
                             tsr_status (*write)(const tsr__sweep *sweep, FILE *stream)) {
  char *path;
  tsr__output output;
  TSR_TRY(tsr__path_join(folder, name, &path));
  tsr_status status = tsr__output_open(path, &output);
  if (status == TSR_OK) {
    status = write(sweep, output.stream);
    if (status == TSR_OK) status = tsr__output_commit(&output);
    tsr__output_discard(&output);
  }
  free(path);
  return status;
}

tsr_status tsr__sweep_write(const tsr__sweep_plan *plan, const tsr__sweep_results *results,
                            const tsr_hardware *machine, const char *title, const char *folder) {
  tsr__sweep sweep = {.title = title, .machine = machine};
  TSR_TRY(tsr__calloc(plan->job_count, sizeof *sweep.cells, "the cells", &sweep.cells));
  for (size_t i = 0; i < plan->job_count; i++) {
    const json_t *record = tsr__sweep_results_find(results, plan->jobs[i].command);
    if (record) add_cell(&sweep, &plan->jobs[i], record);
  }
  tsr__sweep_judge(&sweep);
  tsr_status status = write_file(&sweep, folder, "results.csv", tsr__sweep_write_csv);
  if (status == TSR_OK) status = write_file(&sweep, folder, "index.html", tsr__sweep_write_html);
  free(sweep.cells);
  return status;
}
