/* Small ResNets whose weights come from a hash, as checkpoints on disk. The same hash makes the
 * weights of scripts/make_resnet_golden.py. */
#ifndef TESSERA_TESTS_SMALL_RESNET_H
#define TESSERA_TESTS_SMALL_RESNET_H

#include <stdint.h>

#include "tessera/checkpoint.h"

typedef struct small_resnet {
  const char *name; /* in tests/golden/resnet.txt */
  int bottleneck, imagenet, shrink;
  int64_t size, channels, stem, stages, depths[2], widths[2], classes;
} small_resnet;

enum { SMALL_RESNETS = 3 };
extern const small_resnet small_resnets[SMALL_RESNETS];

/* offset + scale x a number in [-0.5, 0.5) for each of count elements; free it. */
float *small_resnet_values(const char *name, int64_t count, double offset, double scale);

/* Writes model.safetensors (torchvision's names; convolutions 4-d) and config.json. dtype: F32 only
 * if the result is to be compared with the golden one. */
void small_resnet_save(const small_resnet *model, const char *folder);
/* Writes config.json alone, with key's value replaced by JSON text, or left out if NULL. */
void small_resnet_config(const small_resnet *model, const char *folder, const char *key,
                         const char *value);

#endif
