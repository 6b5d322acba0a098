/* Groups of m elements of which n are stored, shared by nm, vnm and bcsr_nm. */
#ifndef TESSERA_FORMAT_GROUPS_H
#define TESSERA_FORMAT_GROUPS_H

#include "runtime/format/format.h"

/* Groups of a row of the matrix, and the columns that one of them has. */
static inline int64_t tsr__groups(const tsr_packed *p) { return tsr__ceil_div(p->cols, p->m); }
static inline int tsr__group_width(const tsr_packed *p, int64_t group) {
  return (int)tsr__min_i64(p->m, p->cols - group * p->m);
}

/* Chooses `wanted` positions of 0..available-1: all that are used, the lowest free ones for the
 * rest, ascending; where there are not enough, the last one (0 if none) is repeated. Returns how
 * many are distinct. */
int tsr__choose_positions(const uint8_t *used, int available, int wanted, uint8_t *chosen);

/* The group of `width` elements from (row, col): writes n positions and n values at `index`.
 * TSR_STRUCTURE if more than n are nonzero. */
tsr_status tsr__group_fill(const tsr_matrix *dense, tsr_packed *packed, int64_t row, int64_t col,
                           int width, int64_t index);

/* `count` positions at `index` of an array: the first min(count, available) strictly ascending and
 * below `available`, the others repeating the last. */
tsr_status tsr__positions_check(const tsr_packed *packed, const char *array,
                                const uint8_t *positions, int64_t index, int count, int available);

/* The positions and values of a group: as above, and +0.0 under the repeated positions. */
tsr_status tsr__group_check(const tsr_packed *packed, int64_t index, int available);

/* Writes the group's n values to elements row * ld + col + position. */
void tsr__group_unpack(const tsr_packed *packed, int64_t index, void *out, int64_t first);

#endif
