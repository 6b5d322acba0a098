#include "tests/cuda/cuda_fold.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { LANES = 8 };

static float element(const tsr_conv_shape *s, const tsr_cuda_fold *f, const float *images,
                     int64_t count, const int64_t at[5]) {
  int64_t bands = (int64_t)1 << f->bands_log2;
  int64_t image = (at[0] * LANES + at[4]) / bands, first_line = at[4] % bands * f->lines;
  int64_t y = first_line * s->stride[0] + at[2] - s->padding[0], x = at[3] - s->padding[1];
  if (image >= count || y < 0 || y >= s->height || x < 0 || x >= s->width) return 0.0f;
  return images[((image * s->height + y) * s->width + x) * s->channels + at[1]];
}

float *cuda_fold(const tsr_conv_shape *s, const tsr_cuda_fold *f, const float *images,
                 int64_t count, size_t *elements) {
  const int64_t sizes[5] = {f->groups, s->channels, f->rows, f->columns, LANES};
  *elements = 1;
  for (int i = 0; i < 5; i++) *elements *= (size_t)sizes[i];
  float *out = malloc(*elements * sizeof *out + 1);
  cr_assert(out);
  for (size_t e = 0; e < *elements; e++) {
    int64_t at[5], rest = (int64_t)e;
    for (int i = 4; i >= 0; i--) {
      at[i] = rest % sizes[i];
      rest /= sizes[i];
    }
    out[e] = element(s, f, images, count, at);
  }
  return out;
}
