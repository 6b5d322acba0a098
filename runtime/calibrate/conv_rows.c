#include "runtime/calibrate/conv_rows.h"

#include <stdlib.h>

#include "kernels/cpu/conv.h"
#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

/* Of the rows that are gathered at once. */
enum { GATHERED_BYTES = 8 << 20 };

/* The input's pixels are its rows as they are. */
static int is_plain(const tsr_conv_shape *s) {
  for (int axis = 0; axis < 2; axis++)
    if (s->kernel[axis] != 1 || s->stride[axis] != 1 || s->padding[axis]) return 0;
  return 1;
}

static void gather(const tsr_conv_shape *shape, const float *x, int64_t first, int64_t count,
                   int64_t features, int32_t threads, float *out) {
#pragma omp parallel for schedule(static) num_threads(threads)
  for (int64_t t = 0; t < count; t++) {
    tsr_spmm_args args = {
        .b = x, .ldb = shape->channels, .conv = shape, .first_token = first + t, .n = 1};
    tsr__conv_gather_tokens(&args, 0, features, out + t * features, features);
  }
}

/* reference: NULL, or like x. */
static tsr_status add_rows(tsr_statistics *s, const float *x, const float *reference, int64_t rows,
                           int64_t features, int32_t threads) {
  return reference ? tsr__statistics_add_pair(s, x, reference, rows, features, threads)
                   : tsr_statistics_add(s, x, rows, features, threads);
}

tsr_status tsr__statistics_add_conv(tsr_statistics *statistics, const tsr_conv_shape *shape,
                                    const float *x, const float *reference, int64_t images,
                                    int32_t threads) {
  int64_t features = (int64_t)shape->kernel[0] * shape->kernel[1] * shape->channels;
  int64_t rows = images * tsr_conv_output_size(shape, 0) * tsr_conv_output_size(shape, 1);
  if (is_plain(shape)) return add_rows(statistics, x, reference, rows, features, threads);
  int64_t most = GATHERED_BYTES / (int64_t)sizeof(float) / features;
  if (most < 1) most = 1;
  if (most > rows) most = rows;
  float *gathered;
  TSR_TRY(tsr__aligned((size_t)(2 * most * features), sizeof *gathered, "a convolution's input",
                       &gathered));
  float *beside = reference ? gathered + most * features : NULL;
  tsr_status status = TSR_OK;
  for (int64_t first = 0; first < rows && status == TSR_OK; first += most) {
    int64_t count = rows - first < most ? rows - first : most;
    gather(shape, x, first, count, features, threads, gathered);
    if (reference) gather(shape, reference, first, count, features, threads, beside);
    status = add_rows(statistics, gathered, beside, count, features, threads);
  }
  free(gathered);
  return status;
}
