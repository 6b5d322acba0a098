#include "runtime/prune/method.h"

#include <math.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

static const struct {
  const char *name;
  void (*score)(const float *weights, int64_t count, float *scores);
} table[TSR_METHOD_COUNT] = {
#define TSR__METHOD(enumerator, text, function) [TSR_METHOD_##enumerator] = {text, function},
#include "runtime/prune/methods.inc"
#undef TSR__METHOD
};

const char *tsr_prune_method_name(tsr_prune_method method) {
  return (unsigned)method < TSR_METHOD_COUNT ? table[method].name : "unknown";
}

tsr_status tsr_prune_method_parse(const char *name, tsr_prune_method *out) {
  TSR_CHECK(name && out, TSR_INVALID_ARGUMENT, "tsr_prune_method_parse: an argument is NULL");
  for (int i = 0; i < TSR_METHOD_COUNT; i++)
    if (!strcmp(name, table[i].name)) {
      *out = (tsr_prune_method)i;
      return TSR_OK;
    }
  return tsr__error(TSR_INVALID_ARGUMENT, "unknown pruning method '%s'", name);
}

tsr_status tsr_prune_scores(tsr_prune_method method, const float *weights, int64_t rows,
                            int64_t cols, float *scores) {
  int64_t size;
  TSR_CHECK((unsigned)method < TSR_METHOD_COUNT, TSR_INVALID_ARGUMENT,
            "tsr_prune_scores: method %d does not exist", (int)method);
  TSR_CHECK(tsr__mul_i64(rows, cols, &size), TSR_INVALID_ARGUMENT,
            "tsr_prune_scores: the weights are %lld x %lld", (long long)rows, (long long)cols);
  TSR_CHECK((weights && scores) || !size, TSR_INVALID_ARGUMENT,
            "tsr_prune_scores: weights or scores is NULL");
  for (int64_t i = 0; i < size; i++)
    TSR_CHECK(!isnan(weights[i]), TSR_INVALID_ARGUMENT,
              "tsr_prune_scores: the weight of row %lld, column %lld is NaN", (long long)(i / cols),
              (long long)(i % cols));
  if (size) table[method].score(weights, size, scores);
  return TSR_OK;
}

void tsr_mask_apply(const tsr_mask *mask, float *weights, int64_t rows, int64_t cols) {
  int64_t size;
  if (!mask || !weights || !tsr__mul_i64(rows, cols, &size)) return;
  for (int64_t i = 0; i < size; i++)
    if (!mask[i]) weights[i] = 0.0f;
}
