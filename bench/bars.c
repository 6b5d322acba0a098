/* tessera_bars PART ...: measures the bars of layers, cold, tokens, models, conv, images or run. */
#include "bench/bars.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/status.h"

void tsr__bars_print(tsr__bars *bars, const char *what, int at_most, double required,
                     double measured) {
  int reached = at_most ? measured <= required : measured >= required;
  reached ? bars->reached++ : bars->missed++;
  printf("%-72s %s %6.3f  measured %6.3f  %s\n", what, at_most ? "<=" : ">=", required, measured,
         reached ? "reached" : "MISSED");
  fflush(stdout);
}

tsr__bench_options tsr__bars_options(const tsr__bars *bars, const tsr__baseline *baseline) {
  return (tsr__bench_options){.min_rounds = 20,
                              .min_seconds = 0.2,
                              .hardware = &bars->hardware,
                              .tuning = bars->tuning,
                              .baseline = baseline,
                              .baseline_version = ""};
}

static tsr_status prepare(tsr__bars *bars) {
  const char *version;
  if (bars->avx2) {
    /* Read by Tessera at each detection, by oneDNN when it is first called. What TESSERA_TUNING
     * names was measured on the whole CPU. */
    TSR_CHECK(!setenv("TESSERA_MAX_ISA", "avx2", 1) && !setenv("DNNL_MAX_CPU_ISA", "AVX2", 1) &&
                  !unsetenv("TESSERA_TUNING"),
              TSR_OUT_OF_MEMORY, "out of memory: the environment");
  }
  TSR_TRY(tsr_hardware_detect(&bars->hardware));
  TSR_TRY(tsr__baseline_onednn.open(&version));
  printf("# %s, oneDNN %s%s\n", bars->hardware.name, version,
         bars->avx2 ? ", both held to AVX2" : "");
  char path[4096];
  TSR_TRY(tsr_tuning_default_path(&bars->hardware, path, sizeof path));
  tsr_status status = tsr_tuning_load(path, &bars->hardware, &bars->tuning);
  if (status == TSR_OK || status == TSR_NOT_FOUND) {
    printf("# cost model: %s\n", status == TSR_OK ? path : "built-in coefficients");
    return TSR_OK;
  }
  return status;
}

typedef struct {
  const char *part, *first, *second; /* NULL = not given */
} arguments;

static tsr_status measure(tsr__bars *bars, const arguments *a) {
  if (!strcmp(a->part, "run")) {
    TSR_CHECK(a->first && a->second, TSR_INVALID_ARGUMENT, "run: TESSERA and FOLDER are needed");
    return tsr__bars_run(bars, a->first, a->second);
  }
  if (!strcmp(a->part, "images")) {
    TSR_CHECK(a->first && a->second, TSR_INVALID_ARGUMENT, "images: TESSERA and FOLDER are needed");
    TSR_TRY(prepare(bars));
    return tsr__bars_images(bars, a->first, a->second);
  }
  bars->avx2 = a->first && !strcmp(a->first, "avx2");
  TSR_TRY(prepare(bars));
  if (!strcmp(a->part, "layers")) return tsr__bars_layers(bars);
  if (!strcmp(a->part, "cold")) return tsr__bars_cold(bars);
  if (!strcmp(a->part, "tokens")) return tsr__bars_tokens(bars);
  if (!strcmp(a->part, "models")) return tsr__bars_models(bars, bars->avx2 ? a->second : a->first);
  const char *rest = bars->avx2 ? a->second : a->first;
  if (!strcmp(a->part, "conv")) {
    TSR_CHECK(rest, TSR_INVALID_ARGUMENT, "conv: SHAPES or a preset is needed");
    return strchr(rest, '.') ? tsr__bars_conv_layers(bars, rest) : tsr__bars_conv_model(bars, rest);
  }
  return tsr__error(TSR_INVALID_ARGUMENT,
                    "%s is none of layers, cold, tokens, models, conv, images, run", a->part);
}

static void usage(FILE *out) {
  fputs(
      "usage: tessera_bars layers|cold|tokens [avx2]\n"
      "       tessera_bars models [avx2] [MODEL]\n"
      "       tessera_bars conv [avx2] SHAPES.txt|resnet50|resnet18\n"
      "       tessera_bars images TESSERA FOLDER_TO_WRITE_TO\n"
      "       tessera_bars run TESSERA PACKED_MODEL_FOLDER\n"
      "Says of each bar what was required and measured; avx2 holds both sides to AVX2.\n"
      "scripts/bars.sh measures all of them.\n",
      out);
}

int main(int argc, char **argv) {
  if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
    usage(stdout);
    return 0;
  }
  if (argc < 2) {
    usage(stderr);
    return tsr_status_exit_code(TSR_INVALID_ARGUMENT);
  }
  arguments a = {argv[1], argc > 2 ? argv[2] : NULL, argc > 3 ? argv[3] : NULL};
  tsr__bars bars = {0};
  tsr_status status = measure(&bars, &a);
  tsr_tuning_destroy(bars.tuning);
  if (status == TSR_OK)
    printf("# %d reached, %d missed\n", bars.reached, bars.missed);
  else
    fprintf(stderr, "tessera_bars: %s\n", tsr_last_error());
  return tsr_status_exit_code(status);
}
