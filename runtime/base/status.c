#include "runtime/base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_MAX = 1024 };

static _Thread_local char message[MESSAGE_MAX];

static const struct {
  const char *name;
  const char *text;
  int exit_code;
} statuses[] = {
#define ROW(name, exit_code, text) {"TSR_" #name, text, exit_code},
    TSR_STATUS_MAP(ROW)
#undef ROW
};

enum { STATUS_COUNT = sizeof statuses / sizeof statuses[0] };

static int known(tsr_status status) { return (unsigned)status < STATUS_COUNT; }

const char *tsr_status_name(tsr_status status) {
  return known(status) ? statuses[status].name : "unknown";
}

const char *tsr_status_text(tsr_status status) {
  return known(status) ? statuses[status].text : "unknown";
}

int tsr_status_exit_code(tsr_status status) {
  return known(status) ? statuses[status].exit_code : 1;
}

const char *tsr_last_error(void) { return message; }

const char *tsr_version(void) { return TSR_VERSION; }

tsr_status(tsr__error)(tsr_status status, const char *format, ...) {
  /* The arguments may point into the message that is being replaced. */
  char text[MESSAGE_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  memcpy(message, text, sizeof text);
  return status;
}

tsr_status(tsr__error_prefix)(tsr_status status, const char *format, ...) {
  char prefix[MESSAGE_MAX / 2];
  va_list args;
  va_start(args, format);
  vsnprintf(prefix, sizeof prefix, format, args);
  va_end(args);
  return tsr__error(status, "%s: %s", prefix, message);
}
