/* The command `tessera` as its users call it: in a folder of its own, through a shell. */
#ifndef TESSERA_TESTS_COMMAND_H
#define TESSERA_TESTS_COMMAND_H

#include <jansson.h>
#include <stddef.h>

/* Makes the folder that the commands run in; leave removes it with everything in it. */
void command_enter(void);
void command_leave(void);
/* "FOLDER/name", valid until the next call but three. */
const char *command_path(const char *name);

/* Runs `tessera ARGUMENTS` in the folder ($T is the command, for pipes), with an empty tuning
 * file's place. Returns the exit code; what it printed is in command_output and command_errors. */
int command_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* assert_fails(code, message, ...) runs it: it must end with this code, say message among its
 * errors, and print nothing else. */
#define assert_fails(code, message, ...)                                         \
  do {                                                                           \
    int assert_got = command_run(__VA_ARGS__);                                   \
    cr_assert_eq(assert_got, code, "code %d: %s", assert_got, command_errors()); \
    cr_assert(strstr(command_errors(), message), "'%s'", command_errors());      \
    cr_assert_str_empty(command_output(), "%s", command_output());               \
  } while (0)
/* The same for a whole shell command line. */
int command_shell(const char *line);
const char *command_output(void);
const char *command_errors(void);

/* Runs `tessera ARGUMENTS`, which must succeed, and parses its output; json_decref it. */
json_t *command_json(const char *arguments);

/* Members of a JSON object that must be there and of this type. */
const char *json_text(const json_t *object, const char *key);
double json_number(const json_t *object, const char *key);
/* The member of array whose "name" is this. */
const json_t *json_named(const json_t *array, const char *name);

#endif
