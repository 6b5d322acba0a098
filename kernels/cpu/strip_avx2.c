#include "kernels/cpu/vec_avx2.h"
/* vec_avx2.h comes first: the bodies are written in its operations. */
#include "kernels/cpu/strip_direct.h"
#include "kernels/cpu/strip_grouped.h"
#include "kernels/cpu/strip_in_place.h"
#include "kernels/cpu/strip_padded.h"

#define TILES_OF_ONE_VECTOR(X) \
  X(1, 1) X(1, 2) X(1, 3) X(1, 4) X(1, 5) X(1, 6) X(1, 7) X(1, 8) X(1, 9) X(1, 10) X(1, 11) X(1, 12)
#define TILES_OF_TWO_VECTORS(X) X(2, 1) X(2, 2) X(2, 3) X(2, 4) X(2, 5) X(2, 6)

#define TILE(H, T)                                            \
  static void grouped_tile_##H##_##T(const packed_job *job) { \
    packed_tile(H, 1, T, STRIP_SETS(H *T), job);              \
  }                                                           \
  static void in_place_##H##_##T(const strip_job *job) {      \
    in_place_tile(H, 1, T, STRIP_SETS(H *T), job);            \
  }                                                           \
  static void direct_panel_##H##_##T(const direct_job *job) { \
    direct_panel(H, 1, T, STRIP_SETS(H *T), job);             \
  }                                                           \
  static void padded_tile_##H##_##T(const padded_job *job) { padded_tile(H, T, job); }
TILES_OF_ONE_VECTOR(TILE)
TILES_OF_TWO_VECTORS(TILE)

#define GROUPED_ENTRY(H, T) [T] = grouped_tile_##H##_##T,
#define IN_PLACE_ENTRY(H, T) [T] = in_place_##H##_##T,
#define PANEL_ENTRY(H, T) [T] = direct_panel_##H##_##T,
#define PADDED_ENTRY(H, T) [T] = padded_tile_##H##_##T,
static packed_function *const grouped_one_vector[] = {TILES_OF_ONE_VECTOR(GROUPED_ENTRY)};
static packed_function *const grouped_two_vectors[] = {TILES_OF_TWO_VECTORS(GROUPED_ENTRY)};
static strip_function *const one_vector_in_place[] = {TILES_OF_ONE_VECTOR(IN_PLACE_ENTRY)};
static strip_function *const two_vectors_in_place[] = {TILES_OF_TWO_VECTORS(IN_PLACE_ENTRY)};
static direct_function *const direct_one_vector[] = {TILES_OF_ONE_VECTOR(PANEL_ENTRY)};
static direct_function *const direct_two_vectors[] = {TILES_OF_TWO_VECTORS(PANEL_ENTRY)};
static padded_function *const padded_one_vector[] = {TILES_OF_ONE_VECTOR(PADDED_ENTRY)};
static padded_function *const padded_two_vectors[] = {TILES_OF_TWO_VECTORS(PADDED_ENTRY)};

static int is_one_vector(tsr__strip_shape shape) { return shape.rows == TSR__LANES; }

static int64_t tokens_of(tsr__strip_shape shape) {
  return is_one_vector(shape) ? TSR__ACCUMULATORS : TSR__ACCUMULATORS / 2;
}

static void run_across_taps(const tsr__strips *strips, int64_t first, int64_t last,
                            const tsr_spmm_args *args) {
  int64_t tile_tokens = tokens_of(strips->shape);
  size_t own = grouped_workspace_bytes(strips->cols, args->conv, tile_tokens);
  float *memory = (float *)args->workspace + own / sizeof(float);
  if (is_padded(strips, args->conv))
    run_padded(is_one_vector(strips->shape) ? padded_one_vector : padded_two_vectors, tile_tokens,
               memory, strips, first, last, args);
  else
    run_gathered(tsr__strips_run_avx2, memory, strips, first, last, args);
}

void tsr__strips_run_avx2(const tsr__strips *strips, int64_t first, int64_t last,
                          const tsr_spmm_args *args) {
  int one = is_one_vector(strips->shape);
  int64_t tile_tokens = tokens_of(strips->shape);
  if (crosses_taps(args->conv))
    run_across_taps(strips, first, last, args);
  else if (is_direct(strips, first, last, tile_tokens, args))
    run_direct(one ? direct_one_vector : direct_two_vectors, tile_tokens, strips, first, last,
               args);
  else if (args->conv && is_spread(args, tile_tokens))
    run_strips_in_place(one ? one_vector_in_place : two_vectors_in_place, tile_tokens, strips,
                        first, last, args);
  else
    run_strips_grouped(one ? grouped_one_vector : grouped_two_vectors, tile_tokens, strips, first,
                       last, args);
}

size_t tsr__strips_workspace_avx2(int64_t k, const tsr_conv_shape *conv, tsr__strip_shape shape) {
  int64_t tile_tokens = tokens_of(shape);
  return grouped_workspace_bytes(k, conv, tile_tokens) +
         tsr__round_to_line(conv_bytes(conv, k, PANELS_MAX, tile_tokens));
}
