/* Timing of one thing against another: interleaved runs, medians, spread. */
#ifndef TESSERA_BENCH_HARNESS_H
#define TESSERA_BENCH_HARNESS_H

#include <stddef.h>
#include <stdint.h>

#include "bench/evict.h"
#include "tessera/report.h"

/* Monotonic seconds. */
double tsr__now(void);

typedef struct tsr__contestant {
  const char *name;
  tsr_status (*run)(void *user);
  void *user;
  const tsr__range *touched; /* [touched_count]: weights, activations, outputs */
  size_t touched_count;
} tsr__contestant;

/* A device that runs what the contestants only start: it times them itself, and its caches are
 * emptied as a whole. */
typedef struct tsr__race_device {
  tsr_status (*start)(void *user);                      /* before a timed run */
  tsr_status (*stop)(void *user, double *milliseconds); /* after it; waits for its end */
  tsr_status (*evict)(void *user);
  void *user;
} tsr__race_device;

typedef struct tsr__race_options {
  tsr_cache_state cache;
  int32_t min_rounds;             /* >= 1 */
  double min_seconds;             /* of the whole race; both minima are met */
  double (*clock)(void);          /* seconds; NULL = tsr__now */
  const tsr__race_device *device; /* NULL = contestants are done when they return */
} tsr__race_options;

/* What a race measured: samples[round * count + contestant], in milliseconds. */
typedef struct tsr__race_result {
  size_t count;
  int32_t rounds;
  double *samples;
} tsr__race_result;

typedef struct tsr__timing {
  int32_t runs;
  double median_ms, p10_ms, p90_ms;
} tsr__timing;

/* Times the contestants in turn, A B C A B C ..., so that whatever else the machine does meets all
 * of them alike. Before each timed run
 *   warm: the same contestant runs once untimed, so that it finds in the caches what it left there
 *         itself, not what the one before it left;
 *   cold: every contestant's touched ranges are evicted. */
tsr_status tsr__race(const tsr__contestant *contestants, size_t count,
                     const tsr__race_options *options, tsr__race_result *out);
void tsr__race_release(tsr__race_result *result); /* NULL is fine */

/* contestant < result->count. */
tsr_status tsr__race_timing(const tsr__race_result *result, size_t contestant, tsr__timing *out);

/* The median over the rounds of time(slow) / time(fast). The two times of a round were taken side
 * by side, so this is steadier on a noisy machine than the ratio of the two medians. */
tsr_status tsr__race_speedup(const tsr__race_result *result, size_t fast, size_t slow, double *out);

/* The share-th quantile (0..1) of values[count], count >= 1, by linear interpolation between order
 * statistics. Sorts values. */
double tsr__quantile(double *values, size_t count, double share);

#endif
