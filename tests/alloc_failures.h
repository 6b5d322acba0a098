/* Makes allocations fail, one after the other, and watches for leaks.
 *
 * Register the test with tessera_alloc_test instead of tessera_test, write the operation as a
 * function that returns a tsr_status and releases whatever it made, and say
 *
 *   static tsr_status open_and_close(const char *path) {
 *     tsr_checkpoint *c;
 *     tsr_status status = tsr_checkpoint_open(path, &c);
 *     tsr_checkpoint_close(c);
 *     return status;
 *   }
 *
 *   Test(open, survives) { EXPECT_OUT_OF_MEMORY(open_and_close(path)); }
 *
 * The expression is evaluated again and again with its 1st, 2nd, ... allocation failing (first that
 * one only, in a second round also all after it), until it needs fewer than that. Each time it
 * must return TSR_OUT_OF_MEMORY and free every block that it allocated; with no failure left it
 * must succeed. Swallowing a failure is an error. Criterion's own memory is not touched: only calls
 * from the test's and the library's objects (and jansson's) are counted, and only while the
 * expression runs. */
#ifndef TESSERA_TESTS_ALLOC_FAILURES_H
#define TESSERA_TESTS_ALLOC_FAILURES_H

#include "tessera/status.h"

#define EXPECT_OUT_OF_MEMORY(expression)                                            \
  for (alloc_failures_begin(#expression, TSR_OUT_OF_MEMORY); alloc_failures_arm();) \
  alloc_failures_judge(expression)

/* For code over a library that does not tell why it failed: any failure will do. */
#define EXPECT_CLEAN_FAILURE(expression)                                 \
  for (alloc_failures_begin(#expression, TSR_OK); alloc_failures_arm();) \
  alloc_failures_judge(expression)

/* How many allocations the expression before made when none failed: to assert that a test did
 * reach what it means to. */
int alloc_failures_count(void);

/* The macros' parts. */
void alloc_failures_begin(const char *expression, tsr_status wanted);
int alloc_failures_arm(void);
void alloc_failures_judge(tsr_status status);
/* NULL, or what was wrong with the run that returned status. */
const char *alloc_failures_verdict(tsr_status status);

#endif
