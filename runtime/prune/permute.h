/* Orders of channels under which a pattern keeps more of the scores.
 *
 * A channel is an output feature of one weight and an input feature of the next, so that both can
 * be put into another order without any effect on what the model computes. */
#ifndef TESSERA_PRUNE_PERMUTE_H
#define TESSERA_PRUNE_PERMUTE_H

#include "tessera/prune.h"

/* Loops over fewer elements are not worth waking threads for. */
enum { TSR__PERMUTE_SERIAL = 1 << 16 };

/* A weight that the channels are an axis of. */
typedef struct tsr__channel_use {
  const float *scores; /* [rows, cols], >= 0, no NaN */
  int64_t rows, cols;
  int columns; /* 1: the channels are its columns, 0: its rows */
} tsr__channel_use;

/* order[i]: the channel that is to stand at place i, [channels]. Channels stay within their segment
 * of so many neighbours (which divides their number). Under N:M the order follows the uses as
 * columns; under block and block+N:M all uses; under V:N:M the uses as rows find the panels' rows
 * first, those as columns then the groups' columns (within a panel, if there are both). The order
 * is the identity where nothing better is found, and for the patterns that know no neighbours. The
 * search is bounded and deterministic; what the threads share does not depend on their number. */
tsr_status tsr__permute_channels(const tsr_pattern *pattern, double sparsity,
                                 const tsr__channel_use *uses, size_t count, int64_t segment,
                                 int32_t *order);

/* The other way: what was at place order[i] comes to place i. `in` and `out` do not overlap.
 * element_bytes: 2 or 4. */
void tsr__permute_rows(const void *in, int64_t rows, int64_t cols, size_t element_bytes,
                       const int32_t *order, void *out);
void tsr__permute_columns(const void *in, int64_t rows, int64_t cols, size_t element_bytes,
                          const int32_t *order, void *out);

/* ---- the two searches; order holds where they start, and what they found ---- */

/* Columns into groups of m of which every row keeps n. columns: [channels, rows], each column's
 * scores one after the other. */
tsr_status tsr__permute_groups(const float *columns, int64_t channels, int64_t rows, int32_t n,
                               int32_t m, int64_t segment, int32_t *order);

/* What is kept of features that channels share. Either `keep` of all (group, feature) pairs, or,
 * with keep < 0, in each group `n` of every `m` features. */
typedef struct tsr__feature_rule {
  int64_t first, end; /* of the features */
  int64_t keep;
  int32_t n, m;
} tsr__feature_rule;

/* Channels into groups of `group`, a group keeping or losing each feature as a whole. features:
 * [channels, width]. */
tsr_status tsr__permute_blocks(const float *features, int64_t channels, int64_t width,
                               const tsr__feature_rule *rules, size_t rule_count, int64_t group,
                               int64_t segment, int32_t *order);

#endif
