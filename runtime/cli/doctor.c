/* tessera doctor: what this machine has, and which kernels can therefore run. */
#include <string.h>

#include "runtime/cli/cli.h"
#include "runtime/cli/libraries.h"

typedef struct doctor_options {
  int json;
} doctor_options;

static json_t *library_json(const tsr__library *library) {
  json_t *object = json_object();
  int failed = tsr__json_set(object, "name", json_string(library->name));
  failed |= tsr__json_set(object, "version",
                          *library->version ? json_string(library->version) : json_null());
  failed |= tsr__json_set(object, "use", json_string(library->use));
  if (!failed) return object;
  json_decref(object);
  return NULL;
}

static tsr_status doctor(const void *values) {
  const doctor_options *options = values;
  tsr__library libraries[TSR__LIBRARIES];
  tsr__libraries(libraries);
  if (options->json) {
    json_t *array = json_array();
    for (int i = 0; i < TSR__LIBRARIES; i++)
      json_array_append_new(array, library_json(&libraries[i]));
    return tsr__print_json(json_pack("{s:s, s:o}", "version", tsr_version(), "libraries", array),
                           stdout);
  }
  printf("tessera %s\n", tsr_version());
  for (int i = 0; i < TSR__LIBRARIES; i++)
    printf("  %-9s %-12s %s\n", libraries[i].name,
           *libraries[i].version ? libraries[i].version : "not found", libraries[i].use);
  return TSR_OK;
}

static const tsr__option rows[] = {TSR__ROW_JSON(doctor_options)};

static const tsr__example examples[] = {
    {"tessera doctor", "what this machine has, for people"},
    {"tessera doctor --json | jq .kernels", "the same for programs"},
};

const tsr__command tsr__cli_doctor = {
    .options = rows,
    .option_count = TSR__COUNT(rows),
    .examples = examples,
    .example_count = TSR__COUNT(examples),
    .values_bytes = sizeof(doctor_options),
    .run = doctor,
};
