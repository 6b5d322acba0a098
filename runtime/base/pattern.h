/* Limits of the patterns' sizes. */
#ifndef TESSERA_BASE_PATTERN_H
#define TESSERA_BASE_PATTERN_H

#include "tessera/types.h"

enum {
  TSR__BLOCK_MAX = 128,
  TSR__GROUP_MAX = 256, /* positions in a group are stored as bytes */
  TSR__VNM_COLUMNS = 4, /* that a panel keeps of a group */
  TSR__VNM_KEPT = 2     /* that a row keeps of those */
};

/* TSR_INVALID_ARGUMENT names the field that is out of range. */
tsr_status tsr__pattern_check(const tsr_pattern *pattern);

#endif
