#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/shapes.h"
#include "tessera/tessera.h"

/* A file with that text; the caller unlinks it. */
static void write_file(char path[64], const char *text) {
  strcpy(path, "/tmp/tessera-shapes-XXXXXX");
  int fd = mkstemp(path);
  cr_assert_geq(fd, 0);
  FILE *file = fdopen(fd, "w");
  cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static tsr_status load_text(const char *text, tsr__shapes *out) {
  char path[64];
  write_file(path, text);
  tsr_status status = tsr__shapes_load(path, out);
  unlink(path);
  return status;
}

Test(shapes, lines_comments_and_names) {
  tsr__shapes shapes;
  cr_assert_eq(load_text("# all of it\n\n  1536 384\t128 ffn-up # a name\r\n7 5 3\n2 2 1", &shapes),
               TSR_OK);
  cr_assert_eq(shapes.count, 3);
  cr_assert_eq(shapes.items[0].m, 1536);
  cr_assert_eq(shapes.items[0].k, 384);
  cr_assert_eq(shapes.items[0].n, 128);
  cr_assert_str_eq(shapes.items[0].name, "ffn-up");
  cr_assert_str_eq(shapes.items[1].name, "7x5");
  cr_assert_eq(shapes.items[2].n, 1);
  tsr__shapes_release(&shapes);
  cr_assert_eq(shapes.count, 0);
  tsr__shapes_release(NULL);
}

Test(shapes, convolutions) {
  tsr__shapes shapes;
  cr_assert_eq(load_text("conv 3 64 224 224 7 2 3 1 conv1\nconv 64 256 56 28 1 1 0 4\n", &shapes),
               TSR_OK, "%s", tsr_last_error());
  const tsr__shape *s = shapes.items;
  cr_assert(s[0].m == 64 && s[0].k == 147 && s[0].n == 112 * 112 && s[0].layers == 1);
  cr_assert(s[0].conv.channels == 3 && s[0].conv.height == 224 && s[0].conv.kernel[1] == 7);
  cr_assert(s[0].conv.stride[0] == 2 && s[0].conv.padding[1] == 3);
  cr_assert_str_eq(s[0].name, "conv1");
  cr_assert(s[1].m == 256 && s[1].k == 64 && s[1].n == 56 * 28 && s[1].layers == 4);
  cr_assert_str_eq(s[1].name, "256x64");
  tsr__shapes_release(&shapes);
}

Test(shapes, an_error_names_file_line_and_value) {
  static const struct {
    const char *text, *line, *word;
  } cases[] = {
      {"# c\n8 8\n", ":2:", "n is missing"},
      {"8\n", ":1:", "k is missing"},
      {"8 8 8\n8 x8 8\n", ":2:", "'x8'"},
      {"8 8 8a\n", ":1:", "'8a'"},
      {"8 0 8\n", ":1:", "k is '0'"},
      {"-8 8 8\n", ":1:", "m is '-8'"},
      {"8 8 8.5\n", ":1:", "'8.5'"},
      {"8 8 99999999999999999999\n", ":1:", "'99999999999999999999'"},
      {"8 8 1048577\n", ":1:", "'1048577'"},
      {"8 8 8 name more\n", ":1:", "'more'"},
      {"# nothing\n", "holds no shapes", ""},
      {"conv 3 64 224 224 7 2 3\n", ":1:", "layers is missing"},
      {"conv 3 64 224 0 7 2 3 1\n", ":1:", "w is '0'"},
      {"conv 3 64 224 224 7 2 -1 1\n", ":1:", "padding is '-1'"},
      {"conv 3 64 2 2 7 2 1 1\n", ":1:", "a kernel of 7 over 2 x 2 x 3"},
      {"conv 3 64 2000000 2 7 2 1 1\n", ":1:", "'2000000'"},
      {"", "holds no shapes", ""},
  };
  for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
    tsr__shapes shapes;
    cr_assert_eq(load_text(cases[c].text, &shapes), TSR_MALFORMED, "case %zu", c);
    cr_assert_null(shapes.items);
    cr_assert(strstr(tsr_last_error(), "tessera-shapes-"), "%s", tsr_last_error());
    cr_assert(strstr(tsr_last_error(), cases[c].line), "%s", tsr_last_error());
    cr_assert(strstr(tsr_last_error(), cases[c].word), "%s", tsr_last_error());
  }
}

Test(shapes, long_names_and_lines_are_refused) {
  char text[3000];
  tsr__shapes shapes;
  memset(text, 'n', sizeof text);
  memcpy(text, "8 8 8 ", 6);
  text[6 + TSR__SHAPE_NAME_MAX] = '\0';
  cr_assert_eq(load_text(text, &shapes), TSR_MALFORMED);
  text[6 + TSR__SHAPE_NAME_MAX - 1] = '\0';
  cr_assert_eq(load_text(text, &shapes), TSR_OK);
  tsr__shapes_release(&shapes);
  memset(text, ' ', sizeof text);
  text[sizeof text - 1] = '\0';
  cr_assert_eq(load_text(text, &shapes), TSR_MALFORMED);
}

Test(shapes, bad_arguments) {
  tsr__shapes shapes;
  cr_assert_eq(tsr__shapes_load(NULL, &shapes), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr__shapes_load("x", NULL), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr__shapes_load("/nonexistent/shapes.txt", &shapes), TSR_NOT_FOUND);
  cr_assert_eq(tsr__shapes_load("/", &shapes), TSR_IO);
}

/* n and the sizes that the bars are stated for. */
Test(shapes, the_files_that_come_with_tessera) {
  static const struct {
    const char *name;
    size_t count;
  } files[] = {{"minilm", 3}, {"bert-base", 3}, {"bert-large", 3}, {"tokens", 16}, {"bars", 5}};
  for (size_t f = 0; f < sizeof files / sizeof files[0]; f++) {
    char path[512];
    snprintf(path, sizeof path, "%s/../bench/shapes/%s.txt", TESSERA_TEST_DATA, files[f].name);
    tsr__shapes shapes;
    cr_assert_eq(tsr__shapes_load(path, &shapes), TSR_OK, "%s", tsr_last_error());
    cr_assert_eq(shapes.count, files[f].count, "%s", path);
    tsr__shapes_release(&shapes);
  }
}
