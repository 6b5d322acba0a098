#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/checkpoint/config.h"
#include "tests/checkpoint_files.h"

static char *folder;
static tsr_checkpoint *c;

static void open_with(const char *config) {
  folder = files_folder();
  files_write_in(folder, "model.safetensors", "{}", 0, "", 0);
  if (config) files_write_text(folder, "config.json", config);
  cr_assert_eq(tsr_checkpoint_open(folder, &c), TSR_OK, "%s", tsr_last_error());
}

static void close_it(void) {
  tsr_checkpoint_close(c);
  files_remove(folder);
}

static void expect(tsr_status status, tsr_status wanted, const char *words) {
  cr_assert_eq(status, wanted, "%s", tsr_last_error());
  cr_assert(strstr(tsr_last_error(), words), "%s", tsr_last_error());
  cr_assert(strstr(tsr_last_error(), folder), "%s", tsr_last_error());
}

Test(config, values_of_every_type_are_read) {
  int64_t integer;
  double real;
  int truth;
  char text[TSR__CONFIG_STRING_MAX];
  open_with(
      " {\"i\":384, \"n\" : -9223372036854775807, \"d\":1e-12, \"whole\":3, \"yes\":true,\n"
      "\"no\":false, \"s\":\"ge\\u006c\\u00fc\", \"nested\":{\"i\":1,\"list\":[{\"i\":2}]}} ");
  cr_assert_eq(tsr__config_int(c, "i", &integer), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(integer, 384);
  cr_assert_eq(tsr__config_int(c, "n", &integer), TSR_OK);
  cr_assert_eq(integer, -INT64_MAX);
  cr_assert_eq(tsr__config_double(c, "d", &real), TSR_OK);
  cr_assert_eq(real, 1e-12);
  cr_assert_eq(tsr__config_double(c, "whole", &real), TSR_OK);
  cr_assert_eq(real, 3.0);
  cr_assert_eq(tsr__config_bool(c, "yes", &truth), TSR_OK);
  cr_assert_eq(truth, 1);
  cr_assert_eq(tsr__config_bool(c, "no", &truth), TSR_OK);
  cr_assert_eq(truth, 0);
  cr_assert_eq(tsr__config_string(c, "s", text), TSR_OK);
  cr_assert_str_eq(text, "gel\xc3\xbc");
  close_it();
}

Test(config, what_is_missing_or_null_is_not_found_or_the_fallback) {
  int64_t integer;
  double real;
  int truth;
  char text[TSR__CONFIG_STRING_MAX];
  const char *configs[] = {NULL, "{}", "{\"k\":null}"};
  for (int i = 0; i < 3; i++) {
    open_with(configs[i]);
    expect(tsr__config_int(c, "k", &integer), TSR_NOT_FOUND, "'k'");
    expect(tsr__config_double(c, "k", &real), TSR_NOT_FOUND, "'k'");
    expect(tsr__config_bool(c, "k", &truth), TSR_NOT_FOUND, "'k'");
    expect(tsr__config_string(c, "k", text), TSR_NOT_FOUND, "'k'");
    cr_assert_eq(tsr__config_int_or(c, "k", 7, &integer), TSR_OK);
    cr_assert_eq(integer, 7);
    cr_assert_eq(tsr__config_double_or(c, "k", 0.5, &real), TSR_OK);
    cr_assert_eq(real, 0.5);
    cr_assert_eq(tsr__config_bool_or(c, "k", 1, &truth), TSR_OK);
    cr_assert_eq(truth, 1);
    cr_assert_eq(tsr__config_string_or(c, "k", "gelu", text), TSR_OK);
    cr_assert_str_eq(text, "gelu");
    close_it();
  }
}

Test(config, a_value_of_another_type_is_refused_by_name_and_value) {
  int64_t integer;
  double real;
  int truth;
  char text[TSR__CONFIG_STRING_MAX];
  open_with("{\"s\":\"12\",\"f\":1.5,\"i\":12,\"big\":9223372036854775808,\"e\":1e999,\"a\":[]}");
  expect(tsr__config_int(c, "s", &integer), TSR_MALFORMED, "'s': byte 5");
  expect(tsr__config_int(c, "f", &integer), TSR_MALFORMED, "1.5 is not an integer");
  expect(tsr__config_int(c, "big", &integer), TSR_MALFORMED, "9223372036854775808 does not fit");
  expect(tsr__config_int_or(c, "f", 1, &integer), TSR_MALFORMED, "1.5 is not an integer");
  expect(tsr__config_double(c, "e", &real), TSR_MALFORMED, "1e999 is too large");
  expect(tsr__config_double_or(c, "a", 1, &real), TSR_MALFORMED, "'a'");
  expect(tsr__config_bool(c, "i", &truth), TSR_MALFORMED, "expected true or false, found '1'");
  expect(tsr__config_bool_or(c, "i", 1, &truth), TSR_MALFORMED, "found '1'");
  expect(tsr__config_string(c, "i", text), TSR_MALFORMED, "expected a string, found '1'");
  expect(tsr__config_string_or(c, "i", "x", text), TSR_MALFORMED, "found '1'");
  close_it();
}

Test(config, broken_text_is_refused_wherever_it_is) {
  int64_t integer;
  const char *broken[][2] = {
      {"", "found the end"},
      {"[1]", "expected an object"},
      {"{\"k\":1", "found the end"},
      {"{\"k\":1} x", "found 'x'"},
      {"{\"k\":1,\"k\":2}", "appears twice"},
      {"{\"k\":1,\"later\":nul}", "expected a value"},
      {"{\"k\":1,\"later\":-}", "expected a number"},
      {"{\"k\":1,\"later\":.5}", "expected a value"},
      {"{\"k\":1,\"later\":1.}", "expected a number"},
      {"{\"k\":1,\"later\":1e}", "expected a number"},
      {"{\"k\":1,\"later\":01}", "expected a number"},
      {"{\"k\":1,\"later\":\"\\q\"}", "expected an escape"},
      {"{\"k\":1,\"later\":[1,]}", "expected a value"},
      {"{\"k\":1 \"later\":1}", "expected ',' or '}'"},
      {"{\"k\":1,\"later\":[1}", "expected ',' or ']'"},
      {"{\"k\":1,/**/}", "expected a key"},
  };
  for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
    open_with(broken[i][0]);
    expect(tsr__config_int(c, "k", &integer), TSR_MALFORMED, broken[i][1]);
    close_it();
  }
}

