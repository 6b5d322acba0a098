#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/gpusim/tool/run.h"

namespace gpusim::tool {
namespace {

bool wrong(const char *option, const char *value, const char *why) {
  fprintf(stderr, "gpusim: %s %s: %s; try gpusim --help\n", option, value, why);
  return false;
}

/* X, X,Y or X,Y,Z */
bool parse_extents(std::string_view text, unsigned extents[3]) {
  for (unsigned i = 0; i < 3; i++) {
    const size_t comma = text.find(',');
    uint64_t value = 0;
    if (!parse_count(text.substr(0, comma), &value) || value > UINT32_MAX) return false;
    extents[i] = static_cast<unsigned>(value);
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
  return false;
}

bool parse_dump(std::string_view text, Dump *dump) {
  const size_t colon = text.find(':');
  return colon != std::string_view::npos && parse_count(text.substr(0, colon), &dump->argument) &&
         parse_count(text.substr(colon + 1), &dump->count);
}

bool parse_shared(const char *value, unsigned *bytes) {
  uint64_t count = 0;
  if (!parse_count(value, &count) || count > UINT32_MAX) return false;
  *bytes = static_cast<unsigned>(count);
  return true;
}

bool is_one_of(const char *value, std::initializer_list<const char *> names) {
  for (const char *name : names) {
    if (!strcmp(value, name)) return true;
  }
  return false;
}

bool set_environment(const char *option, const char *value, const char *variable, bool known) {
  if (!known) return wrong(option, value, "not known");
  return setenv(variable, value, 1) == 0 || wrong(option, value, "can't be set");
}

bool parse_option(const char *option, const char *value, RunOptions *options) {
  uint64_t number;
  std::string error;
  if (!strcmp(option, "--kernel")) return (options->kernel = value) != nullptr;
  if (!strcmp(option, "--grid")) {
    return parse_extents(value, options->grid) || wrong(option, value, "not X,Y,Z");
  }
  if (!strcmp(option, "--block")) {
    return parse_extents(value, options->block) || wrong(option, value, "not X,Y,Z");
  }
  if (!strcmp(option, "--shared")) {
    return parse_shared(value, &options->shared_bytes) || wrong(option, value, "no count of bytes");
  }
  if (!strcmp(option, "--arg")) {
    options->arguments.emplace_back();
    return parse_argument(value, &options->arguments.back(), &error) ||
           wrong(option, value, error.c_str());
  }
  if (!strcmp(option, "--dump")) {
    options->dumps.emplace_back();
    return parse_dump(value, &options->dumps.back()) || wrong(option, value, "not ARGUMENT:COUNT");
  }
  if (!strcmp(option, "--device")) {
    return set_environment(option, value, "GPUSIM_DEVICE",
                           is_one_of(value, {"a100", "a10", "h100"}));
  }
  if (!strcmp(option, "--checks")) {
    return set_environment(option, value, "GPUSIM_CHECKS", is_one_of(value, {"all", "none"}));
  }
  if (!strcmp(option, "--seed")) {
    return set_environment(option, value, "GPUSIM_SEED", parse_count(value, &number));
  }
  return wrong(option, value, "unknown option");
}

/* Every dump names a buffer, and no more than it holds. */
bool check_dumps(const RunOptions &options) {
  for (const Dump &dump : options.dumps) {
    const bool exists = dump.argument < options.arguments.size();
    if (!exists || !options.arguments[dump.argument].is_buffer) {
      return wrong("--dump", std::to_string(dump.argument).c_str(), "no buffer of that number");
    }
    if (dump.count > options.arguments[dump.argument].count) {
      return wrong("--dump", std::to_string(dump.count).c_str(), "more than the buffer holds");
    }
  }
  return true;
}

}  // namespace

bool parse_run_options(int count, char **words, RunOptions *options) {
  for (int i = 0; i < count; i++) {
    if (!strcmp(words[i], "--json")) {
      options->json = true;
    } else if (words[i][0] != '-') {
      if (options->path) return wrong(words[i], "", "a second file");
      options->path = words[i];
    } else if (i + 1 == count) {
      return wrong(words[i], "", "its value is missing");
    } else if (!parse_option(words[i], words[i + 1], options)) {
      return false;
    } else {
      i++;
    }
  }
  if (!options->path) return wrong("run", "", "FILE.ptx is missing");
  if (!options->kernel) return wrong("run", options->path, "--kernel is missing");
  return check_dumps(*options);
}

}  // namespace gpusim::tool
