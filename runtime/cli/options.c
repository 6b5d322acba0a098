#include "runtime/cli/options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

tsr_status tsr__parse_number(const char *what, const char *text, double min, double max,
                             double *out) {
  char *end;
  double value = strtod(text, &end);
  TSR_CHECK(end != text && !*end, TSR_INVALID_ARGUMENT, "%s: '%s' is not a number", what, text);
  TSR_CHECK(value >= min && value <= max, TSR_INVALID_ARGUMENT, "%s: %s is not within %g..%g", what,
            text, min, max);
  *out = value;
  return TSR_OK;
}

tsr_status tsr__parse_integer(const char *what, const char *text, double min, double max,
                              int64_t *out) {
  char *end;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  TSR_CHECK(end != text && !*end, TSR_INVALID_ARGUMENT, "%s: '%s' is not a whole number", what,
            text);
  TSR_CHECK(!errno && (double)value >= min && (double)value <= max, TSR_INVALID_ARGUMENT,
            "%s: %s is not within %.0f..%.0f", what, text, min, max);
  *out = value;
  return TSR_OK;
}

/* The number of the word `text` in "a|b|c". */
static tsr_status parse_choice(const char *what, const char *text, const char *words, int *out) {
  size_t length = strlen(text);
  const char *word = words;
  for (int index = 0;; index++) {
    size_t bytes = strcspn(word, "|");
    if (bytes == length && !memcmp(word, text, bytes)) {
      *out = index;
      return TSR_OK;
    }
    if (!word[bytes])
      return tsr__error(TSR_INVALID_ARGUMENT, "%s: '%s' is none of %s", what, text, words);
    word += bytes + 1;
  }
}

static void *target_of(const tsr__option *option, void *values) {
  return (char *)values + option->offset;
}

/* capacity: no list can grow longer than the command line. */
static tsr_status append(tsr__list *list, const char *text, int capacity) {
  if (!list->items)
    TSR_TRY(tsr__calloc((size_t)capacity, sizeof *list->items, "the command line", &list->items));
  list->items[list->count++] = text;
  return TSR_OK;
}

/* Stores the value of one option; text is NULL for a flag. */
static tsr_status store(const tsr__option *option, const char *text, int capacity, void *values) {
  char what[64];
  snprintf(what, sizeof what, "%s%s", option->name ? "--" : "",
           option->name ? option->name : option->argument);
  void *target = target_of(option, values);
  switch (option->kind) {
    case TSR__OPTION_FLAG:
      *(int *)target = 1;
      return TSR_OK;
    case TSR__OPTION_TEXT:
      *(const char **)target = text;
      return TSR_OK;
    case TSR__OPTION_LIST:
      return append(target, text, capacity);
    case TSR__OPTION_INTEGER:
      return tsr__parse_integer(what, text, option->min, option->max, target);
    case TSR__OPTION_NUMBER:
      return tsr__parse_number(what, text, option->min, option->max, target);
    default:
      return parse_choice(what, text, option->argument, target);
  }
}

/* The option that arg ("--name", "--name=value", "-n", "-nvalue") means; *value is what is attached
 * to it, or NULL. */
static const tsr__option *match(const tsr__command *command, const char *arg, const char **value) {
  *value = NULL;
  for (size_t i = 0; i < command->option_count; i++) {
    const tsr__option *option = &command->options[i];
    if (!option->name) continue;
    size_t bytes = strlen(option->name);
    if (!strncmp(arg, "--", 2) && !strncmp(arg + 2, option->name, bytes) &&
        (!arg[2 + bytes] || arg[2 + bytes] == '=')) {
      if (arg[2 + bytes]) *value = arg + 3 + bytes;
      return option;
    }
    if (option->letter && arg[0] == '-' && arg[1] == option->letter) {
      if (arg[2]) *value = arg + 2;
      return option;
    }
  }
  return NULL;
}

/* The operand that comes after `given` others; the last one takes all the rest if it is a list. */
static const tsr__option *operand(const tsr__command *command, size_t given) {
  for (size_t i = 0; i < command->option_count; i++) {
    const tsr__option *option = &command->options[i];
    if (option->name) continue;
    if (option->kind == TSR__OPTION_LIST || !given) return option;
    given--;
  }
  return NULL;
}

/* Takes argv[*at] and, where it belongs to it, the argument after. */
static tsr_status take_option(const tsr__command *command, int argc, char **argv, int *at,
                              char *seen, void *values) {
  const char *arg = argv[*at];
  const char *value;
  const tsr__option *option = match(command, arg, &value);
  TSR_CHECK(option, TSR_INVALID_ARGUMENT, "unknown option '%s'; see --help", arg);
  if (option->kind == TSR__OPTION_FLAG) {
    TSR_CHECK(!value, TSR_INVALID_ARGUMENT, "--%s takes no value: '%s'", option->name, arg);
  } else if (!value) {
    TSR_CHECK(*at + 1 < argc, TSR_INVALID_ARGUMENT, "--%s needs a value: %s", option->name,
              option->argument);
    value = argv[++*at];
  }
  seen[option - command->options] = 1;
  return store(option, value, argc, values);
}

static tsr_status take_all(const tsr__command *command, int argc, char **argv, char *seen,
                           void *values, int *help) {
  size_t operands = 0;
  int only_operands = 0;
  for (int i = 1; i < argc; i++) {
    const char *arg = argv[i];
    if (only_operands || arg[0] != '-' || !arg[1]) {
      const tsr__option *option = operand(command, operands++);
      TSR_CHECK(option, TSR_INVALID_ARGUMENT, "unexpected argument '%s'; see --help", arg);
      seen[option - command->options] = 1;
      TSR_TRY(store(option, arg, argc, values));
    } else if (!strcmp(arg, "--")) {
      only_operands = 1;
    } else if (!strcmp(arg, "--help") || !strcmp(arg, "-h")) {
      *help = 1;
    } else {
      TSR_TRY(take_option(command, argc, argv, &i, seen, values));
    }
  }
  return TSR_OK;
}

static tsr_status check_required(const tsr__command *command, const char *seen) {
  for (size_t i = 0; i < command->option_count; i++) {
    const tsr__option *option = &command->options[i];
    if (!option->required || seen[i]) continue;
    return tsr__error(TSR_INVALID_ARGUMENT, "%s%s is missing; see --help", option->name ? "--" : "",
                      option->name ? option->name : option->argument);
  }
  return TSR_OK;
}

tsr_status tsr__options_parse(const tsr__command *command, int argc, char **argv, void *values,
                              int *help) {
  *help = 0;
  char *seen;
  TSR_TRY(tsr__calloc(command->option_count, 1, "the command line", &seen));
  tsr_status status = TSR_OK;
  for (size_t i = 0; i < command->option_count; i++) {
    const tsr__option *option = &command->options[i];
    if (option->fallback) TSR_TRY_GOTO(status, store(option, option->fallback, argc, values), done);
    if (!option->fallback && option->kind == TSR__OPTION_NUMBER)
      *(double *)target_of(option, values) = NAN;
  }
  TSR_TRY_GOTO(status, take_all(command, argc, argv, seen, values, help), done);
  if (!*help) status = check_required(command, seen);
done:
  free(seen);
  return status;
}

void tsr__options_release(const tsr__command *command, void *values) {
  for (size_t i = 0; i < command->option_count; i++)
    if (command->options[i].kind == TSR__OPTION_LIST) {
      tsr__list *list = target_of(&command->options[i], values);
      free(list->items);
      *list = (tsr__list){0};
    }
}
