/* Bundles: the weights of the kernels that hold tokens in vector lanes.
 *
 * For structure finer than a vector of rows. A bundle is 1, 2 or 4 consecutive rows of W with
 * one list of columns; each weight is broadcast against a vector of tokens, so the activations are
 * transposed first. Columns are cut into chunks, so that the transposed activations of a chunk stay
 * in L1, and rows into row blocks, so that their sums stay in L2. Within a (row block, chunk) the
 * bundles are sorted by height and number of columns: with random structure the length of the inner
 * loop would otherwise be mispredicted for every bundle. The first chunk has every bundle, even
 * those without columns there: it is where the sums begin. */
#ifndef TESSERA_KERNELS_CPU_LANES_H
#define TESSERA_KERNELS_CPU_LANES_H

#include "kernels/kernel.h"

enum {
  TSR__UNIT_ROWS = 32, /* what is shared among threads where tokens are too few to be */
  TSR__BLOCK_UNITS = 24,
  TSR__BLOCK_ROWS = TSR__UNIT_ROWS * TSR__BLOCK_UNITS,
  TSR__OFFSET_FLOATS = 2, /* what offsets count: 8 bytes, which an address can be scaled by */
};

/* How activations are cut. */
typedef struct tsr__lanes_shape {
  int64_t panel_tokens; /* that are transposed and multiplied together */
  int64_t chunk_cols;   /* whose offsets fit 16 bits */
} tsr__lanes_shape;

typedef struct tsr__bundle {
  uint16_t row;    /* within the row block */
  uint16_t height; /* 1, 2 or 4 */
  uint32_t count;  /* columns */
} tsr__bundle;

/* Where the arrays of one (row block, chunk) begin. */
typedef struct tsr__lanes_tile {
  int64_t bundle, column, value;
} tsr__lanes_tile;

/* In one allocation: this header, unit_rows, tiles, bundles, offsets, values. */
typedef struct tsr__lanes {
  int64_t rows, cols, units, chunks;
  tsr__lanes_shape shape;
  const int64_t *unit_rows;     /* [units + 1]; a unit begins with a bundle, so a few rows late */
  const tsr__lanes_tile *tiles; /* [row blocks * chunks + 1] */
  const tsr__bundle *bundles;
  const uint16_t *offsets; /* of a column in a chunk's activations, in TSR__OFFSET_FLOATS */
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

size_t tsr__lanes_bytes(const tsr_packed *w, const tsr__lanes_source *source,
                        tsr__lanes_shape shape);
void tsr__lanes_build(const tsr_packed *w, const tsr__lanes_source *source, tsr__lanes_shape shape,
                      void *out);

/* Multiplies units first..last-1 with all tokens of args. args->workspace:
 * tsr__lanes_workspace_bytes. */
void tsr__lanes_run_avx512(const tsr__lanes *lanes, int64_t first, int64_t last,
                           const tsr_spmm_args *args);
void tsr__lanes_run_avx2(const tsr__lanes *lanes, int64_t first, int64_t last,
                         const tsr_spmm_args *args);

/* The greatest bundle that `rows` rows hold. Eight rows would leave registers for half as many
 * vectors of tokens: 8 x 2 need 10 loads for 16 FMAs, 4 x 4 need 8. */
static inline int tsr__bundle_height(int64_t rows) { return rows >= 4 ? 4 : rows >= 2 ? 2 : 1; }

static inline int64_t tsr__lanes_units(int64_t rows) {
  return (rows + TSR__UNIT_ROWS - 1) / TSR__UNIT_ROWS;
}

/* At least one: the sums begin there. */
static inline int64_t tsr__lanes_chunks(int64_t cols, tsr__lanes_shape shape) {
  return cols ? (cols + shape.chunk_cols - 1) / shape.chunk_cols : 1;
}

/* The rows of m that the sums of a block hold: the last bundle may overhang, and sums leave them in
 * whole vectors of rows. */
static inline int64_t tsr__lanes_sums_rows(int64_t m) {
  return (m < TSR__BLOCK_ROWS ? m : TSR__BLOCK_ROWS) + 32;
}

/* The transposed activations of a chunk, the sums of a row block, and where they begin; the chunk
 * before it is transposed, if a convolution gathers it. */
static inline size_t tsr__lanes_workspace_bytes(int64_t m, int gathers, tsr__lanes_shape shape) {
  size_t rows = (size_t)((gathers ? 2 : 1) * shape.chunk_cols + tsr__lanes_sums_rows(m));
  return (rows * (size_t)shape.panel_tokens + (size_t)tsr__lanes_sums_rows(m)) * sizeof(float);
}

#endif
