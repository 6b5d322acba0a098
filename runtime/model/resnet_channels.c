#include "runtime/model/resnet_channels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

/* A convolution and its BatchNorm; or the classifier, which has none. */
struct tsr__channel_conv {
  int32_t in, out;       /* groups; TSR__NO_GROUP: the image, the classes */
  int64_t rows, cols;    /* filters and channels */
  uint8_t *touches;      /* [rows, cols]: whether any tap is not 0 */
  float *scale, *rested; /* [rows]: BatchNorm's factor, and what it makes of 0; NULL without one */
};

typedef struct tsr__channel_conv channel_conv;

void tsr__channels_release(tsr__channels *channels) {
  for (int32_t g = 0; g < channels->group_count; g++) free(channels->groups[g].alive);
  for (size_t c = 0; c < channels->conv_count; c++) {
    free(channels->convs[c].touches);
    free(channels->convs[c].scale);
    free(channels->convs[c].rested);
  }
  free(channels->groups);
  free(channels->convs);
  free(channels->roles);
  *channels = (tsr__channels){0};
}

/* ---- tensors ---- */

static tsr_status find(const tsr__channels *c, const char *name, const tsr_tensor **out) {
  *out = tsr_checkpoint_find(c->checkpoint, name);
  TSR_CHECK(*out, TSR_NOT_FOUND, "%s: there is no plain tensor of this name", name);
  return TSR_OK;
}

static tsr__channel_role *role_of(const tsr__channels *c, const tsr_tensor *tensor) {
  return &c->roles[tensor - tsr_checkpoint_tensor(c->checkpoint, 0)];
}

/* group: TSR__NO_GROUP makes a new one. */
static tsr_status join(tsr__channels *c, const tsr_tensor *tensor, int64_t count, int32_t *group) {
  if (*group == TSR__NO_GROUP) {
    *group = c->group_count++;
    tsr__channel_group *g = &c->groups[*group];
    g->count = g->alive_count = count;
    TSR_TRY(tsr__calloc((size_t)count, 1, tensor->name, &g->alive));
    memset(g->alive, 1, (size_t)count);
  }
  TSR_CHECK(c->groups[*group].count == count, TSR_UNSUPPORTED_SHAPE,
            "%s: %lld channels, its neighbours have %lld", tensor->name, (long long)count,
            (long long)c->groups[*group].count);
  return TSR_OK;
}

static tsr_status load_touches(const tsr_tensor *tensor, channel_conv *conv) {
  size_t taps = 1;
  for (int d = 2; d < tensor->ndim; d++) taps *= (size_t)tensor->shape[d];
  size_t pairs = (size_t)(conv->rows * conv->cols);
  float *values;
  TSR_TRY(tsr__calloc(pairs, 1, tensor->name, &conv->touches));
  TSR_TRY(tsr__aligned(pairs * taps, sizeof *values, tensor->name, &values));
  tsr_status status = tsr_tensor_to_f32(tensor, values, pairs * taps);
  for (size_t i = 0; status == TSR_OK && i < pairs * taps; i++)
    conv->touches[i / taps] |= values[i] != 0;
  free(values);
  return status;
}

/* One of BatchNorm's vectors; the caller frees *out. */
static tsr_status load_norm(tsr__channels *c, const char *weight, const char *suffix,
                            const channel_conv *conv, float **out) {
  char name[TSR__CHANNEL_NAME_MAX];
  const tsr_tensor *tensor;
  TSR_CHECK(tsr__resnet_norm_name(weight, suffix, name), TSR_UNSUPPORTED,
            "%s: no BatchNorm goes "
            "with such a name",
            weight);
  TSR_TRY(find(c, name, &tensor));
  TSR_CHECK(tensor->ndim == 1 && tensor->shape[0] == conv->rows, TSR_UNSUPPORTED_SHAPE,
            "%s: no vector of %lld channels", name, (long long)conv->rows);
  role_of(c, tensor)->rows = conv->out;
  TSR_TRY(tsr__aligned((size_t)conv->rows, sizeof **out, name, out));
  return tsr_tensor_to_f32(tensor, *out, (uint64_t)conv->rows);
}

