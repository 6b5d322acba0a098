/* The bars of a ResNet-50 that went through the command: peak memory, and what it gains when half
 * of its filters are pruned and shrunk away. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bars.h"
#include "bench/harness.h"
#include "bench/model_runs.h"
#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/format/conv_order.h"
#include "runtime/model/resnet_norm.h"
#include "tessera/checkpoint.h"

enum { PATH_BYTES = 2048, COMMAND_BYTES = 8192, ROUNDS = 10, SIDE = 224 };

/* ---- the preset as a checkpoint, with torchvision's names ---- */

typedef struct exporter {
  tsr_checkpoint_writer *writer;
  void **owned; /* borrowed by the writer until it saves */
  size_t count;
} exporter;

static tsr_status keep(exporter *e, size_t floats, float **out) {
  TSR_TRY(tsr__aligned(floats, sizeof **out, "an exported tensor", out));
  e->owned[e->count++] = *out;
  return TSR_OK;
}

/* The BatchNorm that was folded in is one that only shifts. */
static tsr_status add_norm(exporter *e, const char *weight, const tsr_linear *linear) {
  static const char *const suffixes[] = {"weight", "bias", "running_mean", "running_var"};
  const int64_t rows = linear->weight.rows;
  for (int p = 0; p < 4; p++) {
    char name[TSR__CHANNEL_NAME_MAX];
    float *values;
    TSR_CHECK(tsr__resnet_norm_name(weight, suffixes[p], name), TSR_UNSUPPORTED,
              "%s: no BatchNorm goes with such a name", weight);
    TSR_TRY(keep(e, (size_t)rows, &values));
    for (int64_t r = 0; r < rows; r++) values[r] = p == 1 ? linear->bias[r] : p == 2 ? 0 : 1;
    TSR_TRY(tsr_checkpoint_writer_add(e->writer, name, TSR_DTYPE_F32, 1, &rows, values));
  }
  return TSR_OK;
}

static tsr_status add_conv(exporter *e, const char *name, const tsr_linear *linear) {
  const tsr_conv_shape *s = linear->conv;
  const int64_t shape[] = {linear->weight.rows, s->channels, s->kernel[0], s->kernel[1]};
  float *tensor;
  TSR_TRY(keep(e, (size_t)(linear->weight.rows * linear->weight.cols), &tensor));
  tsr__conv_from_matrix(linear->weight.values, sizeof *tensor, shape, tensor);
  TSR_TRY(tsr_checkpoint_writer_add(e->writer, name, TSR_DTYPE_F32, 4, shape, tensor));
  return add_norm(e, name, linear);
}

static tsr_status add_classifier(exporter *e, const tsr_linear *linear) {
  const int64_t shape[] = {linear->weight.rows, linear->weight.cols};
  TSR_TRY(tsr_checkpoint_writer_add(e->writer, "fc.weight", TSR_DTYPE_F32, 2, shape,
                                    linear->weight.values));
  return tsr_checkpoint_writer_add(e->writer, "fc.bias", TSR_DTYPE_F32, 1, shape, linear->bias);
}

static tsr_status add_layers(exporter *e, const tsr_model *model) {
  size_t layers = tsr_model_layer_count(model);
  TSR_TRY(tsr__calloc(5 * layers, sizeof *e->owned, "exported tensors", &e->owned));
  for (size_t i = 0; i < layers; i++) {
    const tsr_linear *linear = tsr_model_linear(model, i);
    char name[TSR__CHANNEL_NAME_MAX];
    snprintf(name, sizeof name, "%s.weight", tsr_model_layer_name(model, i));
    if (linear) TSR_TRY(linear->conv ? add_conv(e, name, linear) : add_classifier(e, linear));
  }
  return TSR_OK;
}

static tsr_status write_file(const char *path, const char *text, size_t zeros) {
  FILE *file = fopen(path, "w");
  TSR_CHECK(file, TSR_IO, "%s: cannot be written", path);
  fputs(text, file);
  for (size_t i = 0; i < zeros; i++) fputc(0, file);
  int bad = ferror(file);
  bad |= fclose(file);
  TSR_CHECK(!bad, TSR_IO, "%s: writing it failed", path);
  return TSR_OK;
}

