#include <criterion/criterion.h>
#include <string.h>

#include "tessera/tessera.h"

Test(pattern, texts_round_trip_and_have_a_format) {
  static const struct {
    const char *text;
    tsr_pattern pattern;
    tsr_format format;
  } rows[] = {
      {"dense", {.kind = TSR_PATTERN_DENSE}, TSR_FORMAT_DENSE},
      {"irregular", {.kind = TSR_PATTERN_IRREGULAR}, TSR_FORMAT_CSR},
      {"row", {.kind = TSR_PATTERN_ROW}, TSR_FORMAT_COMPACT},
      {"column", {.kind = TSR_PATTERN_COLUMN}, TSR_FORMAT_COMPACT},
      {"block:1x128",
       {.kind = TSR_PATTERN_BLOCK, .block_rows = 1, .block_cols = 128},
       TSR_FORMAT_BCSR},
      {"2:4", {.kind = TSR_PATTERN_NM, .n = 2, .m = 4}, TSR_FORMAT_NM},
      {"vnm:64:2:8", {.kind = TSR_PATTERN_VNM, .v = 64, .n = 2, .m = 8}, TSR_FORMAT_VNM},
      {"block:16x32+1:4",
       {.kind = TSR_PATTERN_BLOCK_NM, .block_rows = 16, .block_cols = 32, .n = 1, .m = 4},
       TSR_FORMAT_BCSR_NM},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    tsr_pattern p;
    char text[TSR_PATTERN_TEXT_MAX];
    cr_assert_eq(tsr_pattern_parse(rows[i].text, &p), TSR_OK, "%s", tsr_last_error());
    cr_assert_eq(memcmp(&p, &rows[i].pattern, sizeof p), 0, "%s", rows[i].text);
    tsr_pattern_text(&p, text);
    cr_assert_str_eq(text, rows[i].text);
    cr_assert_eq(tsr_pattern_format(&p), rows[i].format);
  }
}

Test(pattern, wrong_texts_name_the_wrong_part) {
  static const char *const rows[][2] = {
      {"", "none of"},
      {"blocks", "none of"},
      {"block:16", "rows"},
      {"block:0x4", "rows"},
      {"block:129x4", "rows"},
      {"block:4x129", "cols"},
      {"block:4x4x", "cols"},
      {"block:4x4+", "n (of N:M)"},
      {"block:4x4+5:4", "n = 5"},
      {"2:", "m (of N:M)"},
      {"2:4 ", "m (of N:M)"},
      {"0:4", "n (of N:M)"},
      {"4:2", "n = 4"},
      {"2:257", "m (of N:M)"},
      {"vnm:2:4", "n (of N:M)"},
      {"vnm:64:1:4", "n = 1"},
      {"vnm:64:2:3", "m >= 4"},
      {"vnm:0:2:4", "v (of V:N:M)"},
      {"block:-4x4", "rows"},
      {"2:4:6", "m (of N:M)"},
      {"Row", "none of"},
      {"vnm:99999999999:2:4", "v (of V:N:M)"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    tsr_pattern p = {.n = 77};
    cr_assert_eq(tsr_pattern_parse(rows[i][0], &p), TSR_INVALID_ARGUMENT, "%s", rows[i][0]);
    cr_assert_not_null(strstr(tsr_last_error(), rows[i][1]), "%s: %s", rows[i][0],
                       tsr_last_error());
    cr_assert_eq(p.n, 77, "an output was written on failure");
  }
}

Test(pattern, bad_arguments_are_refused) {
  tsr_pattern p;
  char text[TSR_PATTERN_TEXT_MAX];
  cr_assert_eq(tsr_pattern_parse(NULL, &p), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_pattern_parse("row", NULL), TSR_INVALID_ARGUMENT);
  tsr_pattern_text(NULL, text);
  cr_assert_str_eq(text, "unknown");
  tsr_pattern_text(&(tsr_pattern){.kind = TSR_PATTERN_COUNT}, text);
  cr_assert_str_eq(text, "unknown");
  tsr_pattern_text(&p, NULL);
  cr_assert_eq(tsr_pattern_format(NULL), TSR_FORMAT_DENSE);
}
