/* ResNets from a folder with config.json (the keys of Hugging Face's ResNetConfig, and image_size)
 * and torchvision's tensor names; and the presets. */
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/config.h"
#include "runtime/model/resnet.h"

/* Keeps products of any three sizes, and buffers of any batch, far from overflow. */
enum { SIZE_LIMIT = 1 << 16, BLOCKS_LIMIT = 1 << 12 };

static const tsr__resnet_config presets[] = {
    {.image_size = 224,
     .channels = 3,
     .stem = 64,
     .imagenet_stem = 1,
     .stages = 4,
     .depths = {2, 2, 2, 2},
     .widths = {64, 128, 256, 512},
     .classes = 1000,
     .epsilon = 1e-5f},
    {.image_size = 224,
     .channels = 3,
     .stem = 64,
     .imagenet_stem = 1,
     .bottleneck = 1,
     .stages = 4,
     .depths = {3, 4, 6, 3},
     .widths = {256, 512, 1024, 2048},
     .classes = 1000,
     .epsilon = 1e-5f},
    {.image_size = 28,
     .channels = 1,
     .stem = 16,
     .shrink_first = 1,
     .stages = 2,
     .depths = {1, 1},
     .widths = {48, 96},
     .classes = 10,
     .epsilon = 1e-5f},
};

/* ---- config.json ---- */

static tsr_status check_size(const tsr_checkpoint *checkpoint, const char *key, int64_t value,
                             int64_t limit) {
  TSR_CHECK(value >= 1 && value <= limit, TSR_MALFORMED,
            "%s/config.json: '%s' is %lld, not 1 to %lld", tsr_checkpoint_folder(checkpoint), key,
            (long long)value, (long long)limit);
  return TSR_OK;
}

static tsr_status get_size(const tsr_checkpoint *checkpoint, const char *key, int64_t fallback,
                           int64_t *out) {
  TSR_TRY(tsr__config_int_or(checkpoint, key, fallback, out));
  return check_size(checkpoint, key, *out, SIZE_LIMIT);
}

static tsr_status get_sizes(const tsr_checkpoint *checkpoint, const char *key, int64_t limit,
                            int64_t *out, int *count) {
  TSR_TRY(tsr__config_ints(checkpoint, key, out, TSR__RESNET_STAGES_MAX, count));
  TSR_CHECK(*count >= 1, TSR_MALFORMED, "%s/config.json: '%s' is empty",
            tsr_checkpoint_folder(checkpoint), key);
  for (int i = 0; i < *count; i++) TSR_TRY(check_size(checkpoint, key, out[i], limit));
  return TSR_OK;
}

static tsr_status get_blocks(const tsr_checkpoint *checkpoint, tsr__resnet_config *c) {
  int widths;
  char type[TSR__CONFIG_STRING_MAX];
  TSR_TRY(get_sizes(checkpoint, "depths", BLOCKS_LIMIT, c->depths, &c->stages));
  TSR_TRY(get_sizes(checkpoint, "hidden_sizes", SIZE_LIMIT, c->widths, &widths));
  TSR_CHECK(widths == c->stages, TSR_MALFORMED,
            "%s/config.json: 'depths' has %d stages, 'hidden_sizes' %d",
            tsr_checkpoint_folder(checkpoint), c->stages, widths);
  TSR_TRY(tsr__config_string_or(checkpoint, "layer_type", c->imagenet_stem ? "bottleneck" : "basic",
                                type));
  c->bottleneck = !strcmp(type, "bottleneck");
  TSR_CHECK(c->bottleneck || !strcmp(type, "basic"), TSR_UNSUPPORTED,
            "%s/config.json: 'layer_type' is '%s', not basic or bottleneck",
            tsr_checkpoint_folder(checkpoint), type);
  return tsr__config_bool_or(checkpoint, "downsample_in_first_stage", 0, &c->shrink_first);
}

/* The classifier tells how many classes there are. */
static tsr_status get_classes(const tsr_checkpoint *checkpoint, tsr__resnet_config *c) {
  const tsr_tensor *bias = tsr_checkpoint_find(checkpoint, "fc.bias");
  TSR_CHECK(bias && bias->ndim == 1, TSR_NOT_FOUND, "%s: there is no vector 'fc.bias'",
            tsr_checkpoint_folder(checkpoint));
  c->classes = bias->shape[0];
  TSR_CHECK(c->classes >= 1 && c->classes <= SIZE_LIMIT, TSR_MALFORMED,
            "%s: 'fc.bias' has %lld elements, not 1 to %d", bias->file, (long long)c->classes,
            SIZE_LIMIT);
  return TSR_OK;
}

