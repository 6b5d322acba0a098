#include "runtime/cli/weights.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/format/format.h"

static const char weight_suffix[] = ".weight";

/* Matrices that are looked up or used once a sentence: pruning them costs quality, saves no time.
 */
static const char *const not_layers[] = {"*embeddings*", "*pooler*", "cls.*", "*classifier*",
                                         "fc.*"};

/* Filters of so few channels look at an image: they are cheap, and everything depends on them. */
enum { IMAGE_CHANNELS_MAX = 4 };

/* Where in a tensor's name "P.<key>.<array>" the part "<key>." of a packed format begins; NULL for
 * a plain tensor. */
static const char *packed_part(const char *name) {
  const char *array = strrchr(name, '.');
  if (!array) return NULL;
  for (int f = 0; f < TSR_FORMAT_COUNT; f++) {
    const char *key = tsr__format_ops_of((tsr_format)f)->key;
    size_t bytes = key ? strlen(key) : 0;
    if (!key || (size_t)(array - name) < bytes + 1) continue;
    const char *part = array - bytes;
    if (part[-1] == '.' && !memcmp(part, key, bytes)) return part;
  }
  return NULL;
}

/* A packed matrix is listed once, for its values. */
static tsr_status append(tsr__weights *weights, const tsr_tensor *tensor) {
  tsr__weight *weight = &weights->items[weights->count];
  const char *part = packed_part(tensor->name);
  if (!part) {
    *weight = (tsr__weight){.name = tensor->name, .tensor = tensor};
    weights->count++;
    return TSR_OK;
  }
  if (strcmp(strrchr(tensor->name, '.'), ".values")) return TSR_OK;
  size_t stem = (size_t)(part - 1 - tensor->name);
  TSR_TRY(tsr__calloc(stem + sizeof weight_suffix, 1, tensor->name, &weight->owned));
  memcpy(weight->owned, tensor->name, stem);
  strcpy(weight->owned + stem, weight_suffix);
  weight->name = weight->owned;
  weights->count++;
  return TSR_OK;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const tsr__weight *)a)->name, ((const tsr__weight *)b)->name);
}

tsr_status tsr__weights_list(const tsr_checkpoint *checkpoint, tsr__weights *out) {
  *out = (tsr__weights){0};
  size_t tensors = tsr_checkpoint_tensor_count(checkpoint);
  TSR_TRY(tsr__calloc(tensors, sizeof *out->items, "the list of weights", &out->items));
  for (size_t i = 0; i < tensors; i++) {
    tsr_status status = append(out, tsr_checkpoint_tensor(checkpoint, i));
    if (status == TSR_OK) continue;
    tsr__weights_release(out);
    return status;
  }
  qsort(out->items, out->count, sizeof *out->items, by_name);
  return TSR_OK;
}

void tsr__weights_release(tsr__weights *weights) {
  for (size_t i = 0; i < weights->count; i++) free(weights->items[i].owned);
  free(weights->items);
  *weights = (tsr__weights){0};
}

int tsr__weight_is_matrix(const tsr__weight *weight) {
  const tsr_tensor *tensor = weight->tensor;
  return tensor && (tensor->ndim == 2 || tsr__is_conv(tensor)) &&
         (tensor->dtype == TSR_DTYPE_F32 || tensor->dtype == TSR_DTYPE_F16 ||
          tensor->dtype == TSR_DTYPE_BF16);
}

int64_t tsr__matrix_rows(const tsr_tensor *tensor) { return tensor->shape[0]; }

int64_t tsr__matrix_cols(const tsr_tensor *tensor) {
  int64_t cols = 1;
  for (int d = 1; d < tensor->ndim; d++) cols *= tensor->shape[d];
  return cols;
}

static int matches(const char *glob, const char *name) {
  if (!fnmatch(glob, name, 0)) return 1;
  size_t bytes = strlen(name), suffix = sizeof weight_suffix - 1;
  char stem[512];
  if (bytes <= suffix || bytes - suffix >= sizeof stem) return 0;
  if (strcmp(name + bytes - suffix, weight_suffix)) return 0;
  memcpy(stem, name, bytes - suffix);
  stem[bytes - suffix] = 0;
  return !fnmatch(glob, stem, 0);
}

