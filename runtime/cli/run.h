/* tessera run: what the runs of texts and of images share. */
#ifndef TESSERA_CLI_RUN_H
#define TESSERA_CLI_RUN_H

#include "runtime/cli/cli.h"

typedef struct tsr__run_options {
  const char *model, *file, *ids, *vocabulary, *output, *kernel;
  tsr__list texts, images;
  int pairs, format, pooling, no_normalise, hidden, logits, backend;
  int64_t batch, max_tokens, top, threads, device;
} tsr__run_options;

/* A run up to its plan. */
typedef struct tsr__run {
  const tsr__run_options *options;
  tsr_hardware hardware;
  tsr_tuning *tuning;
  tsr__opened opened;
} tsr__run;

/* What a plan is made with; max_tokens is the caller's to set. */
tsr_plan_options tsr__run_plan_options(const tsr__run *run);

tsr_status tsr__run_texts(const tsr__run *run);
tsr_status tsr__run_images(const tsr__run *run);

#endif
