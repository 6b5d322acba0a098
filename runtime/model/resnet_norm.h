/* What a BatchNorm makes of the filters before it. */
#ifndef TESSERA_MODEL_RESNET_NORM_H
#define TESSERA_MODEL_RESNET_NORM_H

#include "tessera/checkpoint.h"

enum { TSR__CHANNEL_NAME_MAX = 256 };

/* "P.bn1.SUFFIX" for the weight "P.conv1.weight", "P.downsample.1.SUFFIX" for
 * "P.downsample.0.weight". 0 if the name is neither. */
int tsr__resnet_norm_name(const char *weight, const char *suffix, char out[TSR__CHANNEL_NAME_MAX]);

/* *out: [filters], to be freed: gamma / sqrt(variance + epsilon) of the BatchNorm behind these
 * filters, by which the model multiplies them. TSR_NOT_FOUND if there is none. */
tsr_status tsr__resnet_norm_factors(const tsr_checkpoint *checkpoint, const tsr_tensor *filters,
                                    float **out);

#endif
