/* The rows of numbers that `tessera run` gives, written as they come. */
#ifndef TESSERA_CLI_RUN_RESULT_H
#define TESSERA_CLI_RUN_RESULT_H

#include "runtime/cli/output.h"

typedef enum tsr__run_format { TSR__RUN_TEXT, TSR__RUN_JSON, TSR__RUN_NPY } tsr__run_format;

typedef struct tsr__run_result {
  tsr__run_format format;
  const char *key;   /* what the numbers are called in JSON */
  const char *model; /* where they come from */
  int64_t width;     /* numbers in a row; 0 = rows are single numbers */
  int grouped;       /* rows come in groups, such as the tokens of a sentence */
  /* [width]: a row holds a number for each of these classes. Text then shows the `top` greatest
   * with their names; JSON makes a row an object. NULL = no classes. */
  const char *const *classes;
  const char *class_key; /* what JSON calls the numbers of a row */
  int64_t top;
  /* The rest is private. */
  tsr__output output;
  FILE *stream; /* the output's, or for .npy to a pipe a temporary file */
  int64_t rows;
  int64_t row_of_group, groups;
} tsr__run_result;

/* path: NULL or "-" = standard output. */
tsr_status tsr__run_result_open(const char *path, tsr__run_result *result);
tsr_status tsr__run_result_begin_group(tsr__run_result *result);
tsr_status tsr__run_result_end_group(tsr__run_result *result);
/* values: [width], or one number. label: text to show behind it, or NULL. */
tsr_status tsr__run_result_row(tsr__run_result *result, const float *values, const char *label);
/* Completes the output. Without it, close leaves no file. */
tsr_status tsr__run_result_commit(tsr__run_result *result);
void tsr__run_result_close(tsr__run_result *result);

#endif
