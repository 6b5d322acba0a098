#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "bench/harness.h"
#include "tessera/tessera.h"

/* A race over a clock that only the contestants move. */
static double fake_time;
static char order[256];
static size_t order_length;

static double fake_clock(void) { return fake_time; }

typedef struct {
  char letter;
  const double *costs; /* seconds of call 0, 1, ...; the last one repeats */
  int cost_count, calls;
  tsr_status fails_with;
  int fails_at;
} racer;

static tsr_status race_one(void *user) {
  racer *r = user;
  if (order_length + 1 < sizeof order) order[order_length++] = r->letter;
  int call = r->calls++;
  if (r->fails_with != TSR_OK && call == r->fails_at) return r->fails_with;
  fake_time += r->costs[call < r->cost_count ? call : r->cost_count - 1];
  return TSR_OK;
}

static void reset(void) {
  fake_time = 100;
  memset(order, 0, sizeof order);
  order_length = 0;
}

static tsr__race_options fake_options(tsr_cache_state cache, int32_t rounds, double seconds) {
  return (tsr__race_options){cache, rounds, seconds, fake_clock, NULL};
}

/* Positions 0, 1, 2, ... of the sorted sample; those between are on the line from one to the
 * next: rank (11 - 1) * 0.1 = 1, and so on. */
Test(quantile, known_samples) {
  double eleven[] = {50, 10, 20, 0, 100, 90, 30, 80, 70, 60, 40};
  cr_assert_float_eq(tsr__quantile(eleven, 11, 0.1), 10, 1e-12);
  cr_assert_float_eq(tsr__quantile(eleven, 11, 0.5), 50, 1e-12);
  cr_assert_float_eq(tsr__quantile(eleven, 11, 0.9), 90, 1e-12);
  double four[] = {4, 1, 3, 2};
  cr_assert_float_eq(tsr__quantile(four, 4, 0.5), 2.5, 1e-12);
  cr_assert_float_eq(tsr__quantile(four, 4, 0.1), 1.3, 1e-12);
  cr_assert_float_eq(tsr__quantile(four, 4, 0.9), 3.7, 1e-12);
  cr_assert_float_eq(tsr__quantile(four, 4, 0), 1, 1e-12);
  cr_assert_float_eq(tsr__quantile(four, 4, 1), 4, 1e-12);
  double one[] = {7};
  cr_assert_float_eq(tsr__quantile(one, 1, 0.9), 7, 1e-12);
}

Test(race, contestants_alternate, .init = reset) {
  double cost = 1e-3;
  racer racers[] = {
      {'A', &cost, 1, 0, TSR_OK, 0}, {'B', &cost, 1, 0, TSR_OK, 0}, {'C', &cost, 1, 0, TSR_OK, 0}};
  tsr__contestant contestants[3];
  for (int c = 0; c < 3; c++)
    contestants[c] = (tsr__contestant){"x", race_one, &racers[c], NULL, 0};
  tsr__race_result result;
  tsr__race_options cold = fake_options(TSR_CACHE_COLD, 3, 0);
  cr_assert_eq(tsr__race(contestants, 3, &cold, &result), TSR_OK);
  cr_assert_str_eq(order, "ABC" /* before the first round */ "ABCABCABC");
  cr_assert_eq(result.rounds, 3);
  tsr__race_release(&result);

  reset();
  tsr__race_options warm = fake_options(TSR_CACHE_WARM, 2, 0);
  cr_assert_eq(tsr__race(contestants, 3, &warm, &result), TSR_OK);
  cr_assert_str_eq(order,
                   "ABC"
                   "AABBCC"
                   "AABBCC");
  tsr__race_release(&result);
}

Test(race, both_minima_are_met, .init = reset) {
  double cost = 0.25;
  racer a = {'A', &cost, 1, 0, TSR_OK, 0};
  tsr__contestant contestant = {"a", race_one, &a, NULL, 0};
  tsr__race_result result;
  tsr__race_options few = fake_options(TSR_CACHE_COLD, 2, 5);
  cr_assert_eq(tsr__race(&contestant, 1, &few, &result), TSR_OK);
  cr_assert_geq(result.rounds * cost, 5);
  cr_assert_leq(result.rounds * cost, 5 + 2 * cost);
  tsr__race_release(&result);
  tsr__race_options many = fake_options(TSR_CACHE_COLD, 100, 1);
  cr_assert_eq(tsr__race(&contestant, 1, &many, &result), TSR_OK);
  cr_assert_eq(result.rounds, 100, "and more samples than the first allocation holds");
  tsr__timing timing;
  cr_assert_eq(tsr__race_timing(&result, 0, &timing), TSR_OK);
  cr_assert_eq(timing.runs, 100);
  cr_assert_float_eq(timing.median_ms, 250, 1e-6);
  tsr__race_release(&result);
}

