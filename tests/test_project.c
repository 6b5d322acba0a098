#include <criterion/criterion.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/tessera.h"
#include "tests/random.h"

static tsr_pattern parsed(const char *text) {
  tsr_pattern pattern;
  cr_assert_eq(tsr_pattern_parse(text, &pattern), TSR_OK, "%s", tsr_last_error());
  return pattern;
}

/* Whole numbers below `levels`: sums are exact, and few levels make many ties. */
static float *random_scores(random_state *random, int64_t size, int64_t levels) {
  float *scores = malloc((size_t)size * sizeof *scores + 1);
  for (int64_t i = 0; i < size; i++) scores[i] = (float)random_below(random, levels);
  return scores;
}

static double kept_sum(const float *scores, const tsr_mask *mask, int64_t size) {
  double sum = 0;
  for (int64_t i = 0; i < size; i++) sum += mask[i] ? (double)scores[i] : 0;
  return sum;
}

static int64_t kept_count(const tsr_mask *mask, int64_t size) {
  int64_t sum = 0;
  for (int64_t i = 0; i < size; i++) sum += mask[i];
  return sum;
}

Test(project, every_pattern_obeys_the_verifier_at_every_size) {
  static const struct {
    const char *text;
    double sparsities[3];
  } rows[] = {
      {"dense", {-1, 0, 0}},
      {"irregular", {0, 0.37, 1}},
      {"row", {0, 0.5, 1}},
      {"column", {0.1, 0.5, 0.9}},
      {"block:4x4", {0.2, 0.7, 1}},
      {"block:16x3", {0, 0.5, 0.9}},
      {"2:4", {-1, 0.5, 0.5}},
      {"3:20", {-1, 0.85, 0.85}},
      {"1:3", {-1, 0.6666667, -1}},
      {"vnm:8:2:8", {-1, 0.75, -1}},
      {"vnm:5:2:20", {-1, 0.9, -1}},
      {"vnm:1:2:4", {-1, 0.5, -1}},
      {"block:8x8+2:4", {0.5, 0.8, 1}},
      {"block:4x6+1:4", {0.75, 0.9, 1}},
  };
  static const int64_t sizes[] = {0, 1, 2, 7, 8, 9, 31, 32, 33};
  random_state random = random_seed(2);
  for (size_t p = 0; p < sizeof rows / sizeof *rows; p++) {
    tsr_pattern pattern = parsed(rows[p].text);
    for (int i = 0; i < 9 * 9 * 3; i++) {
      int64_t m = sizes[i % 9], k = sizes[i / 9 % 9];
      double sparsity = rows[p].sparsities[i / 81];
      float *scores = random_scores(&random, m * k, i % 2 ? 5 : 1000000);
      tsr_mask *mask = malloc((size_t)(m * k) + 1);
      cr_assert_eq(tsr_project(&pattern, sparsity, scores, m, k, mask), TSR_OK, "%s: %s",
                   rows[p].text, tsr_last_error());
      cr_assert_eq(tsr_mask_verify(&pattern, sparsity, mask, m, k), TSR_OK, "%s %lldx%lld: %s",
                   rows[p].text, (long long)m, (long long)k, tsr_last_error());
      free(mask);
      free(scores);
    }
  }
}

Test(project, the_exact_number_of_units_is_pruned) {
  random_state random = random_seed(3);
  float *scores = random_scores(&random, 64 * 48, 3);
  static tsr_mask mask[64 * 48];
  static const struct {
    const char *text;
    double sparsity;
    int64_t kept;
  } rows[] = {
      {"irregular", 0.9, 3072 - 2765},
      {"irregular", 0.333, 3072 - 1023},
      {"row", 0.7, 19 * 48},
      {"column", 0.26, 64 * 36},
      {"block:16x16", 0.75, 3 * 256},
      {"block:16x16", 0.7, 1024},
      {"2:4", -1, 1536},
      {"1:4", -1, 768},
      {"2:8", -1, 768},
      {"vnm:16:2:8", -1, 768},
      {"block:16x16+2:4", 0.75, 6 * 128},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    tsr_pattern pattern = parsed(rows[i].text);
    cr_assert_eq(tsr_project(&pattern, rows[i].sparsity, scores, 64, 48, mask), TSR_OK);
    cr_assert_eq(kept_count(mask, 64 * 48), rows[i].kept, "%s: %lld", rows[i].text,
                 (long long)kept_count(mask, 64 * 48));
  }
  free(scores);
}

