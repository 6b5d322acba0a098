/* One self-contained page: what was measured on what, charts, every record. No script. */
#include "runtime/report/html.h"

#include <inttypes.h>
#include <string.h>

#include "runtime/base/status.h"
#include "runtime/report/chart.h"
#include "runtime/report/report.h"
#include "runtime/report/svg.h"

enum { TITLE_MAX = 256 };

static void put_head(const char *title, FILE *stream) {
  fputs(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>",
      stream);
  tsr__put_escaped(stream, title);
  fprintf(stream, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n<h1>", tsr__html_style);
  tsr__put_escaped(stream, title);
  fputs("</h1>\n", stream);
}

static void put_record_name(const tsr_record *r, FILE *stream) {
  tsr__put_escaped(stream, *r->name ? r->name : "unnamed");
  fputs(", ", stream);
  tsr__put_escaped(stream, *r->pattern ? r->pattern : "-");
  fprintf(stream, " at %s", tsr__percent(r->sparsity).text);
}

/* The best of one kind in a sentence; nothing where no record of the kind has a baseline. */
static void put_best(const tsr_report *report, tsr_record_kind kind, FILE *stream) {
  const tsr_record *best = NULL;
  for (size_t i = 0; i < report->count; i++) {
    const tsr_record *r = &report->records[i];
    if (r->kind == kind && r->speedup > 0 && (!best || r->speedup > best->speedup)) best = r;
  }
  if (!best) return;
  fprintf(stream, " Fastest %s: <span class=\"fast\">%s\u00d7</span> (",
          kind == TSR_RECORD_MODEL ? "model" : "layer", tsr__brief(best->speedup).text);
  put_record_name(best, stream);
  fputs(").", stream);
}

static size_t count_modelled(const tsr_report *report) {
  size_t modelled = 0;
  for (size_t i = 0; i < report->count; i++) modelled += tsr__is_modelled(&report->records[i]) != 0;
  return modelled;
}

static void put_summary(const tsr_report *report, FILE *stream) {
  size_t compared = 0, lost = 0;
  size_t measured = report->count - count_modelled(report);
  for (size_t i = 0; i < report->count; i++) {
    compared += report->records[i].speedup > 0;
    lost += tsr__is_loss(&report->records[i]) != 0;
  }
  fprintf(stream, "<p>%zu measurement%s.", measured, measured == 1 ? "" : "s");
  put_best(report, TSR_RECORD_MODEL, stream);
  put_best(report, TSR_RECORD_LAYER, stream);
  fputs("</p>\n", stream);
  if (lost)
    fprintf(stream,
            "<p><span class=\"slow\">\u25bc %zu of %zu comparisons are slower than the baseline."
            "</span> They are hollow in the charts and shaded in the table.</p>\n",
            lost, compared);
  else if (compared)
    fprintf(stream, "<p>None of %zu comparisons is slower than the baseline.</p>\n", compared);
}

static void put_machine(const tsr_hardware *machine, FILE *stream) {
  fputs("<h2>Machine</h2>\n<dl>\n<dt>CPU</dt><dd>", stream);
  tsr__put_escaped(stream, *machine->name ? machine->name : "-");
  if (*machine->gpu) {
    fputs("</dd>\n<dt>GPU</dt><dd>", stream);
    tsr__put_escaped(stream, machine->gpu);
  }
  fputs("</dd>\n<dt>Cores</dt><dd>", stream);
  if (machine->cores)
    fprintf(stream, "%" PRId32, machine->cores);
  else
    fputs("-", stream);
  fputs("</dd>\n<dt>Instruction sets</dt><dd>", stream);
  for (int i = 0; i < TSR_ISA_CPU_COUNT; i++) {
    fprintf(stream, "%s%s", i ? ", " : "", tsr_isa_name((tsr_isa)i));
    if (machine->isa[i]) continue;
    fputs(" (no: ", stream);
    tsr__put_escaped(stream, machine->missing[i]);
    fputs(")", stream);
  }
  fprintf(stream, "</dd>\n<dt>Caches</dt><dd>L1d %s, L2 %s, L3 %s</dd>\n",
          tsr__bytes(machine->l1d_bytes).text, tsr__bytes(machine->l2_bytes).text,
          tsr__bytes(machine->l3_bytes).text);
  fprintf(stream, "<dt>Tessera</dt><dd>%s</dd>\n</dl>\n", tsr_version());
}

static void put_charts(const tsr__cases *cases, tsr_record_kind kind, FILE *stream) {
  int any = 0;
  for (size_t i = 0; i < cases->cases; i++) {
    const tsr_record *first = &cases->report->records[cases->first_of_case[i]];
    if (first->kind != kind || tsr__is_modelled(first)) continue;
    if (!any++) fprintf(stream, "<h2>%s</h2>\n", kind == TSR_RECORD_MODEL ? "Models" : "Layers");
    tsr__chart_put(cases, i, stream);
  }
}

/* ---- the table: a cell is a value and, below it, a smaller second one ---- */

static void put_two(FILE *stream, const char *class_name, const char *value, const char *below) {
  fprintf(stream, "<td%s%s%s>", *class_name ? " class=\"" : "", class_name,
          *class_name ? "\"" : "");
  tsr__put_escaped(stream, *value ? value : "-");
  if (*below) {
    fputs("<small>", stream);
    tsr__put_escaped(stream, below);
    fputs("</small>", stream);
  }
  fputs("</td>", stream);
}

static void put_shape(const tsr_record *r, FILE *stream) {
  char shape[96] = "", batch[64] = "";
  if (r->m)
    snprintf(shape, sizeof shape, "%" PRId64 " \u00d7 %" PRId64 " \u00d7 %" PRId64, r->m, r->k,
             r->n);
  if (r->batch || r->seq)
    snprintf(batch, sizeof batch, "batch %" PRId32 " \u00d7 %" PRId32, r->batch, r->seq);
  put_two(stream, "", *shape ? shape : batch, *shape ? batch : "");
}

static void put_setting(const tsr_record *r, FILE *stream) {
  char threads[64] = "", type[32];
  if (r->threads)
    snprintf(threads, sizeof threads, "%" PRId32 " thread%s, ", r->threads,
             r->threads > 1 ? "s" : "");
  snprintf(threads + strlen(threads), sizeof threads - strlen(threads), "%s",
           r->cache == TSR_CACHE_COLD ? "cold" : "warm");
  snprintf(type, sizeof type, "%s %s", r->backend, r->dtype);
  put_two(stream, "", threads, *r->backend || *r->dtype ? type : "");
}

static void put_latency(const tsr_record *r, FILE *stream) {
  char below[128] = "";
  if (r->p10_ms > 0 && r->p90_ms > 0)
    snprintf(below, sizeof below, "%s\u2013%s", tsr__brief(r->p10_ms).text,
             tsr__brief(r->p90_ms).text);
  if (r->runs)
    snprintf(below + strlen(below), sizeof below - strlen(below), "%s%" PRId32 " run%s",
             *below ? ", " : "", r->runs, r->runs > 1 ? "s" : "");
  put_two(stream, "num", tsr__brief(r->median_ms).text, below);
}

static void put_baseline(const tsr_record *r, FILE *stream) {
  char below[128];
  snprintf(below, sizeof below, "%s %s", r->baseline, r->baseline_version);
  put_two(stream, "num", tsr__brief(r->baseline_median_ms).text, *r->baseline ? below : "");
}

static void put_speedup(const tsr_record *r, FILE *stream) {
  char text[64];
  snprintf(text, sizeof text, "%s%s%s", tsr__is_loss(r) ? "\u25bc " : "",
           tsr__brief(r->speedup).text, r->speedup > 0 ? "\u00d7" : "");
  put_two(stream, tsr__is_loss(r) ? "num slow" : "num", text, tsr__is_loss(r) ? "slower" : "");
}

static void put_row(const tsr_record *r, FILE *stream) {
  char below[64];
  fprintf(stream, "<tr%s>", tsr__is_loss(r) ? " class=\"loss\"" : "");
  put_two(stream, "", r->name, r->kind == TSR_RECORD_MODEL ? "model" : "layer");
  put_shape(r, stream);
  put_two(stream, "", r->pattern, r->format);
  snprintf(below, sizeof below, "density %s", tsr__percent(r->density).text);
  put_two(stream, "num", tsr__percent(r->sparsity).text, below);
  put_setting(r, stream);
  put_latency(r, stream);
  put_baseline(r, stream);
  put_speedup(r, stream);
  snprintf(below, sizeof below, "%s dense-eq.", tsr__brief(r->dense_equivalent_gflops).text);
  put_two(stream, "num", tsr__brief(r->useful_gflops).text, below);
  snprintf(below, sizeof below, "dense %s", tsr__bytes(r->dense_bytes).text);
  put_two(stream, "num", tsr__bytes(r->packed_bytes).text, below);
  put_two(stream, "why", r->kernel, r->reason);
  fputs("</tr>\n", stream);
}

static void put_table(const tsr_report *report, FILE *stream) {
  fputs(
      "<h2>All measurements</h2>\n<div class=\"wide\">\n<table>\n<thead><tr><th>Name</th>"
      "<th>m \u00d7 k \u00d7 n</th><th>Pattern</th><th class=\"num\">Sparsity</th><th>Setting</th>"
      "<th class=\"num\">Median ms</th><th class=\"num\">Baseline ms</th>"
      "<th class=\"num\">Speedup</th><th class=\"num\">GFLOP/s</th><th class=\"num\">Weights</th>"
      "<th>Kernel, and why</th></tr></thead>\n<tbody>\n",
      stream);
  for (size_t i = 0; i < report->count; i++)
    if (!tsr__is_modelled(&report->records[i])) put_row(&report->records[i], stream);
  if (report->count == count_modelled(report))
    fputs("<tr><td colspan=\"11\">No measurements.</td></tr>\n", stream);
  fputs("</tbody>\n</table>\n</div>\n", stream);
}

/* ---- what a simulated GPU counted ---- */

static void put_bound(const tsr_record *r, FILE *stream) {
  char below[64], conflicts[64];
  put_two(stream, "num", tsr__brief(r->modelled_us).text, r->modelled_limiter);
  put_two(stream, "num", tsr__brief(r->baseline_modelled_us).text, r->baseline);
  snprintf(below, sizeof below, "%" PRId32 " launch%s", r->launches, r->launches == 1 ? "" : "es");
  put_two(stream, "num", tsr__fixed((double)r->warp_instructions, 0).text, below);
  put_two(stream, "num", tsr__fixed((double)r->tensor_instructions, 0).text, "");
  snprintf(conflicts, sizeof conflicts, "%" PRId64 " bank conflicts", r->bank_conflicts);
  put_two(stream, "num", tsr__fixed((double)r->global_sectors, 0).text, conflicts);
  put_two(stream, "num", tsr__percent(r->executed_share).text, "");
}

static void put_modelled_row(const tsr_record *r, FILE *stream) {
  char below[64];
  fputs("<tr>", stream);
  put_two(stream, "", r->name, r->device);
  put_shape(r, stream);
  put_two(stream, "", r->pattern, r->format);
  snprintf(below, sizeof below, "density %s", tsr__percent(r->density).text);
  put_two(stream, "num", tsr__percent(r->sparsity).text, below);
  put_bound(r, stream);
  put_two(stream, "why", r->kernel, r->reason);
  fputs("</tr>\n", stream);
}

static void put_modelled(const tsr_report *report, FILE *stream) {
  if (!count_modelled(report)) return;
  fputs(
      "<h2>Modelled, not measured</h2>\n<p>A simulated GPU executed these. Its counters bound the "
      "time from below; nothing here was timed.</p>\n<div class=\"wide\">\n<table>\n<thead><tr>"
      "<th>Name</th><th>m \u00d7 k \u00d7 n</th><th>Pattern</th><th class=\"num\">Sparsity</th>"
      "<th class=\"num\">Modelled lower bound, \u00b5s</th><th class=\"num\">Baseline's</th>"
      "<th class=\"num\">Warp instructions</th><th class=\"num\">Tensor-core instructions</th>"
      "<th class=\"num\">Sectors of 32 bytes</th><th class=\"num\">CTAs executed</th>"
      "<th>Kernel, and why</th></tr></thead>\n<tbody>\n",
      stream);
  for (size_t i = 0; i < report->count; i++)
    if (tsr__is_modelled(&report->records[i])) put_modelled_row(&report->records[i], stream);
  fputs("</tbody>\n</table>\n</div>\n", stream);
}

static void put_footer(FILE *stream) {
  fputs(
      "<footer>\n<p>Speedup: the baseline's median over Tessera's, both from the same run. Warm: "
      "the "
      "weights were in the cache; cold: they were evicted before each run. GFLOP/s count the "
      "stored weights only; dense-equivalent ones count all of m \u00d7 k \u00d7 n.</p>\n"
      "</footer>\n</main>\n</body>\n</html>\n",
      stream);
}

tsr_status tsr_report_write_html(const tsr_report *report, const char *title, FILE *stream) {
  TSR_CHECK(report && stream, TSR_INVALID_ARGUMENT, "tsr_report_write_html: an argument is NULL");
  char clean_title[TITLE_MAX];
  snprintf(clean_title, sizeof clean_title, "%s", title ? title : "Tessera: sparse against dense");
  tsr__text_clean(clean_title);
  tsr__cases cases;
  tsr_status status;
  TSR_TRY_GOTO(status, tsr__cases_find(report, &cases), done);
  put_head(clean_title, stream);
  put_summary(report, stream);
  put_charts(&cases, TSR_RECORD_MODEL, stream);
  put_charts(&cases, TSR_RECORD_LAYER, stream);
  put_table(report, stream);
  put_modelled(report, stream);
  put_machine(&report->machine, stream);
  put_footer(stream);
  status = tsr__stream_end(stream);

done:
  tsr__cases_free(&cases);
  return status;
}
