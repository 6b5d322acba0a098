#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "criterion/criterion.h"

static inprocess_test *first;
static inprocess_suite *suites;
static jmp_buf after_skip;

/* Constructors of one file run in the order of its tests: keep it. */
void inprocess_register(inprocess_test *test) {
  inprocess_test **end = &first;
  while (*end) end = &(*end)->next;
  *end = test;
}

void inprocess_register_suite(inprocess_suite *suite) {
  suite->next = suites;
  suites = suite;
}

static const inprocess_suite *suite_of(const inprocess_test *test) {
  static const inprocess_suite none;
  for (const inprocess_suite *suite = suites; suite; suite = suite->next)
    if (!strcmp(suite->name, test->suite)) return suite;
  return &none;
}

void inprocess_fail(const char *file, int line, const char *what, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "%s:%d: %s", file, line, what);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  exit(1);
}

void inprocess_skip(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("skipped:", stdout);
  vprintf(format, args);
  putchar('\n');
  va_end(args);
  longjmp(after_skip, 1);
}

/* 1 if the test ran to its end, 0 if it skipped itself. */
static int run(const inprocess_test *test) {
  printf("%s::%s\n", test->suite, test->name);
  fflush(stdout);
  if (setjmp(after_skip)) return 0;
  const inprocess_options *suite = &suite_of(test)->options, *own = &test->options;
  if (suite->init) suite->init();
  if (own->init) own->init();
  test->body();
  if (own->fini) own->fini();
  if (suite->fini) suite->fini();
  return 1;
}

int main(int argc, char **argv) {
  const char *only = argc > 1 ? argv[1] : "";
  int passing = 0, skipped = 0;
  for (const inprocess_test *test = first; test; test = test->next) {
    if (test->options.disabled || !strstr(test->name, only)) continue;
    if (run(test))
      passing++;
    else
      skipped++;
  }
  printf("In process: Tested: %d | Passing: %d | Skipped: %d\n", passing + skipped, passing,
         skipped);
  return passing + skipped == 0;
}
