#include <string.h>

#include "runtime/cli/options.h"

enum { LINE_WIDTH = 80, HELP_COLUMN = 26 };

static void spaces(int count, FILE *stream) { fprintf(stream, "%*s", count > 0 ? count : 0, ""); }

void tsr__wrap(const char *text, int at, int indent, FILE *stream) {
  spaces(indent - at, stream);
  int column = at > indent ? at : indent;
  int fresh = 1;
  while (*text) {
    int bytes = (int)strcspn(text, " \n");
    if (!fresh && column + 1 + bytes >= LINE_WIDTH) {
      fputc('\n', stream);
      spaces(indent, stream);
      column = indent;
      fresh = 1;
    }
    column += fprintf(stream, "%s%.*s", fresh ? "" : " ", bytes, text);
    fresh = 0;
    text += bytes;
    if (*text == '\n') {
      fputc('\n', stream);
      if (text[1] && text[1] != '\n') spaces(indent, stream);
      column = indent;
      fresh = 1;
    }
    if (*text) text++;
  }
  fputc('\n', stream);
}

static void print_synopsis(const tsr__command *command, const char *name, FILE *stream) {
  int optional = 0;
  fprintf(stream, "Usage: tessera %s", name);
  for (size_t i = 0; i < command->option_count; i++) {
    const tsr__option *option = &command->options[i];
    if (option->name) {
      if (option->required) fprintf(stream, " --%s %s", option->name, option->argument);
      optional |= !option->required;
    } else {
      fprintf(stream, option->required ? " %s%s" : " [%s%s]", option->argument,
              option->kind == TSR__OPTION_LIST ? "..." : "");
    }
  }
  fprintf(stream, "%s\n", optional ? " [options]" : "");
}

static void print_row(char letter, const char *name, const char *argument, const char *help,
                      const char *fallback, FILE *stream) {
  int column = 0;
  if (name) {
    char dash[8] = "    ";
    if (letter) snprintf(dash, sizeof dash, "-%c, ", letter);
    column =
        fprintf(stream, "  %s--%s%s%s", dash, name, argument ? " " : "", argument ? argument : "");
  } else {
    column = fprintf(stream, "  %s", argument);
  }
  if (column + 2 > HELP_COLUMN) {
    fputc('\n', stream);
    column = 0;
  }
  char text[512];
  snprintf(text, sizeof text, "%s%s%s%s", help, fallback ? " (default: " : "",
           fallback ? fallback : "", fallback ? ")" : "");
  tsr__wrap(text, column, HELP_COLUMN, stream);
}

void tsr__usage_print(const tsr__command *command, const char *name, const char *summary,
                      FILE *stream) {
  print_synopsis(command, name, stream);
  fprintf(stream, "\ntessera %s: %s.\n", name, summary);
  if (command->details) {
    fputc('\n', stream);
    tsr__wrap(command->details, 0, 0, stream);
  }
  fputc('\n', stream);
  for (size_t i = 0; i < command->option_count; i++) {
    const tsr__option *option = &command->options[i];
    print_row(option->letter, option->name, option->argument, option->help, option->fallback,
              stream);
  }
  print_row('h', "help", NULL, "print this text", NULL, stream);
  if (command->example_count) fprintf(stream, "\nExamples:\n");
  for (size_t i = 0; i < command->example_count; i++) {
    fprintf(stream, "  %s\n", command->examples[i].command);
    tsr__wrap(command->examples[i].effect, 0, 6, stream);
  }
}
