#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/tessera.h"
#include "tests/structured.h"

static tsr_pattern parsed(const char *text) {
  tsr_pattern pattern;
  cr_assert_eq(tsr_pattern_parse(text, &pattern), TSR_OK, "%s", tsr_last_error());
  return pattern;
}

/* Numbers without zeros under a random mask; pruned elements are -0.0 here and there. */
static float *masked(random_state *random, const char *text, double density, int64_t rows,
                     int64_t cols) {
  tsr_pattern pattern = parsed(text);
  uint8_t *mask = malloc((size_t)(rows * cols) + 1);
  float *data = malloc((size_t)(rows * cols) * sizeof *data + 1);
  structured_mask(random, &pattern, density, rows, cols, mask);
  for (int64_t i = 0; i < rows * cols; i++) {
    float value = (float)random_unit(random) + 0.5f;
    data[i] = mask[i] ? value : random_below(random, 3) ? 0.0f : -0.0f;
  }
  free(mask);
  return data;
}

static void check_recognised(const char *text, double density, int64_t rows, int64_t cols,
                             const char *expected) {
  random_state random = random_seed((uint64_t)(rows + cols));
  float *data = masked(&random, text, density, rows, cols);
  tsr_matrix dense = {data, TSR_DTYPE_F32, rows, cols, cols};
  tsr_pattern pattern;
  tsr_packed packed;
  char found[TSR_PATTERN_TEXT_MAX];
  double sparsity;
  cr_assert_eq(tsr_recognise(&dense, &pattern, &sparsity), TSR_OK, "%s", tsr_last_error());
  tsr_pattern_text(&pattern, found);
  cr_assert_str_eq(found, expected, "%s at %g (%lld x %lld): %s", text, density, (long long)rows,
                   (long long)cols, found);
  tsr_canonical_zeros(data, TSR_DTYPE_F32, rows * cols);
  cr_assert_eq(tsr_pack(&dense, tsr_pattern_format(&pattern), &pattern, &packed), TSR_OK, "%s",
               tsr_last_error());
  cr_assert_float_eq(fmax(0, 1 - tsr_packed_density(&packed)), sparsity, 1e-9, "%s", text);
  tsr_packed_release(&packed);
  free(data);
}

Test(recognise, finds_the_pattern_that_the_matrix_was_pruned_in) {
  static const struct {
    const char *text;
    double density;
    const char *expected; /* NULL = text */
  } rows[] = {
      {"dense", 1, NULL},         {"irregular", 0.1, NULL},
      {"irregular", 0.3, NULL},   {"irregular", 0.9, "dense"},
      {"row", 0.5, NULL},         {"column", 0.5, NULL},
      {"block:4x4", 0.3, NULL},   {"block:8x8", 0.5, NULL},
      {"block:16x16", 0.1, NULL}, {"block:16x16", 0.5, NULL},
      {"block:32x32", 0.3, NULL}, {"block:1x16", 0.2, NULL},
      {"block:16x1", 0.2, NULL},  {"block:4x1", 0.1, NULL},
      {"block:1x4", 0.1, NULL},   {"2:4", 1, NULL},
      {"1:4", 1, NULL},           {"1:2", 1, NULL},
      {"2:8", 1, NULL},           {"4:8", 1, NULL},
      {"vnm:64:2:8", 1, NULL},    {"vnm:16:2:16", 1, NULL},
      {"vnm:32:2:12", 1, NULL},   {"vnm:128:2:32", 1, NULL},
      {"vnm:1:2:4", 1, "2:4"},    {"block:16x16+2:4", 0.5, NULL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *expected = rows[i].expected ? rows[i].expected : rows[i].text;
    check_recognised(rows[i].text, rows[i].density, 256, 384, expected);
    check_recognised(rows[i].text, rows[i].density, 254, 382, expected);
  }
}

/* Halves cost less, so that indices weigh more. */
Test(recognise, counts_bytes_of_the_element_type) {
  random_state random = random_seed(3);
  tsr_pattern irregular = parsed("irregular"), pattern;
  double sparsity;
  void *half = structured_matrix(&random, &irregular, 0.4, 64, 64, 64, TSR_DTYPE_F16);
  tsr_matrix dense = {half, TSR_DTYPE_F16, 64, 64, 64};
  cr_assert_eq(tsr_recognise(&dense, &pattern, &sparsity), TSR_OK);
  cr_assert_eq(pattern.kind, TSR_PATTERN_DENSE);
  free(half);
}

Test(recognise, empty_and_zero_matrices) {
  float zeros[12] = {0};
  tsr_matrix dense = {zeros, TSR_DTYPE_F32, 3, 4, 4};
  tsr_pattern pattern;
  double sparsity;
  cr_assert_eq(tsr_recognise(&dense, &pattern, &sparsity), TSR_OK);
  cr_assert_eq(pattern.kind, TSR_PATTERN_ROW);
  cr_assert_eq(sparsity, 1);
  dense.rows = 0;
  cr_assert_eq(tsr_recognise(&dense, &pattern, &sparsity), TSR_OK);
  cr_assert_eq(pattern.kind, TSR_PATTERN_DENSE);
  cr_assert_eq(sparsity, 0);
}

Test(recognise, bad_arguments_are_refused) {
  float data[4] = {1, 2, 3, 4};
  tsr_matrix dense = {data, TSR_DTYPE_F32, 2, 2, 2}, bad = dense;
  tsr_pattern pattern;
  double sparsity;
  cr_assert_eq(tsr_recognise(NULL, &pattern, &sparsity), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_recognise(&dense, NULL, &sparsity), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_recognise(&dense, &pattern, NULL), TSR_INVALID_ARGUMENT);
  bad.ld = 1;
  cr_assert_eq(tsr_recognise(&bad, &pattern, &sparsity), TSR_INVALID_ARGUMENT);
  bad = dense;
  bad.data = NULL;
  cr_assert_eq(tsr_recognise(&bad, &pattern, &sparsity), TSR_INVALID_ARGUMENT);
  bad = dense;
  bad.dtype = TSR_DTYPE_I32;
  cr_assert_eq(tsr_recognise(&bad, &pattern, &sparsity), TSR_UNSUPPORTED);
}
