#include "kernels/cpu/vec_avx512.h"
/* vec_avx512.h comes first: the bodies are written in its operations. */
#include "kernels/cpu/strip_packed.h"

/* clang-format never comes to rest on such lists. */
/* clang-format off */
#define TILES_OF_ONE_VECTOR(X) \
  X(1, 1) X(1, 2) X(1, 3) X(1, 4) X(1, 5) X(1, 6) X(1, 7) X(1, 8) X(1, 9) X(1, 10) \
  X(1, 11) X(1, 12) X(1, 13) X(1, 14) X(1, 15) X(1, 16) X(1, 17) X(1, 18) X(1, 19) X(1, 20) \
  X(1, 21) X(1, 22) X(1, 23) X(1, 24) X(1, 25) X(1, 26) X(1, 27) X(1, 28)
#define TILES_OF_TWO_VECTORS(X) \
  X(2, 1) X(2, 2) X(2, 3) X(2, 4) X(2, 5) X(2, 6) X(2, 7) X(2, 8) X(2, 9) X(2, 10) \
  X(2, 11) X(2, 12) X(2, 13) X(2, 14)
/* clang-format on */

#define PACKED_TILE(H, T) \
  static void packed_tile_##T(const packed_job *job) { packed_tile(T, STRIP_SETS(T), job); }
#define TILE(H, T)                                                                                 \
  static void strip_tile_##T(const strip_job *job) { strip_tile(H, T, STRIP_SETS(H *T), 0, job); } \
  static void conv_tile_##T(const strip_job *job) { strip_tile(H, T, STRIP_SETS(H *T), 1, job); }
TILES_OF_ONE_VECTOR(PACKED_TILE)
TILES_OF_TWO_VECTORS(TILE)

#define PACKED_ENTRY(H, T) [T] = packed_tile_##T,
#define ENTRY(H, T) [T] = strip_tile_##T,
static packed_function *const one_vector[] = {TILES_OF_ONE_VECTOR(PACKED_ENTRY)};
#define CONV_ENTRY(H, T) [T] = conv_tile_##T,
static strip_function *const two_vectors[][TSR__ACCUMULATORS / 2 + 1] = {
    {TILES_OF_TWO_VECTORS(ENTRY)}, {TILES_OF_TWO_VECTORS(CONV_ENTRY)}};

/* Workspace beside what is gathered. */
static size_t own_bytes(int64_t k, int64_t strip_rows) {
  return strip_rows == TSR__LANES ? packed_workspace_bytes(k, TSR__ACCUMULATORS)
                                  : STRIP_WORKSPACE_BYTES;
}

void tsr__strips_run_avx512(const tsr__strips *strips, int64_t first, int64_t last,
                            const tsr_spmm_args *args) {
  if (is_gathered(args->conv))
    run_gathered(tsr__strips_run_avx512, own_bytes(strips->cols, strips->strip_rows), strips, first,
                 last, args);
  else if (strips->strip_rows == TSR__LANES)
    run_strips_packed(one_vector, TSR__ACCUMULATORS, strips, first, last, args);
  else
    run_strips(two_vectors[args->conv != NULL], TSR__ACCUMULATORS / 2, strips, first, last, args);
}

size_t tsr__strips_workspace_avx512(int64_t k, const tsr_conv_shape *conv, int64_t strip_rows) {
  int one = strip_rows == TSR__LANES;
  return own_bytes(k, strip_rows) +
         tsr__round_to_line(conv_bytes(conv, k, one ? 1 : PANELS_MAX,
                                       one ? TSR__ACCUMULATORS : TSR__ACCUMULATORS / 2));
}
