#include "bench/baseline/gpu.h"

#include <stdlib.h>

#include "bench/harness.h"
#include "runtime/base/alloc.h"
#include "runtime/base/half.h"
#include "runtime/base/status.h"

enum { ALIGNMENT = 16, TIMED_RUNS = 10 };

static int aligned(const void *pointer) { return pointer && (uintptr_t)pointer % ALIGNMENT == 0; }

static tsr_status check(const tsr__gpu_ops *ops, const tsr__product *p, void **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "baseline: no result to write to");
  *out = NULL;
  TSR_CHECK(p && p->weights && p->gpu, TSR_INVALID_ARGUMENT,
            "baseline: a product, its weights and the GPU's operands are needed");
  TSR_CHECK(p->m > 0 && p->k > 0 && p->n > 0 && p->m <= INT32_MAX && p->k <= INT32_MAX &&
                p->n <= INT32_MAX - TSR__GPU_TOKEN_GROUP,
            TSR_INVALID_ARGUMENT, "baseline: %lld x %lld x %lld", (long long)p->m, (long long)p->k,
            (long long)p->n);
  const tsr__gpu_operands *gpu = p->gpu;
  TSR_CHECK(gpu->dtype == TSR_DTYPE_F16 || gpu->dtype == TSR_DTYPE_BF16, TSR_INVALID_ARGUMENT,
            "baseline: %s; the GPU's are F16 and BF16", tsr_dtype_name(gpu->dtype));
  TSR_CHECK(aligned(gpu->x) && aligned(gpu->y), TSR_INVALID_ARGUMENT,
            "baseline: x and y must be there and aligned to %d bytes", ALIGNMENT);
  TSR_CHECK(gpu->block >= 0, TSR_INVALID_ARGUMENT, "baseline: blocks of %d", (int)gpu->block);
  TSR_CHECK(ops->convolutions || !p->conv, TSR_UNSUPPORTED, "%s has no convolutions", ops->title);
  return TSR_OK;
}

static void release(tsr__gpu_state *s) {
  if (tsr__cuda_enter(s->cuda) == TSR_OK) {
    s->ops->release(s);
    for (size_t b = 0; b < s->buffer_count; b++) tsr__cuda_free(s->cuda, s->buffers[b]);
    tsr__cuda_leave(s->cuda);
  }
  tsr__cuda_close(s->cuda);
}

static tsr_status build(tsr__gpu_state *s) {
  TSR_TRY(tsr__cuda_enter(s->cuda));
  tsr_status status = s->ops->build(s);
  s->product.conv = NULL; /* the caller's */
  if (status == TSR_OK) status = tsr__gpu_wait(s);
  tsr__cuda_leave(s->cuda);
  return status;
}

tsr_status tsr__gpu_create(const tsr__gpu_ops *ops, const tsr__product *product, void **out) {
  TSR_TRY(check(ops, product, out));
  tsr__gpu_state *s;
  TSR_TRY(tsr__calloc(1, ops->state_bytes, "a baseline of the GPU", &s));
  s->ops = ops;
  s->product = *product;
  s->gpu = *product->gpu;
  s->product.gpu = &s->gpu;
  tsr_status status = tsr__cuda_open(&s->cuda);
  if (status == TSR_OK) {
    status = build(s);
    if (status != TSR_OK) release(s);
  }
  if (status == TSR_OK)
    *out = s;
  else
    free(s);
  return status;
}

tsr_status tsr__gpu_run(void *state) {
  tsr__gpu_state *s = state;
  TSR_TRY(tsr__cuda_enter(s->cuda));
  tsr_status status = s->ops->run(s);
  tsr__cuda_leave(s->cuda);
  return status;
}

tsr__range tsr__gpu_weights(const void *state) { return ((const tsr__gpu_state *)state)->weights; }

void tsr__gpu_destroy(void *state) {
  if (!state) return;
  release(state);
  free(state);
}

tsr_status tsr__gpu_time(tsr__gpu_state *s, double *seconds) {
  TSR_TRY(s->ops->run(s));
  TSR_TRY(tsr__gpu_wait(s));
  double start = tsr__now();
  for (int r = 0; r < TIMED_RUNS; r++) TSR_TRY(s->ops->run(s));
  TSR_TRY(tsr__gpu_wait(s));
  *seconds = (tsr__now() - start) / TIMED_RUNS;
  return TSR_OK;
}

tsr_status tsr__gpu_alloc(tsr__gpu_state *s, size_t bytes, const char *what, void **out) {
  TSR_CHECK(s->buffer_count < TSR__GPU_BUFFERS, TSR_UNSUPPORTED, "%s: more than %d buffers", what,
            TSR__GPU_BUFFERS);
  TSR_TRY(tsr__cuda_alloc(s->cuda, bytes, what, out));
  s->buffers[s->buffer_count++] = *out;
  return TSR_OK;
}

tsr_status tsr__gpu_upload(tsr__gpu_state *s, const void *host, size_t bytes, const char *what,
                           void **out) {
  TSR_TRY(tsr__gpu_alloc(s, bytes, what, out));
  return tsr__cuda_write(s->cuda, *out, host, bytes, what);
}

tsr_status tsr__gpu_upload_rounded(tsr__gpu_state *s, const float *values, size_t count,
                                   const char *what, void **out) {
  uint16_t *rounded;
  TSR_TRY(tsr__calloc(count, sizeof *rounded, what, &rounded));
  tsr__from_f32(values, s->gpu.dtype, rounded, count);
  tsr_status status = tsr__gpu_upload(s, rounded, count * sizeof *rounded, what, out);
  free(rounded);
  return status;
}

tsr_status tsr__gpu_wait(const tsr__gpu_state *s) {
  return tsr__cuda_wait(s->cuda, s->gpu.stream, "a baseline");
}

tsr_status tsr__gpu_check_plain(const tsr__gpu_state *s, const char *library) {
  TSR_CHECK(!s->gpu.bias && s->gpu.activation == TSR_ACTIVATION_NONE, TSR_UNSUPPORTED,
            "%s adds no bias and applies no activation", library);
  return TSR_OK;
}
