#include "runtime/layer/layer.h"

#define TSR_LAYER(kind, name) extern const tsr__layer_ops tsr__##name##_ops;
#include "runtime/layer/layers.inc"
#undef TSR_LAYER

static const tsr__layer_ops *const all_ops[TSR_LAYER_COUNT] = {
#define TSR_LAYER(kind, name) [TSR_LAYER_##kind] = &tsr__##name##_ops,
#include "runtime/layer/layers.inc"
#undef TSR_LAYER
};

static const char *const kind_names[] = {
#define ROW(name, text) text,
    TSR_LAYER_MAP(ROW)
#undef ROW
};

const char *tsr_layer_kind_name(tsr_layer_kind kind) {
  return (unsigned)kind < TSR_LAYER_COUNT ? kind_names[kind] : "unknown";
}

const tsr__layer_ops *tsr__layer_ops_of(tsr_layer_kind kind) {
  return (unsigned)kind < TSR_LAYER_COUNT ? all_ops[kind] : NULL;
}

tsr_linear *tsr__layer_linear(tsr__layer *layer) {
  if (layer->kind == TSR_LAYER_LINEAR) return &layer->as.linear;
  return layer->kind == TSR_LAYER_CONV2D ? &layer->as.conv2d.linear : NULL;
}

int tsr__layer_is_planned(const tsr__layer *layer) {
  return layer->kind == TSR_LAYER_LINEAR ||
         (layer->kind == TSR_LAYER_CONV2D && layer->as.conv2d.groups == 1);
}

void tsr__layer_parts(tsr__layer_part *part, const tsr__layer *layer, const tsr__layer_io *io) {
  int parts = io->limits->threads;
  /* Not even a region of one thread: entering it costs more than a small layer takes. */
  if (parts == 1) {
    part(layer, io, 0, 1);
    return;
  }
#pragma omp parallel for num_threads(parts) schedule(static, 1)
  for (int p = 0; p < parts; p++) part(layer, io, p, parts);
}
