#include "runtime/report/chart.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "runtime/report/svg.h"

enum { WIDTH = 520, HEIGHT = 320, LEFT = 56, RIGHT = 18, TOP = 40, BOTTOM = 48 };

typedef double quantity(const tsr_record *record);

static double speedup_of(const tsr_record *record) { return record->speedup; }
static double median_of(const tsr_record *record) { return record->median_ms; }

enum { BANDS = 201 }; /* one for each half percent of sparsity; those that occur are drawn */

/* One chart of one case. */
typedef struct chart {
  const tsr__cases *cases;
  size_t index, first, end; /* the case's records lie in first..end-1 */
  quantity *value;
  const char *baseline; /* the one that most of the case's records are compared with; "" = none */
  double bands;         /* how many are drawn */
  double band_of[BANDS];
  double lanes; /* series drawn, side by side within a band */
  tsr__scale y;
  FILE *stream;
} chart;

static const tsr_record *record_at(const chart *c, size_t r) {
  return &c->cases->report->records[r];
}

static int is_drawn(const chart *c, size_t r) {
  const tsr_record *record = record_at(c, r);
  if (c->cases->case_of[r] != c->index || !(c->value(record) > 0)) return 0;
  return c->value != speedup_of || !strcmp(record->baseline, c->baseline);
}

static size_t next(const chart *c, size_t from) {
  while (from < c->end && !is_drawn(c, from)) from++;
  return from;
}

#define FOR_EACH_RECORD(c, r) for (size_t r = next(c, (c)->first); r < (c)->end; r = next(c, r + 1))

static const char *usual_baseline(const chart *c) {
  const char *usual = "";
  size_t most = 0;
  FOR_EACH_RECORD(c, r) {
    size_t same = 0;
    FOR_EACH_RECORD(c, other)
    same += !strcmp(record_at(c, r)->baseline, record_at(c, other)->baseline);
    if (same <= most || !*record_at(c, r)->baseline) continue;
    most = same;
    usual = record_at(c, r)->baseline;
  }
  return usual;
}

static double baseline_of(const chart *c) {
  double sum = 0;
  int count = 0;
  FOR_EACH_RECORD(c, r) {
    const tsr_record *record = record_at(c, r);
    if (!(record->baseline_median_ms > 0) || strcmp(record->baseline, c->baseline) != 0) continue;
    sum += record->baseline_median_ms;
    count++;
  }
  return count ? sum / count : 0;
}

/* ---- positions ---- */

static int band(const tsr_record *record) {
  return (int)lround(fmin(fmax(record->sparsity, 0), 1) * (BANDS - 1));
}

static int in_series(const chart *c, size_t series) {
  int present = 0;
  FOR_EACH_RECORD(c, r) present |= c->cases->series_of[r] == series;
  return present;
}

static void find_bands(chart *c) {
  for (int i = 0; i < BANDS; i++) c->band_of[i] = -1;
  FOR_EACH_RECORD(c, r) c->band_of[band(record_at(c, r))] = 0;
  for (int i = 0; i < BANDS; i++)
    if (c->band_of[i] >= 0) c->band_of[i] = c->bands++;
  for (size_t s = 0; s < c->cases->series; s++) c->lanes += in_series(c, s);
}

static double band_width(const chart *c) { return (WIDTH - LEFT - RIGHT) / c->bands; }

static double band_middle(const chart *c, int i) {
  return LEFT + (c->band_of[i] + 0.5) * band_width(c);
}

static double x_of(const chart *c, size_t r) {
  double lane = -(c->lanes - 1) / 2;
  for (size_t s = 0; s < c->cases->series_of[r]; s++) lane += in_series(c, s);
  return band_middle(c, band(record_at(c, r))) + lane * fmin(10, 0.8 * band_width(c) / c->lanes);
}

static double y_of(const chart *c, size_t r) {
  return tsr__scale_at(&c->y, c->value(record_at(c, r)));
}

static tsr__scale value_scale(const chart *c, double reference) {
  double lowest = reference > 0 ? reference : HUGE_VAL, highest = reference;
  FOR_EACH_RECORD(c, r) {
    lowest = fmin(lowest, c->value(record_at(c, r)));
    highest = fmax(highest, c->value(record_at(c, r)));
  }
  return tsr__scale_for(lowest, highest, HEIGHT - BOTTOM, TOP);
}