/* The greatest sum over all masks of 12 elements that the verifier allows. */
static double best_by_enumeration(const tsr_pattern *pattern, double sparsity, const float *scores,
                                  int64_t rows, int64_t cols) {
  double best = -1;
  tsr_mask mask[12];
  for (int bits = 0; bits < 1 << 12; bits++) {
    for (int i = 0; i < 12; i++) mask[i] = bits >> i & 1;
    if (kept_sum(scores, mask, 12) <= best) continue;
    if (tsr_mask_verify(pattern, -1, mask, rows, cols)) continue;
    /* Exactly this share of pruned elements, where the pattern leaves a choice. */
    if (sparsity >= 0 && 12 - kept_count(mask, 12) != llround(sparsity * 12)) continue;
    best = kept_sum(scores, mask, 12);
  }
  return best;
}

Test(project, keeps_as_much_as_the_best_of_all_masks) {
  static const struct {
    const char *text;
    double sparsity;
    int64_t rows, cols;
  } rows[] = {
      {"irregular", 0.5, 3, 4}, {"row", 0.5, 4, 3},          {"column", 0.5, 3, 4},
      {"block:1x2", 0.5, 2, 6}, {"block:3x2", 0.5, 6, 2},    {"2:4", -1, 3, 4},
      {"1:4", -1, 2, 6},        {"vnm:2:2:6", -1, 2, 6},     {"vnm:1:2:6", -1, 2, 6},
      {"vnm:3:2:5", -1, 2, 6},  {"block:1x4+2:4", -1, 3, 4},
  };
  random_state random = random_seed(4);
  tsr_mask mask[12];
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    tsr_pattern pattern = parsed(rows[i].text);
    double sparsity = pattern.kind == TSR_PATTERN_BLOCK_NM ? 0.5 : rows[i].sparsity;
    for (int trial = 0; trial < 20; trial++) {
      float *scores = random_scores(&random, 12, trial % 2 ? 4 : 100000);
      cr_assert_eq(tsr_project(&pattern, sparsity, scores, rows[i].rows, rows[i].cols, mask),
                   TSR_OK, "%s", tsr_last_error());
      double best =
          best_by_enumeration(&pattern, rows[i].sparsity, scores, rows[i].rows, rows[i].cols);
      cr_assert_eq(kept_sum(scores, mask, 12), best, "%s: %g of %g", rows[i].text,
                   kept_sum(scores, mask, 12), best);
      free(scores);
    }
  }
}

/* Sum of every row's two best among four columns, for the best four columns. */
static double best_panel(const float *scores, int64_t rows, int64_t cols) {
  double best = 0;
  for (int64_t set = 0; set < 1 << cols; set++) {
    double sum = 0;
    int count = 0;
    for (int64_t c = 0; c < cols; c++) count += set >> c & 1;
    if (count != 4) continue;
    for (int64_t r = 0; r < rows; r++) {
      double first = 0, second = 0;
      for (int64_t c = 0; c < cols; c++) {
        double s = set >> c & 1 ? (double)scores[r * cols + c] : 0;
        if (s > first) {
          second = first;
          first = s;
        } else if (s > second) {
          second = s;
        }
      }
      sum += first + second;
    }
    if (sum > best) best = sum;
  }
  return best;
}

Test(project, vnm_is_exact_up_to_12_columns_and_close_above) {
  random_state random = random_seed(5);
  tsr_mask mask[16 * 20];
  for (int64_t m = 5; m <= 20; m++) {
    tsr_pattern pattern = {.kind = TSR_PATTERN_VNM, .v = 16, .n = 2, .m = (int32_t)m};
    float *scores = random_scores(&random, 16 * m, 1000);
    cr_assert_eq(tsr_project(&pattern, -1, scores, 16, m, mask), TSR_OK);
    double kept = kept_sum(scores, mask, 16 * m), best = best_panel(scores, 16, m);
    if (m <= 12)
      cr_assert_eq(kept, best, "m = %lld: %g of %g", (long long)m, kept, best);
    else
      cr_assert(kept >= 0.97 * best && kept <= best, "m = %lld: %g of %g", (long long)m, kept,
                best);
    free(scores);
  }
}

