/* Whole features of a matrix's input; the two ways of tsr_prune_features. */
#ifndef TESSERA_PRUNE_FEATURES_H
#define TESSERA_PRUNE_FEATURES_H

#include "runtime/prune/method.h"

/* kept: [features], 1 everywhere; `going` of them become 0. cols is a multiple of features. */

/* By what is lost once the other columns have made up for it; they do. */
tsr_status tsr__eliminate_features(const tsr__prune_task *task, int64_t features, int64_t going,
                                   uint8_t *kept);
/* By the sum of scores[rows, cols]; nothing makes up for it. */
tsr_status tsr__drop_features(const tsr__prune_task *task, const float *scores, int64_t features,
                              int64_t going, uint8_t *kept);

#endif
