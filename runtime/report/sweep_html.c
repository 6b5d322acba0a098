/* One self-contained page: charts of each model, every cell with its command. No script. */
#include <math.h>
#include <string.h>

#include "runtime/base/status.h"
#include "runtime/report/html.h"
#include "runtime/report/report.h"
#include "runtime/report/svg.h"
#include "runtime/report/sweep.h"

static const char own_style[] =
    ".front { fill: none; stroke: var(--text); stroke-width: 1.5; }\n"
    "td.command { white-space: normal; min-width: 60ch; font-family: monospace; }\n";

static void put_head(const tsr__sweep *sweep, FILE *stream) {
  fputs(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>",
      stream);
  tsr__put_escaped(stream, sweep->title);
  fprintf(stream, "</title>\n<style>\n%s%s</style>\n</head>\n<body>\n<main>\n<h1>", tsr__html_style,
          own_style);
  tsr__put_escaped(stream, sweep->title);
  fputs("</h1>\n", stream);
}

static void put_summary(const tsr__sweep *sweep, FILE *stream) {
  size_t failed = 0, destroyed = 0;
  for (size_t i = 0; i < sweep->count; i++) {
    failed += sweep->cells[i].error != NULL;
    destroyed += sweep->cells[i].destroyed != 0;
  }
  fprintf(stream,
          "<p>%zu cells, of which %zu failed and %zu are destroyed: in most of cosine, rank and "
          "frozen accuracy no better than the null row, the model with every pruned matrix zero. "
          "Latencies are of the whole model, raced against the dense one.</p>\n<p>CPU: ",
          sweep->count, failed, destroyed);
  tsr__put_escaped(stream, sweep->machine->name);
  fprintf(stream, ". Tessera %s.</p>\n", tsr_version());
}

static void put_charts(const tsr__sweep *sweep, FILE *stream) {
  for (size_t i = 0; i < sweep->count; i++) {
    int first = 1;
    for (size_t j = 0; j < i && first; j++)
      first = strcmp(sweep->cells[j].model, sweep->cells[i].model) != 0;
    if (tsr__sweep_quality(sweep, sweep->cells[i].model) == sweep->metric_count) continue;
    if (first) tsr__sweep_chart_put(sweep, i, stream);
  }
}

static void put_text(FILE *stream, const char *class_name, const char *text) {
  fprintf(stream, "<td class=\"%s\">", class_name);
  tsr__put_escaped(stream, text);
  fputs("</td>", stream);
}

static void put_row(const tsr__sweep *sweep, const tsr__sweep_cell *cell, FILE *stream) {
  const char *state = cell->error       ? cell->error
                      : cell->destroyed ? "destroyed"
                      : cell->front_ms  ? "front"
                                        : "";
  fprintf(stream, "<tr%s>", cell->error || cell->destroyed ? " class=\"loss\"" : "");
  put_text(stream, "", cell->model);
  put_text(stream, "", cell->pattern);
  put_text(stream, "num", tsr__percent(cell->sparsity).text);
  put_text(stream, "", cell->method);
  for (size_t m = 0; m < sweep->metric_count; m++)
    put_text(stream, "num", isnan(cell->metrics[m]) ? "-" : tsr__fixed(cell->metrics[m], 4).text);
  put_text(stream, "num", tsr__brief(cell->latency_ms).text);
  put_text(stream, "num", tsr__brief(cell->speedup).text);
  put_text(stream, "num", tsr__bytes(cell->packed_bytes).text);
  put_text(stream, cell->error || cell->destroyed ? "slow" : "fast", state);
  put_text(stream, "command", cell->command);
  fputs("</tr>\n", stream);
}

static void put_table(const tsr__sweep *sweep, FILE *stream) {
  fputs(
      "<h2>All cells</h2>\n<div class=\"wide\">\n<table>\n<thead><tr><th>Model</th>"
      "<th>Pattern</th><th class=\"num\">Sparsity</th><th>Method</th>",
      stream);
  for (size_t m = 0; m < sweep->metric_count; m++) {
    fputs("<th class=\"num\">", stream);
    tsr__put_escaped(stream, sweep->metric_names[m]);
    fputs("</th>", stream);
  }
  fputs(
      "<th class=\"num\">Latency ms</th><th class=\"num\">x dense</th><th class=\"num\">Weights"
      "</th><th>State</th><th>Command</th></tr></thead>\n<tbody>\n",
      stream);
  for (size_t i = 0; i < sweep->count; i++) put_row(sweep, &sweep->cells[i], stream);
  fputs("</tbody>\n</table>\n</div>\n", stream);
}

tsr_status tsr__sweep_write_html(const tsr__sweep *sweep, FILE *stream) {
  put_head(sweep, stream);
  put_summary(sweep, stream);
  put_charts(sweep, stream);
  put_table(sweep, stream);
  fputs("</main>\n</body>\n</html>\n", stream);
  return tsr__stream_end(stream);
}
