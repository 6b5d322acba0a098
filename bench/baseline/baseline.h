/* Dense products of other libraries, to race against. */
#ifndef TESSERA_BENCH_BASELINE_H
#define TESSERA_BENCH_BASELINE_H

#include <stddef.h>
#include <stdint.h>

#include "bench/evict.h"
#include "tessera/status.h"

/* y[t, :] = W x[t, :]. All memory is the caller's and outlives the state made from it. */
typedef struct tsr__product {
  int64_t m, k, n;
  int32_t threads;
  const float *weights; /* host, [m, k] */
  const float *x;       /* host, [n, k] */
  float *y;             /* host, [n, m] */
} tsr__product;

typedef struct tsr__baseline {
  const char *key;  /* "onednn" */
  const char *name; /* "onednn matmul (packed weights)" */
  /* TSR_NOT_FOUND, with the reason, if the library cannot be used; loads it on the first call.
   * *version: static text. */
  tsr_status (*open)(const char **version);
  tsr_status (*create)(const tsr__product *product, void **out);
  tsr_status (*run)(void *state);
  /* The weights as the baseline keeps them. */
  tsr__range (*weights)(const void *state);
  void (*destroy)(void *state); /* NULL is fine */
} tsr__baseline;

/* The baseline of that key, NULL for "none". TSR_INVALID_ARGUMENT lists the keys. Whether the
 * library behind it is there is told by open. */
tsr_status tsr__baseline_find(const char *key, const tsr__baseline **out);

/* oneDNN's matmul primitive with the weights in the layout it prefers, and its sgemm. */
extern const tsr__baseline tsr__baseline_onednn;
extern const tsr__baseline tsr__baseline_sgemm;
/* Tessera's own dense kernel. */
extern const tsr__baseline tsr__baseline_dense;

/* For the baselines' create: refuses a product without matrices, sizes or threads; *out = NULL. */
tsr_status tsr__product_check(const tsr__product *product, void **out);

#endif