static tsr_status export_resnet50(const char *parent) {
  static const char config[] =
      "{\"model_type\": \"resnet\", \"layer_type\": \"bottleneck\", \"embedding_size\": 64,\n"
      " \"hidden_sizes\": [256, 512, 1024, 2048], \"depths\": [3, 4, 6, 3]}\n";
  char path[PATH_BYTES];
  exporter e = {0};
  tsr_model *model;
  tsr_status status;
  snprintf(path, sizeof path, "%s/dense", parent);
  mkdir(path, 0777); /* where it exists already, writing into it tells */
  snprintf(path, sizeof path, "%s/dense/config.json", parent);
  TSR_TRY(write_file(path, config, 0));
  snprintf(path, sizeof path, "%s/dense/model.safetensors", parent);
  TSR_TRY(tsr_model_preset("resnet50", 1, &model));
  TSR_TRY_GOTO(status, tsr_checkpoint_writer_create(&e.writer), done);
  TSR_TRY_GOTO(status, add_layers(&e, model), done);
  status = tsr_checkpoint_writer_save(e.writer, path);
done:
  tsr_checkpoint_writer_destroy(e.writer);
  for (size_t i = 0; i < e.count; i++) free(e.owned[i]);
  free(e.owned);
  tsr_model_destroy(model);
  return status;
}

/* ---- the command ---- */

static tsr_status run_command(const char *command) {
  int status = system(command);
  TSR_CHECK(status == 0, TSR_IO, "%s: wait status %d", command, status);
  return TSR_OK;
}

/* Peak KiB of a command: measured in a process of its own, since the largest of all children
 * counts, and while this one is small, since a child begins with the peak of its parent. */
static tsr_status peak_of(const char *command, long *kib) {
  int ends[2];
  TSR_CHECK(!pipe(ends), TSR_IO, "pipe failed");
  pid_t child = fork();
  TSR_CHECK(child >= 0, TSR_IO, "fork failed");
  if (!child) {
    struct rusage usage;
    long peak = system(command) == 0 && !getrusage(RUSAGE_CHILDREN, &usage) ? usage.ru_maxrss : 0;
    _exit(write(ends[1], &peak, sizeof peak) != (ssize_t)sizeof peak);
  }
  close(ends[1]);
  ssize_t got = read(ends[0], kib, sizeof *kib);
  close(ends[0]);
  waitpid(child, NULL, 0);
  TSR_CHECK(got == (ssize_t)sizeof *kib && *kib > 0, TSR_IO, "%s: failed", command);
  return TSR_OK;
}

static tsr_status write_models(const char *tessera, const char *folder) {
  char command[COMMAND_BYTES], path[PATH_BYTES];
  TSR_TRY(export_resnet50(folder));
  snprintf(path, sizeof path, "%s/image.ppm", folder);
  TSR_TRY(write_file(path, "P6 224 224 255\n", (size_t)SIDE * SIDE * 3));
  snprintf(
      command, sizeof command,
      "t=$(realpath '%s') && cd '%s' && exec >log.txt && \"$t\" prune dense -o pruned -p "
      "block:16x16 -s 0.9 && \"$t\" pack pruned -o packed && \"$t\" prune dense -o rows -p row "
      "-s 0.5 && \"$t\" shrink rows -o small && \"$t\" pack small -o half",
      tessera, folder);
  return run_command(command);
}

/* In a process of its own, which becomes large. */
static tsr_status prepare(const char *tessera, const char *folder) {
  int status = 0;
  fflush(NULL);
  pid_t child = fork();
  TSR_CHECK(child >= 0, TSR_IO, "fork failed");
  if (!child) {
    tsr_status failed = write_models(tessera, folder);
    if (failed) fprintf(stderr, "tessera_bars: %s\n", tsr_last_error());
    _exit(failed != TSR_OK);
  }
  TSR_CHECK(waitpid(child, &status, 0) == child && status == 0, TSR_IO,
            "%s: the models could not be made", folder);
  return TSR_OK;
}

/* ---- the bars ---- */

/* Bytes of the largest input and output of one convolution together. */
static double largest_pair(const tsr_model *model) {
  int64_t most = 0;
  for (size_t i = 0; i < tsr_model_layer_count(model); i++) {
    const tsr_linear *linear = tsr_model_linear(model, i);
    const tsr_conv_shape *s = linear ? linear->conv : NULL;
    if (!s) continue;
    int64_t pixels = tsr_conv_output_size(s, 0) * tsr_conv_output_size(s, 1);
    int64_t floats = s->height * s->width * s->channels + pixels * linear->weight.rows;
    if (floats > most) most = floats;
  }
  return 4.0 * (double)most;
}

