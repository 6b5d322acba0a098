/* Models, opened and planned to be evaluated. */
#ifndef TESSERA_CLI_EVALUATE_SUBJECT_H
#define TESSERA_CLI_EVALUATE_SUBJECT_H

#include <jansson.h>

#include "runtime/cli/cli.h"
#include "runtime/evaluate/evaluate.h"

/* Zero it first; close takes it in any state. */
typedef struct tsr__cli_subject {
  tsr__opened opened;
  tsr_tokenizer *tokenizer;
  tsr__subject *subject;
  tsr__progress progress;
  const char *computing; /* what the progress is of; NULL = none is shown */
} tsr__cli_subject;

/* name, vocabulary (or NULL) and linear are borrowed until close; shows progress. */
tsr_status tsr__cli_subject_open(const char *name, const char *vocabulary,
                                 const tsr_plan_options *linear, tsr__cli_subject *out);
void tsr__cli_subject_close(tsr__cli_subject *subject);

/* {"task": ..., "count": ..., "metrics": {NAME: {"value": ..., "low": ..., "high": ...}}}, an
 * unknown number being null; NULL when out of memory. */
json_t *tsr__evaluation_json(const tsr__evaluation *evaluation);

#endif
