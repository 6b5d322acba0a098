/* Texts of any bytes kept one a line: a backslash, and every byte that would not survive in a text
 * file, is written \xHH. */
#ifndef TESSERA_TESTS_ESCAPED_LINES_H
#define TESSERA_TESTS_ESCAPED_LINES_H

#include <stddef.h>
#include <stdio.h>

/* Reads and unescapes the next line into *text, which grows as getline's does (start with NULL and
 * 0; free it). Returns 1, 0 at the end, -1 at a malformed escape or when out of memory. */
int escaped_lines_next(FILE *file, char **text, size_t *capacity, size_t *bytes);

#endif
