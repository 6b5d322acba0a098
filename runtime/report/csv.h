#ifndef TESSERA_REPORT_CSV_H
#define TESSERA_REPORT_CSV_H

#include <stdio.h>

/* A field, quoted where RFC 4180 wants it. text holds no line breaks. */
void tsr__csv_text(FILE *stream, const char *text);

#endif
