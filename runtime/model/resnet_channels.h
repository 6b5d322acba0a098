/* Which channels the tensors of a ResNet's checkpoint share, and which of them do nothing. */
#ifndef TESSERA_MODEL_RESNET_CHANNELS_H
#define TESSERA_MODEL_RESNET_CHANNELS_H

#include "runtime/model/resnet_norm.h"

enum { TSR__NO_GROUP = -1, TSR__CHANNEL_STAGES_MAX = 8 };

/* Channels that go from some layers to others. Residual sums make one group of all that is added.
 */
typedef struct tsr__channel_group {
  int64_t count, alive_count;
  uint8_t *alive; /* [count] */
} tsr__channel_group;

/* The groups that a tensor's first two dimensions belong to; TSR__NO_GROUP = none. */
typedef struct tsr__channel_role {
  int32_t rows, cols;
} tsr__channel_role;

typedef struct tsr__channels {
  const tsr_checkpoint *checkpoint; /* borrowed */
  tsr__channel_role *roles;         /* [tensors of the checkpoint] */
  tsr__channel_group *groups;
  int32_t group_count;
  int32_t stem;                            /* the group behind the first convolution */
  int32_t stages[TSR__CHANNEL_STAGES_MAX]; /* the groups behind the stages */
  int32_t stage_count;
  /* The rest is private. */
  struct tsr__channel_conv *convs;
  size_t conv_count;
} tsr__channels;

/* Finds the groups by torchvision's names, and what is alive: a channel is dead if no layer reads
 * it, or if whatever is added up in it is at most 0 in front of the ReLU, for every input. Removing
 * dead channels changes no result. epsilon: BatchNorm's. Plain tensors only. Zero out first;
 * release takes it in any state. */
tsr_status tsr__resnet_channels(const tsr_checkpoint *checkpoint, double epsilon,
                                tsr__channels *out);
void tsr__channels_release(tsr__channels *channels);

#endif
