/* ResNets: their sizes, and the layers that follow from them. */
#ifndef TESSERA_MODEL_RESNET_H
#define TESSERA_MODEL_RESNET_H

#include "runtime/model/weights.h"

enum { TSR__RESNET_STAGES_MAX = 8 };

typedef struct tsr__resnet_config {
  int64_t image_size, channels; /* of square images */
  int64_t stem;                 /* filters of conv1 */
  int imagenet_stem;            /* 7x7 by 2 and maximum pooling by 2, or 3x3 alone */
  int bottleneck;               /* blocks of 1x1, 3x3, 1x1, or of two 3x3 */
  int shrink_first;             /* the first stage halves the image, as the others do */
  int stages;
  int64_t depths[TSR__RESNET_STAGES_MAX]; /* blocks */
  int64_t widths[TSR__RESNET_STAGES_MAX]; /* channels of their outputs */
  int64_t classes;
  float epsilon; /* of BatchNorm */
} tsr__resnet_config;

/* Fills an empty model. The widths within blocks are those of the tensors. */
tsr_status tsr__resnet_build(const tsr__resnet_config *config, tsr__weights *weights,
                             tsr_model *model);

/* Filters within a block and the convolution that alone reads them. Their order is left as it is.
 */
int tsr__resnet_pairs(const tsr_model *model, int64_t index, tsr__channels *out);

#endif