Test(project, ties_keep_the_lower_index) {
  float scores[16];
  tsr_mask mask[16];
  for (int i = 0; i < 16; i++) scores[i] = 1;
  static const struct {
    const char *text;
    double sparsity;
    const char *mask;
  } rows[] = {
      {"irregular", 0.625, "1111110000000000"},
      {"row", 0.25, "1111111111110000"},
      {"column", 0.5, "1100110011001100"},
      {"block:2x2", 0.75, "1100110000000000"},
      {"1:4", -1, "1000100010001000"},
      {"vnm:4:2:4", -1, "1100110011001100"},
      {"block:2x2+1:2", 0.75, "1010101000000000"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    tsr_pattern pattern = parsed(rows[i].text);
    cr_assert_eq(tsr_project(&pattern, rows[i].sparsity, scores, 4, 4, mask), TSR_OK);
    for (int j = 0; j < 16; j++)
      cr_assert_eq(mask[j], rows[i].mask[j] - '0', "%s at %d", rows[i].text, j);
  }
}

/* A narrow block at the edge with a high mean outlives a wide one with a greater sum. */
Test(project, units_at_the_edge_are_ranked_by_their_mean) {
  float scores[5] = {3, 3, 3, 3, 4};
  tsr_mask mask[5];
  tsr_pattern pattern = parsed("block:1x4");
  cr_assert_eq(tsr_project(&pattern, 0.5, scores, 1, 5, mask), TSR_OK);
  cr_assert(!mask[0] && !mask[3] && mask[4]);
}

Test(project, global_prunes_where_scores_are_low_and_reaches_the_share) {
  random_state random = random_seed(6);
  static const char *const texts[] = {"irregular", "row",           "column",
                                      "block:8x8", "block:8x8+2:4", "2:4"};
  for (int t = 0; t < 6; t++) {
    tsr_pattern pattern = parsed(texts[t]);
    tsr_project_item items[3];
    int64_t sizes[3][2] = {{64, 64}, {32, 96}, {20, 30}}, kept = 0, total = 0;
    for (int i = 0; i < 3; i++) {
      int64_t size = sizes[i][0] * sizes[i][1];
      float *scores = random_scores(&random, size, 1000);
      for (int64_t j = 0; j < size; j++) scores[j] *= (float)(i + 1);
      items[i] = (tsr_project_item){scores, sizes[i][0], sizes[i][1], malloc((size_t)size)};
      total += size;
    }
    cr_assert_eq(tsr_project_global(&pattern, t == 5 ? -1 : 0.6, items, 3), TSR_OK, "%s",
                 tsr_last_error());
    double density[3];
    for (int i = 0; i < 3; i++) {
      int64_t size = items[i].rows * items[i].cols, here = kept_count(items[i].mask, size);
      cr_assert_eq(tsr_mask_verify(&pattern, -1, items[i].mask, items[i].rows, items[i].cols),
                   TSR_OK, "%s", tsr_last_error());
      density[i] = (double)here / (double)size;
      kept += here;
    }
    if (t < 5) {
      cr_assert(density[0] < density[1] && density[1] < density[2], "%s: %g %g %g", texts[t],
                density[0], density[1], density[2]);
      cr_assert_float_eq((double)kept / (double)total, 0.4, 96.0 / (double)total, "%s", texts[t]);
    }
    for (int i = 0; i < 3; i++) {
      free((void *)items[i].scores);
      free(items[i].mask);
    }
  }
}

Test(project, does_not_depend_on_the_number_of_threads) {
  random_state random = random_seed(7);
  int64_t rows = 130, cols = 150;
  float *scores = malloc((size_t)(rows * cols) * sizeof *scores);
  for (int64_t i = 0; i < rows * cols; i++) scores[i] = (float)random_unit(&random);
  static const char *const texts[] = {"irregular", "row",        "column",      "block:16x16",
                                      "5:20",      "vnm:64:2:8", "vnm:16:2:32", "block:8x8+2:4"};
  tsr_mask *one = malloc((size_t)(rows * cols)), *four = malloc((size_t)(rows * cols));
  for (int t = 0; t < 8; t++) {
    tsr_pattern pattern = parsed(texts[t]);
    double fixed = tsr_pattern_fixed_sparsity(&pattern), sparsity = fixed > 0.5 ? fixed : 0.5;
    if (t == 7) sparsity = 0.8;
    omp_set_num_threads(1);
    cr_assert_eq(tsr_project(&pattern, sparsity, scores, rows, cols, one), TSR_OK, "%s",
                 tsr_last_error());
    omp_set_num_threads(4);
    cr_assert_eq(tsr_project(&pattern, sparsity, scores, rows, cols, four), TSR_OK);
    cr_assert_eq(memcmp(one, four, (size_t)(rows * cols)), 0, "%s", texts[t]);
  }
  free(one);
  free(four);
  free(scores);
}
