#include <math.h>

#include "kernels/cpu/layer_kernels.h"

static void normalise_row(const float *x, float *y, const tsr_layernorm_args *args) {
  double sum = 0, squares = 0, width = (double)args->width;
  for (int64_t i = 0; i < args->width; i++) sum += x[i];
  double mean = sum / width;
  for (int64_t i = 0; i < args->width; i++) squares += (x[i] - mean) * (x[i] - mean);
  double factor = 1 / sqrt(squares / width + args->epsilon);
  for (int64_t i = 0; i < args->width; i++)
    y[i] = (float)((x[i] - mean) * factor) * args->gamma[i] + args->beta[i];
}

void tsr__layernorm_scalar(const tsr_layernorm_args *args) {
  for (int64_t t = 0; t < args->tokens; t++)
    normalise_row(args->x + t * args->width, args->y + t * args->width, args);
}

void tsr__add3_scalar(const float *a, const float *b, const float *c, float *y, int64_t count) {
  for (int64_t i = 0; i < count; i++) y[i] = a[i] + b[i] + c[i];
}

void tsr__maximum_scalar(const float *a, const float *b, float *y, int64_t count) {
  for (int64_t i = 0; i < count; i++) y[i] = a[i] > b[i] || isnan(a[i]) ? a[i] : b[i];
}

void tsr__mean_scalar(const float *x, int64_t tokens, int64_t width, float *y) {
  for (int64_t i = 0; i < width; i++) {
    double sum = 0;
    for (int64_t t = 0; t < tokens; t++) sum += x[t * width + i];
    y[i] = (float)(sum / (double)tokens);
  }
}
