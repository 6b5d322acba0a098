#include <string.h>

#include "runtime/base/status.h"
#include "runtime/model/bert.h"

static const struct preset {
  const char *name;
  int64_t layers, hidden, heads, intermediate;
} presets[] = {
#define TSR_PRESET(name, layers, hidden, heads, intermediate) \
  {name, layers, hidden, heads, intermediate},
#include "runtime/model/presets.inc"
#undef TSR_PRESET
};

enum { PRESET_COUNT = sizeof presets / sizeof presets[0] };

const char *tsr_model_preset_name(size_t index) {
  return index < PRESET_COUNT ? presets[index].name : NULL;
}

tsr_status tsr_model_preset(const char *name, uint64_t seed, tsr_model **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_model_preset: out is NULL");
  *out = NULL;
  TSR_CHECK(name, TSR_INVALID_ARGUMENT, "tsr_model_preset: name is NULL");
  const struct preset *p = presets;
  while (p < presets + PRESET_COUNT && strcmp(p->name, name)) p++;
  TSR_CHECK(p < presets + PRESET_COUNT, TSR_NOT_FOUND, "there is no preset '%s'", name);
  tsr__bert_config config = {.layers = p->layers,
                             .hidden = p->hidden,
                             .heads = p->heads,
                             .intermediate = p->intermediate,
                             .vocabulary = 30522,
                             .max_positions = 512,
                             .types = 2,
                             .epsilon = 1e-12f,
                             .activation = TSR_ACTIVATION_GELU,
                             .pooling = TSR_POOLING_MEAN};
  tsr_model *model;
  TSR_TRY(tsr__model_create("bert", name, &model));
  tsr__weights weights = tsr__weights_random(seed, model);
  tsr_status status = tsr__bert_build(&config, &weights, model);
  if (status == TSR_OK)
    *out = model;
  else
    tsr_model_destroy(model);
  return status;
}
