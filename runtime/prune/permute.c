#include "runtime/prune/permute.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

static int64_t channels_of(const tsr__channel_use *use) {
  return use->columns ? use->cols : use->rows;
}
static int64_t others_of(const tsr__channel_use *use) {
  return use->columns ? use->rows : use->cols;
}

/* The score where channel c meets feature f of the other axis. */
static float score_at(const tsr__channel_use *use, int64_t c, int64_t f) {
  return use->columns ? use->scores[f * use->cols + c] : use->scores[c * use->cols + f];
}

/* out[c, first + f] = the sum of channel c's scores in the features `span` f .. span (f + 1) - 1.
 */
static void add_features(const tsr__channel_use *use, int64_t span, int64_t first, int64_t width,
                         float *out) {
  int64_t others = others_of(use);
#pragma omp parallel for schedule(static) if (channels_of(use) * others > TSR__PERMUTE_SERIAL)
  for (int64_t c = 0; c < channels_of(use); c++) {
    float *sum = out + c * width + first;
    for (int64_t f = 0; f < others; sum++)
      for (int64_t end = f + span < others ? f + span : others; f < end; f++)
        *sum += score_at(use, c, f);
  }
}

static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* ---- block, block+N:M ---- */

/* Blocks of the use along the channels; 0 if the pattern's blocks are of another height. */
static int64_t group_of(const tsr_pattern *pattern, const tsr__channel_use *use) {
  return use->columns ? pattern->block_cols : pattern->block_rows;
}

static tsr_status permute_blocks(const tsr_pattern *pattern, double sparsity,
                                 const tsr__channel_use *uses, size_t count, int64_t segment,
                                 int32_t *order) {
  enum { USES_MAX = 8 };
  tsr__feature_rule rules[USES_MAX];
  int64_t channels = channels_of(uses), group = group_of(pattern, uses), width = 0;
  double share = 1 - sparsity;
  if (pattern->kind == TSR_PATTERN_BLOCK_NM) share *= (double)pattern->m / pattern->n;
  for (size_t i = 0; i < count; i++) {
    int64_t span = uses[i].columns ? pattern->block_rows : pattern->block_cols;
    if (span < 1 || group < 1 || group_of(pattern, &uses[i]) != group || i == USES_MAX)
      return TSR_OK;
    int64_t features = divide_up(others_of(&uses[i]), span), blocks = channels / group * features;
    rules[i] = (tsr__feature_rule){.first = width,
                                   .end = width + features,
                                   .keep = blocks - llround((1 - share) * (double)blocks)};
    width += features;
  }
  float *features;
  TSR_TRY(tsr__calloc((size_t)(channels * width), sizeof *features, "a permutation", &features));
  for (size_t i = 0; i < count; i++)
    add_features(&uses[i], uses[i].columns ? pattern->block_rows : pattern->block_cols,
                 rules[i].first, width, features);
  tsr_status status =
      tsr__permute_blocks(features, channels, width, rules, count, group, segment, order);
  free(features);
  return status;
}

/* ---- N:M and V:N:M ---- */

/* The columns' scores one after the other, summed over panels of v rows. */
static tsr_status gather_columns(const tsr__channel_use *uses, size_t count, int64_t v, float **out,
                                 int64_t *rows) {
  *rows = 0;
  for (size_t i = 0; i < count; i++)
    if (uses[i].columns) *rows += divide_up(uses[i].rows, v);
  int64_t channels = channels_of(uses), first = 0;
  TSR_TRY(tsr__calloc((size_t)(channels * *rows), sizeof **out, "a permutation", out));
  for (size_t i = 0; i < count; i++) {
    if (!uses[i].columns) continue;
    add_features(&uses[i], v, first, *rows, *out);
    first += divide_up(uses[i].rows, v);
  }
  return TSR_OK;
}

static tsr_status permute_columns(const tsr__channel_use *uses, size_t count, int64_t v, int32_t n,
                                  int32_t m, int64_t segment, int32_t *order) {
  float *columns;
  int64_t rows;
  TSR_TRY(gather_columns(uses, count, v, &columns, &rows));
  tsr_status status = TSR_OK;
  if (rows) status = tsr__permute_groups(columns, channels_of(uses), rows, n, m, segment, order);
  free(columns);
  return status;
}

