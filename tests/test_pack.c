#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/tessera.h"
#include "tests/structured.h"

static const tsr_dtype dtypes[] = {TSR_DTYPE_F32, TSR_DTYPE_F16, TSR_DTYPE_BF16};

static tsr_pattern parsed(const char *text) {
  tsr_pattern pattern;
  cr_assert_eq(tsr_pattern_parse(text, &pattern), TSR_OK, "%s", tsr_last_error());
  return pattern;
}

static void check_round_trip(random_state *random, const tsr_pattern *pattern, double density,
                             int64_t rows, int64_t cols, tsr_dtype dtype) {
  char text[TSR_PATTERN_TEXT_MAX];
  tsr_pattern_text(pattern, text);
  int64_t ld = cols + random_below(random, 3), out_ld = cols + random_below(random, 3);
  void *data = structured_matrix(random, pattern, density, rows, cols, ld, dtype);
  tsr_matrix dense = {data, dtype, rows, cols, ld};
  tsr_packed packed;
  cr_assert_eq(tsr_pack(&dense, tsr_pattern_format(pattern), pattern, &packed), TSR_OK,
               "%s %lld x %lld: %s", text, (long long)rows, (long long)cols, tsr_last_error());
  cr_assert_eq(tsr_packed_validate(&packed), TSR_OK, "%s: %s", text, tsr_last_error());
  char *back = malloc((size_t)(rows * out_ld * 4) + 1);
  memset(back, 0x5a, (size_t)(rows * out_ld * 4) + 1);
  cr_assert_eq(tsr_unpack(&packed, back, out_ld), TSR_OK, "%s", tsr_last_error());
  cr_assert(same_bits(data, ld, back, out_ld, rows, cols, dtype), "%s %lld x %lld %s", text,
            (long long)rows, (long long)cols, tsr_dtype_name(dtype));
  int64_t size = dtype == TSR_DTYPE_F32 ? 4 : 2;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = (r * out_ld + cols) * size; i < (r + 1) * out_ld * size; i++)
      cr_assert_eq(back[i], 0x5a, "%s wrote between the rows", text);
  tsr_packed_release(&packed);
  cr_assert_null(packed.owned);
  free(back);
  free(data);
}

/* Sizes: none, one, exact multiples of the units below, one less, one more. */
Test(pack, every_pattern_round_trips_bit_exactly) {
  static const char *const texts[] = {"dense",
                                      "irregular",
                                      "row",
                                      "column",
                                      "block:4x4",
                                      "block:16x16",
                                      "block:1x16",
                                      "block:32x8",
                                      "2:4",
                                      "1:4",
                                      "2:8",
                                      "4:8",
                                      "3:7",
                                      "256:256",
                                      "vnm:8:2:4",
                                      "vnm:16:2:8",
                                      "vnm:1:2:4",
                                      "vnm:5:2:16",
                                      "block:16x16+2:4",
                                      "block:8x6+1:4",
                                      "block:4x5+3:4"};
  static const int64_t sizes[] = {0, 1, 2, 3, 15, 16, 17, 31, 32, 33};
  static const double densities[] = {0, 0.1, 0.5, 1};
  random_state random = random_seed(1);
  for (size_t p = 0; p < sizeof texts / sizeof *texts; p++) {
    tsr_pattern pattern = parsed(texts[p]);
    for (int r = 0; r < 10; r++)
      for (int c = 0; c < 10; c++)
        for (int d = 0; d < 4; d++)
          check_round_trip(&random, &pattern, densities[d], sizes[r], sizes[c],
                           dtypes[random_below(&random, 3)]);
  }
}

/* The arrays as documented, on a matrix small enough to write them down. */
Test(pack, bcsr_arrays_are_as_documented) {
  float data[3 * 5] = {0, 0, 1, 2, 0,  //
                       0, 0, 0, 3, 0,  //
                       4, 0, 0, 0, 5};
  tsr_matrix dense = {data, TSR_DTYPE_F32, 3, 5, 5};
  tsr_pattern pattern = parsed("block:2x2");
  tsr_packed p;
  cr_assert_eq(tsr_pack(&dense, TSR_FORMAT_BCSR, &pattern, &p), TSR_OK);
  cr_assert_eq(p.nnzb, 3);
  cr_assert_eq(p.stored, 12);
  cr_assert_eq(memcmp(p.row_offsets, (int64_t[]){0, 1, 3}, 24), 0);
  cr_assert_eq(memcmp(p.col_indices, (int32_t[]){1, 0, 2}, 12), 0);
  float values[12] = {1, 2, 0, 3, 4, 0, 0, 0, 5, 0, 0, 0};
  cr_assert_eq(memcmp(p.values, values, sizeof values), 0);
  cr_assert_eq(tsr_packed_bytes(&p), 12 * 4 + 3 * 8 + 3 * 4);
  cr_assert_float_eq(tsr_packed_density(&p), 12.0 / 15, 1e-12);
  tsr_pattern back = tsr_packed_pattern(&p);
  cr_assert_eq(memcmp(&back, &pattern, sizeof back), 0);
  tsr_packed_release(&p);
}