/* A packed matrix is found again as NAME.weight, so others are left alone. */
static int can_be_chosen(const tsr__weight *weight) {
  return tsr__weight_is_matrix(weight) && !fnmatch("*.weight", weight->name, 0);
}

static int is_layer(const tsr__weight *weight) {
  for (size_t i = 0; i < TSR__COUNT(not_layers); i++)
    if (!fnmatch(not_layers[i], weight->name, 0)) return 0;
  return !tsr__is_conv(weight->tensor) || weight->tensor->shape[1] > IMAGE_CHANNELS_MAX;
}

/* Sets chosen[i] = value where the glob matches. */
static tsr_status mark(const tsr__weights *weights, const char *option, const char *glob,
                       char value, char *chosen) {
  int found = 0;
  for (size_t i = 0; i < weights->count; i++)
    if (can_be_chosen(&weights->items[i]) && matches(glob, weights->items[i].name)) {
      chosen[i] = value;
      found = 1;
    }
  TSR_CHECK(found, TSR_NOT_FOUND, "--%s: '%s' matches no matrix *.weight of the checkpoint", option,
            glob);
  return TSR_OK;
}

/* chosen: [weights->count], 1 where the matrix is meant. */
static tsr_status choose(const tsr__weights *weights, const tsr__list *layers,
                         const tsr__list *skip, char *chosen) {
  size_t left = 0, packed = 0;
  for (size_t i = 0; i < weights->count; i++) {
    const tsr__weight *weight = &weights->items[i];
    chosen[i] = !layers->count && can_be_chosen(weight) && is_layer(weight);
    packed += !weight->tensor;
  }
  for (size_t g = 0; g < layers->count; g++)
    TSR_TRY(mark(weights, "layers", layers->items[g], 1, chosen));
  for (size_t g = 0; g < skip->count; g++)
    TSR_TRY(mark(weights, "skip", skip->items[g], 0, chosen));
  for (size_t i = 0; i < weights->count; i++) left += (size_t)chosen[i];
  TSR_CHECK(left || !packed, TSR_INVALID_ARGUMENT,
            "the weights are packed already; tessera unpack makes them dense");
  TSR_CHECK(left, TSR_NOT_FOUND, "no weight is left to work on; name some with --layers");
  return TSR_OK;
}

tsr_status tsr__weights_choose(const tsr_checkpoint *checkpoint, const tsr__list *layers,
                               const tsr__list *skip, const tsr_tensor ***out, size_t *count) {
  tsr__weights weights;
  char *chosen = NULL;
  tsr_status status;
  TSR_TRY(tsr__weights_list(checkpoint, &weights));
  TSR_TRY_GOTO(status, tsr__calloc(weights.count, 1, "the choice of weights", &chosen), done);
  TSR_TRY_GOTO(status, choose(&weights, layers, skip, chosen), done);
  TSR_TRY_GOTO(status, tsr__calloc(weights.count, sizeof **out, "the chosen weights", out), done);
  *count = 0;
  for (size_t i = 0; i < weights.count; i++)
    if (chosen[i]) (*out)[(*count)++] = weights.items[i].tensor;
done:
  free(chosen);
  tsr__weights_release(&weights);
  return status;
}

tsr_dtype tsr__dtype_choice(int word) {
  static const tsr_dtype types[] = {TSR_DTYPE_COUNT, TSR_DTYPE_F32, TSR_DTYPE_F16, TSR_DTYPE_BF16};
  return types[word];
}

tsr_status tsr__copy_metadata(const tsr_checkpoint *checkpoint, const char *except,
                              tsr_checkpoint_writer *writer) {
  for (size_t i = 0; i < tsr_checkpoint_metadata_count(checkpoint); i++) {
    const char *key, *value;
    TSR_TRY(tsr_checkpoint_metadata_at(checkpoint, i, &key, &value));
    if (except && !strcmp(key, except)) continue;
    TSR_TRY(tsr_checkpoint_writer_metadata(writer, key, value));
  }
  return TSR_OK;
}
