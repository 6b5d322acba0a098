/* One random linear layer, its packed weight and its reference, for the tests of kernels. */
#ifndef TESSERA_TESTS_SPMM_CASE_H
#define TESSERA_TESTS_SPMM_CASE_H

#include "kernels/kernel.h"
#include "tests/random.h"

enum { SPMM_TOKENS_MAX = 130 };

/* Values are in [-1, 1), one in 16 a negative zero. */
typedef struct spmm_case {
  int64_t m, k;
  int64_t tokens; /* of x, residual and sums */
  int64_t ldx, ldr;
  tsr_packed packed;
  uint8_t *stored; /* [m, k] */
  float *w;        /* [m, k], +0.0 where nothing is stored */
  float *x;        /* [tokens, ldx], NaN between k and ldx, not aligned to more than a float */
  float *residual; /* [tokens, ldr], NaN between m and ldr */
  float *bias;     /* [m] */
  double *sums;    /* [tokens, m]: W x */
  void *memory;    /* what x points into */
} spmm_case;

/* pad: ldx - k and ldr - m. Fails the running test if packing does. */
spmm_case spmm_case_create(random_state *random, tsr_format format, const tsr_pattern *pattern,
                           double density, int64_t m, int64_t k, int64_t tokens, int64_t pad);
/* Packs w and computes the sums again, after w or x were changed. */
void spmm_case_refresh(spmm_case *c, const tsr_pattern *pattern);
void spmm_case_destroy(spmm_case *c);

tsr_spmm_problem spmm_case_problem(const spmm_case *c, int64_t tokens, int32_t threads);

/* What the layer does around W x. */
typedef struct spmm_variant {
  tsr_activation activation;
  int bias;
  enum { RESIDUAL_NONE, RESIDUAL_APART, RESIDUAL_IN_PLACE } residual;
  int residual_first;
} spmm_variant;
enum {
  SPMM_VARIANTS_RESIDUAL_LAST = TSR_ACTIVATION_COUNT * 2 * 3, /* they come first */
  SPMM_VARIANTS = TSR_ACTIVATION_COUNT * 2 * 5
};
spmm_variant spmm_variant_at(int index); /* 0..SPMM_VARIANTS-1 */

/* expected: [tokens, m] */
void spmm_case_expected(const spmm_case *c, spmm_variant v, int64_t tokens, double *expected);
double spmm_case_tolerance(const spmm_case *c);

#endif
