#include "runtime/cli/permute.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/cli/parallel.h"
#include "runtime/model/model.h"
#include "runtime/prune/permute.h"

enum { LAYERS = 2 };

/* One set of channels, and the tensors that they are an axis of. */
typedef struct channel_set {
  tsr__channels channels;
  const tsr_tensor *weights[LAYERS], *biases[LAYERS]; /* a bias may be NULL */
  const tsr__permute_weight *pruned[LAYERS];          /* NULL: not to be pruned */
  int32_t *order;                                     /* [channels.count] */
  void *data[2 * LAYERS]; /* the weights and then the biases, reordered */
} channel_set;

typedef struct permute_work {
  const tsr__prune_rule *rule;
  const tsr__permute_weight *weights; /* [weight_count] */
  size_t weight_count;
  channel_set *sets;
  size_t count;
} permute_work;

/* ---- finding the tensors ---- */

static const tsr_tensor *find(const tsr_checkpoint *checkpoint, const char *layer,
                              const char *suffix) {
  static const char *const prefixes[] = {"", "bert."};
  for (size_t i = 0; i < 2; i++) {
    char name[TSR__LAYER_NAME_MAX + 16];
    snprintf(name, sizeof name, "%s%s.%s", prefixes[i], layer, suffix);
    const tsr_tensor *tensor = tsr_checkpoint_find(checkpoint, name);
    if (tensor) return tensor;
  }
  return NULL;
}

static size_t element_bytes(const tsr_tensor *tensor) {
  return (size_t)tsr_dtype_bits(tensor->dtype) / 8;
}

static tsr_status find_tensors(const tsr_checkpoint *checkpoint, const permute_work *work,
                               channel_set *set) {
  for (int i = 0; i < set->channels.layer_count; i++) {
    const char *layer = set->channels.layers[i].name;
    set->weights[i] = find(checkpoint, layer, "weight");
    TSR_CHECK(set->weights[i], TSR_UNSUPPORTED, "%s: only a plain weight can be reordered", layer);
    if (!set->channels.layers[i].reads) set->biases[i] = find(checkpoint, layer, "bias");
    for (size_t t = 0; t < work->weight_count; t++)
      if (work->weights[t].tensor == set->weights[i]) set->pruned[i] = &work->weights[t];
  }
  return TSR_OK;
}

static tsr_status list_sets(const tsr_checkpoint *checkpoint, const tsr_model *model,
                            permute_work *work) {
  tsr__channels channels;
  size_t sets = 0;
  while (tsr__model_channels(model, (int64_t)sets, &channels) && channels.segment > 1) sets++;
  TSR_CHECK(sets, TSR_UNSUPPORTED, "--permute: no channels of a free order are known of %s models",
            tsr_model_get_info(model)->family);
  TSR_TRY(tsr__calloc(sets, sizeof *work->sets, "the channels", &work->sets));
  for (size_t i = 0; i < sets; i++) {
    channel_set *set = &work->sets[work->count++];
    tsr__model_channels(model, (int64_t)i, &set->channels);
    TSR_TRY(find_tensors(checkpoint, work, set));
  }
  return TSR_OK;
}

/* ---- one set ---- */

/* What every weight is worth; the caller frees it. */
static tsr_status score(const tsr__permute_weight *weight, float **out) {
  const tsr_tensor *tensor = weight->tensor;
  const float *powers = weight->powers, *sensitivities = weight->sensitivities;
  size_t elements = (size_t)tensor->shape[0] * (size_t)tensor->shape[1];
  TSR_TRY(tsr__aligned(elements, sizeof **out, tensor->name, out));
  TSR_TRY(tsr_tensor_to_f32(tensor, *out, elements));
  if (!powers)
    return tsr_prune_scores(TSR_METHOD_MAGNITUDE_L1, *out, tensor->shape[0], tensor->shape[1],
                            *out);
  size_t cols = (size_t)tensor->shape[1];
  for (size_t i = 0; i < elements; i++)
    (*out)[i] *= (*out)[i] * powers[i % cols] * (sensitivities ? sensitivities[i / cols] : 1);
  return TSR_OK;
}

