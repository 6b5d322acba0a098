#include "kernels/cpu/vec_avx512.h"
/* vec_avx512.h comes first: the bodies are written in its operations. */
#include "kernels/cpu/strip_direct.h"
#include "kernels/cpu/strip_in_place.h"
#include "kernels/cpu/strip_packed.h"

/* clang-format never comes to rest on such lists. */
/* clang-format off */
#define TOKENS_OF_TWO_SUMS(X) \
  X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#define TOKENS_OF_ONE_SUM(X) TOKENS_OF_TWO_SUMS(X) \
  X(15) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28)
/* clang-format on */

/* Sixteen rows, one sum each. */
#define PACKED_TILE(T) \
  static void packed_tile_##T(const packed_job *job) { packed_tile(T, STRIP_SETS(T), job); }
TOKENS_OF_ONE_SUM(PACKED_TILE)

/* 32 rows. */
#define TILE(T)                                         \
  static void strip_tile_##T(const strip_job *job) {    \
    strip_tile(2, 1, T, STRIP_SETS(2 * T), 0, job);     \
  }                                                     \
  static void conv_tile_##T(const strip_job *job) {     \
    strip_tile(2, 1, T, STRIP_SETS(2 * T), 1, job);     \
  }                                                     \
  static void direct_panel_##T(const direct_job *job) { \
    direct_panel(2, 1, T, STRIP_SETS(2 * T), job);      \
  }
TOKENS_OF_TWO_SUMS(TILE)

/* Sixteen rows of two columns side by side. */
#define PAIR_TILE(T)                                         \
  static void pair_tile_##T(const strip_job *job) {          \
    strip_tile(2, 2, T, STRIP_SETS(2 * T), 0, job);          \
  }                                                          \
  static void pair_conv_tile_##T(const strip_job *job) {     \
    strip_tile(2, 2, T, STRIP_SETS(2 * T), 1, job);          \
  }                                                          \
  static void pair_in_place_##T(const strip_job *job) {      \
    in_place_tile(2, T, STRIP_SETS(2 * T), 0, job);          \
  }                                                          \
  static void pair_conv_in_place_##T(const strip_job *job) { \
    in_place_tile(2, T, STRIP_SETS(2 * T), 1, job);          \
  }                                                          \
  static void pair_panel_##T(const direct_job *job) {        \
    direct_panel(2, 2, T, STRIP_SETS(2 * T), job);           \
  }
TOKENS_OF_TWO_SUMS(PAIR_TILE)

#define PACKED_ENTRY(T) [T] = packed_tile_##T,
static packed_function *const packed_tiles[] = {TOKENS_OF_ONE_SUM(PACKED_ENTRY)};
#define ENTRY(T) [T] = strip_tile_##T,
#define CONV_ENTRY(T) [T] = conv_tile_##T,
#define PANEL_ENTRY(T) [T] = direct_panel_##T,
static strip_function *const tiles[][IN_PLACE_TOKENS + 1] = {{TOKENS_OF_TWO_SUMS(ENTRY)},
                                                             {TOKENS_OF_TWO_SUMS(CONV_ENTRY)}};
static direct_function *const direct_panels[] = {TOKENS_OF_TWO_SUMS(PANEL_ENTRY)};
#define PAIR_ENTRY(T) [T] = pair_tile_##T,
#define PAIR_CONV_ENTRY(T) [T] = pair_conv_tile_##T,
#define PAIR_IN_PLACE_ENTRY(T) [T] = pair_in_place_##T,
#define PAIR_CONV_IN_PLACE_ENTRY(T) [T] = pair_conv_in_place_##T,
#define PAIR_PANEL_ENTRY(T) [T] = pair_panel_##T,
static strip_function *const pair_tiles[][IN_PLACE_TOKENS + 1] = {
    {TOKENS_OF_TWO_SUMS(PAIR_ENTRY)}, {TOKENS_OF_TWO_SUMS(PAIR_CONV_ENTRY)}};
static strip_function *const pair_tiles_in_place[][IN_PLACE_TOKENS + 1] = {
    {TOKENS_OF_TWO_SUMS(PAIR_IN_PLACE_ENTRY)}, {TOKENS_OF_TWO_SUMS(PAIR_CONV_IN_PLACE_ENTRY)}};
static direct_function *const pair_panels[] = {TOKENS_OF_TWO_SUMS(PAIR_PANEL_ENTRY)};

static void run_pairs(const tsr__strips *strips, int64_t first, int64_t last,
                      const tsr_spmm_args *args) {
  int mapped = args->conv != NULL;
  if (is_direct(strips, first, last, IN_PLACE_TOKENS, args))
    run_direct(pair_panels, IN_PLACE_TOKENS, strips, first, last, args);
  else if (is_spread(args, IN_PLACE_TOKENS))
    run_strips_in_place(pair_tiles_in_place[mapped], strips, first, last, args);
  else
    run_strips(pair_tiles[mapped], IN_PLACE_TOKENS, strips, first, last, args);
}

static int is_packed(tsr__strip_shape shape) {
  return shape.rows == TSR__LANES && shape.side_cols == 1;
}

/* Workspace beside what is gathered. */
static size_t own_bytes(int64_t k, tsr__strip_shape shape) {
  return is_packed(shape) ? packed_workspace_bytes(k, TSR__ACCUMULATORS) : STRIP_WORKSPACE_BYTES;
}

void tsr__strips_run_avx512(const tsr__strips *strips, int64_t first, int64_t last,
                            const tsr_spmm_args *args) {
  if (is_gathered(args->conv))
    run_gathered(tsr__strips_run_avx512, own_bytes(strips->cols, strips->shape), strips, first,
                 last, args);
  else if (is_packed(strips->shape))
    run_strips_packed(packed_tiles, TSR__ACCUMULATORS, strips, first, last, args);
  else if (strips->shape.side_cols == 2)
    run_pairs(strips, first, last, args);
  else if (is_direct(strips, first, last, IN_PLACE_TOKENS, args))
    run_direct(direct_panels, IN_PLACE_TOKENS, strips, first, last, args);
  else
    run_strips(tiles[args->conv != NULL], IN_PLACE_TOKENS, strips, first, last, args);
}

size_t tsr__strips_workspace_avx512(int64_t k, const tsr_conv_shape *conv, tsr__strip_shape shape) {
  int packed = is_packed(shape);
  return own_bytes(k, shape) +
         tsr__round_to_line(conv_bytes(conv, k, packed ? 1 : PANELS_MAX,
                                       packed ? TSR__ACCUMULATORS : IN_PLACE_TOKENS));
}
