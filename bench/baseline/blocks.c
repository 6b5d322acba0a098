#include "bench/baseline/blocks.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

static int has_nonzero(const float *corner, int64_t cols, int32_t block) {
  for (int32_t r = 0; r < block; r++)
    for (int32_t c = 0; c < block; c++)
      if (corner[r * cols + c] != 0) return 1;
  return 0;
}

static int64_t count_kept(const float *weights, int64_t rows, int64_t cols, int32_t block) {
  int64_t kept = 0;
  for (int64_t r = 0; r < rows; r += block)
    for (int64_t c = 0; c < cols; c += block)
      kept += has_nonzero(weights + r * cols + c, cols, block);
  return kept;
}

static void fill(const float *weights, int64_t cols, int32_t block, tsr__blocks *out) {
  float *values = out->values;
  int32_t kept = 0;
  for (int64_t b = 0; b < out->block_rows; b++) {
    for (int64_t c = 0; c < cols; c += block) {
      const float *corner = weights + b * block * cols + c;
      if (!has_nonzero(corner, cols, block)) continue;
      out->columns[kept++] = (int32_t)(c / block);
      for (int32_t r = 0; r < block; r++, values += block)
        memcpy(values, corner + r * cols, (size_t)block * sizeof *values);
    }
    out->offsets[b + 1] = kept;
  }
}

tsr_status tsr__blocks_create(const float *weights, int64_t rows, int64_t cols, int32_t block,
                              tsr__blocks *out) {
  *out = (tsr__blocks){.block_rows = rows / block, .kept = count_kept(weights, rows, cols, block)};
  TSR_CHECK(out->kept <= INT32_MAX, TSR_UNSUPPORTED_SHAPE, "%lld blocks of %d: indices are 32 bits",
            (long long)out->kept, (int)block);
  size_t kept = (size_t)out->kept, elements = kept * (size_t)block * (size_t)block;
  tsr_status status;
  TSR_TRY_GOTO(
      status,
      tsr__calloc((size_t)out->block_rows + 1, sizeof *out->offsets, "row offsets", &out->offsets),
      done);
  TSR_TRY_GOTO(status, tsr__calloc(kept, sizeof *out->columns, "column indices", &out->columns),
               done);
  TSR_TRY_GOTO(status, tsr__calloc(elements, sizeof *out->values, "kept blocks", &out->values),
               done);
  fill(weights, cols, block, out);
done:
  if (status != TSR_OK) tsr__blocks_release(out);
  return status;
}

void tsr__blocks_release(tsr__blocks *blocks) {
  free(blocks->offsets);
  free(blocks->columns);
  free(blocks->values);
  *blocks = (tsr__blocks){0};
}

/* At least 1: a matrix of zeros needs an array all the same. */
static int64_t fullest_row(const tsr__blocks *blocks) {
  int64_t most = 1;
  for (int64_t b = 0; b < blocks->block_rows; b++) {
    int64_t count = blocks->offsets[b + 1] - blocks->offsets[b];
    if (count > most) most = count;
  }
  return most;
}

static void spread(const tsr__blocks *blocks, int32_t block, tsr__padded_blocks *out) {
  int64_t ld = out->width * block;
  for (int64_t b = 0; b < blocks->block_rows; b++)
    for (int64_t w = 0; w < out->width; w++) {
      int64_t from = blocks->offsets[b] + w;
      int there = from < blocks->offsets[b + 1];
      out->columns[b * out->width + w] = there ? blocks->columns[from] : -1;
      for (int32_t r = 0; there && r < block; r++)
        memcpy(out->values + (b * block + r) * ld + w * block,
               blocks->values + (from * block + r) * block, (size_t)block * sizeof *out->values);
    }
}

tsr_status tsr__blocks_pad(const tsr__blocks *blocks, int32_t block, tsr__padded_blocks *out) {
  *out = (tsr__padded_blocks){.width = fullest_row(blocks)};
  size_t count = (size_t)(blocks->block_rows * out->width);
  TSR_TRY(tsr__calloc(count, sizeof *out->columns, "column indices", &out->columns));
  tsr_status status = tsr__calloc(count * (size_t)block * (size_t)block, sizeof *out->values,
                                  "padded blocks", &out->values);
  if (status == TSR_OK)
    spread(blocks, block, out);
  else
    tsr__padded_blocks_release(out);
  return status;
}

void tsr__padded_blocks_release(tsr__padded_blocks *padded) {
  free(padded->columns);
  free(padded->values);
  *padded = (tsr__padded_blocks){0};
}