Test(config, nesting_is_limited_and_long_strings_are_refused) {
  static char deep[100] = "{\"k\":1,\"deep\":", longer[300] = "{\"s\":\"";
  char text[TSR__CONFIG_STRING_MAX];
  int64_t integer;
  memset(deep + strlen(deep), '[', 80);
  open_with(deep);
  expect(tsr__config_int(c, "k", &integer), TSR_MALFORMED, "nested more than 64 deep");
  close_it();
  memset(longer + strlen(longer), 'x', TSR__CONFIG_STRING_MAX);
  strcat(longer, "\"}");
  open_with(longer);
  expect(tsr__config_string(c, "s", text), TSR_UNSUPPORTED, "a string of 128 bytes");
  close_it();
}

/* A process may use a decimal comma; files do not. */
Test(config, numbers_do_not_depend_on_the_locale) {
  const char *names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
  int found = 0;
  double real;
  for (int i = 0; i < 3 && !found; i++) found = setlocale(LC_NUMERIC, names[i]) != NULL;
  if (!found) cr_skip_test("no locale with a decimal comma is installed");
  open_with("{\"d\":0.125}");
  cr_assert_eq(tsr__config_double(c, "d", &real), TSR_OK);
  cr_assert_eq(real, 0.125);
  close_it();
}

Test(config, arguments_are_checked) {
  int64_t integer;
  open_with("{\"k\":1}");
  cr_assert_eq(tsr__config_int(NULL, "k", &integer), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr__config_int(c, NULL, &integer), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr__config_int(c, "k", NULL), TSR_INVALID_ARGUMENT);
  close_it();
}

Test(config, a_file_that_is_no_text_is_refused) {
  open_with("{\"k\":1}");
  tsr_checkpoint *other;
  char *path = files_path(folder, "config.json");
  files_write_safetensors(path, "{}", 0, "", 0); /* its length holds NULs */
  expect(tsr_checkpoint_open(folder, &other), TSR_MALFORMED, "is NUL");
  free(path);
  close_it();
}
