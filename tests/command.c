#include "tests/command.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/checkpoint_files.h"

static char *folder, *output, *errors;

void command_enter(void) {
  folder = files_folder();
  setenv("T", TESSERA_COMMAND, 1);
  setenv("TESSERA_TUNING", command_path("tuning.json"), 1);
  unsetenv("TESSERA_MAX_ISA");
}

void command_leave(void) {
  char line[512];
  free(output);
  free(errors);
  output = errors = NULL;
  snprintf(line, sizeof line, "rm -rf '%s'", folder);
  cr_expect_eq(system(line), 0);
  free(folder);
}

const char *command_path(const char *name) {
  static char paths[4][512];
  static int next;
  next = (next + 1) % 4;
  snprintf(paths[next], sizeof paths[next], "%s/%s", folder, name);
  return paths[next];
}

int command_shell(const char *line) {
  char whole[4096];
  int length =
      snprintf(whole, sizeof whole, "cd '%s' && { %s\n} >.out 2>.err </dev/null", folder, line);
  cr_assert_lt(length, (int)sizeof whole);
  int status = system(whole);
  cr_assert(WIFEXITED(status), "%s", line);
  free(output);
  free(errors);
  size_t size;
  output = files_read(command_path(".out"), &size);
  output = realloc(output, size + 1);
  output[size] = '\0';
  errors = files_read(command_path(".err"), &size);
  errors = realloc(errors, size + 1);
  errors[size] = '\0';
  return WEXITSTATUS(status);
}

int command_run(const char *format, ...) {
  char line[2048] = "\"$T\" ";
  size_t used = strlen(line);
  va_list args;
  va_start(args, format);
  int length = vsnprintf(line + used, sizeof line - used, format, args);
  va_end(args);
  cr_assert_lt(length, (int)(sizeof line - used));
  return command_shell(line);
}

const char *command_output(void) { return output; }
const char *command_errors(void) { return errors; }

json_t *command_json(const char *arguments) {
  cr_assert_eq(command_run("%s", arguments), 0, "%s: %s", arguments, errors);
  json_error_t error;
  json_t *root = json_loads(output, 0, &error);
  cr_assert(root, "%s: line %d: %s", arguments, error.line, error.text);
  return root;
}

const char *json_text(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  cr_assert(json_is_string(value), "%s", key);
  return json_string_value(value);
}

double json_number(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  cr_assert(json_is_number(value), "%s", key);
  return json_number_value(value);
}

const json_t *json_named(const json_t *array, const char *name) {
  size_t index;
  const json_t *value;
  json_array_foreach(array, index, value) if (!strcmp(json_text(value, "name"), name)) return value;
  cr_assert(0, "nothing is called %s", name);
  return NULL;
}