static tsr_status load_norms(tsr__channels *c, const char *weight, double epsilon,
                             channel_conv *conv) {
  float *mean = NULL, *variance = NULL;
  tsr_status status = load_norm(c, weight, "weight", conv, &conv->scale);
  if (status == TSR_OK) status = load_norm(c, weight, "bias", conv, &conv->rested);
  if (status == TSR_OK) status = load_norm(c, weight, "running_mean", conv, &mean);
  if (status == TSR_OK) status = load_norm(c, weight, "running_var", conv, &variance);
  for (int64_t r = 0; status == TSR_OK && r < conv->rows; r++) {
    double factor = (double)conv->scale[r] / sqrt((double)variance[r] + epsilon);
    conv->rested[r] = (float)((double)conv->rested[r] - (double)mean[r] * factor);
  }
  free(mean);
  free(variance);
  return status;
}

/* ---- the walk from layer to layer ---- */

typedef struct walk {
  tsr__channels *channels;
  double epsilon;
} walk;

static tsr_status add_conv(walk *w, const char *stem, const char *conv_name, int32_t in,
                           int32_t *out) {
  tsr__channels *c = w->channels;
  char name[TSR__CHANNEL_NAME_MAX];
  const tsr_tensor *tensor;
  snprintf(name, sizeof name, "%s%s.weight", stem, conv_name);
  TSR_TRY(find(c, name, &tensor));
  TSR_CHECK(tensor->ndim == 4, TSR_UNSUPPORTED_SHAPE, "%s: %d dimensions, not 4", name,
            tensor->ndim);
  TSR_TRY(join(c, tensor, tensor->shape[0], out));
  if (in != TSR__NO_GROUP) TSR_TRY(join(c, tensor, tensor->shape[1], &in));
  *role_of(c, tensor) = (tsr__channel_role){*out, in};
  channel_conv *conv = &c->convs[c->conv_count++];
  conv->in = in;
  conv->out = *out;
  conv->rows = tensor->shape[0];
  conv->cols = tensor->shape[1];
  TSR_TRY(load_touches(tensor, conv));
  return load_norms(c, name, w->epsilon, conv);
}

static int exists(const walk *w, const char *stem, const char *name) {
  char full[TSR__CHANNEL_NAME_MAX];
  snprintf(full, sizeof full, "%s%s.weight", stem, name);
  return tsr_checkpoint_find(w->channels->checkpoint, full) != NULL;
}

/* *trunk: what goes into the block; then what comes out. */
static tsr_status add_block(walk *w, const char *stem, int32_t *trunk) {
  static const char *const names[] = {"conv1", "conv2", "conv3"};
  int count = exists(w, stem, names[2]) ? 3 : 2;
  int32_t in = *trunk, out = *trunk;
  if (exists(w, stem, "downsample.0")) {
    out = TSR__NO_GROUP;
    TSR_TRY(add_conv(w, stem, "downsample.0", *trunk, &out));
  }
  for (int i = 0; i < count; i++) {
    int32_t next = i + 1 == count ? out : TSR__NO_GROUP;
    TSR_TRY(add_conv(w, stem, names[i], in, &next));
    in = next;
  }
  *trunk = out;
  return TSR_OK;
}

static tsr_status add_classifier(tsr__channels *c, int32_t trunk) {
  const tsr_tensor *tensor;
  TSR_TRY(find(c, "fc.weight", &tensor));
  TSR_CHECK(tensor->ndim == 2, TSR_UNSUPPORTED_SHAPE, "fc.weight: %d dimensions, not 2",
            tensor->ndim);
  TSR_TRY(join(c, tensor, tensor->shape[1], &trunk));
  role_of(c, tensor)->cols = trunk;
  channel_conv *fc = &c->convs[c->conv_count++];
  *fc = (channel_conv){
      .in = trunk, .out = TSR__NO_GROUP, .rows = tensor->shape[0], .cols = tensor->shape[1]};
  return load_touches(tensor, fc);
}

