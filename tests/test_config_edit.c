/* Values of a config.json replaced in its text. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "runtime/cli/config_edit.h"
#include "tessera/tessera.h"
#include "tests/alloc_failures.h"

static const tsr__config_edit edits[] = {{"stem", "12"}, {"widths", "[1, 2]"}};

static void expect(const char *text, const char *wanted) {
  char *out;
  cr_assert_eq(tsr__config_edit_text("config.json", text, edits, 2, &out), TSR_OK, "%s: %s", text,
               tsr_last_error());
  cr_assert_str_eq(out, wanted);
  free(out);
}

Test(config_edit, values_are_replaced_and_the_rest_stays) {
  expect("{\"stem\": 64, \"e\": 1e-05,\n \"widths\" : [64, [3]] , \"x\": {\"stem\": 1}}\n",
         "{\"stem\": 12, \"e\": 1e-05,\n \"widths\" : [1, 2] , \"x\": {\"stem\": 1}}\n");
  expect("{\"widths\": null, \"stem\": \"a\\\"}\"}", "{\"widths\": [1, 2], \"stem\": 12}");
  expect("{\"st\\u0065m\": 0.5, \"widths\": 1}", "{\"st\\u0065m\": 12, \"widths\": [1, 2]}");
}

Test(config_edit, missing_members_are_added) {
  expect("{}", "{\"stem\": 12, \"widths\": [1, 2]}");
  expect(" { \"stem\": 1 } ", " {\"widths\": [1, 2],  \"stem\": 12 } ");
  expect("{\"a\": true}", "{\"stem\": 12, \"widths\": [1, 2], \"a\": true}");
}

static void expect_malformed(const char *text) {
  char *out = (char *)1;
  cr_assert_eq(tsr__config_edit_text("config.json", text, edits, 2, &out), TSR_MALFORMED, "%s",
               text);
  cr_assert_null(out);
}

Test(config_edit, what_is_no_object_is_refused) {
  expect_malformed("");
  expect_malformed("[1]");
  expect_malformed("{\"stem\": 1");
  expect_malformed("{\"stem\": 1} x");
  expect_malformed("{\"stem\": 1, \"stem\": 2}");
}

static tsr_status edit(void) {
  char *out;
  tsr_status status =
      tsr__config_edit_text("config.json", "{\"stem\": 1, \"widths\": 2}", edits, 2, &out);
  free(out);
  return status;
}

Test(config_edit, survives_failing_allocations) { EXPECT_OUT_OF_MEMORY(edit()); }
