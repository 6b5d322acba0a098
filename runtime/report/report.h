/* What the writers share: the record's fields as a table, and safe formatting. */
#ifndef TESSERA_REPORT_INTERNAL_H
#define TESSERA_REPORT_INTERNAL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tessera/report.h"

struct tsr_report {
  tsr_hardware machine;
  tsr_record *records;
  size_t count, capacity;
};

/* ---- fields: fields.c ---- */

typedef enum tsr__value_type {
  TSR__VALUE_NONE, /* nothing was measured, or it does not apply */
  TSR__VALUE_TEXT,
  TSR__VALUE_INTEGER,
  TSR__VALUE_REAL
} tsr__value_type;

typedef struct tsr__value {
  tsr__value_type type;
  const char *text;
  int64_t integer;
  double real;
} tsr__value;

/* The record's fields in their order; NULL past the end. */
const char *tsr__field_name(size_t index);
tsr__value tsr__field_value(const tsr_record *record, size_t index);
/* Whether every text ends inside its array and every number makes sense. */
tsr_status tsr__record_check(const tsr_record *record);
/* Replaces what is not printable UTF-8 in each text by '?', so that no writer has to care. */
void tsr__record_clean(tsr_record *record);
void tsr__text_clean(char *text);

static inline int tsr__is_loss(const tsr_record *record) {
  return record->speedup > 0 && record->speedup < 1;
}

/* Nothing was timed: a simulator's counters stand for it. */
static inline int tsr__is_modelled(const tsr_record *record) { return record->modelled_us > 0; }

/* ---- formatting: format.c ---- */

typedef struct tsr__number {
  char text[40];
} tsr__number;

/* As printf's %.*f and %.*g, but with a point in every locale. */
tsr__number tsr__fixed(double value, int decimals);
tsr__number tsr__general(double value, int digits);
/* Three significant digits without an exponent; "-" for 0. */
tsr__number tsr__brief(double value);
tsr__number tsr__percent(double share); /* "87.5 %" */
tsr__number tsr__bytes(int64_t bytes);  /* "1.5 MiB"; "-" for 0 */

/* Flushes; TSR_IO if anything failed to be written. */
tsr_status tsr__stream_end(FILE *stream);

#endif
