#include "runtime/model/resnet_norm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/config.h"

int tsr__resnet_norm_name(const char *weight, const char *suffix, char out[TSR__CHANNEL_NAME_MAX]) {
  static const char conv[] = "conv", down[] = "downsample.0.weight";
  const char *dot = strrchr(weight, '.');
  size_t bytes = strlen(weight), down_bytes = sizeof down - 1;
  if (!dot || strcmp(dot, ".weight") != 0 || bytes + 16 > TSR__CHANNEL_NAME_MAX) return 0;
  if (bytes >= down_bytes && !strcmp(weight + bytes - down_bytes, down)) {
    snprintf(out, TSR__CHANNEL_NAME_MAX, "%.*sdownsample.1.%s", (int)(bytes - down_bytes), weight,
             suffix);
    return 1;
  }
  const char *last = dot;
  while (last > weight && last[-1] != '.') last--;
  if (strncmp(last, conv, sizeof conv - 1) != 0) return 0;
  const char *number = last + sizeof conv - 1;
  snprintf(out, TSR__CHANNEL_NAME_MAX, "%.*sbn%.*s.%s", (int)(last - weight), weight,
           (int)(dot - number), number, suffix);
  return 1;
}

/* One of the BatchNorm's vectors; the caller frees *out. */
static tsr_status load(const tsr_checkpoint *checkpoint, const tsr_tensor *filters,
                       const char *suffix, float **out) {
  char name[TSR__CHANNEL_NAME_MAX];
  const tsr_tensor *tensor = NULL;
  if (tsr__resnet_norm_name(filters->name, suffix, name))
    tensor = tsr_checkpoint_find(checkpoint, name);
  TSR_CHECK(tensor, TSR_NOT_FOUND, "%s: no BatchNorm's '%s' goes with these filters", filters->name,
            suffix);
  TSR_CHECK(tensor->ndim == 1 && tensor->shape[0] == filters->shape[0], TSR_UNSUPPORTED_SHAPE,
            "%s: no vector of %lld channels", name, (long long)filters->shape[0]);
  TSR_TRY(tsr__aligned((size_t)filters->shape[0], sizeof **out, name, out));
  return tsr_tensor_to_f32(tensor, *out, (uint64_t)filters->shape[0]);
}

tsr_status tsr__resnet_norm_factors(const tsr_checkpoint *checkpoint, const tsr_tensor *filters,
                                    float **out) {
  double epsilon;
  float *variance = NULL;
  *out = NULL;
  TSR_TRY(tsr__config_double_or(checkpoint, "batch_norm_eps", 1e-5, &epsilon));
  tsr_status status = load(checkpoint, filters, "weight", out);
  if (status == TSR_OK) status = load(checkpoint, filters, "running_var", &variance);
  for (int64_t r = 0; status == TSR_OK && r < filters->shape[0]; r++)
    (*out)[r] = (float)((double)(*out)[r] / sqrt((double)variance[r] + epsilon));
  free(variance);
  if (status == TSR_OK) return TSR_OK;
  free(*out);
  *out = NULL;
  return status;
}