Test(pack, nm_arrays_are_as_documented) {
  /* Groups of four; the last has one column, so its second entry repeats it with +0.0. */
  float data[2 * 5] = {0, 7, 0, 0, 8,  //
                       0, 0, 5, 6, 0};
  tsr_matrix dense = {data, TSR_DTYPE_F32, 2, 5, 5};
  tsr_pattern pattern = parsed("2:4");
  tsr_packed p;
  cr_assert_eq(tsr_pack(&dense, TSR_FORMAT_NM, &pattern, &p), TSR_OK);
  float values[8] = {0, 7, 8, 0, 5, 6, 0, 0};
  uint8_t positions[8] = {0, 1, 0, 0, 2, 3, 0, 0};
  cr_assert_eq(memcmp(p.values, values, sizeof values), 0);
  cr_assert_eq(memcmp(p.positions, positions, sizeof positions), 0);
  tsr_packed_release(&p);
}

Test(pack, vnm_arrays_are_as_documented) {
  float data[3 * 8] = {0, 1, 0, 0, 0, 2, 0, 0,  //
                       0, 0, 0, 3, 0, 4, 0, 0,  //
                       0, 0, 0, 0, 0, 0, 6, 7};
  tsr_matrix dense = {data, TSR_DTYPE_F32, 3, 8, 8};
  tsr_pattern pattern = parsed("vnm:2:2:8");
  tsr_packed p;
  cr_assert_eq(tsr_pack(&dense, TSR_FORMAT_VNM, &pattern, &p), TSR_OK);
  uint8_t columns[8] = {0, 1, 3, 5, 0, 1, 6, 7}, positions[6] = {1, 3, 2, 3, 2, 3};
  float values[6] = {1, 2, 3, 4, 6, 7};
  cr_assert_eq(memcmp(p.columns, columns, sizeof columns), 0);
  cr_assert_eq(memcmp(p.positions, positions, sizeof positions), 0);
  cr_assert_eq(memcmp(p.values, values, sizeof values), 0);
  tsr_packed_release(&p);
}

Test(pack, compact_drops_empty_rows_and_columns) {
  float data[3 * 3] = {1, 0, 2,  //
                       0, 0, 0,  //
                       3, 0, 4};
  tsr_matrix dense = {data, TSR_DTYPE_F32, 3, 3, 3};
  tsr_packed p;
  cr_assert_eq(tsr_pack(&dense, TSR_FORMAT_COMPACT, NULL, &p), TSR_OK);
  cr_assert_eq(p.kept_row_count, 2);
  cr_assert_eq(p.kept_col_count, 2);
  cr_assert_eq(memcmp(p.kept_rows, (int32_t[]){0, 2}, 8), 0);
  cr_assert_eq(memcmp(p.kept_cols, (int32_t[]){0, 2}, 8), 0);
  cr_assert_eq(memcmp(p.values, (float[]){1, 2, 3, 4}, 16), 0);
  cr_assert_eq(tsr_packed_pattern(&p).kind, TSR_PATTERN_ROW);
  tsr_packed_release(&p);
  data[4] = 9;
  cr_assert_eq(tsr_pack(&dense, TSR_FORMAT_COMPACT, NULL, &p), TSR_OK);
  cr_assert_null(p.kept_rows);
  cr_assert_null(p.kept_cols);
  tsr_packed_release(&p);
}

Test(pack, unpack_f32_converts) {
  uint16_t half[2] = {0x3c00, 0xc000}, bfloat[2] = {0x3f80, 0xc000};
  float out[2];
  tsr_packed p;
  tsr_matrix dense = {half, TSR_DTYPE_F16, 1, 2, 2};
  for (int i = 0; i < 2; i++) {
    cr_assert_eq(tsr_pack(&dense, TSR_FORMAT_CSR, NULL, &p), TSR_OK);
    cr_assert_eq(tsr_unpack_f32(&p, out, 2), TSR_OK);
    cr_assert(out[0] == 1 && out[1] == -2);
    tsr_packed_release(&p);
    dense.data = bfloat;
    dense.dtype = TSR_DTYPE_BF16;
  }
}

static void check_structure_error(const char *text, float *data, int64_t rows, int64_t cols,
                                  const char *named) {
  tsr_pattern pattern = parsed(text);
  tsr_matrix dense = {data, TSR_DTYPE_F32, rows, cols, cols};
  tsr_packed p;
  cr_assert_eq(tsr_pack(&dense, tsr_pattern_format(&pattern), &pattern, &p), TSR_STRUCTURE);
  cr_assert_not_null(strstr(tsr_last_error(), named), "%s", tsr_last_error());
  cr_assert_null(p.owned);
}

Test(pack, zeros_that_do_not_fit_are_named) {
  float data[4 * 8] = {0};
  data[2 * 8 + 4] = data[2 * 8 + 5] = -0.0f; /* counts: its bits are not zero */
  data[2 * 8 + 7] = 1;
  check_structure_error("2:4", data, 4, 8, "row 2, columns 4..7: 3 are nonzero");
  check_structure_error("block:4x8+2:4", data, 4, 8, "row 2, columns 4..7: 3 are nonzero");
  check_structure_error("vnm:4:2:8", data, 4, 8, "row 2, columns 0..7: 3 are nonzero");
  data[2 * 8 + 7] = 0;
  data[0] = data[1] = data[3 * 8 + 2] = 1;
  check_structure_error("vnm:4:2:8", data, 4, 8, "column");
}

