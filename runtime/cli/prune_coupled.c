#include "runtime/cli/prune_coupled.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cli/weights.h"
#include "runtime/model/model.h"

/* ---- pairs ---- */

static size_t find(const tsr_model *model, const char *name) {
  size_t i = 0;
  while (i < tsr_model_layer_count(model) && strcmp(tsr_model_layer_name(model, i), name) != 0) i++;
  return i < tsr_model_layer_count(model) ? i : SIZE_MAX;
}

tsr_status tsr__coupling_find(const tsr_model *model, const uint8_t *chosen, tsr__coupling *out) {
  size_t count = tsr_model_layer_count(model);
  tsr__channels channels;
  *out = (tsr__coupling){0};
  TSR_TRY(tsr__calloc(count, sizeof *out->maker, "pairs of layers", &out->maker));
  TSR_TRY(tsr__calloc(count, sizeof *out->reader, "pairs of layers", &out->reader));
  for (size_t i = 0; i < count; i++) out->maker[i] = out->reader[i] = SIZE_MAX;
  for (int64_t set = 0; tsr__model_channels(model, set, &channels); set++) {
    if (channels.layer_count != 2 || channels.layers[0].reads || !channels.layers[1].reads)
      continue;
    size_t maker = find(model, channels.layers[0].name);
    size_t reader = find(model, channels.layers[1].name);
    if (maker == SIZE_MAX || reader == SIZE_MAX || !chosen[maker] || !chosen[reader]) continue;
    out->maker[reader] = maker;
    out->reader[maker] = reader;
  }
  return TSR_OK;
}

void tsr__coupling_release(tsr__coupling *coupling) {
  free(coupling->maker);
  free(coupling->reader);
  *coupling = (tsr__coupling){0};
}

/* ---- a visit ---- */

static int64_t rows_of(const tsr__prune_layer *layer) { return tsr__matrix_rows(layer->tensor); }
static int64_t cols_of(const tsr__prune_layer *layer) { return tsr__matrix_cols(layer->tensor); }

/* The maker's rows that are not kept go, and the reader's columns of them. */
static tsr_status mark(tsr__prune_layer *maker, tsr__prune_layer *reader, const uint8_t *kept) {
  int64_t features = rows_of(maker), width = cols_of(maker);
  if (!maker->silent)
    TSR_TRY(tsr__calloc((size_t)features, 1, maker->tensor->name, &maker->silent));
  TSR_TRY(tsr__calloc((size_t)cols_of(reader), 1, reader->tensor->name, &reader->unread));
  for (int64_t f = 0; f < features; f++) {
    memset(maker->mask + f * width, kept[f], (size_t)width);
    maker->silent[f] = !kept[f];
  }
  for (int64_t c = 0; c < cols_of(reader); c++) reader->unread[c] = !kept[c % features];
  return TSR_OK;
}

static tsr_status choose(const tsr__coupled_visit *v, const tsr_statistics *statistics,
                         uint8_t *kept) {
  tsr__prune_layer *reader = v->place->layer, *maker = v->maker;
  tsr_prune_options options = {.method = v->rule->method,
                               .sparsity = maker->sparsity,
                               .threads = v->threads,
                               .shift = reader->shift,
                               .sensitivities = reader->sensitivities};
  TSR_TRY(tsr_prune_features(&options, statistics, reader->values, rows_of(reader), cols_of(reader),
                             rows_of(maker), kept, &maker->result));
  return mark(maker, reader, kept);
}

static tsr_status prune_maker(const tsr__coupled_visit *v, const tsr_statistics *statistics) {
  tsr__prune_layer *maker = v->maker;
  uint8_t *kept;
  TSR_TRY(tsr__prune_layer_begin(maker));
  TSR_TRY(tsr__calloc((size_t)rows_of(maker), 1, maker->tensor->name, &kept));
  tsr_status status = choose(v, statistics, kept);
  free(kept);
  if (status == TSR_OK) status = tsr__prune_layer_finish(v->rule, maker);
  return status == TSR_OK ? status : tsr__error_prefix(status, "%s", maker->tensor->name);
}

tsr_status tsr__prune_coupled(const tsr__coupled_visit *v, const tsr_statistics *statistics) {
  tsr__prune_layer *layer = v->place->layer;
  int waits = v->coupling->reader[v->place->index] != SIZE_MAX;
  if (waits && !v->maker) return TSR_OK;
  TSR_TRY(tsr__prune_layer_begin(layer));
  if (!waits) TSR_TRY(tsr__prune_layer_choose(v->rule, v->threads, statistics, layer));
  if (v->maker) TSR_TRY(prune_maker(v, statistics));
  return waits ? TSR_OK : tsr__prune_layer_finish(v->rule, layer);
}
