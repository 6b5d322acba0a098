#include <errno.h>
#include <math.h>
#include <string.h>

#include "runtime/base/status.h"
#include "runtime/report/report.h"

/* Whatever the locale writes between the digits becomes a point. */
static void use_point(char *text) {
  char *out = text;
  for (const char *in = text; *in; in++) {
    if (strchr("0123456789+-e", *in))
      *out++ = *in;
    else if (out == text || out[-1] != '.')
      *out++ = '.';
  }
  *out = 0;
}

tsr__number tsr__fixed(double value, int decimals) {
  tsr__number number;
  if (fabs(value) > 1e15) return tsr__general(value, 3);
  snprintf(number.text, sizeof number.text, "%.*f", decimals, value);
  use_point(number.text);
  return number;
}

tsr__number tsr__general(double value, int digits) {
  tsr__number number;
  snprintf(number.text, sizeof number.text, "%.*g", digits, value);
  use_point(number.text);
  return number;
}

tsr__number tsr__brief(double value) {
  if (value == 0) return (tsr__number){"-"};
  double size = fabs(value);
  if (size < 0.001) return tsr__general(value, 3);
  return tsr__fixed(value, size < 0.0995 ? 4 : size < 0.9995 ? 3 : size < 9.995 ? 2 : size < 99.95);
}

tsr__number tsr__percent(double share) {
  tsr__number number = tsr__fixed(100 * share, 1);
  size_t length = strlen(number.text);
  if (length > 2 && !strcmp(number.text + length - 2, ".0")) length -= 2;
  snprintf(number.text + length, sizeof number.text - length, " %%");
  return number;
}

tsr__number tsr__bytes(int64_t bytes) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double size = (double)bytes;
  int unit = 0;
  for (; size >= 1024 && unit < 4; unit++) size /= 1024;
  tsr__number number = unit ? tsr__brief(size) : tsr__fixed(size, 0);
  if (!bytes) return (tsr__number){"-"};
  size_t length = strlen(number.text);
  snprintf(number.text + length, sizeof number.text - length, " %s", units[unit]);
  return number;
}

tsr_status tsr__stream_end(FILE *stream) {
  errno = 0;
  if (fflush(stream) == 0 && !ferror(stream)) return TSR_OK;
  return tsr__error(TSR_IO, "the report cannot be written: %s",
                    errno ? strerror(errno) : "an earlier write failed");
}
