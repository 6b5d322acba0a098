/* Command lines as data: one table of options a subcommand. Parsing, defaults, checks and the text
 * of --help are all made from that table. */
#ifndef TESSERA_CLI_OPTIONS_H
#define TESSERA_CLI_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tessera/status.h"

typedef enum tsr__option_kind {
  TSR__OPTION_FLAG,    /* int: 1 when given */
  TSR__OPTION_TEXT,    /* const char *: points into argv */
  TSR__OPTION_LIST,    /* tsr__list: may be given again and again */
  TSR__OPTION_INTEGER, /* int64_t within min..max */
  TSR__OPTION_NUMBER,  /* double within min..max; NaN when neither given nor defaulted */
  TSR__OPTION_CHOICE   /* int: which of the words of `argument` ("text|json|npy"), from 0 */
} tsr__option_kind;

typedef struct tsr__list {
  size_t count;
  const char **items; /* point into argv */
} tsr__list;

/* One row. Without a name it is an operand, filled in the order of the table. */
typedef struct tsr__option {
  tsr__option_kind kind;
  char letter; /* 0 = none */
  const char *name;
  const char *argument; /* how the usage calls the value; NULL for flags */
  const char *help;
  size_t offset;        /* of the target within the subcommand's struct of values */
  const char *fallback; /* parsed when the option is not given, shown as the default */
  int required;
  double min, max;
} tsr__option;

typedef struct tsr__example {
  const char *command, *effect;
} tsr__example;

typedef struct tsr__command {
  const char *details; /* paragraphs separated by newlines; may be NULL */
  const tsr__option *options;
  size_t option_count;
  const tsr__example *examples;
  size_t example_count;
  size_t values_bytes; /* of the struct of values, zeroed before the defaults are set */
  tsr_status (*run)(const void *values);
} tsr__command;

#define TSR__COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Rows that several subcommands share; `values` is their struct. */
#define TSR__ROW_JSON(values)                                       \
  {                                                                 \
    .kind = TSR__OPTION_FLAG, .name = "json", .help = "print JSON", \
    .offset = offsetof(values, json)                                \
  }
#define TSR__ROW_THREADS(values)                                                      \
  {                                                                                   \
    .kind = TSR__OPTION_INTEGER, .letter = 't', .name = "threads", .argument = "N",   \
    .help = "threads to compute with (default: the cores that this process may use)", \
    .offset = offsetof(values, threads), .min = 1, .max = TSR__THREADS_MAX            \
  }

enum { TSR__THREADS_MAX = 1024 };

/* Fills values from argv[1..]. *help = 1 when --help was among them: then nothing is required.
 * TSR_INVALID_ARGUMENT names option and value. Release the values either way. */
tsr_status tsr__options_parse(const tsr__command *command, int argc, char **argv, void *values,
                              int *help);
void tsr__options_release(const tsr__command *command, void *values);

/* The text of `tessera NAME --help`. */
void tsr__usage_print(const tsr__command *command, const char *name, const char *summary,
                      FILE *stream);

/* Prints text from column `indent` on, broken between words before column 80; newlines stay. The
 * cursor is at column `at`. */
void tsr__wrap(const char *text, int at, int indent, FILE *stream);

/* Checks a whole text as a number within min..max; `what` names it in the message. */
tsr_status tsr__parse_integer(const char *what, const char *text, double min, double max,
                              int64_t *out);
tsr_status tsr__parse_number(const char *what, const char *text, double min, double max,
                             double *out);

#endif
