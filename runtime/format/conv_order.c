#include "runtime/format/conv_order.h"

#include <string.h>

/* Moves element (filter, channel, tap) between its two places. */
static void reorder(const char *from, size_t size, const int64_t shape[4], int to_matrix,
                    char *to) {
  int64_t channels = shape[1], taps = shape[2] * shape[3];
  for (int64_t f = 0; f < shape[0]; f++)
    for (int64_t c = 0; c < channels; c++)
      for (int64_t t = 0; t < taps; t++) {
        size_t plain = (size_t)((f * channels + c) * taps + t) * size;
        size_t matrix = (size_t)((f * taps + t) * channels + c) * size;
        memcpy(to + (to_matrix ? matrix : plain), from + (to_matrix ? plain : matrix), size);
      }
}

void tsr__conv_to_matrix(const void *tensor, size_t size, const int64_t shape[4], void *matrix) {
  reorder(tensor, size, shape, 1, matrix);
}

void tsr__conv_from_matrix(const void *matrix, size_t size, const int64_t shape[4], void *tensor) {
  reorder(matrix, size, shape, 0, tensor);
}
