#include "bench/variant.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "tessera/prune.h"

static int sparsity_is_fixed(const tsr_pattern *pattern) {
  return pattern->kind == TSR_PATTERN_DENSE || pattern->kind == TSR_PATTERN_NM ||
         pattern->kind == TSR_PATTERN_VNM;
}

static void add_pattern(const tsr_pattern *pattern, const double *sparsities, size_t count,
                        tsr__variants *out) {
  double least = tsr_pattern_fixed_sparsity(pattern);
  if (sparsity_is_fixed(pattern)) {
    out->items[out->count++] = (tsr__variant){*pattern, least, 0};
    return;
  }
  for (size_t s = 0; s < count; s++)
    if (sparsities[s] >= least)
      out->items[out->count++] = (tsr__variant){*pattern, sparsities[s], 0};
}

tsr_status tsr__variants_list(const tsr_pattern *patterns, size_t pattern_count,
                              const double *sparsities, size_t sparsity_count, int as_is,
                              tsr__variants *out) {
  *out = (tsr__variants){0};
  size_t most = pattern_count * (sparsity_count + 1) + 1;
  TSR_TRY(tsr__calloc(most, sizeof *out->items, "the variants", &out->items));
  for (size_t p = 0; p < pattern_count; p++)
    add_pattern(&patterns[p], sparsities, sparsity_count, out);
  if (as_is) out->items[out->count++] = (tsr__variant){.as_is = 1};
  if (out->count) return TSR_OK;
  tsr__variants_release(out);
  return tsr__error(TSR_INVALID_ARGUMENT, "none of the patterns can have any of the sparsities");
}

void tsr__variants_release(tsr__variants *variants) {
  if (!variants) return;
  free(variants->items);
  *variants = (tsr__variants){0};
}

static tsr_status prune(const tsr__variant *variant, int64_t rows, int64_t cols, float *weights,
                        float *scores, tsr_mask *mask) {
  TSR_TRY(tsr_prune_scores(TSR_METHOD_MAGNITUDE_L1, weights, rows, cols, scores));
  TSR_TRY(tsr_project(&variant->pattern, variant->sparsity, scores, rows, cols, mask));
  tsr_mask_apply(mask, weights, rows, cols);
  return TSR_OK;
}

tsr_status tsr__variant_pack(const tsr__variant *variant, const float *weights, int64_t rows,
                             int64_t cols, tsr_packed *out) {
  *out = (tsr_packed){0};
  size_t count = (size_t)rows * (size_t)cols;
  float *pruned = NULL, *scores = NULL;
  tsr_mask *mask = NULL;
  tsr_status status;
  TSR_TRY_GOTO(status, tsr__aligned(count, sizeof *pruned, "pruned weights", &pruned), done);
  TSR_TRY_GOTO(status, tsr__aligned(count, sizeof *scores, "scores", &scores), done);
  TSR_TRY_GOTO(status, tsr__aligned(count, sizeof *mask, "a mask", &mask), done);
  memcpy(pruned, weights, count * sizeof *pruned);
  if (variant->pattern.kind != TSR_PATTERN_DENSE)
    TSR_TRY_GOTO(status, prune(variant, rows, cols, pruned, scores, mask), done);
  tsr_matrix matrix = {pruned, TSR_DTYPE_F32, rows, cols, cols};
  status = tsr_pack(&matrix, tsr_pattern_format(&variant->pattern), &variant->pattern, out);
done:
  free(pruned);
  free(scores);
  free(mask);
  return status;
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
uint64_t tsr__random_next(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void tsr__random_floats(uint64_t seed, float *out, size_t count) {
  for (size_t i = 0; i < count; i++)
    out[i] = (float)(tsr__random_next(&seed) >> 40) * 0x1p-23f - 1.0f;
}
