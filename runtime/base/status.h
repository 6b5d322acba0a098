/* Failing with a message, and forwarding a failure. */
#ifndef TESSERA_BASE_STATUS_H
#define TESSERA_BASE_STATUS_H

#include "tessera/status.h"

#if defined(__GNUC__)
#define TSR__PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))
#else
#define TSR__PRINTF(format_index, first)
#endif

/* Stores the message for tsr_last_error and returns status. Allocates nothing. */
tsr_status tsr__error(tsr_status status, const char *format, ...) TSR__PRINTF(2, 3);

/* Puts "prefix: " before the message of a failure that is passed on. */
tsr_status tsr__error_prefix(tsr_status status, const char *format, ...) TSR__PRINTF(2, 3);

#ifdef __clang_analyzer__
/* It does not see into status.c and would follow failures that return TSR_OK. */
#define tsr__error(status, ...) ((void)tsr__error(status, __VA_ARGS__), (status))
#define tsr__error_prefix(status, ...) ((void)tsr__error_prefix(status, __VA_ARGS__), (status))
#endif

/* Returns from the caller unless the condition holds: TSR_CHECK(cond, status, format, ...). */
#define TSR_CHECK(condition, ...)                     \
  do {                                                \
    if (!(condition)) return tsr__error(__VA_ARGS__); \
  } while (0)

/* Returns from the caller if the expression fails. */
#define TSR_TRY(expression)                  \
  do {                                       \
    tsr_status tsr__try = (expression);      \
    if (tsr__try != TSR_OK) return tsr__try; \
  } while (0)

/* Jumps to the caller's clean-up label, with `status` set, if the expression fails. */
#define TSR_TRY_GOTO(status, expression, label) \
  do {                                          \
    (status) = (expression);                    \
    if ((status) != TSR_OK) goto label;         \
  } while (0)

#endif
