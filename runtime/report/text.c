/* A table for the terminal: as wide as its contents, numbers to the right. */
#include <inttypes.h>
#include <string.h>
#include <utf8proc.h>

#include "runtime/base/status.h"
#include "runtime/report/report.h"

enum { CELL_MAX = 128 };

typedef void cell_writer(const tsr_record *record, char cell[CELL_MAX]);

static void put(char cell[CELL_MAX], const char *text) {
  snprintf(cell, CELL_MAX, "%s", *text ? text : "-");
}

static void name_cell(const tsr_record *r, char cell[CELL_MAX]) { put(cell, r->name); }
static void pattern_cell(const tsr_record *r, char cell[CELL_MAX]) { put(cell, r->pattern); }
static void format_cell(const tsr_record *r, char cell[CELL_MAX]) { put(cell, r->format); }
static void sparsity_cell(const tsr_record *r, char cell[CELL_MAX]) {
  put(cell, tsr__percent(r->sparsity).text);
}
static void cache_cell(const tsr_record *r, char cell[CELL_MAX]) {
  put(cell, tsr__is_modelled(r) ? "" : r->cache == TSR_CACHE_COLD ? "cold" : "warm");
}
static void threads_cell(const tsr_record *r, char cell[CELL_MAX]) {
  put(cell, r->threads ? tsr__fixed(r->threads, 0).text : "");
}

/* m x k x n of a layer, batch x seq of a model. */
static void shape_cell(const tsr_record *r, char cell[CELL_MAX]) {
  if (r->m)
    snprintf(cell, CELL_MAX, "%" PRId64 "x%" PRId64 "x%" PRId64, r->m, r->k, r->n);
  else if (r->batch || r->seq)
    snprintf(cell, CELL_MAX, "%" PRId32 "x%" PRId32, r->batch, r->seq);
  else
    put(cell, "");
}

static void median_cell(const tsr_record *r, char cell[CELL_MAX]) {
  put(cell, tsr__brief(r->median_ms).text);
}
static void spread_cell(const tsr_record *r, char cell[CELL_MAX]) {
  if (tsr__is_modelled(r))
    put(cell, "");
  else
    snprintf(cell, CELL_MAX, "%s..%s", tsr__brief(r->p10_ms).text, tsr__brief(r->p90_ms).text);
}
static void baseline_cell(const tsr_record *r, char cell[CELL_MAX]) {
  put(cell, tsr__brief(r->baseline_median_ms).text);
}
static void speedup_cell(const tsr_record *r, char cell[CELL_MAX]) {
  snprintf(cell, CELL_MAX, "%s%s%s", tsr__is_loss(r) ? "slower " : "", tsr__brief(r->speedup).text,
           r->speedup > 0 ? "x" : "");
}
/* A layer's speedup times its density: 1 where a stored element costs what it costs in dense. */
static void density_cell(const tsr_record *r, char cell[CELL_MAX]) {
  put(cell, tsr__brief(r->kind == TSR_RECORD_LAYER ? r->speedup * r->density : 0).text);
}
static void useful_cell(const tsr_record *r, char cell[CELL_MAX]) {
  put(cell, tsr__brief(r->useful_gflops).text);
}
static void equivalent_cell(const tsr_record *r, char cell[CELL_MAX]) {
  put(cell, tsr__brief(r->dense_equivalent_gflops).text);
}

/* ---- of a simulated GPU ---- */

static void count(int64_t value, char cell[CELL_MAX]) {
  put(cell, value ? tsr__fixed((double)value, 0).text : "");
}
static void bound_cell(const tsr_record *r, char cell[CELL_MAX]) {
  put(cell, tsr__brief(r->modelled_us).text);
}
static void baseline_bound_cell(const tsr_record *r, char cell[CELL_MAX]) {
  put(cell, tsr__brief(r->baseline_modelled_us).text);
}
static void limiter_cell(const tsr_record *r, char cell[CELL_MAX]) {
  put(cell, r->modelled_limiter);
}
static void launches_cell(const tsr_record *r, char cell[CELL_MAX]) { count(r->launches, cell); }
static void warp_cell(const tsr_record *r, char cell[CELL_MAX]) {
  count(r->warp_instructions, cell);
}
static void tensor_cell(const tsr_record *r, char cell[CELL_MAX]) {
  count(r->tensor_instructions, cell);
}
static void sectors_cell(const tsr_record *r, char cell[CELL_MAX]) {
  count(r->global_sectors, cell);
}
static void conflicts_cell(const tsr_record *r, char cell[CELL_MAX]) {
  if (tsr__is_modelled(r))
    snprintf(cell, CELL_MAX, "%" PRId64, r->bank_conflicts);
  else
    put(cell, "");
}
static void executed_cell(const tsr_record *r, char cell[CELL_MAX]) {
  put(cell, r->executed_share > 0 ? tsr__percent(r->executed_share).text : "");
}

/* A foldable column that says the same in every record is printed once, above the table. An
 * optional one is left out where no record has anything for it. */
