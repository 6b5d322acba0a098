/* Which slots may share memory, and where each one lies. */
#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/plan/model_plan.h"

typedef uint32_t slot_set; /* bit s = slot s */

static slot_set only(int32_t slot) { return slot == TSR__NO_SLOT ? 0 : (slot_set)1 << slot; }

/* conflicts[s]: the slots that hold something that is still wanted while s does. Found backwards:
 * a slot is wanted before a layer that reads it, and not before the write that begins its life. */
static void find_conflicts(const tsr_model *model, slot_set conflicts[TSR__SLOTS_MAX]) {
  slot_set wanted = only(model->hidden_slot) | only(model->pooled_slot) | only(model->logits_slot) |
                    only(model->probabilities_slot);
  for (int s = 0; s < TSR__SLOTS_MAX; s++) conflicts[s] = 0;
  for (size_t i = model->layer_count; i-- > 0;) {
    const tsr__layer *layer = &model->layers[i];
    slot_set reads = only(layer->input) | only(layer->residual);
    slot_set busy = wanted | reads | only(layer->output);
    for (int s = 0; s < TSR__SLOTS_MAX; s++)
      if (busy & only(s)) conflicts[s] |= busy;
    if (layer->output_column == 0) wanted &= ~only(layer->output);
    wanted |= reads;
  }
}

typedef struct placement {
  const slot_set *conflicts;
  const size_t *bytes;
  size_t *offsets;
  slot_set placed;
  int32_t count;
} placement;

/* The end of a placed, conflicting slot that overlaps slot s at this offset; 0 if there is none. */
static size_t blocked_until(const placement *p, int32_t s, size_t offset) {
  for (int32_t t = 0; t < p->count; t++) {
    if (!(p->placed & p->conflicts[s] & only(t))) continue;
    size_t end = p->offsets[t] + p->bytes[t];
    if (offset < end && p->offsets[t] < offset + p->bytes[s]) return end;
  }
  return 0;
}

static int32_t largest_left(const placement *p) {
  int32_t best = TSR__NO_SLOT;
  for (int32_t s = 0; s < p->count; s++)
    if (!(p->placed & only(s)) && (best == TSR__NO_SLOT || p->bytes[s] > p->bytes[best])) best = s;
  return best;
}

int64_t tsr__cuda_row(int64_t elements) {
  enum { ROW_ELEMENTS = 8 };
  return (elements + ROW_ELEMENTS - 1) / ROW_ELEMENTS * ROW_ELEMENTS;
}

/* The most 16-bit elements of one image that lie in the slot, its pixels apart as rows are. */
static int64_t image_elements(const tsr_model *model, int32_t slot) {
  int64_t most = tsr__cuda_row(model->slots[slot].width);
  for (size_t i = 0; i < model->layer_count; i++) {
    const tsr__layer *layer = &model->layers[i];
    tsr__layer_images images;
    if (!tsr__layer_images_of(layer, &images)) continue;
    int64_t in = images.in_pixels * tsr__cuda_row(images.in_channels);
    int64_t out = images.out_pixels * tsr__cuda_row(images.out_channels);
    if (layer->input == slot && in > most) most = in;
    if (layer->output == slot && out > most) most = out;
  }
  return most;
}

int64_t tsr__slot_row_bytes(const tsr_model *model, int32_t slot, tsr_backend backend) {
  const tsr__slot *s = &model->slots[slot];
  int64_t element = sizeof(uint16_t);
  if (backend == TSR_BACKEND_CPU) return s->width * (int64_t)sizeof(float);
  if (model->image_slot != TSR__NO_SLOT) return image_elements(model, slot) * element;
  return s->per_sequence ? s->width * (int64_t)sizeof(float) : tsr__cuda_row(s->width) * element;
}

tsr_status tsr__slots_place(const tsr_model *model, tsr_backend backend, int64_t max_tokens,
                            int64_t max_batch, size_t offsets[TSR__SLOTS_MAX], size_t *bytes) {
  slot_set conflicts[TSR__SLOTS_MAX];
  size_t sizes[TSR__SLOTS_MAX];
  placement p = {conflicts, sizes, offsets, 0, model->slot_count};
  find_conflicts(model, conflicts);
  *bytes = 0;
  for (int32_t s = 0; s < model->slot_count; s++) {
    int64_t size, rows = model->slots[s].per_sequence ? max_batch : max_tokens;
    TSR_CHECK(tsr__mul_i64(rows, tsr__slot_row_bytes(model, s, backend), &size) &&
                  size < INT64_MAX / TSR__SLOTS_MAX,
              TSR_UNSUPPORTED_SHAPE, "activations of %lld x %lld", (long long)rows,
              (long long)model->slots[s].width);
    sizes[s] = tsr__round_line((size_t)size);
  }
  for (int32_t s; (s = largest_left(&p)) != TSR__NO_SLOT;) {
    size_t offset = 0, end;
    while ((end = blocked_until(&p, s, offset)) != 0) offset = end;
    offsets[s] = offset;
    p.placed |= only(s);
    if (offset + sizes[s] > *bytes) *bytes = offset + sizes[s];
  }
  return TSR_OK;
}
