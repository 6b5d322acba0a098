#include "kernels/cpu/vec_avx512.h"
/* vec_avx512.h comes first: the bodies are written in its operations. */
#include "kernels/cpu/strip_direct.h"
#include "kernels/cpu/strip_grouped.h"
#include "kernels/cpu/strip_in_place.h"
#include "kernels/cpu/strip_packed.h"
#include "kernels/cpu/strip_padded.h"

/* clang-format never comes to rest on such lists. */
/* clang-format off */
#define TOKENS_OF_TWO_SUMS(X) \
  X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#define TOKENS_OF_ONE_SUM(X) TOKENS_OF_TWO_SUMS(X) \
  X(15) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28)
/* clang-format on */

/* Sixteen rows, one sum each. */
#define PACKED_TILE(T) \
  static void packed_tile_##T(const packed_job *job) { packed_tile(1, 1, T, STRIP_SETS(T), job); }
TOKENS_OF_ONE_SUM(PACKED_TILE)

/* 32 rows. */
#define TILE(T)                                         \
  static void grouped_tile_##T(const packed_job *job) { \
    packed_tile(2, 1, T, STRIP_SETS(2 * T), job);       \
  }                                                     \
  static void in_place_##T(const strip_job *job) {      \
    in_place_tile(2, 1, T, STRIP_SETS(2 * T), job);     \
  }                                                     \
  static void direct_panel_##T(const direct_job *job) { \
    direct_panel(2, 1, T, STRIP_SETS(2 * T), job);      \
  }                                                     \
  static void padded_tile_##T(const padded_job *job) { padded_tile(2, T, job); }
TOKENS_OF_TWO_SUMS(TILE)

/* Sixteen rows of two columns side by side. */
#define PAIR_TILE(T)                                    \
  static void grouped_pair_##T(const packed_job *job) { \
    packed_tile(2, 2, T, STRIP_SETS(2 * T), job);       \
  }                                                     \
  static void pair_in_place_##T(const strip_job *job) { \
    in_place_tile(2, 2, T, STRIP_SETS(2 * T), job);     \
  }                                                     \
  static void pair_panel_##T(const direct_job *job) {   \
    direct_panel(2, 2, T, STRIP_SETS(2 * T), job);      \
  }
TOKENS_OF_TWO_SUMS(PAIR_TILE)

#define PACKED_ENTRY(T) [T] = packed_tile_##T,
static packed_function *const packed_tiles[] = {TOKENS_OF_ONE_SUM(PACKED_ENTRY)};
#define GROUPED_ENTRY(T) [T] = grouped_tile_##T,
#define IN_PLACE_ENTRY(T) [T] = in_place_##T,
#define PANEL_ENTRY(T) [T] = direct_panel_##T,
#define PADDED_ENTRY(T) [T] = padded_tile_##T,
static packed_function *const grouped_tiles[] = {TOKENS_OF_TWO_SUMS(GROUPED_ENTRY)};
static strip_function *const tiles_in_place[] = {TOKENS_OF_TWO_SUMS(IN_PLACE_ENTRY)};
static direct_function *const direct_panels[] = {TOKENS_OF_TWO_SUMS(PANEL_ENTRY)};
static padded_function *const padded_tiles[] = {TOKENS_OF_TWO_SUMS(PADDED_ENTRY)};
#define GROUPED_PAIR_ENTRY(T) [T] = grouped_pair_##T,
#define PAIR_IN_PLACE_ENTRY(T) [T] = pair_in_place_##T,
#define PAIR_PANEL_ENTRY(T) [T] = pair_panel_##T,
static packed_function *const grouped_pairs[] = {TOKENS_OF_TWO_SUMS(GROUPED_PAIR_ENTRY)};
static strip_function *const pairs_in_place[] = {TOKENS_OF_TWO_SUMS(PAIR_IN_PLACE_ENTRY)};
static direct_function *const pair_panels[] = {TOKENS_OF_TWO_SUMS(PAIR_PANEL_ENTRY)};

static int is_packed(tsr__strip_shape shape) {
  return shape.rows == TSR__LANES && shape.side_cols == 1;
}

enum { TWO_SUMS_TOKENS = TSR__ACCUMULATORS / 2 };

static int64_t tokens_of(tsr__strip_shape shape) {
  return is_packed(shape) ? TSR__ACCUMULATORS : TWO_SUMS_TOKENS;
}

/* Whether the weights may be read once for every panel: more than this exceeds what the TLB spans,
 * and on many CPUs a core's share of the last cache. */
static int is_near(const tsr__strips *strips, int64_t first, int64_t last) {
  enum { NEAR_BYTES = 8 << 20 };
  return weight_bytes(strips, first, last) <= NEAR_BYTES;
}

/* Workspace beside what is gathered and the tables of pixels. */
static size_t own_bytes(int64_t k, const tsr_conv_shape *conv, tsr__strip_shape shape) {
  size_t grouped = grouped_workspace_bytes(k, conv, tokens_of(shape));
  size_t packed = is_packed(shape) ? packed_workspace_bytes(k, TSR__ACCUMULATORS) : 0;
  return packed > grouped ? packed : grouped;
}

/* Strips of two sums. */
static void run_two(const tsr__strips *strips, int64_t first, int64_t last,
                    const tsr_spmm_args *args) {
  int pairs = strips->shape.side_cols == 2;
  if (is_direct(strips, first, last, TWO_SUMS_TOKENS, args))
    run_direct(pairs ? pair_panels : direct_panels, TWO_SUMS_TOKENS, strips, first, last, args);
  else if (args->conv && is_spread(args, TWO_SUMS_TOKENS))
    run_strips_in_place(pairs ? pairs_in_place : tiles_in_place, TWO_SUMS_TOKENS, strips, first,
                        last, args);
  else
    run_strips_grouped(pairs ? grouped_pairs : grouped_tiles, TWO_SUMS_TOKENS, strips, first, last,
                       args);
}

static void run_across_taps(const tsr__strips *strips, int64_t first, int64_t last,
                            const tsr_spmm_args *args) {
  size_t own = own_bytes(strips->cols, args->conv, strips->shape);
  float *memory = (float *)args->workspace + own / sizeof(float);
  if (!is_packed(strips->shape) && is_padded(strips, args->conv))
    run_padded(padded_tiles, TWO_SUMS_TOKENS, memory, strips, first, last, args);
  else
    run_gathered(tsr__strips_run_avx512, memory, strips, first, last, args);
}

void tsr__strips_run_avx512(const tsr__strips *strips, int64_t first, int64_t last,
                            const tsr_spmm_args *args) {
  if (crosses_taps(args->conv))
    run_across_taps(strips, first, last, args);
  else if (!is_packed(strips->shape))
    run_two(strips, first, last, args);
  else if (args->conv || is_near(strips, first, last))
    run_strips_packed(packed_tiles, TSR__ACCUMULATORS, strips, first, last, args);
  else
    run_strips_grouped(packed_tiles, TSR__ACCUMULATORS, strips, first, last, args);
}

size_t tsr__strips_workspace_avx512(int64_t k, const tsr_conv_shape *conv, tsr__strip_shape shape) {
  int64_t panel_count = is_packed(shape) ? 1 : PANELS_MAX;
  return own_bytes(k, conv, shape) +
         tsr__round_to_line(conv_bytes(conv, k, panel_count, tokens_of(shape)));
}
