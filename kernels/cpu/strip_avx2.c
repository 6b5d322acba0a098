#include "kernels/cpu/vec_avx2.h"
/* vec_avx2.h comes first: the bodies are written in its operations. */
#include "kernels/cpu/strip_direct.h"
#include "kernels/cpu/strip_in_place.h"

#define TILES_OF_ONE_VECTOR(X) \
  X(1, 1) X(1, 2) X(1, 3) X(1, 4) X(1, 5) X(1, 6) X(1, 7) X(1, 8) X(1, 9) X(1, 10) X(1, 11) X(1, 12)
#define TILES_IN_PLACE(X) X(2, 1) X(2, 2) X(2, 3) X(2, 4) X(2, 5) X(2, 6)

#define TILE(H, T)                                         \
  static void strip_tile_##H##_##T(const strip_job *job) { \
    strip_tile(H, 1, T, STRIP_SETS(H *T), 0, job);         \
  }                                                        \
  static void conv_tile_##H##_##T(const strip_job *job) {  \
    strip_tile(H, 1, T, STRIP_SETS(H *T), 1, job);         \
  }
TILES_OF_ONE_VECTOR(TILE)

#define TILE_IN_PLACE(H, T)                                \
  static void strip_tile_##H##_##T(const strip_job *job) { \
    in_place_tile(1, T, STRIP_SETS(H *T), 0, job);         \
  }                                                        \
  static void conv_tile_##H##_##T(const strip_job *job) {  \
    in_place_tile(1, T, STRIP_SETS(H *T), 1, job);         \
  }
TILES_IN_PLACE(TILE_IN_PLACE)

#define PANEL(H, T)                                           \
  static void direct_panel_##H##_##T(const direct_job *job) { \
    direct_panel(H, 1, T, STRIP_SETS(H *T), job);             \
  }
TILES_OF_ONE_VECTOR(PANEL)
TILES_IN_PLACE(PANEL)

#define ENTRY(H, T) [T] = strip_tile_##H##_##T,
#define PANEL_ENTRY(H, T) [T] = direct_panel_##H##_##T,
#define CONV_ENTRY(H, T) [T] = conv_tile_##H##_##T,
static strip_function *const one_vector[][TSR__ACCUMULATORS + 1] = {
    {TILES_OF_ONE_VECTOR(ENTRY)}, {TILES_OF_ONE_VECTOR(CONV_ENTRY)}};
static strip_function *const two_vectors[][IN_PLACE_TOKENS + 1] = {{TILES_IN_PLACE(ENTRY)},
                                                                   {TILES_IN_PLACE(CONV_ENTRY)}};
static direct_function *const direct_one_vector[] = {TILES_OF_ONE_VECTOR(PANEL_ENTRY)};
static direct_function *const direct_two_vectors[] = {TILES_IN_PLACE(PANEL_ENTRY)};

void tsr__strips_run_avx2(const tsr__strips *strips, int64_t first, int64_t last,
                          const tsr_spmm_args *args) {
  int mapped = args->conv != NULL, one = strips->shape.rows == TSR__LANES;
  int64_t tile_tokens = one ? TSR__ACCUMULATORS : IN_PLACE_TOKENS;
  if (is_gathered(args->conv))
    run_gathered(tsr__strips_run_avx2, STRIP_WORKSPACE_BYTES, strips, first, last, args);
  else if (is_direct(strips, first, last, tile_tokens, args))
    run_direct(one ? direct_one_vector : direct_two_vectors, tile_tokens, strips, first, last,
               args);
  else if (one)
    run_strips(one_vector[mapped], tile_tokens, strips, first, last, args);
  else
    run_strips_in_place(two_vectors[mapped], strips, first, last, args);
}

size_t tsr__strips_workspace_avx2(int64_t k, const tsr_conv_shape *conv, tsr__strip_shape shape) {
  int64_t tile_tokens = shape.rows == TSR__LANES ? TSR__ACCUMULATORS : IN_PLACE_TOKENS;
  return STRIP_WORKSPACE_BYTES + tsr__round_to_line(conv_bytes(conv, k, PANELS_MAX, tile_tokens));
}
