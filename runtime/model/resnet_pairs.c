#include <stdio.h>
#include <string.h>

#include "runtime/model/resnet.h"

/* "layer1.0.conv1": where its number stands; NULL for another name, as that of the stem, whose
 * channels others read as well. */
static const char *number_of(const char *name) {
  static const char conv[] = ".conv";
  const char *dot = strrchr(name, '.');
  return dot && !strncmp(dot, conv, sizeof conv - 1) ? dot + sizeof conv - 1 : NULL;
}

/* Whether `next` is the same name with the next number. */
static int follows(const char *name, const char *next) {
  const char *number = number_of(name), *next_number = number_of(next);
  size_t stem = number ? (size_t)(number - name) : 0;
  return number && next_number && stem == (size_t)(next_number - next) &&
         !memcmp(name, next, stem) && next_number[0] == number[0] + 1 && !next_number[1];
}

int tsr__resnet_pairs(const tsr_model *model, int64_t index, tsr__channels *out) {
  for (size_t i = 0; i + 1 < model->layer_count; i++) {
    const tsr__layer *layer = &model->layers[i], *next = layer + 1;
    if (!follows(layer->name, next->name) || index-- > 0) continue;
    *out = (tsr__channels){
        .count = layer->as.conv2d.linear.weight.rows, .segment = 1, .layer_count = 2};
    memcpy(out->layers[0].name, layer->name, sizeof layer->name);
    memcpy(out->layers[1].name, next->name, sizeof next->name);
    out->layers[1].reads = 1;
    return 1;
  }
  return 0;
}