/* name: the model's folder in `folder`. */
static tsr_status measure_peak(const char *tessera, const char *folder, const char *name,
                               long *kib) {
  char command[COMMAND_BYTES];
  snprintf(command, sizeof command,
           "'%s' run '%s/%s' --image '%s/image.ppm' -t 1 --batch 1 >/dev/null", tessera, folder,
           name, folder);
  return peak_of(command, kib);
}

static tsr_status bar_memory(tsr__bars *bars, const char *folder, const char *name, double pair,
                             long kib) {
  char path[PATH_BYTES], what[96];
  struct stat info;
  snprintf(path, sizeof path, "%s/%s/model.safetensors", folder, name);
  TSR_CHECK(!stat(path, &info), TSR_NOT_FOUND, "%s: not found", path);
  snprintf(what, sizeof what, "tessera run, ResNet-50, %s: MB of memory at the peak", name);
  tsr__bars_print(bars, what, 1, (double)info.st_size / 1e6 + 2 * pair / 1e6 + 50,
                  (double)kib * 1024 / 1e6);
  return TSR_OK;
}

/* A model of a folder, planned as it is. */
typedef struct loaded {
  tsr_checkpoint *checkpoint;
  tsr_model *source, *working;
  tsr__model_run run;
} loaded;

static void unload(loaded *l) {
  tsr__model_run_release(&l->run);
  tsr_model_destroy(l->source);
  tsr_model_destroy(l->working);
  tsr_checkpoint_close(l->checkpoint);
}

static tsr_status load(const char *folder, const char *name, loaded *l) {
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  TSR_TRY(tsr_checkpoint_open(path, &l->checkpoint));
  TSR_TRY(tsr_model_load(l->checkpoint, &l->source));
  return tsr_model_load(l->checkpoint, &l->working);
}

static tsr_status plan(const tsr__bars *bars, const tsr__model_input *input, loaded *l) {
  static const tsr__variant as_it_is = {.as_is = 1};
  tsr__bench_options options = tsr__bars_options(bars, NULL);
  return tsr__model_run_create(l->source, l->working, &as_it_is, input, 1, &options, &l->run);
}

static tsr_status race_halves(tsr__bars *bars, loaded *dense, loaded *half) {
  tsr__contestant contestants[] = {{"half", tsr__model_run_execute, &half->run, NULL, 0},
                                   {"dense", tsr__model_run_execute, &dense->run, NULL, 0}};
  tsr__race_options options = {TSR_CACHE_WARM, ROUNDS, 1, NULL, NULL};
  tsr__race_result result;
  double speedup;
  TSR_TRY(tsr__race(contestants, 2, &options, &result));
  tsr_status status = tsr__race_speedup(&result, 0, 1, &speedup);
  if (status == TSR_OK)
    tsr__bars_print(bars, "ResNet-50, half of the filters, shrunk: speedup over own dense", 0, 1.8,
                    speedup);
  tsr__race_release(&result);
  return status;
}

tsr_status tsr__bars_images(tsr__bars *bars, const char *tessera, const char *folder) {
  loaded dense = {0}, half = {0};
  tsr__model_input input = {0};
  long packed_kib, dense_kib;
  tsr_status status;
  TSR_TRY(prepare(tessera, folder));
  TSR_TRY(measure_peak(tessera, folder, "packed", &packed_kib));
  TSR_TRY(measure_peak(tessera, folder, "dense", &dense_kib));
  TSR_TRY_GOTO(status, load(folder, "dense", &dense), done);
  TSR_TRY_GOTO(status, load(folder, "half", &half), done);
  double pair = largest_pair(dense.source);
  TSR_TRY_GOTO(status, bar_memory(bars, folder, "packed", pair, packed_kib), done);
  TSR_TRY_GOTO(status, bar_memory(bars, folder, "dense", pair, dense_kib), done);
  TSR_TRY_GOTO(status, tsr__model_input_create(tsr_model_get_info(dense.source), 1, 1, &input),
               done);
  TSR_TRY_GOTO(status, plan(bars, &input, &dense), done);
  TSR_TRY_GOTO(status, plan(bars, &input, &half), done);
  status = race_halves(bars, &dense, &half);
done:
  unload(&dense);
  unload(&half);
  tsr__model_input_release(&input);
  return status;
}
