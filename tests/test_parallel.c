/* The subcommands' parallel loop. */
#include <criterion/criterion.h>
#include <string.h>

#include "runtime/base/status.h"
#include "runtime/cli/parallel.h"

enum { ITEMS = 200, FAILING = 7 };

static tsr_status count_item(void *user, size_t index) {
  int *counts = user;
  counts[index]++;
  return TSR_OK;
}

Test(parallel, every_item_is_done_once) {
  for (int threads = 1; threads <= 4; threads++) {
    int counts[ITEMS] = {0};
    cr_assert_eq(tsr__parallel("counting", threads, ITEMS, count_item, counts), TSR_OK);
    for (int i = 0; i < ITEMS; i++) cr_assert_eq(counts[i], 1, "item %d", i);
  }
  cr_assert_eq(tsr__parallel("nothing", 2, 0, count_item, NULL), TSR_OK);
}

static tsr_status fail_item(void *user, size_t index) {
  (void)user;
  return index == FAILING ? tsr__error(TSR_MALFORMED, "item %zu", index) : TSR_OK;
}

/* Errors are each thread's own; the loop's caller must see this one. */
Test(parallel, the_error_of_an_item_is_the_loops) {
  for (int threads = 1; threads <= 4; threads++) {
    cr_assert_eq(tsr__parallel("failing", threads, ITEMS, fail_item, NULL), TSR_MALFORMED);
    cr_assert_str_eq(tsr_last_error(), "item 7");
  }
}
