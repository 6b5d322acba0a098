#include "runtime/cli/run_batch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/plan/model_plan.h"

tsr_status tsr__run_batch_create(int64_t max_items, int pairs, int64_t max_tokens,
                                 tsr__run_batch *batch) {
  size_t sequences = (size_t)max_items * (pairs ? 2 : 1);
  size_t rows = batch->result->grouped ? (size_t)max_tokens : sequences;
  batch->pairs = pairs;
  batch->max_items = max_items;
  batch->max_tokens = max_tokens;
  if (batch->plan->cuda)
    TSR_TRY(tsr__cuda_host_create(batch->plan, &batch->gpu));
  else
    batch->workspace_bytes = tsr_model_plan_workspace_bytes(batch->plan);
  TSR_TRY(tsr__calloc(sequences + 1, sizeof *batch->offsets, "the batch", &batch->offsets));
  TSR_TRY(tsr__calloc((size_t)max_tokens, sizeof *batch->ids, "the batch", &batch->ids));
  TSR_TRY(tsr__calloc((size_t)max_tokens, sizeof *batch->item, "the batch", &batch->item));
  TSR_TRY(tsr__calloc((size_t)max_items, sizeof *batch->labels, "the batch", &batch->labels));
  TSR_TRY(tsr__aligned(rows, (size_t)batch->width * sizeof *batch->values, "the batch",
                       &batch->values));
  return tsr__aligned(batch->workspace_bytes, 1, "the workspace", &batch->workspace);
}

static void clear(tsr__run_batch *batch) {
  for (int64_t i = 0; i < batch->items; i++) {
    free(batch->labels[i]);
    batch->labels[i] = NULL;
  }
  batch->items = 0;
  batch->sequences = 0;
}

void tsr__run_batch_destroy(tsr__run_batch *batch) {
  clear(batch);
  free(batch->offsets);
  free(batch->ids);
  free(batch->item);
  free(batch->labels);
  free(batch->values);
  free(batch->workspace);
  tsr__cuda_host_destroy(batch->gpu);
}

static tsr_status write_hidden(tsr__run_batch *batch) {
  for (int64_t s = 0; s < batch->sequences; s++) {
    TSR_TRY(tsr__run_result_begin_group(batch->result));
    for (int64_t t = batch->offsets[s]; t < batch->offsets[s + 1]; t++)
      TSR_TRY(tsr__run_result_row(batch->result, batch->values + t * batch->width, NULL));
    TSR_TRY(tsr__run_result_end_group(batch->result));
  }
  return TSR_OK;
}

static float cosine(const float *a, const float *b, int64_t width) {
  double dot = 0, aa = 0, bb = 0;
  for (int64_t i = 0; i < width; i++) {
    dot += (double)a[i] * (double)b[i];
    aa += (double)a[i] * (double)a[i];
    bb += (double)b[i] * (double)b[i];
  }
  return aa > 0 && bb > 0 ? (float)(dot / sqrt(aa * bb)) : 0;
}

static tsr_status write_similarities(tsr__run_batch *batch) {
  for (int64_t i = 0; i < batch->items; i++) {
    const float *first = batch->values + 2 * i * batch->width;
    float similarity = cosine(first, first + batch->width, batch->width);
    TSR_TRY(tsr__run_result_row(batch->result, &similarity, batch->labels[i]));
  }
  return TSR_OK;
}

static tsr_status write_embeddings(tsr__run_batch *batch) {
  for (int64_t s = 0; s < batch->sequences; s++)
    TSR_TRY(tsr__run_result_row(batch->result, batch->values + s * batch->width, NULL));
  return TSR_OK;
}

static tsr_status execute(tsr__run_batch *batch, const tsr_output *output) {
  tsr_batch sequences = {batch->sequences, batch->offsets, batch->ids, NULL};
  if (batch->gpu) return tsr__cuda_host_execute(batch->gpu, &sequences, output);
  return tsr_model_execute(batch->plan, &sequences, output, batch->workspace,
                           batch->workspace_bytes);
}

tsr_status tsr__run_batch_flush(tsr__run_batch *batch) {
  if (!batch->sequences) return TSR_OK;
  int hidden = batch->result->grouped;
  tsr_output output = {.hidden = hidden ? batch->values : NULL,
                       .embedding = hidden ? NULL : batch->values,
                       .normalise = batch->normalise};
  tsr_status status = execute(batch, &output);
  if (status == TSR_OK)
    status = hidden         ? write_hidden(batch)
             : batch->pairs ? write_similarities(batch)
                            : write_embeddings(batch);
  clear(batch);
  return status;
}

/* A pair's line, whose two parts lie one after the other. */
static tsr_status copy_label(const tsr__run_item *item, char **out) {
  size_t bytes = (size_t)(item->second - item->first) + item->second_bytes;
  TSR_TRY(tsr__calloc(bytes + 1, 1, "a pair", out));
  memcpy(*out, item->first, bytes);
  return TSR_OK;
}

tsr_status tsr__run_batch_add(tsr__run_batch *batch, const tsr__run_input *input,
                              const tsr__run_item *item) {
  size_t first, second = 0;
  TSR_TRY(tsr__run_input_encode(input, item->first, item->first_bytes, batch->item, &first));
  if (item->second)
    TSR_TRY(tsr__run_input_encode(input, item->second, item->second_bytes, batch->item + first,
                                  &second));
  int64_t tokens = (int64_t)(first + second);
  int64_t used = batch->offsets[batch->sequences];
  if (batch->items == batch->max_items || used + tokens > batch->max_tokens) {
    TSR_TRY(tsr__run_batch_flush(batch));
    used = 0;
  }
  if (item->second) TSR_TRY(copy_label(item, &batch->labels[batch->items]));
  memcpy(batch->ids + used, batch->item, (size_t)tokens * sizeof *batch->ids);
  batch->offsets[++batch->sequences] = used + (int64_t)first;
  if (item->second) batch->offsets[++batch->sequences] = used + tokens;
  batch->items++;
  return TSR_OK;
}
