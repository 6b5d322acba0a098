/* Measured coefficients of the cost model. */
#ifndef TESSERA_PLAN_TUNING_H
#define TESSERA_PLAN_TUNING_H

#include "kernels/kernel.h"

typedef struct tsr__tuning_entry {
  char kernel[96];
  double coefficients[TSR_COST_TERMS]; /* >= 0, microseconds per unit */
} tsr__tuning_entry;

enum { TSR__TUNING_MAX = 128 }; /* more than there are kernels */

struct tsr_tuning {
  char cpu[64];
  char isa[16]; /* the best one that was usable */
  char version[16];
  int32_t count;
  tsr__tuning_entry entries[TSR__TUNING_MAX];
};

/* The coefficients of a kernel; NULL if it was not measured. tuning may be NULL. */
const double *tsr__tuning_find(const tsr_tuning *tuning, const tsr_spmm_kernel *kernel);

/* The best instruction set that is usable. */
tsr_isa tsr__best_isa(const tsr_hardware *hardware);

/* An empty set that is keyed to this hardware and this version of the library. */
tsr_status tsr__tuning_create(const tsr_hardware *hardware, tsr_tuning **out);

/* What tsr_tuning_measure measures: the first of its structures and shapes, runs that are predicted
 * to take no longer than run_us_max, each batch of them for at least batch_us. */
typedef struct tsr__tuning_effort {
  int structures, shapes;
  double run_us_max, batch_us;
} tsr__tuning_effort;

tsr_status tsr__tuning_measure(const tsr_hardware *hardware, const tsr__tuning_effort *effort,
                               void (*progress)(void *user, int done, int total), void *user,
                               tsr_tuning **out);

/* One measurement: the terms of a run and how long it took. */
typedef struct tsr__sample {
  double terms[TSR_COST_TERMS];
  double us; /* > 0 */
} tsr__sample;

/* coefficients: [TSR_COST_TERMS], those >= 0 with the least sum of squared relative errors. */
void tsr__tuning_fit(const tsr__sample *samples, int count, double *coefficients);

#endif
