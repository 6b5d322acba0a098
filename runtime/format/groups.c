#include "runtime/format/groups.h"

int tsr__choose_positions(const uint8_t *used, int available, int wanted, uint8_t *chosen) {
  int taken = 0, free_wanted = wanted;
  for (int i = 0; i < available; i++) free_wanted -= used[i];
  for (int i = 0; i < available && taken < wanted; i++)
    if (used[i] || free_wanted-- > 0) chosen[taken++] = (uint8_t)i;
  for (int i = taken; i < wanted; i++) chosen[i] = taken ? chosen[taken - 1] : 0;
  return taken;
}

tsr_status tsr__group_fill(const tsr_matrix *dense, tsr_packed *packed, int64_t row, int64_t col,
                           int width, int64_t index) {
  uint8_t used[TSR__GROUP_MAX];
  uint8_t *positions = (uint8_t *)packed->positions + index;
  int nonzeros = 0;
  for (int i = 0; i < width; i++) nonzeros += used[i] = tsr__matrix_bits(dense, row, col + i) != 0;
  TSR_CHECK(nonzeros <= packed->n, TSR_STRUCTURE,
            "row %lld, columns %lld..%lld: %d are nonzero, %d:%d allows %d", (long long)row,
            (long long)col, (long long)col + width - 1, nonzeros, packed->n, packed->m, packed->n);
  int taken = tsr__choose_positions(used, width, packed->n, positions);
  for (int i = 0; i < taken; i++)
    tsr__put_bits((void *)packed->values, packed->dtype, index + i,
                  tsr__matrix_bits(dense, row, col + positions[i]));
  return TSR_OK;
}

tsr_status tsr__positions_check(const tsr_packed *packed, const char *array,
                                const uint8_t *positions, int64_t index, int count, int available) {
  const char *name = tsr_format_name(packed->format);
  const uint8_t *p = positions + index;
  int distinct = count < available ? count : available;
  for (int i = 0; i < distinct; i++) {
    TSR_CHECK(p[i] < available, TSR_MALFORMED, "packed %s: %s[%lld] = %d, not in 0..%d", name,
              array, (long long)index + i, p[i], available - 1);
    TSR_CHECK(!i || p[i - 1] < p[i], TSR_MALFORMED,
              "packed %s: %s[%lld] = %d is not above %d before it", name, array,
              (long long)index + i, p[i], p[i - 1]);
  }
  int last = distinct ? p[distinct - 1] : 0;
  for (int i = distinct; i < count; i++)
    TSR_CHECK(p[i] == last, TSR_MALFORMED,
              "packed %s: %s[%lld] = %d does not repeat %d in a group that is too short", name,
              array, (long long)index + i, p[i], last);
  return TSR_OK;
}

tsr_status tsr__group_check(const tsr_packed *packed, int64_t index, int available) {
  int distinct = packed->n < available ? packed->n : available;
  TSR_TRY(
      tsr__positions_check(packed, "positions", packed->positions, index, packed->n, available));
  for (int i = distinct; i < packed->n; i++)
    TSR_CHECK(!tsr__bits_at(packed->values, packed->dtype, index + i), TSR_MALFORMED,
              "packed %s: values[%lld] is not +0.0 under a repeated position",
              tsr_format_name(packed->format), (long long)index + i);
  return TSR_OK;
}

void tsr__group_unpack(const tsr_packed *packed, int64_t index, void *out, int64_t first) {
  for (int i = 0; i < packed->n; i++) {
    uint32_t bits = tsr__bits_at(packed->values, packed->dtype, index + i);
    if (bits) tsr__put_bits(out, packed->dtype, first + packed->positions[index + i], bits);
  }
}
