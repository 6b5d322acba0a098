/* kernels/sparse.cu: 2:4 products by mma.sp against the uncompressed product. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "runtime/base/half.h"
#include "tests/gpusim/cases/device_case.h"
#include "tests/random.h"

enum { M = 32, N = 16, K = 128 };

/* Small integers, exact in f16, s8 and every accumulator. */
typedef struct sparse_case {
  int dense[M][K];         /* two of every four are nonzero */
  int8_t values[M][K / 2]; /* those two */
  uint8_t index[M][K / 2]; /* and where they stood, 0..3 */
  int8_t b[N][K];
  int expected[N][M];
} sparse_case;

static sparse_case *make_case(void) {
  sparse_case *s = calloc(1, sizeof *s);
  random_state random = random_seed(10);
  for (int r = 0; r < M; r++)
    for (int group = 0; group < K / 4; group++) {
      int first = (int)random_below(&random, 3);
      int second = first + 1 + (int)random_below(&random, 3 - first);
      const int at[2] = {first, second};
      for (int i = 0; i < 2; i++) {
        int8_t value = (int8_t)(random_below(&random, 15) - 7);
        s->values[r][group * 2 + i] = value;
        s->index[r][group * 2 + i] = (uint8_t)at[i];
        s->dense[r][group * 4 + at[i]] = value;
      }
    }
  for (int t = 0; t < N; t++)
    for (int i = 0; i < K; i++) s->b[t][i] = (int8_t)(random_below(&random, 15) - 7);
  for (int t = 0; t < N; t++)
    for (int r = 0; r < M; r++)
      for (int i = 0; i < K; i++) s->expected[t][r] += s->dense[r][i] * s->b[t][i];
  return s;
}

static CUdeviceptr upload_f16(const int8_t *values, size_t count) {
  uint16_t *halves = malloc(count * sizeof *halves);
  for (size_t i = 0; i < count; i++) halves[i] = tsr__f32_to_f16((float)values[i]);
  CUdeviceptr address = device_copy(halves, count * sizeof *halves);
  free(halves);
  return address;
}

/* Two bits an index, lowest first. */
static CUdeviceptr upload_indices(const sparse_case *s) {
  uint8_t packed[M][K / 8] = {{0}};
  for (int r = 0; r < M; r++)
    for (int i = 0; i < K / 2; i++) packed[r][i / 4] |= (uint8_t)(s->index[r][i] << (i % 4 * 2));
  return device_copy(packed, sizeof packed);
}

static void check_sparse(CUfunction function, CUdeviceptr values, CUdeviceptr b,
                         const sparse_case *s, int is_float, const char *what) {
  CUdeviceptr indices = upload_indices(s), c = device_room(sizeof s->expected);
  int m = M, k = K;
  void *args[] = {&values, &indices, &b, &m, &k, &c};
  device_run(function, (device_grid){.x = M / 16, .y = N / 8, .threads_x = 32}, args);
  union {
    int integer;
    float real;
  } sums[N][M];
  device_read(sums, c, sizeof sums);
  for (int t = 0; t < N; t++)
    for (int r = 0; r < M; r++) {
      double actual = is_float ? (double)sums[t][r].real : sums[t][r].integer;
      cr_assert_eq(actual, (double)s->expected[t][r], "%s: token %d, row %d: %g, not %d", what, t,
                   r, actual, s->expected[t][r]);
    }
  device_free(values);
  device_free(b);
  device_free(indices);
  device_free(c);
}

static void run_f16(CUmodule module, const char *what) {
  sparse_case *s = make_case();
  check_sparse(device_function(module, "sparse_f16"), upload_f16(&s->values[0][0], M * K / 2),
               upload_f16(&s->b[0][0], N * K), s, 1, what);
  free(s);
}

Test(kernels_sparse, f16) { device_for_each_build("sparse", run_f16); }

static void run_s8(CUmodule module, const char *what) {
  sparse_case *s = make_case();
  check_sparse(device_function(module, "sparse_s8"), device_copy(s->values, sizeof s->values),
               device_copy(s->b, sizeof s->b), s, 0, what);
  free(s);
}

Test(kernels_sparse, s8) { device_for_each_build("sparse", run_s8); }
