#include "runtime/prune/least_squares.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/prune/linalg.h"

enum { STEPS_MAX = 40 };
static const double TOLERANCE = 1e-4;

typedef struct gradients {
  const tsr__least_squares *p;
  float *residual, *direction, *image; /* [rows, cols]; image = direction x a */
  double *squares;                     /* [rows]: of the residual */
  double wanted;                       /* sum of squares at which to stop */
} gradients;

static double dot(const float *a, const float *b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
  return sum;
}

static void multiply(const gradients *g, const float *x, float *out) {
  int64_t n = g->p->cols;
  tsr__gemm_shape shape = {g->p->rows, n, n, n, n, n};
  tsr__sgemm(&shape, 1, x, g->p->a, 0, out);
}

static double total(const gradients *g) {
  double sum = 0;
  for (int64_t r = 0; r < g->p->rows; r++) sum += g->squares[r];
  return sum;
}

static void start(gradients *g) {
  const tsr__least_squares *p = g->p;
  int64_t n = p->cols;
  double wanted = 0;
  multiply(g, p->x, g->image);
#pragma omp parallel for schedule(static) num_threads(p->threads)
  for (int64_t r = 0; r < p->rows; r++) {
    float *residual = g->residual + r * n;
    for (int64_t c = 0; c < n; c++)
      residual[c] = p->mask[r * n + c] ? p->target[r * n + c] - g->image[r * n + c] : 0;
    memcpy(g->direction + r * n, residual, (size_t)n * sizeof *residual);
    g->squares[r] = dot(residual, residual, n);
  }
  for (int64_t i = 0; i < p->rows * n; i++)
    wanted += p->mask[i] ? (double)p->target[i] * (double)p->target[i] : 0;
  g->wanted = wanted * TOLERANCE * TOLERANCE;
}

static void step_row(const gradients *g, int64_t r) {
  const tsr__least_squares *p = g->p;
  int64_t n = p->cols;
  float *x = p->x + r * n, *residual = g->residual + r * n, *direction = g->direction + r * n;
  const float *image = g->image + r * n;
  double curvature = dot(direction, image, n), before = g->squares[r];
  if (!(curvature > 0) || !(before > 0)) return;
  float length = (float)(before / curvature);
  for (int64_t c = 0; c < n; c++) {
    if (!p->mask[r * n + c]) continue;
    x[c] += length * direction[c];
    residual[c] -= length * image[c];
  }
  g->squares[r] = dot(residual, residual, n);
  float share = (float)(g->squares[r] / before);
  for (int64_t c = 0; c < n; c++) direction[c] = residual[c] + share * direction[c];
}

static void run(gradients *g) {
  start(g);
  for (int step = 0; step < STEPS_MAX && total(g) > g->wanted; step++) {
    multiply(g, g->direction, g->image);
#pragma omp parallel for schedule(static) num_threads(g->p->threads)
    for (int64_t r = 0; r < g->p->rows; r++) step_row(g, r);
  }
}

tsr_status tsr__solve_least_squares(const tsr__least_squares *problem) {
  gradients g = {.p = problem};
  size_t count = (size_t)(problem->rows * problem->cols);
  float *memory;
  TSR_TRY(tsr__aligned(3 * count, sizeof *memory, "conjugate gradients", &memory));
  tsr_status status =
      tsr__calloc((size_t)problem->rows, sizeof *g.squares, "conjugate gradients", &g.squares);
  if (status == TSR_OK) {
    g.residual = memory;
    g.direction = memory + count;
    g.image = memory + 2 * count;
    run(&g);
  }
  free(g.squares);
  free(memory);
  return status;
}