Test(pack, bad_arguments_are_refused) {
  float data[4] = {1, 0, 0, 1};
  tsr_matrix dense = {data, TSR_DTYPE_F32, 2, 2, 2}, bad;
  tsr_pattern block = parsed("block:1x1"), wrong;
  tsr_packed p;
  cr_assert_eq(tsr_pack(NULL, TSR_FORMAT_CSR, NULL, &p), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_pack(&dense, TSR_FORMAT_CSR, NULL, NULL), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_pack(&dense, TSR_FORMAT_COUNT, NULL, &p), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_pack(&dense, TSR_FORMAT_BCSR, NULL, &p), TSR_INVALID_ARGUMENT);
  bad = dense;
  bad.data = NULL;
  cr_assert_eq(tsr_pack(&bad, TSR_FORMAT_CSR, NULL, &p), TSR_INVALID_ARGUMENT);
  bad = dense;
  bad.rows = -1;
  cr_assert_eq(tsr_pack(&bad, TSR_FORMAT_CSR, NULL, &p), TSR_INVALID_ARGUMENT);
  bad = dense;
  bad.ld = 1;
  cr_assert_eq(tsr_pack(&bad, TSR_FORMAT_CSR, NULL, &p), TSR_INVALID_ARGUMENT);
  bad = dense;
  bad.rows = INT64_MAX / 2;
  cr_assert_eq(tsr_pack(&bad, TSR_FORMAT_CSR, NULL, &p), TSR_INVALID_ARGUMENT);
  bad.rows = (int64_t)INT32_MAX + 1;
  cr_assert_eq(tsr_pack(&bad, TSR_FORMAT_CSR, NULL, &p), TSR_INVALID_ARGUMENT);
  bad = dense;
  bad.dtype = TSR_DTYPE_I8;
  cr_assert_eq(tsr_pack(&bad, TSR_FORMAT_CSR, NULL, &p), TSR_UNSUPPORTED);
  for (int size = -1; size <= 129; size += 130) {
    wrong = block;
    wrong.block_cols = size;
    cr_assert_eq(tsr_pack(&dense, TSR_FORMAT_BCSR, &wrong, &p), TSR_INVALID_ARGUMENT);
  }
  wrong = (tsr_pattern){.kind = TSR_PATTERN_NM, .n = 2, .m = 257};
  cr_assert_eq(tsr_pack(&dense, TSR_FORMAT_NM, &wrong, &p), TSR_INVALID_ARGUMENT);
  wrong = (tsr_pattern){.kind = TSR_PATTERN_VNM, .v = 4, .n = 1, .m = 4};
  cr_assert_eq(tsr_pack(&dense, TSR_FORMAT_VNM, &wrong, &p), TSR_INVALID_ARGUMENT);
  cr_assert_not_null(strstr(tsr_last_error(), "n = 2"));
}

Test(pack, bad_arguments_of_unpack_and_queries_are_refused) {
  float data[4] = {1, 0, 0, 1}, out[4];
  tsr_matrix dense = {data, TSR_DTYPE_F32, 2, 2, 2};
  tsr_packed p, none = {0};
  cr_assert_eq(tsr_pack(&dense, TSR_FORMAT_CSR, NULL, &p), TSR_OK);
  cr_assert_eq(tsr_unpack(NULL, out, 2), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_unpack(&p, NULL, 2), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_unpack(&p, out, 1), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_unpack_f32(NULL, out, 2), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_unpack_f32(&p, NULL, 2), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_unpack_f32(&p, out, INT64_MAX), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_packed_validate(NULL), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_packed_bytes(NULL), 0);
  cr_assert_eq(tsr_packed_density(NULL), 0);
  cr_assert_eq(tsr_packed_density(&none), 0);
  cr_assert_eq(tsr_packed_pattern(NULL).kind, TSR_PATTERN_DENSE);
  tsr_packed_release(NULL);
  tsr_packed_release(&none);
  tsr_packed_release(&p);
}

Test(pack, canonical_zeros_touch_nothing_but_negative_zeros) {
  float wide[4] = {-0.0f, 0.0f, -1, NAN};
  uint16_t half[3] = {0x8000, 0x8001, 0};
  tsr_canonical_zeros(wide, TSR_DTYPE_F32, 4);
  tsr_canonical_zeros(half, TSR_DTYPE_BF16, 3);
  cr_assert(!signbit(wide[0]) && wide[2] == -1 && isnan(wide[3]));
  cr_assert(half[0] == 0 && half[1] == 0x8001 && half[2] == 0);
  tsr_canonical_zeros(NULL, TSR_DTYPE_F32, 4);
  tsr_canonical_zeros(wide, TSR_DTYPE_I8, 4);
  tsr_canonical_zeros(wide, TSR_DTYPE_F32, -1);
}