/* Cold, so that call 0 is the untimed start and calls 1 to 5 are the samples. */
Test(race, timings_and_speedup_of_known_costs, .init = reset) {
  double a_costs[] = {9, 1, 2, 3, 4, 5}, b_costs[] = {9, 2, 6, 12, 20, 10};
  racer racers[] = {{'A', a_costs, 6, 0, TSR_OK, 0}, {'B', b_costs, 6, 0, TSR_OK, 0}};
  tsr__contestant contestants[] = {{"a", race_one, &racers[0], NULL, 0},
                                   {"b", race_one, &racers[1], NULL, 0}};
  tsr__race_result result;
  tsr__race_options options = fake_options(TSR_CACHE_COLD, 5, 0);
  cr_assert_eq(tsr__race(contestants, 2, &options, &result), TSR_OK);
  tsr__timing timing;
  cr_assert_eq(tsr__race_timing(&result, 0, &timing), TSR_OK);
  cr_assert_float_eq(timing.median_ms, 3000, 1e-6);
  cr_assert_float_eq(timing.p10_ms, 1400, 1e-6);
  cr_assert_float_eq(timing.p90_ms, 4600, 1e-6);
  double speedup; /* the rounds' ratios are 2, 3, 4, 5, 2 */
  cr_assert_eq(tsr__race_speedup(&result, 0, 1, &speedup), TSR_OK);
  cr_assert_float_eq(speedup, 3, 1e-9);
  cr_assert_eq(tsr__race_timing(&result, 2, &timing), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr__race_speedup(&result, 0, 2, &speedup), TSR_INVALID_ARGUMENT);
  tsr__race_release(&result);
  tsr__race_release(NULL);
}

Test(race, failure_of_a_contestant_is_passed_on, .init = reset) {
  double cost = 1;
  for (int at = 0; at < 4; at++) {
    racer a = {'A', &cost, 1, 0, TSR_UNSUPPORTED, at};
    tsr__contestant contestant = {"a", race_one, &a, NULL, 0};
    tsr__race_result result;
    tsr__race_options options = fake_options(TSR_CACHE_WARM, 2, 0);
    cr_assert_eq(tsr__race(&contestant, 1, &options, &result), TSR_UNSUPPORTED);
    cr_assert_null(result.samples);
  }
}

Test(race, bad_arguments, .init = reset) {
  double cost = 1;
  racer a = {'A', &cost, 1, 0, TSR_OK, 0};
  tsr__contestant good = {"a", race_one, &a, NULL, 0}, runless = {"a", NULL, &a, NULL, 0};
  tsr__race_options options = fake_options(TSR_CACHE_WARM, 1, 0);
  tsr__race_options no_rounds = fake_options(TSR_CACHE_WARM, 0, 0);
  tsr__race_options never = fake_options(TSR_CACHE_WARM, 1, (double)NAN);
  tsr__race_options negative = fake_options(TSR_CACHE_WARM, 1, -1);
  tsr__race_result result;
  cr_assert_eq(tsr__race(NULL, 1, &options, &result), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr__race(&good, 0, &options, &result), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr__race(&good, 1, NULL, &result), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr__race(&good, 1, &options, NULL), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr__race(&runless, 1, &options, &result), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr__race(&good, 1, &no_rounds, &result), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr__race(&good, 1, &never, &result), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr__race(&good, 1, &negative, &result), TSR_INVALID_ARGUMENT);
}

/* Eviction must not change memory, whatever the alignment and length of the range. */
Test(evict, leaves_contents_alone) {
  unsigned char buffer[1000];
  for (size_t i = 0; i < sizeof buffer; i++) buffer[i] = (unsigned char)(i * 7);
  tsr__range ranges[] = {{buffer, sizeof buffer}, {buffer + 3, 1}, {NULL, 0}, {buffer + 63, 66}};
  tsr__evict(ranges, 4);
  for (size_t i = 0; i < sizeof buffer; i++) cr_assert_eq(buffer[i], (unsigned char)(i * 7));
}

Test(clock, never_runs_backwards) {
  double before = tsr__now();
  cr_assert_geq(tsr__now(), before);
}