/* Which rows share a panel, by the columns that the panel would keep. */
static tsr_status permute_panels(const tsr_pattern *pattern, const tsr__channel_use *uses,
                                 size_t count, int64_t segment, int32_t *order, int *has_rows) {
  int64_t width = 0, channels = channels_of(uses);
  enum { USES_MAX = 8 };
  tsr__feature_rule rules[USES_MAX];
  size_t used = 0;
  float *features;
  for (size_t i = 0; i < count && used < USES_MAX; i++) {
    if (uses[i].columns) continue;
    rules[used++] = (tsr__feature_rule){
        .first = width, .end = width + uses[i].cols, .keep = -1, .n = 4, .m = pattern->m};
    width += uses[i].cols;
  }
  *has_rows = used > 0;
  if (!used) return TSR_OK;
  TSR_TRY(tsr__calloc((size_t)(channels * width), sizeof *features, "a permutation", &features));
  used = 0;
  for (size_t i = 0; i < count && used < USES_MAX; i++)
    if (!uses[i].columns) add_features(&uses[i], 1, rules[used++].first, width, features);
  tsr_status status =
      tsr__permute_blocks(features, channels, width, rules, used, pattern->v, segment, order);
  free(features);
  return status;
}

static tsr_status permute_vnm(const tsr_pattern *pattern, const tsr__channel_use *uses,
                              size_t count, int64_t segment, int32_t *order) {
  int has_rows;
  TSR_TRY(permute_panels(pattern, uses, count, segment, order, &has_rows));
  int64_t inside =
      has_rows && segment % pattern->v == 0 && segment > pattern->v ? pattern->v : segment;
  if (inside % pattern->m) return TSR_OK;
  return permute_columns(uses, count, pattern->v, 4, pattern->m, inside, order);
}

tsr_status tsr__permute_channels(const tsr_pattern *pattern, double sparsity,
                                 const tsr__channel_use *uses, size_t count, int64_t segment,
                                 int32_t *order) {
  TSR_CHECK(count > 0, TSR_INVALID_ARGUMENT, "a permutation of channels that nothing uses");
  int64_t channels = channels_of(uses);
  for (size_t i = 0; i < count; i++)
    TSR_CHECK(channels_of(&uses[i]) == channels, TSR_INVALID_ARGUMENT,
              "weights of %lld and %lld channels are to be permuted together", (long long)channels,
              (long long)channels_of(&uses[i]));
  TSR_CHECK(segment > 0 && channels % segment == 0, TSR_INVALID_ARGUMENT,
            "%lld channels are no multiple of segments of %lld", (long long)channels,
            (long long)segment);
  for (int64_t i = 0; i < channels; i++) order[i] = (int32_t)i;
  if (pattern->kind == TSR_PATTERN_BLOCK || pattern->kind == TSR_PATTERN_BLOCK_NM)
    return permute_blocks(pattern, sparsity, uses, count, segment, order);
  if (pattern->kind == TSR_PATTERN_NM && segment % pattern->m == 0)
    return permute_columns(uses, count, 1, pattern->n, pattern->m, segment, order);
  if (pattern->kind == TSR_PATTERN_VNM) return permute_vnm(pattern, uses, count, segment, order);
  return TSR_OK;
}

void tsr__permute_rows(const void *in, int64_t rows, int64_t cols, size_t element_bytes,
                       const int32_t *order, void *out) {
  size_t bytes = (size_t)cols * element_bytes;
  for (int64_t r = 0; r < rows; r++)
    memcpy((char *)out + (size_t)r * bytes, (const char *)in + (size_t)order[r] * bytes, bytes);
}

void tsr__permute_columns(const void *in, int64_t rows, int64_t cols, size_t element_bytes,
                          const int32_t *order, void *out) {
  size_t bytes = (size_t)cols * element_bytes;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < cols; c++)
      memcpy((char *)out + (size_t)r * bytes + (size_t)c * element_bytes,
             (const char *)in + (size_t)r * bytes + (size_t)order[c] * element_bytes,
             element_bytes);
}
