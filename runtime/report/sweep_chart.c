/* Quality against latency and against size, one series a pattern. */
#include <math.h>
#include <string.h>

#include "runtime/report/report.h"
#include "runtime/report/svg.h"
#include "runtime/report/sweep.h"

enum { WIDTH = 520, HEIGHT = 360, LEFT = 56, RIGHT = 18, TOP = 40, BOTTOM = 48 };

typedef double quantity(const tsr__sweep_cell *cell);

static double latency_of(const tsr__sweep_cell *cell) { return cell->latency_ms; }
static double megabytes_of(const tsr__sweep_cell *cell) { return (double)cell->packed_bytes / 1e6; }

typedef struct chart {
  const tsr__sweep *sweep;
  const char *model;
  size_t quality;
  quantity *cost;
  tsr__scale x, y;
  FILE *stream;
} chart;

static const tsr__sweep_cell *cell_at(const chart *c, size_t i) { return &c->sweep->cells[i]; }

static int is_drawn(const chart *c, const tsr__sweep_cell *cell) {
  return !cell->error && !strcmp(cell->model, c->model) && c->cost(cell) > 0 &&
         !isnan(cell->metrics[c->quality]);
}

/* The first cell of the model with the same pattern stands for the series. */
static size_t series_of(const chart *c, size_t index) {
  size_t series = 0;
  for (size_t i = 0; i < c->sweep->count; i++) {
    if (strcmp(cell_at(c, i)->model, c->model) != 0) continue;
    int first = 1;
    for (size_t j = 0; j < i && first; j++)
      first = strcmp(cell_at(c, j)->model, c->model) != 0 ||
              strcmp(cell_at(c, j)->pattern, cell_at(c, i)->pattern) != 0;
    if (!strcmp(cell_at(c, i)->pattern, cell_at(c, index)->pattern)) return series;
    series += (size_t)first;
  }
  return series;
}

static int is_first_of_series(const chart *c, size_t index) {
  if (!is_drawn(c, cell_at(c, index))) return 0;
  for (size_t i = 0; i < index; i++)
    if (is_drawn(c, cell_at(c, i)) && !strcmp(cell_at(c, i)->pattern, cell_at(c, index)->pattern))
      return 0;
  return 1;
}

static double x_of(const chart *c, const tsr__sweep_cell *cell) {
  return tsr__scale_at(&c->x, c->cost(cell));
}

static double y_of(const chart *c, const tsr__sweep_cell *cell) {
  return tsr__scale_at(&c->y, fmax(cell->metrics[c->quality], c->y.lo));
}

static void find_scales(chart *c) {
  double lowest = HUGE_VAL, highest = 0, best = 0;
  for (size_t i = 0; i < c->sweep->count; i++) {
    const tsr__sweep_cell *cell = cell_at(c, i);
    if (!is_drawn(c, cell)) continue;
    lowest = fmin(lowest, c->cost(cell));
    highest = fmax(highest, c->cost(cell));
    best = fmax(best, cell->metrics[c->quality]);
  }
  c->x = tsr__scale_for(lowest, highest, LEFT, WIDTH - RIGHT);
  c->y = tsr__scale_for(best > 0 ? best : 1, best > 0 ? best : 1, HEIGHT - BOTTOM, TOP);
}

