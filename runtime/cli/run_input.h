/* The sentences (or token ids) of `tessera run`, one line at a time. */
#ifndef TESSERA_CLI_RUN_INPUT_H
#define TESSERA_CLI_RUN_INPUT_H

#include <stdio.h>

#include "runtime/cli/options.h"
#include "tessera/model.h"

/* Where lines come from, and how one becomes token ids. */
typedef struct tsr__run_input {
  const tsr__list *texts; /* read first */
  const char *path;       /* then this file: "-" = standard input, NULL = none */
  int pairs;
  const tsr_tokenizer *tokenizer; /* NULL: lines hold token ids */
  int64_t vocabulary;             /* ids are below it */
  size_t max_tokens;              /* longer sequences are cut */
  /* The rest is private. */
  size_t next_text;
  FILE *stream;
  char *line;
  size_t capacity;
  int64_t line_number;
} tsr__run_input;

/* One line: the parts of a pair, or one sentence and second = NULL. Valid until the next one. */
typedef struct tsr__run_item {
  const char *first, *second;
  size_t first_bytes, second_bytes;
} tsr__run_item;

/* Opens the file, if there is one. */
tsr_status tsr__run_input_open(tsr__run_input *input);
void tsr__run_input_close(tsr__run_input *input);
/* *more = 0 at the end. */
tsr_status tsr__run_input_next(tsr__run_input *input, tsr__run_item *item, int *more);
/* ids: caller's, [max_tokens]. */
tsr_status tsr__run_input_encode(const tsr__run_input *input, const char *text, size_t bytes,
                                 int32_t *ids, size_t *count);

#endif
