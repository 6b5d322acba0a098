/* Pruning with a look at what the layers read. */
#ifndef TESSERA_CLI_PRUNE_CALIBRATED_H
#define TESSERA_CLI_PRUNE_CALIBRATED_H

#include "runtime/cli/options.h"
#include "runtime/cli/prune_layer.h"

/* The options of a calibration; `values` is the subcommand's struct with a tsr__calibrate_values
 * called calibrate. */
typedef struct tsr__calibrate_values {
  tsr__list files;
  int64_t samples, max_tokens, seed;
} tsr__calibrate_values;

#define TSR__ROWS_CALIBRATE(values)                                                              \
  {.kind = TSR__OPTION_LIST,                                                                     \
   .letter = 'c',                                                                                \
   .name = "calibrate",                                                                          \
   .argument = "FILE",                                                                           \
   .help =                                                                                       \
       "what the model is meant for; may be given several times. Text, one sentence a line, or " \
       "hidden states as the first encoder layer reads them, .npy of [tokens, hidden] or "       \
       "[sequences, tokens, hidden]; for a ResNet images (IDX, .npy, PNG, PGM, PPM; .gz)",       \
   .offset = offsetof(values, calibrate.files)},                                                 \
      {.kind = TSR__OPTION_INTEGER,                                                              \
       .name = "samples",                                                                        \
       .argument = "N",                                                                          \
       .help = "lines, sequences or images to calibrate with, drawn from all of them",           \
       .offset = offsetof(values, calibrate.samples),                                            \
       .fallback = "256",                                                                        \
       .min = 1,                                                                                 \
       .max = 1 << 20},                                                                          \
      {.kind = TSR__OPTION_INTEGER,                                                              \
       .name = "max-tokens",                                                                     \
       .argument = "N",                                                                          \
       .help = "cut lines and sequences to so many tokens",                                      \
       .offset = offsetof(values, calibrate.max_tokens),                                         \
       .fallback = "64",                                                                         \
       .min = 2,                                                                                 \
       .max = 1 << 20},                                                                          \
  {                                                                                              \
    .kind = TSR__OPTION_INTEGER, .name = "seed", .argument = "N", .help = "of this choice",      \
    .offset = offsetof(values, calibrate.seed), .fallback = "1", .min = 0, .max = 4294967295     \
  }

/* What the checkpoint's model can read: images, or lines as its tokenizer reads them (vocab.txt
 * lies beside the weights), or hidden states from files called *.npy. */
tsr_status tsr__calibration_open(const tsr__calibrate_values *values,
                                 const tsr_checkpoint *checkpoint, tsr_calibration **out);

/* The model's layer that the tensor is the weight of. TSR_UNSUPPORTED: none. */
tsr_status tsr__calibrated_find(const tsr_model *model, const char *tensor, size_t *out);

/* Where a visit is. */
typedef struct tsr__calibrated_place {
  tsr_model *model;
  size_t index; /* of the model's layer */
  tsr__prune_layer *layer;
  const tsr_model *reference; /* the unpruned model; NULL if it is not run */
} tsr__calibrated_place;

/* matrix: [rows, cols], as tsr__prune_layer_matrix gives it; the model's from then on. */
tsr_status tsr__calibrated_set_weight(const tsr__calibrated_place *place, float *matrix);

/* A run of the model over the calibration, in which the layers are visited with the statistics of
 * their inputs. layers: [count]; one that the model does not run is TSR_UNSUPPORTED. */
typedef struct tsr__calibrated_run {
  const tsr_checkpoint *checkpoint;
  const tsr_calibration *calibration;
  tsr_statistics_kind statistics;
  int threads;
  tsr__prune_layer *layers;
  size_t count;
  const char *what; /* for the display of progress */
  /* Weight and bias of the layer in the model become what the layer then has, data or else values,
   * with shift and silent rows; if it has neither they stay. */
  tsr_status (*visit)(void *user, const tsr__calibrated_place *place,
                      const tsr_statistics *statistics);
  /* NULL, or called after the visit with the moments of the layer's output, also in the unpruned
   * model, which is run beside the other for that. Then, too, the model gets what the layer has. */
  tsr_status (*compare)(void *user, const tsr__calibrated_place *place, const tsr_moments *now,
                        const tsr_moments *wanted);
  int follow; /* statistics of a Gram matrix come with those of the unpruned model's input */
  void *user;
} tsr__calibrated_run;
tsr_status tsr__run_calibrated(const tsr__calibrated_run *run);

/* out: [run->count], zeroed, each to be freed: of a layer the variance of every feature of its
 * input in the model as it is, [columns]. run: as far as to its `count`. */
tsr_status tsr__calibrated_powers(const tsr__calibrated_run *run, float **out);

/* Gives the layers their sensitivities, if the rule lets rows or layers compete, the method looks
 * at what layers read, and the model is one of text. */
tsr_status tsr__calibrated_sensitivities(const tsr__prune_rule *rule,
                                         const tsr__calibrated_run *run);

/* As tsr__prune_layers, each layer fed by what is pruned before it. */
tsr_status tsr__prune_calibrated(const tsr__prune_rule *rule, int threads,
                                 const tsr_checkpoint *checkpoint,
                                 const tsr_calibration *calibration, tsr__prune_layer *layers,
                                 size_t count);

#endif
