/* Checkpoints as folders: where a result goes, and the files that travel with the weights. */
#ifndef TESSERA_CLI_FILES_H
#define TESSERA_CLI_FILES_H

#include "tessera/checkpoint.h"

/* Where a checkpoint is written. */
typedef struct tsr__target {
  char *folder;  /* NULL if OUT is a single file */
  char *weights; /* the .safetensors file */
} tsr__target;

/* OUT that ends in .safetensors is a file, anything else a folder (made now if need be, so that
 * a mistake shows before the work). Refuses an OUT that is IN or a part of it. */
tsr_status tsr__target_open(const tsr_checkpoint *checkpoint, const char *in, const char *out,
                            tsr__target *target);
void tsr__target_close(tsr__target *target); /* an all-zero one is fine */

/* Copies config.json, vocabulary, tokenizer and pooling files from the checkpoint's folder, as far
 * as they are there, into the target's folder. */
tsr_status tsr__target_copy_side_files(const tsr_checkpoint *checkpoint, const tsr__target *target);

#endif