static tsr_status read_config(const tsr_checkpoint *checkpoint, tsr__resnet_config *c) {
  double epsilon;
  TSR_TRY(get_size(checkpoint, "image_size", 224, &c->image_size));
  TSR_TRY(get_size(checkpoint, "num_channels", 3, &c->channels));
  TSR_TRY(get_size(checkpoint, "embedding_size", 64, &c->stem));
  TSR_TRY(get_blocks(checkpoint, c));
  TSR_TRY(tsr__config_double_or(checkpoint, "batch_norm_eps", 1e-5, &epsilon));
  TSR_CHECK(epsilon >= 0 && epsilon <= 1, TSR_MALFORMED,
            "%s/config.json: 'batch_norm_eps' is %g, not 0 to 1", tsr_checkpoint_folder(checkpoint),
            epsilon);
  c->epsilon = (float)epsilon;
  return get_classes(checkpoint, c);
}

/* One number per channel; none: out stays as it is. */
static tsr_status get_channels(const tsr_checkpoint *checkpoint, const char *key, int64_t channels,
                               float *out) {
  double values[TSR_IMAGE_CHANNELS_MAX];
  int count;
  tsr_status status = tsr__config_doubles(checkpoint, key, values, TSR_IMAGE_CHANNELS_MAX, &count);
  if (status != TSR_OK) return status == TSR_NOT_FOUND ? TSR_OK : status;
  TSR_CHECK(count == channels, TSR_MALFORMED,
            "%s/config.json: '%s' has %d values, for %lld channels",
            tsr_checkpoint_folder(checkpoint), key, count, (long long)channels);
  for (int i = 0; i < count; i++) out[i] = (float)values[i];
  return TSR_OK;
}

static tsr_status get_names(const tsr_checkpoint *checkpoint, tsr_model *model) {
  TSR_TRY(tsr__calloc((size_t)model->info.classes, sizeof *model->class_names, "class names",
                      &model->class_names));
  tsr_status status =
      tsr__config_labels(checkpoint, "id2label", model->info.classes, model->class_names);
  return status == TSR_NOT_FOUND ? TSR_OK : status;
}

static tsr_status load(const tsr_checkpoint *checkpoint, int imagenet_stem, tsr_model *model) {
  tsr__resnet_config config = {.imagenet_stem = imagenet_stem};
  tsr_model_info *info = &model->info;
  TSR_TRY(read_config(checkpoint, &config));
  tsr__weights weights = tsr__weights_of(checkpoint, "", model);
  TSR_TRY(tsr__resnet_build(&config, &weights, model));
  TSR_TRY(get_channels(checkpoint, "image_mean", config.channels, info->image_mean));
  TSR_TRY(get_channels(checkpoint, "image_std", config.channels, info->image_std));
  return get_names(checkpoint, model);
}

static tsr_status load_imagenet(const tsr_checkpoint *checkpoint, tsr_model *model) {
  return load(checkpoint, 1, model);
}

static tsr_status load_fashion(const tsr_checkpoint *checkpoint, tsr_model *model) {
  return load(checkpoint, 0, model);
}

/* ---- presets ---- */

static tsr_status build(const tsr__resnet_config *config, uint64_t seed, tsr_model *model) {
  tsr__weights weights = tsr__weights_random(seed, model);
  return tsr__resnet_build(config, &weights, model);
}

static const char *imagenet_preset(size_t index) {
  static const char *const names[] = {"resnet18", "resnet50"};
  return index < sizeof names / sizeof names[0] ? names[index] : NULL;
}

static tsr_status build_imagenet(size_t index, uint64_t seed, tsr_model *model) {
  return build(&presets[index], seed, model);
}

static const char *fashion_preset(size_t index) { return index ? NULL : "fashion-resnet"; }

static tsr_status build_fashion(size_t index, uint64_t seed, tsr_model *model) {
  return build(&presets[2 + index], seed, model);
}

const tsr__model_family tsr__model_resnet = {.name = "resnet",
                                             .load = load_imagenet,
                                             .preset_name = imagenet_preset,
                                             .preset = build_imagenet,
                                             .channels = tsr__resnet_pairs};

const tsr__model_family tsr__model_fashion_resnet = {.name = "fashion-resnet",
                                                     .load = load_fashion,
                                                     .preset_name = fashion_preset,
                                                     .preset = build_fashion,
                                                     .channels = tsr__resnet_pairs};
