/* tessera tune: measures the kernels, so that selection knows this machine. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/cli/cli.h"

typedef struct tune_options {
  const char *output;
  int json, backend;
} tune_options;

static void show(void *user, int done, int total) {
  tsr__progress *progress = user;
  progress->total = total;
  tsr__progress_update(progress, done);
}

static tsr_status measure(const tsr_hardware *hardware, tsr_tuning **tuning) {
  tsr__progress progress;
  tsr__progress_begin(&progress, "measuring kernels", 1);
  tsr_status status = tsr_tuning_measure(hardware, show, &progress, tuning);
  tsr__progress_end(&progress);
  return status;
}

/* A place that cannot be written to had better show before the measuring. */
static tsr_status take_path(const char *output, char path[TSR__PATH_MAX]) {
  char *folder;
  TSR_TRY(tsr__path_folder(output, &folder));
  int fault = access(folder, W_OK | X_OK) ? errno : 0;
  free(folder);
  TSR_CHECK(!fault, TSR_IO, "%s: cannot write in its folder: %s", output, strerror(fault));
  int bytes = snprintf(path, TSR__PATH_MAX, "%s", output);
  TSR_CHECK(bytes < TSR__PATH_MAX, TSR_INVALID_ARGUMENT, "--output: longer than %d characters",
            TSR__PATH_MAX - 1);
  return TSR_OK;
}

static tsr_status tune(const void *values) {
  const tune_options *options = values;
  tsr_hardware hardware;
  TSR_CHECK(options->backend == TSR_BACKEND_CPU, TSR_UNSUPPORTED,
            "--backend cuda: the GPU's kernels are ranked by a modelled lower bound, so that there "
            "is nothing to tune; tessera bench --backend cuda measures them");
  TSR_TRY(tsr_hardware_detect(&hardware));
  char path[TSR__PATH_MAX];
  if (options->output)
    TSR_TRY(take_path(options->output, path));
  else
    TSR_TRY(tsr_tuning_default_path(&hardware, path, sizeof path));
  tsr_tuning *tuning;
  TSR_TRY(measure(&hardware, &tuning));
  tsr_status status = tsr_tuning_save(tuning, path);
  tsr_tuning_destroy(tuning);
  TSR_TRY(status);
  if (options->json)
    return tsr__print_json(json_pack("{s:s, s:s}", "cpu", hardware.name, "output", path), stdout);
  printf("measured the kernels on %s; wrote %s\n", hardware.name, path);
  return TSR_OK;
}

static const tsr__option rows[] = {
    {.kind = TSR__OPTION_TEXT,
     .letter = 'o',
     .name = "output",
     .argument = "PATH",
     .help = "the file to write (default: the one that the other commands read, see tessera "
             "doctor)",
     .offset = offsetof(tune_options, output)},
    {.kind = TSR__OPTION_CHOICE,
     .name = "backend",
     .argument = "cpu|cuda",
     .help = "cuda is refused: its kernels are ranked by a model of the GPU, not by measured costs",
     .offset = offsetof(tune_options, backend),
     .fallback = "cpu"},
    TSR__ROW_JSON(tune_options),
};

static const tsr__example examples[] = {
    {"tessera tune", "once a machine; takes some seconds, best while it is idle"},
    {"tessera tune -o /tmp/tuning.json && TESSERA_TUNING=/tmp/tuning.json tessera explain model",
     "keeps the measurements elsewhere"},
};

const tsr__command tsr__cli_tune = {
    .details =
        "Kernels are selected by a small cost model. This measures its coefficients on "
        "this machine instead of using the built-in ones. The file is used for this CPU "
        "and this version of Tessera only.",
    .options = rows,
    .option_count = TSR__COUNT(rows),
    .examples = examples,
    .example_count = TSR__COUNT(examples),
    .values_bytes = sizeof(tune_options),
    .run = tune,
};
