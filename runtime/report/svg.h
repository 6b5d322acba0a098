/* Drawing charts as inline SVG: escaped text, scales, axes, markers. */
#ifndef TESSERA_REPORT_SVG_H
#define TESSERA_REPORT_SVG_H

#include <stdio.h>

/* Escapes for text and for attributes in double quotes. */
void tsr__put_escaped(FILE *stream, const char *text);

/* Maps lo..hi to the coordinates at_lo..at_hi. */
typedef struct tsr__scale {
  double lo, hi;
  double at_lo, at_hi;
  int logarithmic;
} tsr__scale;

double tsr__scale_at(const tsr__scale *scale, double value);

/* A scale from 0 for values up to `highest`; logarithmic, from just below `lowest`, where the
 * values spread over more than a factor of eight. Both are positive. */
tsr__scale tsr__scale_for(double lowest, double highest, double at_lo, double at_hi);

enum { TSR__TICKS_MAX = 24 };
/* Round values within the scale; returns how many. */
int tsr__scale_ticks(const tsr__scale *scale, double ticks[TSR__TICKS_MAX]);

/* A line, an axis label, a marker of the series: class names give the colours (html_style.c). */
void tsr__svg_line(FILE *stream, const char *class_name, double x1, double y1, double x2,
                   double y2);
/* anchor: "start", "middle" or "end". */
void tsr__svg_text(FILE *stream, const char *class_name, double x, double y, const char *anchor,
                   const char *text);
enum { TSR__SERIES_COLOURS = 8 };
/* Opens <path>; the caller writes a <title> or nothing, then closes it with </path>. */
void tsr__svg_marker(FILE *stream, size_t series, int hollow, double x, double y);

#endif
