#include "tests/structured.h"

#include <stdlib.h>
#include <string.h>

static int coin(random_state *random, double probability) {
  return random_unit(random) < probability;
}

/* chosen[i] = 1 for `wanted` (at most width) different i of 0..width-1. */
static void choose(random_state *random, int64_t width, int64_t wanted, uint8_t *chosen) {
  memset(chosen, 0, (size_t)width);
  for (int64_t taken = 0; taken < wanted && taken < width;) {
    int64_t i = random_below(random, width);
    taken += !chosen[i];
    chosen[i] = 1;
  }
}

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }

static void units(random_state *random, int64_t unit_rows, int64_t unit_cols, double density,
                  int64_t rows, int64_t cols, uint8_t *mask) {
  for (int64_t i = 0; i < rows; i += unit_rows)
    for (int64_t j = 0; j < cols; j += unit_cols) {
      uint8_t keep = (uint8_t)coin(random, density);
      for (int64_t r = i; r < min(rows, i + unit_rows); r++)
        for (int64_t c = j; c < min(cols, j + unit_cols); c++) mask[r * cols + c] = keep;
    }
}

/* Clears all but n of every m elements of a row, groups starting anew every `span` columns. */
static void thin(random_state *random, const tsr_pattern *p, int64_t span, int64_t rows,
                 int64_t cols, uint8_t *mask) {
  uint8_t chosen[256];
  for (int64_t r = 0; r < rows; r++)
    for (int64_t s = 0; s < cols; s += span)
      for (int64_t g = s; g < min(cols, s + span); g += p->m) {
        int64_t width = min(min(cols, s + span) - g, p->m);
        choose(random, width, p->n, chosen);
        for (int64_t i = 0; i < width; i++) mask[r * cols + g + i] &= chosen[i];
      }
}

static void panels(random_state *random, const tsr_pattern *p, int64_t rows, int64_t cols,
                   uint8_t *mask) {
  uint8_t columns[256], kept[4];
  for (int64_t i = 0; i < rows; i += p->v)
    for (int64_t g = 0; g < cols; g += p->m) {
      int64_t width = min(cols - g, p->m);
      choose(random, width, 4, columns);
      for (int64_t r = i; r < min(rows, i + p->v); r++) {
        choose(random, min(width, 4), 2, kept);
        for (int64_t c = 0, k = 0; c < width; c++) mask[r * cols + g + c] = columns[c] && kept[k++];
      }
    }
}

void structured_mask(random_state *random, const tsr_pattern *p, double density, int64_t rows,
                     int64_t cols, uint8_t *mask) {
  if (!rows || !cols) return;
  memset(mask, 1, (size_t)(rows * cols));
  if (p->kind == TSR_PATTERN_IRREGULAR) units(random, 1, 1, density, rows, cols, mask);
  if (p->kind == TSR_PATTERN_ROW) units(random, 1, cols, density, rows, cols, mask);
  if (p->kind == TSR_PATTERN_COLUMN) units(random, rows, 1, density, rows, cols, mask);
  if (p->kind == TSR_PATTERN_BLOCK || p->kind == TSR_PATTERN_BLOCK_NM)
    units(random, p->block_rows, p->block_cols, density, rows, cols, mask);
  if (p->kind == TSR_PATTERN_NM) thin(random, p, cols, rows, cols, mask);
  if (p->kind == TSR_PATTERN_BLOCK_NM) thin(random, p, p->block_cols, rows, cols, mask);
  if (p->kind == TSR_PATTERN_VNM) panels(random, p, rows, cols, mask);
}

static uint32_t special(random_state *random, tsr_dtype dtype) {
  static const uint32_t wide[] = {0x80000000, 0x7fc00001, 0xffffffff, 0x7f800000, 1, 0};
  static const uint32_t f16[] = {0x8000, 0x7e01, 0xffff, 0x7c00, 1, 0};
  static const uint32_t bf16[] = {0x8000, 0x7fc1, 0xffff, 0x7f80, 1, 0};
  const uint32_t *values = dtype == TSR_DTYPE_F32 ? wide : dtype == TSR_DTYPE_F16 ? f16 : bf16;
  return values[random_below(random, 6)];
}

void *structured_matrix(random_state *random, const tsr_pattern *pattern, double density,
                        int64_t rows, int64_t cols, int64_t ld, tsr_dtype dtype) {
  int64_t size = dtype == TSR_DTYPE_F32 ? 4 : 2;
  uint8_t *mask = malloc((size_t)(rows * cols) + 1);
  char *data = malloc((size_t)(rows * ld * size) + 1);
  memset(data, 0xa5, (size_t)(rows * ld * size));
  structured_mask(random, pattern, density, rows, cols, mask);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < cols; c++) {
      uint32_t bits = coin(random, 0.1) ? special(random, dtype) : (uint32_t)random_u64(random);
      uint16_t half = (uint16_t)bits;
      if (!mask[r * cols + c]) bits = half = 0;
      memcpy(data + (r * ld + c) * size, size == 4 ? (void *)&bits : &half, (size_t)size);
    }
  free(mask);
  return data;
}

int same_bits(const void *a, int64_t lda, const void *b, int64_t ldb, int64_t rows, int64_t cols,
              tsr_dtype dtype) {
  int64_t size = dtype == TSR_DTYPE_F32 ? 4 : 2;
  for (int64_t r = 0; r < rows; r++)
    if (cols && memcmp((const char *)a + r * lda * size, (const char *)b + r * ldb * size,
                       (size_t)(cols * size)))
      return 0;
  return 1;
}
