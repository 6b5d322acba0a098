#include <math.h>

#include "runtime/plan/tuning.h"

enum { N = TSR_COST_TERMS, SWEEPS = 20000 };

/* Non-negative least squares by coordinate descent on the normal equations H c = g, whose columns
 * are scaled to unit length: with six unknowns that is as good as any method, and cannot fail. */
void tsr__tuning_fit(const tsr__sample *samples, int count, double *coefficients) {
  double h[N][N] = {{0}}, g[N] = {0}, scale[N], c[N] = {0};
  for (int s = 0; s < count; s++)
    for (int i = 0; i < N; i++) {
      double row_i = samples[s].terms[i] / samples[s].us; /* relative: the target becomes 1 */
      g[i] += row_i;
      for (int j = 0; j < N; j++) h[i][j] += row_i * samples[s].terms[j] / samples[s].us;
    }
  for (int i = 0; i < N; i++) scale[i] = h[i][i] > 0.0 ? 1.0 / sqrt(h[i][i]) : 0.0;
  for (int sweep = 0; sweep < SWEEPS; sweep++)
    for (int i = 0; i < N; i++) {
      double gradient = -g[i] * scale[i];
      for (int j = 0; j < N; j++) gradient += scale[i] * h[i][j] * scale[j] * c[j];
      c[i] = fmax(0.0, c[i] - gradient);
    }
  for (int i = 0; i < N; i++) coefficients[i] = c[i] * scale[i];
}
