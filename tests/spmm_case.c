#include "tests/spmm_case.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/compare.h"
#include "tests/reference.h"
#include "tests/structured.h"

/* Never +0.0, which would not be stored. */
static float value(random_state *random) {
  float v = (float)(2.0 * random_unit(random) - 1.0);
  return v == 0.0f || random_below(random, 16) == 0 ? -0.0f : v;
}

static void *allocate(int64_t count, size_t size) {
  void *memory = malloc((size_t)count * size + 1);
  cr_assert(memory);
  return memory;
}

static void fill(random_state *random, int64_t rows, int64_t cols, int64_t ld, float *out) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < ld && (r + 1 < rows || c < cols); c++)
      out[r * ld + c] = c < cols ? value(random) : NAN;
}

/* Elements of a matrix whose last row ends where its columns do. */
static int64_t span(int64_t rows, int64_t cols, int64_t ld) {
  return rows ? (rows - 1) * ld + cols : 0;
}

void spmm_case_refresh(spmm_case *c, const tsr_pattern *pattern) {
  tsr_format format = c->packed.format;
  tsr_packed_release(&c->packed);
  tsr_matrix dense = {c->w, TSR_DTYPE_F32, c->m, c->k, c->k};
  cr_assert_eq(tsr_pack(&dense, format, pattern, &c->packed), TSR_OK, "%s", tsr_last_error());
  tsr_test_sums(c->w, c->stored, c->m, c->k, c->x, c->ldx, c->tokens, c->sums);
}

spmm_case spmm_case_create(random_state *random, tsr_format format, const tsr_pattern *pattern,
                           double density, int64_t m, int64_t k, int64_t tokens, int64_t pad) {
  spmm_case c = {.m = m, .k = k, .tokens = tokens, .ldx = k + pad, .ldr = m + pad};
  c.stored = allocate(m * k, 1);
  c.w = allocate(m * k, sizeof(float));
  c.memory = allocate(span(tokens, k, c.ldx) + 1, sizeof(float));
  c.x = (float *)c.memory + 1;
  c.residual = allocate(span(tokens, m, c.ldr), sizeof(float));
  c.bias = allocate(m, sizeof(float));
  c.sums = allocate(tokens * m, sizeof(double));
  structured_mask(random, pattern, density, m, k, c.stored);
  for (int64_t i = 0; i < m * k; i++) c.w[i] = c.stored[i] ? value(random) : 0.0f;
  fill(random, tokens, k, c.ldx, c.x);
  fill(random, tokens, m, c.ldr, c.residual);
  fill(random, 1, m, m, c.bias);
  c.packed.format = format;
  spmm_case_refresh(&c, pattern);
  return c;
}

void spmm_case_destroy(spmm_case *c) {
  tsr_packed_release(&c->packed);
  free(c->stored);
  free(c->w);
  free(c->memory);
  free(c->residual);
  free(c->bias);
  free(c->sums);
}

tsr_spmm_problem spmm_case_problem(const spmm_case *c, int64_t tokens, int32_t threads) {
  return (tsr_spmm_problem){.backend = TSR_BACKEND_CPU,
                            .format = c->packed.format,
                            .pattern = tsr_packed_pattern(&c->packed),
                            .m = c->m,
                            .k = c->k,
                            .n = tokens,
                            .stored = c->packed.stored,
                            .threads = threads};
}

spmm_variant spmm_variant_at(int index) {
  spmm_variant v = {.activation = (tsr_activation)(index % TSR_ACTIVATION_COUNT),
                    .bias = index / TSR_ACTIVATION_COUNT % 2,
                    .residual = index / TSR_ACTIVATION_COUNT / 2 % 5};
  v.residual_first = v.residual > RESIDUAL_IN_PLACE;
  if (v.residual_first) v.residual -= RESIDUAL_IN_PLACE;
  return v;
}

void spmm_case_expected(const spmm_case *c, spmm_variant v, int64_t tokens, double *expected) {
  for (int64_t t = 0; t < tokens; t++)
    for (int64_t r = 0; r < c->m; r++) {
      double sum = c->sums[t * c->m + r] + (v.bias ? (double)c->bias[r] : 0.0);
      double residual = v.residual ? (double)c->residual[t * c->ldr + r] : 0.0;
      if (v.residual_first) sum += residual;
      double y = tsr_test_activate(v.activation, sum);
      expected[t * c->m + r] = v.residual_first ? y : y + residual;
    }
}

double spmm_case_tolerance(const spmm_case *c) { return tsr_test_tolerance(c->k, 1.0, 1.0, 2.0); }
