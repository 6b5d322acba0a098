#include "bench/gpu_activations.h"

#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/half.h"
#include "runtime/base/status.h"

static tsr_status upload(const float *x, size_t count, size_t x_room, size_t y_room,
                         tsr__gpu_activations *a) {
  uint16_t *rounded;
  TSR_TRY(tsr__calloc(x_room, sizeof *rounded, "activations", &rounded));
  tsr__from_f32(x, TSR_DTYPE_F16, rounded, (uint64_t)count);
  tsr_status status = tsr__cuda_upload(a->cuda, rounded, x_room * sizeof *rounded,
                                       "the baseline's activations", &a->x);
  free(rounded);
  TSR_TRY(status);
  size_t bytes = y_room * sizeof *rounded;
  TSR_TRY(tsr__cuda_alloc(a->cuda, bytes, "the baseline's outputs", &a->y));
  return tsr__cuda_fill(a->cuda, a->y, 0, bytes, NULL);
}

tsr_status tsr__gpu_activations_create(const float *x, size_t count, size_t x_room, size_t y_room,
                                       tsr__gpu_activations *out) {
  *out = (tsr__gpu_activations){0};
  TSR_TRY(tsr__cuda_open(&out->cuda));
  tsr_status status = tsr__cuda_enter(out->cuda);
  if (status == TSR_OK) {
    status = upload(x, count, x_room, y_room, out);
    tsr__cuda_leave(out->cuda);
  }
  out->operands = (tsr__gpu_operands){.dtype = TSR_DTYPE_F16, .x = out->x, .y = out->y};
  if (status != TSR_OK) tsr__gpu_activations_release(out);
  return status;
}

static tsr_status read_rounded(const tsr__gpu_activations *a, uint16_t *rounded, size_t count) {
  TSR_TRY(tsr__cuda_enter(a->cuda));
  tsr_status status = tsr__cuda_wait(a->cuda, NULL, "the baseline");
  if (status == TSR_OK)
    status =
        tsr__cuda_read(a->cuda, rounded, a->y, count * sizeof *rounded, "the baseline's outputs");
  tsr__cuda_leave(a->cuda);
  return status;
}

tsr_status tsr__gpu_activations_read(const tsr__gpu_activations *a, float *y, size_t count) {
  uint16_t *rounded;
  TSR_TRY(tsr__calloc(count, sizeof *rounded, "outputs", &rounded));
  tsr_status status = read_rounded(a, rounded, count);
  if (status == TSR_OK) tsr__to_f32(rounded, TSR_DTYPE_F16, y, count);
  free(rounded);
  return status;
}

void tsr__gpu_activations_release(tsr__gpu_activations *a) {
  if (a->cuda && tsr__cuda_enter(a->cuda) == TSR_OK) {
    tsr__cuda_free(a->cuda, a->x);
    tsr__cuda_free(a->cuda, a->y);
    tsr__cuda_leave(a->cuda);
  }
  tsr__cuda_close(a->cuda);
  *a = (tsr__gpu_activations){0};
}
