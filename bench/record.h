/* Filling records from races. */
#ifndef TESSERA_BENCH_RECORD_H
#define TESSERA_BENCH_RECORD_H

#include <stdio.h>

#include "bench/harness.h"
#include "bench/options.h"
#include "tessera/report.h"

/* Copies text into a char array member, cut to its size. */
#define TSR__SET_TEXT(member, text) snprintf((member), sizeof(member), "%s", (text))

/* Backend, type and GPU. */
void tsr__record_machine(const tsr__bench_options *options, tsr_record *record);

/* Puts what the race says about contestant `own` into the record; baseline = -1 if there is none.
 * Sets the times, the speedup (of medians) and, from the two counts of operations, the rates. */
tsr_status tsr__record_timing(const tsr__race_result *race, size_t own, int baseline,
                              double stored_flops, double dense_flops, tsr_record *record);

#endif
