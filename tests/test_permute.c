/* Orders of channels: what they keep, that they are orders, that the model stays what it was. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/prune/permute.h"
#include "tessera/tessera.h"

#define CHECK(call) cr_assert_eq(call, TSR_OK, "%s", tsr_last_error())

/* MT19937 (Matsumoto, Nishimura 1998), seeded and read as numpy.random.RandomState(1).rand does. */
static uint32_t state[624];
static int position;

static void seed_generator(uint32_t seed) {
  for (uint32_t i = 0; i < 624; i++) {
    state[i] = seed;
    seed = 1812433253u * (seed ^ (seed >> 30)) + i + 1;
  }
  position = 624;
}

static uint32_t next_word(void) {
  if (position == 624) {
    for (int i = 0; i < 624; i++) {
      uint32_t y = (state[i] & 0x80000000u) | (state[(i + 1) % 624] & 0x7fffffffu);
      state[i] = state[(i + 397) % 624] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    position = 0;
  }
  uint32_t y = state[position++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

static float next_value(void) {
  uint32_t high = next_word() >> 5, low = next_word() >> 6;
  return (float)((high * 67108864.0 + low) / 9007199254740992.0);
}

static float *random_scores(int64_t count, uint32_t seed) {
  float *scores = malloc((size_t)count * sizeof *scores);
  seed_generator(seed);
  for (int64_t i = 0; i < count; i++) scores[i] = next_value();
  return scores;
}

static void assert_order(const int32_t *order, int64_t channels, int64_t segment) {
  char *seen = calloc((size_t)channels, 1);
  for (int64_t i = 0; i < channels; i++) {
    cr_assert(order[i] >= 0 && order[i] < channels && !seen[order[i]], "place %d", (int)i);
    cr_assert_eq(order[i] / segment, i / segment, "place %d left its segment", (int)i);
    seen[order[i]] = 1;
  }
  free(seen);
}

/* The sum that the exact projection keeps of a use whose channels are in this order. */
static double kept(const char *text, double sparsity, const tsr__channel_use *use,
                   const int32_t *order) {
  tsr_pattern pattern;
  CHECK(tsr_pattern_parse(text, &pattern));
  size_t count = (size_t)(use->rows * use->cols);
  float *scores = malloc(count * sizeof *scores);
  tsr_mask *mask = malloc(count);
  if (use->columns)
    tsr__permute_columns(use->scores, use->rows, use->cols, 4, order, scores);
  else
    tsr__permute_rows(use->scores, use->rows, use->cols, 4, order, scores);
  CHECK(tsr_project(&pattern, sparsity, scores, use->rows, use->cols, mask));
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += mask[i] ? (double)scores[i] : 0;
  free(scores);
  free(mask);
  return sum;
}

static double gain(const char *text, double sparsity, const tsr__channel_use *uses, size_t count,
                   int64_t segment) {
  tsr_pattern pattern;
  CHECK(tsr_pattern_parse(text, &pattern));
  int64_t channels = uses->columns ? uses->cols : uses->rows;
  int32_t *order = malloc((size_t)channels * sizeof *order);
  int32_t *identity = malloc((size_t)channels * sizeof *identity);
  for (int64_t i = 0; i < channels; i++) identity[i] = (int32_t)i;
  CHECK(tsr__permute_channels(&pattern, sparsity, uses, count, segment, order));
  assert_order(order, channels, segment);
  double before = 0, after = 0;
  for (size_t i = 0; i < count; i++) {
    before += kept(text, sparsity, &uses[i], identity);
    after += kept(text, sparsity, &uses[i], order);
  }
  free(order);
  free(identity);
  return after / before;
}

/* The usual example, with its published figures: 2852 as it is, 2913 by swaps, 2920 by groups of
 * eight columns, of 3042 that rows without groups would keep. */
Test(permute, two_of_four_of_128_by_64) {
  tsr__channel_use use = {random_scores(128 * 64, 1), 128, 64, 1};
  int32_t order[64];
  for (int i = 0; i < 64; i++) order[i] = i;
  cr_assert_float_eq(kept("2:4", -1, &use, order), 2852.377, 1e-2);
  tsr_pattern pattern;
  CHECK(tsr_pattern_parse("2:4", &pattern));
  CHECK(tsr__permute_channels(&pattern, 0.5, &use, 1, 64, order));
  assert_order(order, 64, 64);
  double found = kept("2:4", -1, &use, order);
  cr_assert(found >= 2918 && found < 3042.33, "%g", found);
  free((float *)(uintptr_t)use.scores);
}

/* Eight columns of which every row has its four greatest in one group: only the other deal keeps
 * all of them. */
Test(permute, two_of_four_finds_the_only_good_deal) {
  float scores[4 * 8];
  for (int r = 0; r < 4; r++)
    for (int c = 0; c < 8; c++) scores[r * 8 + c] = c < 4 ? 10 + (float)(r + c) : 1;
  tsr__channel_use use = {scores, 4, 8, 1};
  tsr_pattern pattern;
  int32_t order[8];
  CHECK(tsr_pattern_parse("2:4", &pattern));
  CHECK(tsr__permute_channels(&pattern, 0.5, &use, 1, 8, order));
  int strong = 0;
  for (int i = 0; i < 4; i++) strong += order[i] < 4;
  cr_assert_eq(strong, 2);
}

/* Rows of two kinds, alternating: sorted by kind, blocks are full or empty. */
Test(permute, blocks_are_found_again) {
  enum { ROWS = 32, COLS = 32 };
  float scores[ROWS * COLS];
  for (int r = 0; r < ROWS; r++)
    for (int c = 0; c < COLS; c++) scores[r * COLS + c] = r % 2 == c / 16 ? 1 : 0.01f;
  tsr__channel_use use = {scores, ROWS, COLS, 0};
  int32_t order[ROWS];
  tsr_pattern pattern;
  CHECK(tsr_pattern_parse("block:16x16", &pattern));
  CHECK(tsr__permute_channels(&pattern, 0.5, &use, 1, ROWS, order));
  cr_assert_float_eq(kept("block:16x16", 0.5, &use, order), ROWS * COLS / 2, 1e-3);
}

/* Under N:M one of the two uses can gain, so that its gain counts half. */
Test(permute, every_pattern_gains_or_stays) {
  static const struct {
    const char *pattern;
    double sparsity, least;
  } cases[] = {{"2:4", 0.5, 1.0075},       {"1:4", 0.75, 1.01},       {"4:8", 0.5, 1.002},
               {"block:4x4", 0.5, 1.005},  {"block:8x8", 0.75, 1.01}, {"vnm:16:2:8", 0.75, 1.001},
               {"block:8x8+2:4", 0.75, 1}, {"irregular", 0.5, 1},     {"row", 0.5, 1}};
  float *out = random_scores(96 * 64, 2), *in = random_scores(64 * 96, 3);
  tsr__channel_use uses[] = {{out, 64, 96, 0}, {in, 96, 64, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    double whole = gain(cases[i].pattern, cases[i].sparsity, uses, 2, 64);
    double parts = gain(cases[i].pattern, cases[i].sparsity, uses, 2, 32);
    cr_assert_geq(whole, cases[i].least - 1e-9, "%s: %g", cases[i].pattern, whole);
    cr_assert_geq(parts, 1 - 1e-9, "%s: %g", cases[i].pattern, parts);
  }
  free(out);
  free(in);
}

Test(permute, bad_arguments) {
  float scores[64] = {0};
  int32_t order[8];
  tsr_pattern pattern;
  tsr__channel_use uses[] = {{scores, 8, 8, 0}, {scores, 8, 4, 1}};
  CHECK(tsr_pattern_parse("2:4", &pattern));
  cr_assert_eq(tsr__permute_channels(&pattern, 0.5, uses, 0, 8, order), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr__permute_channels(&pattern, 0.5, uses, 2, 8, order), TSR_INVALID_ARGUMENT);
  cr_assert(strstr(tsr_last_error(), "8 and 4 channels"), "%s", tsr_last_error());
  cr_assert_eq(tsr__permute_channels(&pattern, 0.5, uses, 1, 3, order), TSR_INVALID_ARGUMENT);
}
