#include "tests/escaped_lines.h"

#include <sys/types.h>

static int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

int escaped_lines_next(FILE *file, char **text, size_t *capacity, size_t *bytes) {
  ssize_t length = getline(text, capacity, file);
  if (length < 0) return feof(file) ? 0 : -1;
  char *line = *text, *out = line;
  if (length && line[length - 1] == '\n') line[--length] = 0;
  for (ssize_t i = 0; i < length; i++) {
    if (line[i] != '\\') {
      *out++ = line[i];
      continue;
    }
    /* The line ends in NUL, which is no hexadecimal digit. */
    if (line[i + 1] != 'x') return -1;
    int high = hex_digit(line[i + 2]), low = high < 0 ? -1 : hex_digit(line[i + 3]);
    if (low < 0) return -1;
    *out++ = (char)(high * 16 + low);
    i += 3;
  }
  *bytes = (size_t)(out - line);
  return 1;
}
