#include "tests/gpusim/driver/config.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/gpusim/driver/call.h"
#include "tests/gpusim/driver/context.h"

namespace gpusim::driver {
namespace {

constexpr uint64_t kDefaultBudget = uint64_t{1} << 32;

struct State {
  gpusim_config config = {};
  bool quiet = false;
  Fault fault;
  std::string json;
  void (*on_launch)(void *user, const char *json) = nullptr;
  void *on_launch_user = nullptr;
  uint64_t random = 0;
};

bool is(const char *value, const char *name) {
  return value != nullptr && strcmp(value, name) == 0;
}

uint64_t number(const char *variable, uint64_t otherwise) {
  const char *value = getenv(variable);
  if (value == nullptr || *value == '\0') return otherwise;
  char *end = nullptr;
  const uint64_t parsed = strtoull(value, &end, 0);
  if (*end == '\0') return parsed;
  fprintf(stderr, "gpusim: %s=%s is no number\n", variable, value);
  return otherwise;
}

/* The index of the variable's value among the names; 0 when it is not set or not known. */
template <size_t N>
int choice(const char *variable, const char *const (&names)[N]) {
  const char *value = getenv(variable);
  if (value == nullptr || *value == '\0') return 0;
  for (size_t i = 0; i < N; i++) {
    if (is(value, names[i])) return static_cast<int>(i);
  }
  fprintf(stderr, "gpusim: %s=%s is not known\n", variable, value);
  return 0;
}

gpusim_config from_environment() {
  gpusim_config made = {};
  made.checks =
      choice("GPUSIM_CHECKS", {"all", "none"}) == 0 ? GPUSIM_CHECKS_ALL : GPUSIM_CHECKS_NONE;
  made.async = static_cast<gpusim_async>(choice("GPUSIM_ASYNC", {"late", "early"}));
  made.sum = static_cast<gpusim_sum>(choice("GPUSIM_SUM", {"device", "ampere", "hopper", "exact"}));
  made.seed = number("GPUSIM_SEED", 1);
  made.budget = number("GPUSIM_BUDGET", kDefaultBudget);
  made.threads = static_cast<uint32_t>(number("GPUSIM_THREADS", 0));
  made.sample = static_cast<uint32_t>(number("GPUSIM_SAMPLE", 0));
  return made;
}

State &state() {
  static State *const the = [] {
    auto *made = new State;
    made->config = from_environment();
    made->quiet = is(getenv("GPUSIM_QUIET"), "1");
    return made;
  }();
  return *the;
}

template <size_t N>
void copy_text(char (&to)[N], const std::string &from) {
  snprintf(to, N, "%s", from.c_str());
}

}  // namespace

gpusim_config &config() { return state().config; }

bool quiet() { return state().quiet; }

void complain(const std::string &text) {
  if (!quiet()) fprintf(stderr, "gpusim: %s\n", text.c_str());
}

void report_fault(const Fault &fault) {
  state().fault = fault;
  complain(fault.text());
}

void set_launch_json(std::string json) {
  state().json = std::move(json);
  if (state().json.empty()) return;
  if (state().on_launch != nullptr) state().on_launch(state().on_launch_user, state().json.c_str());
  const char *const path = getenv("GPUSIM_COUNTERS");
  if (path == nullptr || *path == '\0') return;
  FILE *const file = fopen(path, "a");
  if (file == nullptr) return complain(std::string("can't write ") + path);
  fprintf(file, "%s\n", state().json.c_str());
  fclose(file);
}

uint64_t next_random() {
  uint64_t &x = state().random;
  if (x == 0) x = state().config.seed * 0x9e3779b97f4a7c15ull + 1;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  return x * 0x2545f4914f6cdd1dull;
}

}  // namespace gpusim::driver

using gpusim::driver::state;

void gpusim_get_config(gpusim_config *config) {
  const gpusim::driver::Lock lock;
  if (config != nullptr) *config = state().config;
}

void gpusim_configure(const gpusim_config *config) {
  const gpusim::driver::Lock lock;
  if (config == nullptr) return;
  state().config = *config;
  state().random = 0;
}

void gpusim_last_fault(gpusim_fault *fault) {
  const gpusim::driver::Lock lock;
  if (fault == nullptr) return;
  const gpusim::Fault &last = state().fault;
  *fault = {};
  fault->kind = gpusim::fault_name(last.kind);
  gpusim::driver::copy_text(fault->kernel, last.kernel);
  gpusim::driver::copy_text(fault->instruction, last.instruction);
  gpusim::driver::copy_text(fault->source_file, last.source_file);
  gpusim::driver::copy_text(fault->detail, last.detail);
  fault->ptx_line = last.ptx_line;
  fault->source_line = last.source_line;
  memcpy(fault->ctaid, last.ctaid, sizeof fault->ctaid);
  fault->warp = last.warp;
  fault->lane = last.lane;
}

void gpusim_clear_fault(void) {
  const gpusim::driver::Lock lock;
  state().fault = gpusim::Fault();
  gpusim::driver::Handles::all().each<gpusim::driver::Context>(
      [](gpusim::driver::Context &context) { context.sticky = CUDA_SUCCESS; });
}

char *gpusim_last_launch_json(void) {
  const gpusim::driver::Lock lock;
  return state().json.empty() ? nullptr : strdup(state().json.c_str());
}

void gpusim_on_launch(void (*report)(void *user, const char *json), void *user) {
  const gpusim::driver::Lock lock;
  state().on_launch = report;
  state().on_launch_user = user;
}
