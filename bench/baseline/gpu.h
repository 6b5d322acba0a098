/* What the baselines of the GPU's libraries share: a context, device memory, the operands. */
#ifndef TESSERA_BENCH_GPU_H
#define TESSERA_BENCH_GPU_H

#include "bench/baseline/baseline.h"
#include "runtime/cuda/context.h"

enum { TSR__GPU_BUFFERS = 8 };

typedef struct tsr__gpu_ops tsr__gpu_ops;

/* The beginning of a baseline's state. */
typedef struct tsr__gpu_state {
  const tsr__gpu_ops *ops;
  tsr__cuda *cuda;
  tsr__product product; /* product.gpu points to gpu */
  tsr__gpu_operands gpu;
  void *buffers[TSR__GPU_BUFFERS]; /* device; freed with the state */
  size_t buffer_count;
  tsr__range weights; /* device */
} tsr__gpu_state;

/* A baseline's part of the life of its state, called with the context current. */
struct tsr__gpu_ops {
  const char *title; /* of the library, for messages */
  size_t state_bytes;
  tsr_status (*build)(tsr__gpu_state *state);
  tsr_status (*run)(tsr__gpu_state *state);
  void (*release)(tsr__gpu_state *state); /* of what build made, however far it came */
  int convolutions;                       /* 1: product->conv may be there; valid in build only */
};

/* The functions of tsr__baseline on top of these. */
tsr_status tsr__gpu_create(const tsr__gpu_ops *ops, const tsr__product *product, void **out);
tsr_status tsr__gpu_run(void *state);
tsr__range tsr__gpu_weights(const void *state);
void tsr__gpu_destroy(void *state);

/* Seconds that a run of the baseline takes in its present state: of several in a row after an
 * untimed one, to choose among algorithms. */
tsr_status tsr__gpu_time(tsr__gpu_state *state, double *seconds);

/* Device memory that lives as long as the state; no bytes give NULL. */
tsr_status tsr__gpu_alloc(tsr__gpu_state *state, size_t bytes, const char *what, void **out);
tsr_status tsr__gpu_upload(tsr__gpu_state *state, const void *host, size_t bytes, const char *what,
                           void **out);
/* values: host, [count]; rounded to the operands' type on the way. */
tsr_status tsr__gpu_upload_rounded(tsr__gpu_state *state, const float *values, size_t count,
                                   const char *what, void **out);

/* Until everything on the stream is done. */
tsr_status tsr__gpu_wait(const tsr__gpu_state *state);

/* Fails if the library has no way to add a bias or to apply an activation. */
tsr_status tsr__gpu_check_plain(const tsr__gpu_state *state, const char *library);

#endif
