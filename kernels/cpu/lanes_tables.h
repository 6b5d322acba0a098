/* The functions of the bundle tiles that TILES_OF_*_ROW(S) list. Include lanes_run.h first. */
#ifndef TESSERA_KERNELS_CPU_LANES_TABLES_H
#define TESSERA_KERNELS_CPU_LANES_TABLES_H

#define TILE(H, T)                                         \
  static void lanes_tile_##H##_##T(const lanes_job *job) { \
    lanes_tile(H, T, LANES_SETS(H *T), job);               \
  }
TILES_OF_1_ROW(TILE)
TILES_OF_2_ROWS(TILE)
TILES_OF_4_ROWS(TILE)

#define ENTRY(H, T) [T] = lanes_tile_##H##_##T,
static lanes_function *const rows_1[] = {TILES_OF_1_ROW(ENTRY)};
static lanes_function *const rows_2[] = {TILES_OF_2_ROWS(ENTRY)};
static lanes_function *const rows_4[] = {TILES_OF_4_ROWS(ENTRY)};

#define LIMIT(table) (int)(sizeof table / sizeof table[0]) - 1
static const lanes_tiles tiles = {
    {rows_1, rows_2, rows_4},
    {LIMIT(rows_1), LIMIT(rows_2), LIMIT(rows_4)},
};

#endif
