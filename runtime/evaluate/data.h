/* The files that tasks read, each read once, when a task first asks for it. */
#ifndef TESSERA_EVALUATE_DATA_H
#define TESSERA_EVALUATE_DATA_H

#include "runtime/evaluate/sentences.h"
#include "runtime/evaluate/wordnet.h"

typedef struct tsr__task_data {
  const char *folder; /* where the files lie; NULL = not said; borrowed */
  int has_sentences, has_wordnet;
  tsr__sentences sentences;
  tsr__wordnet wordnet;
} tsr__task_data;

/* Zero it but for the folder before the first use. */
void tsr__task_data_release(tsr__task_data *data);

/* *out belongs to data. */
tsr_status tsr__task_sentences(tsr__task_data *data, const tsr__sentences **out);
tsr_status tsr__task_wordnet(tsr__task_data *data, const tsr__wordnet **out);

#endif
