/* Methods, fixed sparsities, and the bad arguments of pruning. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "tessera/tessera.h"

static tsr_pattern parsed(const char *text) {
  tsr_pattern pattern;
  cr_assert_eq(tsr_pattern_parse(text, &pattern), TSR_OK, "%s", tsr_last_error());
  return pattern;
}

Test(prune, methods_score_by_magnitude) {
  float weights[4] = {-2, 0.5f, -0.0f, 3}, scores[4];
  cr_assert_eq(tsr_prune_scores(TSR_METHOD_MAGNITUDE_L1, weights, 2, 2, scores), TSR_OK);
  cr_assert_eq(memcmp(scores, (float[]){2, 0.5f, 0, 3}, sizeof scores), 0);
  cr_assert_eq(tsr_prune_scores(TSR_METHOD_MAGNITUDE_L2, weights, 2, 2, scores), TSR_OK);
  cr_assert_eq(memcmp(scores, (float[]){4, 0.25f, 0, 9}, sizeof scores), 0);
}

Test(prune, method_names_round_trip) {
  for (int i = 0; i < TSR_METHOD_COUNT; i++) {
    tsr_prune_method method;
    cr_assert_eq(tsr_prune_method_parse(tsr_prune_method_name((tsr_prune_method)i), &method),
                 TSR_OK);
    cr_assert_eq((int)method, i);
  }
  tsr_prune_method method;
  cr_assert_str_eq(tsr_prune_method_name(TSR_METHOD_MAGNITUDE_L1), "magnitude-l1");
  cr_assert_str_eq(tsr_prune_method_name(TSR_METHOD_COUNT), "unknown");
  cr_assert_eq(tsr_prune_method_parse("wand", &method), TSR_INVALID_ARGUMENT);
  cr_assert_not_null(strstr(tsr_last_error(), "wand"));
  cr_assert_eq(tsr_prune_method_parse(NULL, &method), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_prune_method_parse("magnitude-l1", NULL), TSR_INVALID_ARGUMENT);
}

Test(prune, patterns_dictate_their_sparsity) {
  static const struct {
    const char *text;
    double sparsity;
  } rows[] = {{"2:4", 0.5},     {"1:4", 0.75},          {"vnm:64:2:8", 0.75},    {"irregular", 0},
              {"block:4x4", 0}, {"vnm:64:2:16", 0.875}, {"block:8x8+1:4", 0.75}, {"dense", 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    tsr_pattern pattern = parsed(rows[i].text);
    cr_assert_float_eq(tsr_pattern_fixed_sparsity(&pattern), rows[i].sparsity, 1e-12);
  }
  cr_assert_eq(tsr_pattern_fixed_sparsity(NULL), 0);
}

Test(prune, apply_writes_positive_zeros_and_touches_nothing_else) {
  float weights[4] = {-1, NAN, -2, -0.0f};
  tsr_mask mask[4] = {0, 1, 1, 1};
  tsr_mask_apply(mask, weights, 2, 2);
  cr_assert(weights[0] == 0 && !signbit(weights[0]));
  cr_assert(isnan(weights[1]) && weights[2] == -2 && signbit(weights[3]));
  tsr_mask_apply(NULL, weights, 2, 2);
  tsr_mask_apply(mask, NULL, 2, 2);
  tsr_mask_apply(mask, weights, -1, 2);
}

Test(prune, bad_arguments_of_scores_are_refused) {
  float weights[4] = {1, 2, NAN, 4}, scores[4];
  cr_assert_eq(tsr_prune_scores(TSR_METHOD_MAGNITUDE_L1, weights, 2, 2, scores),
               TSR_INVALID_ARGUMENT);
  cr_assert_not_null(strstr(tsr_last_error(), "row 1, column 0"));
  cr_assert_eq(tsr_prune_scores(TSR_METHOD_COUNT, weights, 1, 2, scores), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_prune_scores(TSR_METHOD_MAGNITUDE_L1, NULL, 1, 2, scores), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_prune_scores(TSR_METHOD_MAGNITUDE_L1, weights, 1, 2, NULL),
               TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_prune_scores(TSR_METHOD_MAGNITUDE_L1, weights, -1, 2, scores),
               TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_prune_scores(TSR_METHOD_MAGNITUDE_L1, weights, 0, 2, scores), TSR_OK);
}

Test(prune, bad_arguments_of_project_are_refused) {
  float scores[4] = {1, 2, 3, 4};
  tsr_mask mask[4];
  tsr_pattern irregular = parsed("irregular"), nm = parsed("2:4"), dense = parsed("dense");
  tsr_pattern two_level = parsed("block:2x2+1:2"), bad = {.kind = TSR_PATTERN_COUNT};
  cr_assert_eq(tsr_project(NULL, 0.5, scores, 2, 2, mask), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_project(&bad, 0.5, scores, 2, 2, mask), TSR_INVALID_ARGUMENT);
  bad = (tsr_pattern){.kind = TSR_PATTERN_BLOCK, .block_rows = 129, .block_cols = 1};
  cr_assert_eq(tsr_project(&bad, 0.5, scores, 2, 2, mask), TSR_INVALID_ARGUMENT);
  cr_assert_not_null(strstr(tsr_last_error(), "129"));
  bad = (tsr_pattern){.kind = TSR_PATTERN_NM, .n = 5, .m = 4};
  cr_assert_eq(tsr_project(&bad, -1, scores, 2, 2, mask), TSR_INVALID_ARGUMENT);
  bad = (tsr_pattern){.kind = TSR_PATTERN_VNM, .v = 4, .n = 1, .m = 8};
  cr_assert_eq(tsr_project(&bad, -1, scores, 2, 2, mask), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_project(&irregular, 0.5, NULL, 2, 2, mask), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_project(&irregular, 0.5, scores, 2, 2, NULL), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_project(&irregular, 0.5, scores, -2, 2, mask), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_project(&irregular, 0.5, scores, INT64_MAX, 2, mask), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_project(&irregular, -1, scores, 2, 2, mask), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_project(&irregular, 1.01, scores, 2, 2, mask), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_project(&irregular, NAN, scores, 2, 2, mask), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_project(&nm, 0.6, scores, 2, 2, mask), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_project(&nm, 0.4, scores, 2, 2, mask), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_project(&dense, 0.5, scores, 2, 2, mask), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_project(&two_level, 0.4, scores, 2, 2, mask), TSR_INVALID_ARGUMENT);
  scores[3] = NAN;
  cr_assert_eq(tsr_project(&irregular, 0.5, scores, 2, 2, mask), TSR_INVALID_ARGUMENT);
  cr_assert_not_null(strstr(tsr_last_error(), "row 1, column 1"));
  scores[3] = -1;
  cr_assert_eq(tsr_project(&irregular, 0.5, scores, 2, 2, mask), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_project_global(&irregular, 0.5, NULL, 1), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_project_global(&irregular, 0.5, NULL, 0), TSR_OK);
}