static const struct {
  const char *heading;
  cell_writer *write;
  int right, foldable, optional;
} columns[] = {
    {"name", name_cell, 0, 1, 0},         {"shape", shape_cell, 0, 1, 0},
    {"pattern", pattern_cell, 0, 0, 0},   {"sparsity", sparsity_cell, 1, 0, 0},
    {"format", format_cell, 0, 0, 0},     {"threads", threads_cell, 1, 1, 1},
    {"cache", cache_cell, 0, 1, 1},       {"ms", median_cell, 1, 0, 1},
    {"p10..p90", spread_cell, 1, 0, 1},   {"baseline ms", baseline_cell, 1, 0, 1},
    {"speedup", speedup_cell, 1, 0, 1},   {"s x d", density_cell, 1, 0, 1},
    {"GFLOP/s", useful_cell, 1, 0, 1},    {"dense-eq.", equivalent_cell, 1, 0, 1},
    {"modelled us", bound_cell, 1, 0, 1}, {"baseline's", baseline_bound_cell, 1, 0, 1},
    {"limiter", limiter_cell, 0, 0, 1},   {"launches", launches_cell, 1, 0, 1},
    {"instructions", warp_cell, 1, 0, 1}, {"tensor", tensor_cell, 1, 0, 1},
    {"sectors", sectors_cell, 1, 0, 1},   {"conflicts", conflicts_cell, 1, 0, 1},
    {"executed", executed_cell, 1, 1, 1},
};

enum { COLUMN_COUNT = sizeof columns / sizeof *columns };

/* Terminal columns that a cleaned text takes. */
static int width_of(const char *text) {
  int width = 0;
  for (utf8proc_ssize_t left = (utf8proc_ssize_t)strlen(text), step; left > 0;
       text += step, left -= step) {
    utf8proc_int32_t code;
    step = utf8proc_iterate((const uint8_t *)text, left, &code);
    if (step <= 0)
      step = 1;
    else
      width += utf8proc_charwidth(code);
  }
  return width;
}

static int is_empty(const tsr_report *report, size_t column) {
  char cell[CELL_MAX];
  for (size_t r = 0; r < report->count; r++) {
    columns[column].write(&report->records[r], cell);
    if (strcmp(cell, "-") != 0) return 0;
  }
  return 1;
}

/* The column's width; 0 if it is folded or left out. */
static int column_width(const tsr_report *report, size_t column) {
  char cell[CELL_MAX], first[CELL_MAX] = "";
  if (columns[column].optional && is_empty(report, column)) return 0;
  int width = width_of(columns[column].heading), differs = report->count < 2;
  for (size_t r = 0; r < report->count; r++) {
    columns[column].write(&report->records[r], cell);
    if (r == 0) memcpy(first, cell, sizeof first);
    differs |= strcmp(first, cell) != 0;
    int cell_width = width_of(cell);
    if (cell_width > width) width = cell_width;
  }
  return columns[column].foldable && !differs ? 0 : width;
}

/* The cells of a record, or of the heading for NULL. */
static void put_row(FILE *stream, const tsr_record *record, const int *widths) {
  const char *between = "";
  for (size_t c = 0; c < COLUMN_COUNT; c++) {
    char cell[CELL_MAX];
    if (!widths[c]) continue;
    if (record)
      columns[c].write(record, cell);
    else
      put(cell, columns[c].heading);
    int pad = widths[c] - width_of(cell), right = columns[c].right;
    fprintf(stream, "%s%*s%s%*s", between, right ? pad : 0, "", cell, right ? 0 : pad, "");
    between = "  ";
  }
  fputc('\n', stream);
}

static void put_machine(const tsr_report *report, const int *widths, FILE *stream) {
  char cell[CELL_MAX];
  fprintf(stream, "%s, %" PRId32 " cores",
          *report->machine.name ? report->machine.name : "unknown CPU", report->machine.cores);
  if (*report->machine.gpu) fprintf(stream, "; %s", report->machine.gpu);
  for (size_t c = 0; c < COLUMN_COUNT; c++) {
    if (widths[c] || (columns[c].optional && is_empty(report, c))) continue;
    columns[c].write(&report->records[0], cell);
    fprintf(stream, "; %s %s", columns[c].heading, cell);
  }
  fputc('\n', stream);
}

/* Each baseline once, with its version. */
static void put_baselines(const tsr_report *report, FILE *stream) {
  for (size_t r = 0; r < report->count; r++) {
    const tsr_record *record = &report->records[r];
    size_t earlier = 0;
    while (earlier < r &&
           (strcmp(report->records[earlier].baseline, record->baseline) != 0 ||
            strcmp(report->records[earlier].baseline_version, record->baseline_version) != 0))
      earlier++;
    if (earlier == r && *record->baseline)
      fprintf(stream, "baseline: %s%s%s\n", record->baseline, *record->baseline_version ? " " : "",
              record->baseline_version);
  }
}

/* What the figures are that stand in place of times. */
static void put_modelled(const tsr_report *report, FILE *stream) {
  int modelled = 0, sampled = 0;
  for (size_t r = 0; r < report->count; r++) {
    modelled |= tsr__is_modelled(&report->records[r]);
    sampled |= tsr__is_modelled(&report->records[r]) && report->records[r].executed_share < 1;
  }
  if (modelled)
    fputs("modelled us: a lower bound, from a simulated GPU's counters; nothing was timed\n",
          stream);
  if (sampled) fputs("executed: the counters are scaled up from this share of the CTAs\n", stream);
}

tsr_status tsr_report_write_text(const tsr_report *report, FILE *stream) {
  TSR_CHECK(report && stream, TSR_INVALID_ARGUMENT, "tsr_report_write_text: an argument is NULL");
  int widths[COLUMN_COUNT];
  for (size_t c = 0; c < COLUMN_COUNT; c++) widths[c] = column_width(report, c);
  put_machine(report, widths, stream);
  put_row(stream, NULL, widths);
  for (size_t r = 0; r < report->count; r++) put_row(stream, &report->records[r], widths);
  put_baselines(report, stream);
  put_modelled(report, stream);
  return tsr__stream_end(stream);
}
