#include "kernels/cpu/vec_avx2.h"
/* vec_avx2.h comes first: the bodies are written in its operations. */
#include "kernels/cpu/lanes_run.h"

/* Rows x vectors of tokens: at most 8 accumulators. */
#define TILES_OF_1_ROW(X) X(1, 1) X(1, 2) X(1, 3) X(1, 4) X(1, 5) X(1, 6) X(1, 7) X(1, 8)
#define TILES_OF_2_ROWS(X) X(2, 1) X(2, 2) X(2, 3) X(2, 4)
#define TILES_OF_4_ROWS(X) X(4, 1) X(4, 2)

/* The lists come first: the tables are made of them. */
#include "kernels/cpu/lanes_tables.h"

void tsr__lanes_run_avx2(const tsr__lanes *lanes, int64_t first, int64_t last,
                         const tsr_spmm_args *args) {
  run_lanes(&tiles, lanes, first, last, args);
}
