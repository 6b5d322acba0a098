/* Random matrices that have a pattern's structure, made without the library. */
#ifndef TESSERA_TESTS_STRUCTURED_H
#define TESSERA_TESTS_STRUCTURED_H

#include "tessera/types.h"
#include "tests/random.h"

/* mask: [rows, cols], 1 = may be nonzero. density: share of kept units, where they are free. */
void structured_mask(random_state *random, const tsr_pattern *pattern, double density, int64_t rows,
                     int64_t cols, uint8_t *mask);

/* Random bits under such a mask: normal numbers, -0.0, NaN, infinities, and some +0.0.
 * Returns [rows, ld] elements with junk between cols and ld; free(). */
void *structured_matrix(random_state *random, const tsr_pattern *pattern, double density,
                        int64_t rows, int64_t cols, int64_t ld, tsr_dtype dtype);

/* Whether two matrices have the same bits, gaps between cols and ld apart. */
int same_bits(const void *a, int64_t lda, const void *b, int64_t ldb, int64_t rows, int64_t cols,
              tsr_dtype dtype);

#endif
