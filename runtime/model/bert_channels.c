#include <stdio.h>

#include "runtime/model/bert.h"

/* Attention adds products of queries and keys over a head's channels, and its outputs are the
 * values' channels, weighted; GELU looks at one channel at a time. So none of the three cares about
 * the order. */
static const struct {
  const char *first, *second;
  int second_reads, inner;
} sets[] = {{"intermediate.dense", "output.dense", 1, 1},
            {"attention.self.value", "attention.output.dense", 1, 0},
            {"attention.self.query", "attention.self.key", 0, 0}};

enum { SETS = sizeof sets / sizeof *sets };

static void name_layer(tsr__channels *out, int64_t block, const char *name, int reads) {
  snprintf(out->layers[out->layer_count].name, sizeof out->layers[0].name, "encoder.layer.%lld.%s",
           (long long)block, name);
  out->layers[out->layer_count++].reads = reads;
}

int tsr__bert_channels(const tsr_model *model, int64_t index, tsr__channels *out) {
  const tsr_model_info *info = &model->info;
  int64_t block = index / SETS, set = index % SETS;
  if (block >= info->layers) return 0;
  *out = (tsr__channels){.count = info->hidden, .segment = info->hidden / info->heads};
  if (sets[set].inner) out->count = out->segment = info->intermediate;
  name_layer(out, block, sets[set].first, 0);
  name_layer(out, block, sets[set].second, sets[set].second_reads);
  return 1;
}
