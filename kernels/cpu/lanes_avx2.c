#include "kernels/cpu/vec_avx2.h"
/* vec_avx2.h comes first: the bodies are written in its operations. */
#include "kernels/cpu/lanes_run.h"

/* Rows x vectors of tokens: at most 8 accumulators. */
#define TILES_OF_1_ROW(X) X(1, 1) X(1, 2) X(1, 3) X(1, 4)
#define TILES_OF_2_ROWS(X) X(2, 1) X(2, 2) X(2, 3) X(2, 4)
#define TILES_OF_4_ROWS(X) X(4, 1) X(4, 2)
#define TILES_OF_8_ROWS(X) X(8, 1)

#define TILE(H, T)                                         \
  static void lanes_tile_##H##_##T(const lanes_job *job) { \
    lanes_tile(H, T, LANES_SETS(H *T), job);               \
  }
TILES_OF_1_ROW(TILE)
TILES_OF_2_ROWS(TILE)
TILES_OF_4_ROWS(TILE)
TILES_OF_8_ROWS(TILE)

#define ENTRY(H, T) [T] = lanes_tile_##H##_##T,
static lanes_function *const rows_1[] = {TILES_OF_1_ROW(ENTRY)};
static lanes_function *const rows_2[] = {TILES_OF_2_ROWS(ENTRY)};
static lanes_function *const rows_4[] = {TILES_OF_4_ROWS(ENTRY)};
static lanes_function *const rows_8[] = {TILES_OF_8_ROWS(ENTRY)};

#define LIMIT(table) (int)(sizeof table / sizeof table[0]) - 1
static const lanes_tiles tiles = {
    {rows_1, rows_2, rows_4, rows_8},
    {LIMIT(rows_1), LIMIT(rows_2), LIMIT(rows_4), LIMIT(rows_8)},
};

void tsr__lanes_run_avx2(const tsr__lanes *lanes, int64_t first, int64_t last,
                         const tsr_spmm_args *args) {
  run_lanes(&tiles, lanes, first, last, args);
}
