#include "runtime/report/sweep.h"

#include <math.h>
#include <string.h>

#include "runtime/base/status.h"
#include "runtime/report/csv.h"
#include "runtime/report/report.h"

/* ---- judging ---- */

static size_t find_metric(const tsr__sweep *sweep, const char *name) {
  size_t i = 0;
  while (i < sweep->metric_count && strcmp(sweep->metric_names[i], name) != 0) i++;
  return i;
}

static int is_measured(const tsr__sweep *sweep, const char *model, size_t metric) {
  for (size_t i = 0; i < sweep->count; i++)
    if (!strcmp(sweep->cells[i].model, model) && !isnan(sweep->cells[i].metrics[metric])) return 1;
  return 0;
}

size_t tsr__sweep_quality(const tsr__sweep *sweep, const char *model) {
  size_t cosine = find_metric(sweep, "cosine"), first = 0;
  if (cosine < sweep->metric_count && is_measured(sweep, model, cosine)) return cosine;
  while (first < sweep->metric_count && !is_measured(sweep, model, first)) first++;
  return first;
}

static int is_destroyed(const tsr__sweep *sweep, const tsr__sweep_cell *cell,
                        const tsr__sweep_cell *null_row) {
  static const char *const judges[] = {"cosine", "rank", "frozen", "accuracy"};
  int lost = 0, compared = 0;
  for (size_t i = 0; i < sizeof judges / sizeof *judges; i++) {
    size_t m = find_metric(sweep, judges[i]);
    if (m == sweep->metric_count || isnan(cell->metrics[m]) || isnan(null_row->metrics[m]))
      continue;
    compared++;
    lost += cell->metrics[m] <= null_row->metrics[m];
  }
  return 2 * lost > compared;
}

static const tsr__sweep_cell *null_row_of(const tsr__sweep *sweep, const tsr__sweep_cell *cell) {
  for (size_t i = 0; i < sweep->count; i++) {
    const tsr__sweep_cell *other = &sweep->cells[i];
    if (!other->error && !strcmp(other->pattern, TSR__SWEEP_NULL) &&
        !strcmp(other->model, cell->model))
      return other;
  }
  return NULL;
}

/* Whether b is no worse than a in both and better in one; cost is to be small. */
static int dominates(double cost_b, double quality_b, double cost_a, double quality_a) {
  return cost_b <= cost_a && quality_b >= quality_a && (cost_b < cost_a || quality_b > quality_a);
}

static int competes(const tsr__sweep_cell *cell, size_t quality) {
  return !cell->error && !cell->destroyed && !isnan(cell->metrics[quality]);
}

static void find_fronts(tsr__sweep *sweep, size_t index, size_t quality) {
  tsr__sweep_cell *cell = &sweep->cells[index];
  double own = cell->metrics[quality];
  cell->front_ms = cell->latency_ms > 0;
  cell->front_size = cell->packed_bytes > 0;
  for (size_t i = 0; i < sweep->count; i++) {
    const tsr__sweep_cell *other = &sweep->cells[i];
    if (!competes(other, quality) || strcmp(other->model, cell->model) != 0) continue;
    if (other->latency_ms > 0 &&
        dominates(other->latency_ms, other->metrics[quality], cell->latency_ms, own))
      cell->front_ms = 0;
    if (other->packed_bytes > 0 && dominates((double)other->packed_bytes, other->metrics[quality],
                                             (double)cell->packed_bytes, own))
      cell->front_size = 0;
  }
}

void tsr__sweep_judge(tsr__sweep *sweep) {
  for (size_t i = 0; i < sweep->count; i++) {
    tsr__sweep_cell *cell = &sweep->cells[i];
    const tsr__sweep_cell *null_row = null_row_of(sweep, cell);
    cell->destroyed = cell->front_ms = cell->front_size = 0;
    cell->destroyed = !cell->error && null_row && is_destroyed(sweep, cell, null_row);
  }
  for (size_t i = 0; i < sweep->count; i++) {
    size_t quality = tsr__sweep_quality(sweep, sweep->cells[i].model);
    if (quality < sweep->metric_count && competes(&sweep->cells[i], quality))
      find_fronts(sweep, i, quality);
  }
}

/* ---- CSV ---- */

static void put_number(FILE *stream, double value) {
  fputc(',', stream);
  if (!isnan(value)) fputs(tsr__general(value, 9).text, stream);
}

static void put_cell(const tsr__sweep *sweep, const tsr__sweep_cell *cell, FILE *stream) {
  tsr__csv_text(stream, cell->model);
  fputc(',', stream);
  tsr__csv_text(stream, cell->pattern);
  put_number(stream, cell->sparsity);
  fputc(',', stream);
  tsr__csv_text(stream, cell->method);
  for (size_t m = 0; m < sweep->metric_count; m++) put_number(stream, cell->metrics[m]);
  put_number(stream, cell->latency_ms > 0 ? cell->latency_ms : NAN);
  put_number(stream, cell->speedup > 0 ? cell->speedup : NAN);
  put_number(stream, cell->packed_bytes > 0 ? (double)cell->packed_bytes : NAN);
  fprintf(stream, ",%s,%d,%d,",
          cell->error       ? "failed"
          : cell->destroyed ? "destroyed"
                            : "ok",
          cell->front_ms, cell->front_size);
  tsr__csv_text(stream, cell->command);
  fputc(',', stream);
  tsr__csv_text(stream, cell->error ? cell->error : "");
  fputs("\r\n", stream);
}

tsr_status tsr__sweep_write_csv(const tsr__sweep *sweep, FILE *stream) {
  fputs("model,pattern,sparsity,method", stream);
  for (size_t m = 0; m < sweep->metric_count; m++) {
    fputc(',', stream);
    tsr__csv_text(stream, sweep->metric_names[m]);
  }
  fputs(",latency_ms,speedup,packed_bytes,state,front_latency,front_size,command,error\r\n",
        stream);
  for (size_t i = 0; i < sweep->count; i++) put_cell(sweep, &sweep->cells[i], stream);
  return tsr__stream_end(stream);
}