static tsr_status find_groups(walk *w) {
  tsr__channels *c = w->channels;
  int32_t trunk = TSR__NO_GROUP;
  TSR_TRY(add_conv(w, "", "conv1", TSR__NO_GROUP, &trunk));
  c->stem = trunk;
  for (int stage = 0; stage < TSR__CHANNEL_STAGES_MAX; stage++) {
    char stem[64];
    int block = 0;
    for (;; block++) {
      snprintf(stem, sizeof stem, "layer%d.%d.", stage + 1, block);
      if (!exists(w, stem, "conv1")) break;
      TSR_TRY(add_block(w, stem, &trunk));
    }
    if (!block) break;
    c->stages[c->stage_count++] = trunk;
  }
  TSR_CHECK(c->stage_count, TSR_UNSUPPORTED,
            "there is no layer1.0.conv1.weight: no ResNet, or a packed one");
  return add_classifier(c, trunk);
}

/* ---- dead and alive ---- */

static int is_alive(const tsr__channels *c, int32_t group, int64_t channel) {
  return group == TSR__NO_GROUP || c->groups[group].alive[channel];
}

/* Whether a filter looks at anything. */
static int looks(const tsr__channels *c, const channel_conv *conv, int64_t row) {
  for (int64_t k = 0; k < conv->cols; k++)
    if (conv->touches[row * conv->cols + k] && is_alive(c, conv->in, k)) return 1;
  return 0;
}

static int produces(const tsr__channels *c, const channel_conv *conv, int64_t channel) {
  if (conv->scale[channel] != 0 && looks(c, conv, channel)) return 1;
  return !(conv->rested[channel] <= 0);
}

static int reads(const tsr__channels *c, const channel_conv *conv, int64_t channel) {
  for (int64_t r = 0; r < conv->rows; r++)
    if (conv->touches[r * conv->cols + channel] && is_alive(c, conv->out, r)) return 1;
  return 0;
}

static int is_needed(const tsr__channels *c, int32_t group, int64_t channel) {
  int produced = 0, read = 0;
  for (size_t i = 0; i < c->conv_count && !(produced && read); i++) {
    const channel_conv *conv = &c->convs[i];
    if (conv->out == group && !produced) produced = produces(c, conv, channel);
    if (conv->in == group && !read) read = reads(c, conv, channel);
  }
  return produced && read;
}

/* One channel of a group stays, so that there is something to compute with. */
static int bury(tsr__channels *c, int32_t group) {
  tsr__channel_group *g = &c->groups[group];
  int changed = 0;
  for (int64_t k = 0; k < g->count && g->alive_count > 1; k++)
    if (g->alive[k] && !is_needed(c, group, k)) {
      g->alive[k] = 0;
      g->alive_count--;
      changed = 1;
    }
  return changed;
}

tsr_status tsr__resnet_channels(const tsr_checkpoint *checkpoint, double epsilon,
                                tsr__channels *out) {
  size_t tensors = tsr_checkpoint_tensor_count(checkpoint);
  out->checkpoint = checkpoint;
  TSR_TRY(tsr__calloc(tensors, sizeof *out->roles, "the tensors", &out->roles));
  TSR_TRY(tsr__calloc(tensors, sizeof *out->groups, "the channels", &out->groups));
  TSR_TRY(tsr__calloc(tensors, sizeof *out->convs, "the convolutions", &out->convs));
  for (size_t i = 0; i < tensors; i++)
    out->roles[i] = (tsr__channel_role){TSR__NO_GROUP, TSR__NO_GROUP};
  TSR_TRY(find_groups(&(walk){out, epsilon}));
  for (int changed = 1; changed;) {
    changed = 0;
    for (int32_t g = 0; g < out->group_count; g++) changed |= bury(out, g);
  }
  return TSR_OK;
}