static void put_axes(const chart *c, const char *unit) {
  double ticks[TSR__TICKS_MAX];
  for (int i = 0, count = tsr__scale_ticks(&c->y, ticks); i < count; i++) {
    double y = tsr__scale_at(&c->y, ticks[i]);
    tsr__svg_line(c->stream, "grid", LEFT, y, WIDTH - RIGHT, y);
    tsr__svg_text(c->stream, "tick", LEFT - 8, y + 4, "end", tsr__general(ticks[i], 3).text);
  }
  for (int i = 0, count = tsr__scale_ticks(&c->x, ticks); i < count; i++) {
    double x = tsr__scale_at(&c->x, ticks[i]);
    tsr__svg_line(c->stream, "axis", x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 5);
    tsr__svg_text(c->stream, "tick", x, HEIGHT - BOTTOM + 19, "middle",
                  tsr__general(ticks[i], 3).text);
  }
  tsr__svg_line(c->stream, "axis", LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM);
  tsr__svg_text(c->stream, "tick", (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 8, "middle", unit);
}

/* Joins, by rising sparsity, the best cell of the pattern at each. */
static void put_line(const chart *c, size_t first) {
  const char *pattern = cell_at(c, first)->pattern;
  double above = -1;
  int points = 0;
  for (;;) {
    const tsr__sweep_cell *best = NULL;
    for (size_t i = 0; i < c->sweep->count; i++) {
      const tsr__sweep_cell *cell = cell_at(c, i);
      if (!is_drawn(c, cell) || strcmp(cell->pattern, pattern) != 0 || cell->sparsity <= above)
        continue;
      if (!best || cell->sparsity < best->sparsity ||
          (cell->sparsity <= best->sparsity &&
           cell->metrics[c->quality] > best->metrics[c->quality]))
        best = cell;
    }
    if (!best) break;
    if (!points++)
      fprintf(c->stream, "<polyline class=\"line s%zu\" points=\"",
              series_of(c, first) % TSR__SERIES_COLOURS);
    fprintf(c->stream, "%s,%s ", tsr__fixed(x_of(c, best), 1).text,
            tsr__fixed(y_of(c, best), 1).text);
    above = best->sparsity;
  }
  if (points) fputs("\"/>\n", c->stream);
}

static int on_front(const chart *c, const tsr__sweep_cell *cell) {
  return c->cost == latency_of ? cell->front_ms : cell->front_size;
}

/* The front's stairs: from each of its cells to the next more costly one. */
static void put_front(const chart *c) {
  double last = 0;
  int points = 0;
  for (;;) {
    const tsr__sweep_cell *next = NULL;
    for (size_t i = 0; i < c->sweep->count; i++) {
      const tsr__sweep_cell *cell = cell_at(c, i);
      if (is_drawn(c, cell) && on_front(c, cell) && c->cost(cell) > last &&
          (!next || c->cost(cell) < c->cost(next)))
        next = cell;
    }
    if (!next) break;
    if (!points++) fprintf(c->stream, "<polyline class=\"baseline\" fill=\"none\" points=\"");
    fprintf(c->stream, "%s,%s ", tsr__fixed(x_of(c, next), 1).text,
            tsr__fixed(y_of(c, next), 1).text);
    last = c->cost(next);
  }
  if (points) fputs("\"/>\n", c->stream);
}

static void put_marker(const chart *c, size_t index) {
  const tsr__sweep_cell *cell = cell_at(c, index);
  double x = x_of(c, cell), y = y_of(c, cell);
  if (on_front(c, cell))
    fprintf(c->stream, "<circle class=\"front\" cx=\"%s\" cy=\"%s\" r=\"9\"/>\n",
            tsr__fixed(x, 1).text, tsr__fixed(y, 1).text);
  tsr__svg_marker(c->stream, series_of(c, index), cell->destroyed, x, y);
  fputs("<title>", c->stream);
  tsr__put_escaped(c->stream, cell->pattern);
  fprintf(c->stream, ", %s sparse, ", tsr__percent(cell->sparsity).text);
  tsr__put_escaped(c->stream, cell->method);
  fprintf(c->stream, ": %s %s, %s ms, %s%s</title></path>\n", c->sweep->metric_names[c->quality],
          tsr__brief(cell->metrics[c->quality]).text, tsr__brief(cell->latency_ms).text,
          tsr__bytes(cell->packed_bytes).text, cell->destroyed ? ", destroyed" : "");
}

static void put_null_row(const chart *c) {
  for (size_t i = 0; i < c->sweep->count; i++) {
    const tsr__sweep_cell *cell = cell_at(c, i);
    if (cell->error || strcmp(cell->model, c->model) != 0 ||
        strcmp(cell->pattern, TSR__SWEEP_NULL) != 0 || isnan(cell->metrics[c->quality]))
      continue;
    double y = y_of(c, cell);
    fprintf(c->stream, "<rect class=\"slower\" x=\"%d\" y=\"%s\" width=\"%d\" height=\"%s\"/>\n",
            LEFT, tsr__fixed(y, 1).text, WIDTH - LEFT - RIGHT,
            tsr__fixed(HEIGHT - BOTTOM - y, 1).text);
    tsr__svg_text(c->stream, "note", WIDTH - RIGHT - 6, y + 15, "end",
                  "no better than a model of zeros");
    return;
  }
}

static void put_chart(chart *c, const char *title, const char *unit) {
  int any = 0;
  for (size_t i = 0; i < c->sweep->count; i++) any |= is_drawn(c, cell_at(c, i));
  if (!any) return;
  find_scales(c);
  fprintf(c->stream, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n", WIDTH, HEIGHT,
          title);
  put_null_row(c);
  put_axes(c, unit);
  tsr__svg_text(c->stream, "title", LEFT - 44, 18, "start", title);
  put_front(c);
  for (size_t i = 0; i < c->sweep->count; i++)
    if (is_first_of_series(c, i)) put_line(c, i);
  for (size_t i = 0; i < c->sweep->count; i++)
    if (is_drawn(c, cell_at(c, i))) put_marker(c, i);
  fputs("</svg>\n", c->stream);
}

static void put_legend(const chart *c) {
  fputs("<ul class=\"legend\">\n", c->stream);
  for (size_t i = 0; i < c->sweep->count; i++) {
    if (!is_first_of_series(c, i)) continue;
    fputs("<li><svg viewBox=\"-8 -8 16 16\" width=\"16\" height=\"16\" aria-hidden=\"true\">",
          c->stream);
    tsr__svg_marker(c->stream, series_of(c, i), 0, 0, 0);
    fputs("</path></svg> ", c->stream);
    tsr__put_escaped(c->stream, cell_at(c, i)->pattern);
    fputs("</li>\n", c->stream);
  }
  fputs("</ul>\n", c->stream);
}

void tsr__sweep_chart_put(const tsr__sweep *sweep, size_t first, FILE *stream) {
  chart c = {.sweep = sweep,
             .model = sweep->cells[first].model,
             .quality = tsr__sweep_quality(sweep, sweep->cells[first].model),
             .cost = latency_of,
             .stream = stream};
  char title[96];
  fputs("<figure>\n<figcaption><strong>", stream);
  tsr__put_escaped(stream, c.model);
  fputs(
      "</strong> \u00b7 dashed and circled: the Pareto front \u00b7 hollow: destroyed"
      "</figcaption>\n",
      stream);
  put_legend(&c);
  fputs("<div class=\"charts\">\n", stream);
  snprintf(title, sizeof title, "%s against latency", sweep->metric_names[c.quality]);
  put_chart(&c, title, "latency in ms");
  c.cost = megabytes_of;
  snprintf(title, sizeof title, "%s against size", sweep->metric_names[c.quality]);
  put_chart(&c, title, "packed weights in MB");
  fputs("</div>\n</figure>\n", stream);
}
