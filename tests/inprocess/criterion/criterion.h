/* The part of Criterion that labelled tests use, without its worker processes: Criterion executes
 * each test in a process of its own, which ThreadSanitizer cannot follow (the worker's memory lies
 * where its shadow is) and which leaves a user-mode emulator for the real CPU. Here all tests run
 * in one process, one after the other, and the first failure ends it. */
#ifndef TESSERA_TESTS_INPROCESS_CRITERION_H
#define TESSERA_TESTS_INPROCESS_CRITERION_H

#include <stdbool.h>
#include <string.h>

typedef struct inprocess_options {
  void (*init)(void);
  void (*fini)(void);
  double timeout;
  bool disabled;
} inprocess_options;

typedef struct inprocess_test {
  const char *suite, *name;
  void (*body)(void);
  inprocess_options options;
  struct inprocess_test *next;
} inprocess_test;

void inprocess_register(inprocess_test *test);
void inprocess_fail(const char *file, int line, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5), noreturn));
void inprocess_skip(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

typedef struct inprocess_suite {
  const char *name;
  inprocess_options options;
  struct inprocess_suite *next;
} inprocess_suite;

void inprocess_register_suite(inprocess_suite *suite);

#define TestSuite(name_, ...)                                                                  \
  __attribute__((constructor)) static void suite_##name_##_add(void) {                         \
    static inprocess_suite suite = {.name = #name_, .options = {.timeout = 0, ##__VA_ARGS__}}; \
    inprocess_register_suite(&suite);                                                          \
  }                                                                                            \
  struct inprocess_suite /* takes the semicolon */

#define Test(suite_, name_, ...)                                             \
  static void suite_##_##name_##_body(void);                                 \
  __attribute__((constructor)) static void suite_##_##name_##_add(void) {    \
    static inprocess_test test = {.suite = #suite_,                          \
                                  .name = #name_,                            \
                                  .body = suite_##_##name_##_body,           \
                                  .options = {.timeout = 0, ##__VA_ARGS__}}; \
    inprocess_register(&test);                                               \
  }                                                                          \
  static void suite_##_##name_##_body(void)

#define cr_assert(condition, ...) \
  ((condition) ? (void)0 : inprocess_fail(__FILE__, __LINE__, #condition, " " __VA_ARGS__))
#define cr_assert_not(condition, ...) cr_assert(!(condition), ##__VA_ARGS__)
#define cr_assert_eq(a, b, ...) cr_assert((a) == (b), ##__VA_ARGS__)
#define cr_assert_neq(a, b, ...) cr_assert((a) != (b), ##__VA_ARGS__)
#define cr_assert_lt(a, b, ...) cr_assert((a) < (b), ##__VA_ARGS__)
#define cr_assert_leq(a, b, ...) cr_assert((a) <= (b), ##__VA_ARGS__)
#define cr_assert_gt(a, b, ...) cr_assert((a) > (b), ##__VA_ARGS__)
#define cr_assert_geq(a, b, ...) cr_assert((a) >= (b), ##__VA_ARGS__)
#define cr_assert_null(a, ...) cr_assert((a) == NULL, ##__VA_ARGS__)
#define cr_assert_not_null(a, ...) cr_assert((a) != NULL, ##__VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) cr_assert(strcmp((a), (b)) == 0, ##__VA_ARGS__)
#define cr_assert_str_neq(a, b, ...) cr_assert(strcmp((a), (b)) != 0, ##__VA_ARGS__)
#define cr_assert_float_eq(a, b, epsilon, ...) \
  cr_assert((a) - (b) <= (epsilon) && (b) - (a) <= (epsilon), ##__VA_ARGS__)
#define cr_assert_arr_eq(a, b, bytes, ...) cr_assert(memcmp((a), (b), (bytes)) == 0, ##__VA_ARGS__)
#define cr_expect cr_assert
#define cr_expect_eq cr_assert_eq
#define cr_expect_str_eq cr_assert_str_eq
#define cr_assert_fail(...) inprocess_fail(__FILE__, __LINE__, "", " " __VA_ARGS__)
#define cr_fatal cr_assert_fail
#define cr_skip_test(...) inprocess_skip(" " __VA_ARGS__)
#define cr_skip cr_skip_test

#endif
