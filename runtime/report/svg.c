#include "runtime/report/svg.h"

#include <math.h>

#include "runtime/report/report.h"

void tsr__put_escaped(FILE *stream, const char *text) {
  for (; *text; text++) {
    switch (*text) {
      case '&':
        fputs("&amp;", stream);
        break;
      case '<':
        fputs("&lt;", stream);
        break;
      case '>':
        fputs("&gt;", stream);
        break;
      case '"':
        fputs("&quot;", stream);
        break;
      case '\'':
        fputs("&#39;", stream);
        break;
      default:
        fputc(*text, stream);
    }
  }
}

/* ---- scales ---- */

double tsr__scale_at(const tsr__scale *s, double value) {
  double share =
      s->logarithmic ? log(value / s->lo) / log(s->hi / s->lo) : (value - s->lo) / (s->hi - s->lo);
  return s->at_lo + share * (s->at_hi - s->at_lo);
}

/* The nearest of 1, 2, 5 x 10^i that is at least (up) or at most value. */
static double round_125(double value, int up) {
  static const double steps[] = {1, 2, 5, 10};
  double power = pow(10, floor(log10(value) + 1e-9)), below = power;
  for (int i = 0; i < 4; i++) {
    double candidate = steps[i] * power;
    if (candidate >= value * (1 - 1e-9))
      return up || candidate <= value * (1 + 1e-9) ? candidate : below;
    below = candidate;
  }
  return below;
}

tsr__scale tsr__scale_for(double lowest, double highest, double at_lo, double at_hi) {
  tsr__scale scale = {0, highest, at_lo, at_hi, highest > 8 * lowest};
  if (scale.logarithmic) {
    scale.lo = round_125(lowest / 1.15, 0);
    scale.hi = round_125(highest * 1.1, 1);
  } else {
    double step = round_125(highest * 1.08 / 5, 1);
    scale.hi = step * ceil(highest * 1.08 / step);
  }
  return scale;
}

int tsr__scale_ticks(const tsr__scale *s, double ticks[TSR__TICKS_MAX]) {
  int count = 0;
  if (s->logarithmic) {
    int tens_only = s->hi > 2000 * s->lo;
    for (double tick = s->lo; tick <= s->hi * 1.001 && count < TSR__TICKS_MAX;
         tick = round_125(tick * 1.5, 1)) {
      double power = log10(tick);
      if (!tens_only || fabs(power - round(power)) < 1e-6) ticks[count++] = tick;
    }
    return count;
  }
  double step = round_125((s->hi - s->lo) / 5.5, 1);
  for (int i = 0; count < TSR__TICKS_MAX && s->lo + i * step <= s->hi * 1.001; i++)
    ticks[count++] = s->lo + i * step;
  return count;
}

/* ---- shapes ---- */

void tsr__svg_line(FILE *stream, const char *class_name, double x1, double y1, double x2,
                   double y2) {
  fprintf(stream, "<line class=\"%s\" x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\"/>\n", class_name,
          tsr__fixed(x1, 1).text, tsr__fixed(y1, 1).text, tsr__fixed(x2, 1).text,
          tsr__fixed(y2, 1).text);
}

void tsr__svg_text(FILE *stream, const char *class_name, double x, double y, const char *anchor,
                   const char *text) {
  fprintf(stream, "<text class=\"%s\" x=\"%s\" y=\"%s\" text-anchor=\"%s\">", class_name,
          tsr__fixed(x, 1).text, tsr__fixed(y, 1).text, anchor);
  tsr__put_escaped(stream, text);
  fputs("</text>\n", stream);
}

void tsr__svg_marker(FILE *stream, size_t series, int hollow, double x, double y) {
  /* Circle, square, triangle, diamond: colour alone does not tell the series apart. */
  static const char *const shapes[] = {
      "m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z",
      "m-4-4h8v8h-8z",
      "m0-5.2l5 8.7h-10z",
      "m0-5.6l5.6 5.6l-5.6 5.6l-5.6-5.6z",
  };
  fprintf(stream, "<path class=\"marker s%zu%s\" d=\"M%s %s%s\">", series % TSR__SERIES_COLOURS,
          hollow ? " hollow" : "", tsr__fixed(x, 1).text, tsr__fixed(y, 1).text,
          shapes[series % 4]);
}
