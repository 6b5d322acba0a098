#include "runtime/model/bert.h"

static const struct preset {
  const char *name;
  int64_t layers, hidden, heads, intermediate;
} presets[] = {
#define TSR_PRESET(name, layers, hidden, heads, intermediate) \
  {name, layers, hidden, heads, intermediate},
#include "runtime/model/bert_presets.inc"
#undef TSR_PRESET
};

const char *tsr__bert_preset_name(size_t index) {
  return index < sizeof presets / sizeof presets[0] ? presets[index].name : NULL;
}

tsr_status tsr__bert_preset(size_t index, uint64_t seed, tsr_model *model) {
  const struct preset *p = &presets[index];
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
  tsr__weights weights = tsr__weights_random(seed, model);
  return tsr__bert_build(&config, &weights, model);
}