/* ---- parts ---- */

static void put_axes(const chart *c, const char *title, const char *suffix) {
  FILE *stream = c->stream;
  double ticks[TSR__TICKS_MAX];
  char label[48];
  for (int i = 0, count = tsr__scale_ticks(&c->y, ticks); i < count; i++) {
    double y = tsr__scale_at(&c->y, ticks[i]);
    tsr__svg_line(stream, "grid", LEFT, y, WIDTH - RIGHT, y);
    snprintf(label, sizeof label, "%s%s", tsr__general(ticks[i], 3).text, suffix);
    tsr__svg_text(stream, "tick", LEFT - 8, y + 4, "end", label);
  }
  int every = (int)ceil(46 / band_width(c)); /* labels must not overlap */
  for (int i = 0; i < BANDS; i++) {
    if (c->band_of[i] < 0) continue;
    double x = band_middle(c, i), edge = x + band_width(c) / 2;
    if (edge < WIDTH - RIGHT - 1)
      tsr__svg_line(stream, "axis", edge, HEIGHT - BOTTOM, edge, HEIGHT - BOTTOM + 5);
    if ((int)c->band_of[i] % every == 0)
      tsr__svg_text(stream, "tick", x, HEIGHT - BOTTOM + 19, "middle",
                    tsr__percent(i / (BANDS - 1.0)).text);
  }
  tsr__svg_line(stream, "axis", LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM);
  tsr__svg_text(stream, "tick", (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 8, "middle", "sparsity");
  tsr__svg_text(stream, "title", LEFT - 44, 18, "start", title);
  if (c->y.logarithmic) tsr__svg_text(stream, "tick", WIDTH - RIGHT, 18, "end", "log scale");
}

/* The fastest record of a series in each band, joined from left to right. */
static void put_line(const chart *c, size_t series) {
  int points = 0;
  for (int i = 0; i < BANDS; i++) {
    size_t best = SIZE_MAX;
    if (c->band_of[i] < 0) continue;
    FOR_EACH_RECORD(c, r) {
      if (c->cases->series_of[r] != series || band(record_at(c, r)) != i) continue;
      if (best == SIZE_MAX || record_at(c, r)->median_ms < record_at(c, best)->median_ms) best = r;
    }
    if (best == SIZE_MAX) continue;
    if (!points++)
      fprintf(c->stream, "<polyline class=\"line s%zu\" points=\"", series % TSR__SERIES_COLOURS);
    fprintf(c->stream, "%s,%s ", tsr__fixed(x_of(c, best), 1).text,
            tsr__fixed(y_of(c, best), 1).text);
  }
  if (points) fputs("\"/>\n", c->stream);
}

static void put_tooltip(const tsr_record *r, FILE *stream) {
  fputs("<title>", stream);
  tsr__put_escaped(stream, r->pattern);
  fprintf(stream, ", %s sparse: %s ms", tsr__percent(r->sparsity).text,
          tsr__brief(r->median_ms).text);
  if (r->speedup > 0)
    fprintf(stream, ", %s\u00d7 (%s ms for the baseline)", tsr__brief(r->speedup).text,
            tsr__brief(r->baseline_median_ms).text);
  fputs("\n", stream);
  tsr__put_escaped(stream, r->kernel);
  fputs("</title>", stream);
}

static void put_whisker(const chart *c, const tsr_record *r, double x) {
  if (c->value != median_of || !(r->p10_ms > 0) || !(r->p90_ms > 0)) return;
  double low = fmax(r->p10_ms, c->y.lo), high = fmin(r->p90_ms, c->y.hi);
  tsr__svg_line(c->stream, "whisker", x, tsr__scale_at(&c->y, low), x, tsr__scale_at(&c->y, high));
}

static void put_series(const chart *c) {
  for (size_t s = 0; s < c->cases->series; s++) put_line(c, s);
  FOR_EACH_RECORD(c, r) {
    const tsr_record *record = record_at(c, r);
    put_whisker(c, record, x_of(c, r));
    tsr__svg_marker(c->stream, c->cases->series_of[r], tsr__is_loss(record), x_of(c, r),
                    y_of(c, r));
    put_tooltip(record, c->stream);
    fputs("</path>\n", c->stream);
  }
}

/* The line of the baseline, with the side on which Tessera is slower shaded. */
static void put_baseline(const chart *c, double reference, int slower_below) {
  double y = tsr__scale_at(&c->y, reference), edge = slower_below ? HEIGHT - BOTTOM : TOP;
  fprintf(c->stream, "<rect class=\"slower\" x=\"%d\" y=\"%s\" width=\"%d\" height=\"%s\"/>\n",
          LEFT, tsr__fixed(fmin(y, edge), 1).text, WIDTH - LEFT - RIGHT,
          tsr__fixed(fabs(edge - y), 1).text);
  tsr__svg_line(c->stream, "baseline", LEFT, y, WIDTH - RIGHT, y);
}

static void put_baseline_label(const chart *c, double reference, int slower_below) {
  double y = tsr__scale_at(&c->y, reference);
  tsr__svg_text(c->stream, "note", WIDTH - RIGHT - 6, slower_below ? y + 15 : y - 6, "end",
                "slower than the baseline");
}

static void put_chart(chart *c, const char *title, const char *suffix, double reference,
                      int slower_below) {
  find_bands(c);
  c->y = value_scale(c, reference);
  fprintf(c->stream, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n", WIDTH, HEIGHT,
          title);
  if (reference > 0) put_baseline(c, reference, slower_below);
  put_axes(c, title, suffix);
  if (reference > 0) put_baseline_label(c, reference, slower_below);
  put_series(c);
  fputs("</svg>\n", c->stream);
}

static void put_caption(const tsr_record *r, const char *baseline, FILE *stream) {
  fputs("<figcaption><strong>", stream);
  tsr__put_escaped(stream, *r->name ? r->name : "unnamed");
  fputs("</strong>", stream);
  if (r->m)
    fprintf(stream, " \u00b7 %" PRId64 " \u00d7 %" PRId64 ", %" PRId64 " tokens", r->m, r->k, r->n);
  if (r->batch && r->seq)
    fprintf(stream, " \u00b7 batch %" PRId32 " \u00d7 %" PRId32 " tokens", r->batch, r->seq);
  if (r->threads)
    fprintf(stream, " \u00b7 %" PRId32 " thread%s", r->threads, r->threads > 1 ? "s" : "");
  fprintf(stream, " \u00b7 %s cache", r->cache == TSR_CACHE_COLD ? "cold" : "warm");
  if (*baseline) {
    fputs(" \u00b7 against ", stream);
    tsr__put_escaped(stream, baseline);
  }
  fputs("</figcaption>\n", stream);
}

static void put_legend(const chart *c) {
  fputs("<ul class=\"legend\">\n", c->stream);
  for (size_t s = 0; s < c->cases->series; s++) {
    if (!in_series(c, s)) continue;
    fputs("<li><svg viewBox=\"-8 -8 16 16\" width=\"16\" height=\"16\" aria-hidden=\"true\">",
          c->stream);
    tsr__svg_marker(c->stream, s, 0, 0, 0);
    fputs("</path></svg> ", c->stream);
    const char *pattern = record_at(c, c->cases->first_of_series[s])->pattern;
    tsr__put_escaped(c->stream, *pattern ? pattern : "-");
    fputs("</li>\n", c->stream);
  }
  fputs("</ul>\n", c->stream);
}

void tsr__chart_put(const tsr__cases *cases, size_t index, FILE *stream) {
  chart latency = {.cases = cases,
                   .index = index,
                   .first = cases->first_of_case[index],
                   .end = cases->report->count,
                   .value = median_of,
                   .stream = stream};
  while (cases->case_of[latency.end - 1] != index) latency.end--;
  latency.baseline = usual_baseline(&latency);
  chart speedup = latency;
  speedup.value = speedup_of;
  fputs("<figure>\n", stream);
  put_caption(&cases->report->records[cases->first_of_case[index]], latency.baseline, stream);
  put_legend(&latency);
  fputs("<div class=\"charts\">\n", stream);
  if (next(&speedup, speedup.first) < speedup.end)
    put_chart(&speedup, "Speedup over the baseline", "\u00d7", 1, 1);
  if (next(&latency, latency.first) < latency.end)
    put_chart(&latency, "Median latency in ms, bars from p10 to p90", "", baseline_of(&latency), 0);
  fputs("</div>\n</figure>\n", stream);
}
