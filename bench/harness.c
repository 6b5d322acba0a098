#include "bench/harness.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

double tsr__now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double tsr__quantile(double *values, size_t count, double share) {
  qsort(values, count, sizeof *values, ascending);
  double position = share * (double)(count - 1);
  size_t low = (size_t)position;
  if (low + 1 >= count) return values[count - 1];
  return values[low] + (position - (double)low) * (values[low + 1] - values[low]);
}

static tsr_status check(const tsr__contestant *contestants, size_t count,
                        const tsr__race_options *options) {
  TSR_CHECK(contestants && options && count > 0, TSR_INVALID_ARGUMENT,
            "race: contestants and options are needed");
  TSR_CHECK(options->min_rounds >= 1, TSR_INVALID_ARGUMENT, "race: %d rounds are too few",
            (int)options->min_rounds);
  TSR_CHECK(isfinite(options->min_seconds) && options->min_seconds >= 0, TSR_INVALID_ARGUMENT,
            "race: %g is no number of seconds", options->min_seconds);
  for (size_t c = 0; c < count; c++)
    TSR_CHECK(contestants[c].run, TSR_INVALID_ARGUMENT, "race: contestant %zu has no run", c);
  return TSR_OK;
}

static void evict_all(const tsr__contestant *contestants, size_t count) {
  for (size_t c = 0; c < count; c++)
    tsr__evict(contestants[c].touched, contestants[c].touched_count);
}

static tsr_status time_run(const tsr__contestant *contestant, const tsr__race_options *options,
                           double *sample) {
  double (*clock)(void) = options->clock ? options->clock : tsr__now;
  const tsr__race_device *device = options->device;
  double start = clock();
  if (device) TSR_TRY(device->start(device->user));
  TSR_TRY(contestant->run(contestant->user));
  if (device) return device->stop(device->user, sample);
  *sample = 1e3 * (clock() - start);
  return TSR_OK;
}

/* On a device, what comes before a timed run is not waited for: it keeps the device busy until the
 * run has been handed over, so that its time holds no waiting for the host. */
static tsr_status run_round(const tsr__contestant *contestants, size_t count,
                            const tsr__race_options *options, double *samples) {
  const tsr__race_device *device = options->device;
  for (size_t c = 0; c < count; c++) {
    const tsr__contestant *contestant = &contestants[c];
    if (options->cache == TSR_CACHE_WARM)
      TSR_TRY(contestant->run(contestant->user));
    else if (device)
      TSR_TRY(device->evict(device->user));
    else
      evict_all(contestants, count);
    TSR_TRY(time_run(contestant, options, &samples[c]));
  }
  return TSR_OK;
}

static tsr_status reserve(tsr__race_result *result, size_t rounds, size_t *capacity) {
  if (rounds <= *capacity) return TSR_OK;
  size_t wanted = *capacity ? 2 * *capacity : 64;
  double *samples = realloc(result->samples, wanted * result->count * sizeof *samples);
  TSR_CHECK(samples, TSR_OUT_OF_MEMORY, "out of memory: %zu rounds of a race", wanted);
  result->samples = samples;
  *capacity = wanted;
  return TSR_OK;
}

tsr_status tsr__race(const tsr__contestant *contestants, size_t count,
                     const tsr__race_options *options, tsr__race_result *out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "race: no result to write to");
  *out = (tsr__race_result){.count = count};
  TSR_TRY(check(contestants, count, options));
  double (*clock)(void) = options->clock ? options->clock : tsr__now;
  size_t capacity = 0;
  tsr_status status = TSR_OK;
  /* Untimed: pages are mapped, threads started, the branch predictors trained. */
  for (size_t c = 0; c < count; c++)
    TSR_TRY_GOTO(status, contestants[c].run(contestants[c].user), fail);
  for (double end = clock() + options->min_seconds;
       out->rounds < options->min_rounds || (clock() < end && out->rounds < INT32_MAX);
       out->rounds++) {
    TSR_TRY_GOTO(status, reserve(out, (size_t)out->rounds + 1, &capacity), fail);
    double *samples = out->samples + (size_t)out->rounds * count;
    TSR_TRY_GOTO(status, run_round(contestants, count, options, samples), fail);
  }
  return TSR_OK;
fail:
  tsr__race_release(out);
  return status;
}

void tsr__race_release(tsr__race_result *result) {
  if (!result) return;
  free(result->samples);
  *result = (tsr__race_result){0};
}

tsr_status tsr__race_timing(const tsr__race_result *result, size_t contestant, tsr__timing *out) {
  TSR_CHECK(result && out && contestant < result->count, TSR_INVALID_ARGUMENT,
            "race: there is no contestant %zu", contestant);
  size_t rounds = (size_t)result->rounds;
  double *times;
  TSR_TRY(tsr__calloc(rounds, sizeof *times, "a race's samples", &times));
  for (size_t r = 0; r < rounds; r++) times[r] = result->samples[r * result->count + contestant];
  *out = (tsr__timing){.runs = result->rounds,
                       .median_ms = tsr__quantile(times, rounds, 0.5),
                       .p10_ms = tsr__quantile(times, rounds, 0.1),
                       .p90_ms = tsr__quantile(times, rounds, 0.9)};
  free(times);
  return TSR_OK;
}

tsr_status tsr__race_speedup(const tsr__race_result *result, size_t fast, size_t slow,
                             double *out) {
  TSR_CHECK(result && out && fast < result->count && slow < result->count, TSR_INVALID_ARGUMENT,
            "race: there are no contestants %zu and %zu", fast, slow);
  size_t rounds = (size_t)result->rounds;
  double *ratios;
  TSR_TRY(tsr__calloc(rounds, sizeof *ratios, "a race's ratios", &ratios));
  for (size_t r = 0; r < rounds; r++) {
    const double *samples = result->samples + r * result->count;
    ratios[r] = samples[slow] / samples[fast];
  }
  *out = tsr__quantile(ratios, rounds, 0.5);
  free(ratios);
  return TSR_OK;
}
