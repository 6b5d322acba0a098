/* Bundles: the weights of the kernels that hold tokens in vector lanes.
 *
 * For structure finer than a vector of rows. A bundle is 1, 2, 4 or 8 consecutive rows of W with
 * one list of columns; each weight is broadcast against a vector of tokens, so the activations are
 * transposed first. Rows are cut into row blocks and columns into chunks, so that the activations
 * of a chunk stay in L1 and the sums of a row block in L2. Within a (row block, chunk) the bundles
 * are sorted by height and number of columns: with random structure the length of the inner loop
 * would otherwise be mispredicted for every bundle. */
#ifndef TESSERA_KERNELS_CPU_LANES_H
#define TESSERA_KERNELS_CPU_LANES_H

#include "kernels/kernel.h"

enum {
  TSR__PANEL_VECS = 4, /* vectors of tokens that are transposed and multiplied together */
  TSR__CHUNK_COLS = 128,
  TSR__BLOCK_ROWS = 512,
};

typedef struct tsr__bundle {
  uint16_t row;    /* within the row block */
  uint16_t height; /* 1, 2, 4 or 8 */
  uint32_t count;  /* columns */
} tsr__bundle;

/* Where the arrays of one (row block, chunk) begin. */
typedef struct tsr__lanes_tile {
  int64_t bundle, column, value;
} tsr__lanes_tile;

/* In one allocation: this header, first_rows, tiles, bundles, offsets, values. */
typedef struct tsr__lanes {
  int64_t rows, cols, row_blocks, chunks;
  int64_t panel_tokens;         /* tokens of the transposed activations' rows */
  const int64_t *first_rows;    /* [row_blocks + 1]; a block may end a few rows late */
  const tsr__lanes_tile *tiles; /* [row_blocks * chunks + 1] */
  const tsr__bundle *bundles;
  const uint32_t *offsets; /* of a column in a chunk's activations, in floats */
  const float *values;     /* `height` floats a column */
} tsr__lanes;

/* Called for stored columns of a bundle. Row r's value: values[r * stride]. */
typedef void tsr__lanes_emit(void *user, int64_t col, const float *values, int64_t stride);

/* How a format's rows become bundles. */
typedef struct tsr__lanes_source {
  /* Rows of the bundle that begins at `row`. */
  int (*height)(const tsr_packed *w, int64_t row);
  /* Emits the bundle's columns in [begin, end), ascending, without looking at the others. */
  void (*columns)(const tsr_packed *w, int64_t row, int64_t begin, int64_t end,
                  tsr__lanes_emit *emit, void *user);
} tsr__lanes_source;

size_t tsr__lanes_bytes(const tsr_packed *w, const tsr__lanes_source *source);
void tsr__lanes_build(const tsr_packed *w, const tsr__lanes_source *source, int64_t panel_tokens,
                      void *out);

/* Multiplies row blocks first..last-1 with all tokens of args. args->workspace:
 * tsr__lanes_workspace_bytes. */
void tsr__lanes_run_avx512(const tsr__lanes *lanes, int64_t first, int64_t last,
                           const tsr_spmm_args *args);
void tsr__lanes_run_avx2(const tsr__lanes *lanes, int64_t first, int64_t last,
                         const tsr_spmm_args *args);

/* The greatest bundle that `rows` rows hold. */
static inline int tsr__bundle_height(int64_t rows) {
  return rows >= 8 ? 8 : rows >= 4 ? 4 : rows >= 2 ? 2 : 1;
}

static inline int64_t tsr__lanes_chunks(int64_t cols) {
  return (cols + TSR__CHUNK_COLS - 1) / TSR__CHUNK_COLS;
}

/* Transposed activations, and the sums of a row block. The last bundle may overhang the block, and
 * sums leave it in whole vectors of rows. */
static inline size_t tsr__lanes_workspace_bytes(int64_t k, int64_t panel_tokens) {
  size_t rows = (size_t)tsr__lanes_chunks(k) * TSR__CHUNK_COLS + TSR__BLOCK_ROWS + 32;
  return rows * (size_t)panel_tokens * sizeof(float);
}

#endif