static tsr_status find_order(const tsr__prune_rule *rule, channel_set *set) {
  tsr__channel_use uses[LAYERS];
  float *scores[LAYERS] = {NULL};
  size_t used = 0;
  tsr_status status = TSR_OK;
  double sparsity =
      rule->sparsity >= 0 ? rule->sparsity : tsr_pattern_fixed_sparsity(&rule->pattern);
  for (int i = 0; i < set->channels.layer_count && status == TSR_OK; i++) {
    if (!set->pruned[i]) continue;
    const tsr_tensor *tensor = set->weights[i];
    status = score(set->pruned[i], &scores[used]);
    uses[used] = (tsr__channel_use){scores[used], tensor->shape[0], tensor->shape[1],
                                    set->channels.layers[i].reads};
    used++;
  }
  if (status == TSR_OK && used)
    status = tsr__permute_channels(&rule->pattern, sparsity, uses, used, set->channels.segment,
                                   set->order);
  for (int i = 0; i < LAYERS; i++) free(scores[i]);
  return status;
}

static tsr_status reorder(channel_set *set) {
  for (int i = 0; i < set->channels.layer_count; i++) {
    const tsr_tensor *weight = set->weights[i], *bias = set->biases[i];
    int64_t rows = weight->shape[0], cols = weight->shape[1];
    TSR_TRY(tsr__aligned(weight->bytes, 1, weight->name, &set->data[i]));
    if (set->channels.layers[i].reads)
      tsr__permute_columns(weight->data, rows, cols, element_bytes(weight), set->order,
                           set->data[i]);
    else
      tsr__permute_rows(weight->data, rows, cols, element_bytes(weight), set->order, set->data[i]);
    if (!bias) continue;
    TSR_TRY(tsr__aligned(bias->bytes, 1, bias->name, &set->data[LAYERS + i]));
    tsr__permute_rows(bias->data, rows, 1, element_bytes(bias), set->order, set->data[LAYERS + i]);
  }
  return TSR_OK;
}

static tsr_status permute_set(void *user, size_t index) {
  permute_work *work = user;
  channel_set *set = &work->sets[index];
  TSR_TRY(tsr__calloc((size_t)set->channels.count, sizeof *set->order, "an order", &set->order));
  for (int64_t i = 0; i < set->channels.count; i++) set->order[i] = (int32_t)i;
  tsr_status status = find_order(work->rule, set);
  if (status == TSR_OK) status = reorder(set);
  return status == TSR_OK ? status : tsr__error_prefix(status, "%s", set->channels.layers[0].name);
}

/* ---- all sets ---- */

static tsr_status replace(tsr_checkpoint *checkpoint, channel_set *set) {
  for (int i = 0; i < 2 * LAYERS; i++) {
    void *data = set->data[i];
    if (!data) continue;
    set->data[i] = NULL;
    TSR_TRY(tsr__checkpoint_replace(checkpoint,
                                    i < LAYERS ? set->weights[i] : set->biases[i - LAYERS], data));
  }
  return TSR_OK;
}

/* Each tensor is in one set, of which all can be read before any is replaced. */
static tsr_status permute_all(permute_work *work, int threads, tsr_checkpoint *checkpoint) {
  TSR_TRY(tsr__parallel("reordering", threads, work->count, permute_set, work));
  for (size_t i = 0; i < work->count; i++) TSR_TRY(replace(checkpoint, &work->sets[i]));
  return TSR_OK;
}

tsr_status tsr__permute_checkpoint(const tsr__prune_rule *rule, int threads,
                                   tsr_checkpoint *checkpoint, const tsr__permute_weight *weights,
                                   size_t count) {
  tsr_model *model;
  permute_work work = {.rule = rule, .weights = weights, .weight_count = count};
  TSR_TRY(tsr_model_load(checkpoint, &model));
  tsr_status status = list_sets(checkpoint, model, &work);
  tsr_model_destroy(model);
  if (status == TSR_OK) status = permute_all(&work, threads, checkpoint);
  for (size_t i = 0; i < work.count; i++) {
    free(work.sets[i].order);
    for (int j = 0; j < 2 * LAYERS; j++) free(work.sets[i].data[j]);
  }
  free(work.sets);
  return status;
}
