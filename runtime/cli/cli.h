/* What the subcommands share. */
#ifndef TESSERA_CLI_CLI_H
#define TESSERA_CLI_CLI_H

#include "runtime/cli/options.h"
#include "runtime/cli/output.h"
#include "runtime/cli/progress.h"
#include "tessera/tessera.h"

#define TSR_COMMAND(name, summary) extern const tsr__command tsr__cli_##name;
#include "runtime/cli/commands.inc"
#undef TSR_COMMAND

/* What there is to plan with. backend: tsr_backend; cuda fails without a GPU that can be used. */
tsr_status tsr__cli_hardware(int backend, tsr_hardware *out);
/* The same, on another device than the first, which later plans are for. */
tsr_status tsr__cli_hardware_of(int backend, int64_t device, tsr_hardware *out);

/* The threads to use: what was asked for, or with 0 the hardware's usable cores. */
int32_t tsr__cli_threads(int64_t asked, const tsr_hardware *hardware);

/* The row of --backend; `values` is the subcommand's struct with an int, a tsr_backend. */
#define TSR__ROW_BACKEND(values)                                                             \
  {                                                                                          \
    .kind = TSR__OPTION_CHOICE, .name = "backend", .argument = "cpu|cuda",                   \
    .help = "where to compute; cuda: in f16, on a GPU", .offset = offsetof(values, backend), \
    .fallback = "cpu"                                                                        \
  }
/* The row of --device: an int64_t. */
#define TSR__ROW_DEVICE(values)                                                     \
  {                                                                                 \
    .kind = TSR__OPTION_INTEGER, .name = "device", .argument = "N",                 \
    .help = "the GPU, as CUDA's driver counts them (tessera doctor lists them)",    \
    .offset = offsetof(values, device), .fallback = "0", .min = 0, .max = INT32_MAX \
  }

/* The row of the operand MODEL. */
#define TSR__ROW_MODEL(values)                                                           \
  {                                                                                      \
    .kind = TSR__OPTION_TEXT, .argument = "MODEL",                                       \
    .help =                                                                              \
        "a folder, a .safetensors file beside its config.json, or a preset with random " \
        "weights: minilm, bert-base, bert-large",                                        \
    .offset = offsetof(values, model), .required = 1                                     \
  }

/* A model and what it was made from. Zero it first; close takes it in any state. */
typedef struct tsr__opened {
  tsr_checkpoint *checkpoint; /* NULL for a preset */
  tsr_model *model;
} tsr__opened;

/* name: a folder, a file, or a preset's name. */
tsr_status tsr__cli_open_model(const char *name, tsr__opened *out);
void tsr__cli_close_model(tsr__opened *opened);

/* The vocabulary file, or with NULL vocab.txt beside the weights of the model called `name`.
 * otherwise: what the message proposes where there is none ("--vocab"). */
tsr_status tsr__cli_open_tokenizer(const char *name, const tsr__opened *opened,
                                   const char *vocabulary, const char *otherwise,
                                   tsr_tokenizer **out);

/* The coefficients that `tessera tune` saved for this machine, or *out = NULL (built-in ones) when
 * there are none. path: the file looked at, [TSR__PATH_MAX]. A broken file is an error. */
enum { TSR__PATH_MAX = 4096 };
tsr_status tsr__cli_load_tuning(const tsr_hardware *hardware, char *path, tsr_tuning **out);

#endif
