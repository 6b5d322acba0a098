#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "tessera/tessera.h"
#include "tests/structured.h"

static tsr_pattern parsed(const char *text) {
  tsr_pattern pattern;
  cr_assert_eq(tsr_pattern_parse(text, &pattern), TSR_OK, "%s", tsr_last_error());
  return pattern;
}

static const char *const texts[] = {"irregular", "row",           "column",       "block:4x4",
                                    "block:3x7", "2:4",           "3:7",          "vnm:4:2:8",
                                    "vnm:5:2:7", "block:8x8+2:4", "block:4x6+1:4"};
enum { TEXTS = sizeof texts / sizeof *texts };

Test(mask_verify, masks_made_without_the_library_pass) {
  random_state random = random_seed(8);
  static uint8_t mask[40 * 40];
  for (int t = 0; t < TEXTS; t++) {
    tsr_pattern pattern = parsed(texts[t]);
    for (int i = 0; i < 100; i++) {
      int64_t rows = random_below(&random, 40), cols = random_below(&random, 40);
      structured_mask(&random, &pattern, random_unit(&random), rows, cols, mask);
      cr_assert_eq(tsr_mask_verify(&pattern, -1, mask, rows, cols), TSR_OK, "%s: %s", texts[t],
                   tsr_last_error());
    }
  }
}

/* Masks as strings of rows; `at` is what the message must name. */
Test(mask_verify, wrong_masks_are_refused_by_row_and_column) {
  static const struct {
    const char *text;
    int64_t rows, cols;
    const char *mask, *at;
  } rows[] = {
      {"row", 2, 3,
       "111"
       "010",
       "row 1, column 1"},
      {"column", 2, 3,
       "101"
       "100",
       "row 1, column 2"},
      {"block:2x2", 2, 4,
       "1100"
       "1110",
       "row 1, column 2"},
      {"block:2x2", 3, 3,
       "110"
       "110"
       "011",
       "row 2, column 1"},
      {"2:4", 1, 8, "11001110", "row 0, columns 4..7"},
      {"1:4", 2, 6,
       "100010"
       "100011",
       "row 1, columns 4..5"},
      {"vnm:2:2:6", 2, 6,
       "110000"
       "110100",
       "row 1, columns 0..5"},
      {"vnm:3:2:6", 3, 6,
       "110000"
       "001100"
       "000010",
       "row 2, column 4"},
      {"block:2x3+1:2", 2, 6,
       "101000"
       "010110",
       "row 1, columns 3..4"},
      {"block:2x3+1:2", 2, 6,
       "110000"
       "000000",
       "row 0, columns 0..1"},
      {"dense", 1, 3, "110", "row 0, column 2"},
      {"irregular", 1, 3, "1120", "row 0, column 2"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    tsr_pattern pattern = parsed(rows[i].text);
    uint8_t mask[32];
    for (int64_t j = 0; j < rows[i].rows * rows[i].cols; j++)
      mask[j] = (uint8_t)(rows[i].mask[j] - '0');
    cr_assert_eq(tsr_mask_verify(&pattern, -1, mask, rows[i].rows, rows[i].cols), TSR_STRUCTURE,
                 "%s %s", rows[i].text, rows[i].mask);
    cr_assert_not_null(strstr(tsr_last_error(), rows[i].at), "%s: %s", rows[i].text,
                       tsr_last_error());
  }
}

Test(mask_verify, the_share_must_be_within_one_unit) {
  uint8_t mask[64];
  static const struct {
    const char *text;
    int kept_rows; /* of 8 */
    double good, bad;
  } rows[] = {
      {"irregular", 4, 0.5 + 1.0 / 64, 0.5 + 1.1 / 64},
      {"row", 4, 0.375, 0.37},
      {"block:4x4", 4, 0.75, 0.76},
      {"irregular", 8, 0, 0.02},
      {"irregular", 0, 1, 0.98},
      {"row", 2, 0.875, 0.3},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    tsr_pattern pattern = parsed(rows[i].text);
    memset(mask, 0, sizeof mask);
    memset(mask, 1, 8 * (size_t)rows[i].kept_rows);
    cr_assert_eq(tsr_mask_verify(&pattern, rows[i].good, mask, 8, 8), TSR_OK, "%s: %s",
                 rows[i].text, tsr_last_error());
    cr_assert_eq(tsr_mask_verify(&pattern, rows[i].bad, mask, 8, 8), TSR_STRUCTURE, "%s",
                 rows[i].text);
  }
}

Test(mask_verify, groups_must_be_full_where_a_sparsity_is_given) {
  uint8_t mask[8] = {1, 1, 0, 0, 1, 0, 0, 0};
  tsr_pattern nm = parsed("2:4"), vnm = parsed("vnm:1:2:4");
  cr_assert_eq(tsr_mask_verify(&nm, -1, mask, 1, 8), TSR_OK);
  cr_assert_eq(tsr_mask_verify(&nm, 0.5, mask, 1, 8), TSR_STRUCTURE);
  cr_assert_eq(tsr_mask_verify(&vnm, 0.5, mask, 1, 8), TSR_STRUCTURE);
  mask[7] = 1;
  cr_assert_eq(tsr_mask_verify(&nm, 0.5, mask, 1, 8), TSR_OK);
  cr_assert_eq(tsr_mask_verify(&vnm, 0.5, mask, 1, 8), TSR_OK);
}

Test(mask_verify, bad_arguments_are_refused) {
  uint8_t mask[4] = {1, 1, 1, 1};
  tsr_pattern pattern = parsed("irregular"), bad = {.kind = TSR_PATTERN_COUNT};
  cr_assert_eq(tsr_mask_verify(NULL, -1, mask, 2, 2), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_mask_verify(&bad, -1, mask, 2, 2), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_mask_verify(&pattern, -1, NULL, 2, 2), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_mask_verify(&pattern, -1, mask, -2, 2), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_mask_verify(&pattern, -1, mask, INT64_MAX, 2), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_mask_verify(&pattern, 1.5, mask, 2, 2), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_mask_verify(&pattern, NAN, mask, 2, 2), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_mask_verify(&pattern, 1, NULL, 0, 2), TSR_OK);
}
