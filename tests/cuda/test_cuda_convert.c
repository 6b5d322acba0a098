/* Conversions and transposition: bit for bit what the host's conversion gives. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/layer_launch.h"
#include "tests/cuda/cuda_fold.h"
#include "tests/cuda/cuda_matrix.h"
#include "tests/layer_reference.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct {
  int32_t n, width, pad_x, shift;
} sizes[] = {{1, 1, 0, 0},   {3, 7, 1, 1},   {2, 8, 0, 0},   {5, 9, 2, 1},
             {64, 64, 0, 0}, {63, 65, 3, 1}, {65, 63, 8, 0}, {130, 200, 0, 0}};

static float *values_for(int64_t count) {
  static const float special[] = {NAN, INFINITY, -INFINITY, -0.0f, 0x1p-24f, 70000.0f, 0x1p-140f};
  float *values = reference_random((size_t)count, 61, 3.0f);
  for (size_t i = 0; i < COUNT(special) && (int64_t)(3 * i) < count; i++)
    values[3 * i] = special[i];
  return values;
}

static int same(float a, float b) {
  return isnan(b) ? isnan(a) : a == b && signbit(a) == signbit(b);
}

/* Width rounded up to eight elements, the new ones zero. */
static void check_convert(CUmodule module, size_t size, tsr_dtype from, tsr_dtype to,
                          const char *name, const char *what) {
  int32_t n = sizes[size].n, width = sizes[size].width, padded = (width + 7) / 8 * 8;
  float *in = values_for((int64_t)n * width),
        *out = malloc((size_t)n * (size_t)padded * sizeof *out);
  cuda_round(in, (size_t)n * (size_t)width, from);
  cuda_matrix x =
      cuda_matrix_upload(in, from, n, width, width + sizes[size].pad_x, sizes[size].shift);
  cuda_matrix y = cuda_matrix_room(to, n, padded, padded + 8, 0);
  cuda_round(in, (size_t)n * (size_t)width, to);
  tsr_cuda_convert_args args = {
      .x = x.data, .y = y.data, .ldx = x.ld, .ldy = y.ld, .n = n, .width = width, .padded = padded};
  cuda_launch(module, name, tsr__cuda_convert_launch(&args), &args);
  cuda_matrix_read(&y, out);
  for (int32_t r = 0; r < n; r++)
    for (int32_t c = 0; c < padded; c++)
      cr_assert(same(out[r * padded + c], c < width ? in[r * width + c] : 0.0f),
                "%s: %s: %d x %d: row %d, column %d: %g", what, name, (int)n, (int)width, (int)r,
                (int)c, (double)out[r * padded + c]);
  cuda_matrix_free(&x);
  cuda_matrix_free(&y);
  free(in);
  free(out);
}

static void run_convert(CUmodule module, const char *what) {
  static const tsr_dtype dtypes[] = {TSR_DTYPE_F16, TSR_DTYPE_BF16};
  for (size_t size = 0; size < COUNT(sizes); size++)
    for (size_t d = 0; d < COUNT(dtypes); d++) {
      char from[64], to[64];
      snprintf(from, sizeof from, "tsr_%s_from_f32__sm80", cuda_type_name(dtypes[d]));
      snprintf(to, sizeof to, "tsr_%s_to_f32__sm80", cuda_type_name(dtypes[d]));
      check_convert(module, size, TSR_DTYPE_F32, dtypes[d], from, what);
      check_convert(module, size, dtypes[d], TSR_DTYPE_F32, to, what);
      check_convert(module, size, dtypes[d], dtypes[d], "tsr_b16_copy__sm80", what);
    }
}

Test(cuda_convert, types_and_padding) {
  device_for_each_setting(TESSERA_IMAGES "/convert.fatbin", run_convert);
}

static void run_words(CUmodule module, const char *what) {
  static const int32_t counts[] = {1, 255, 256, 257, TSR_CUDA_WORDS};
  for (size_t c = 0; c < COUNT(counts); c++) {
    tsr_cuda_words_args args = {.count = counts[c]};
    int32_t out[TSR_CUDA_WORDS];
    for (int32_t i = 0; i < TSR_CUDA_WORDS; i++) args.words[i] = 7 * i - 1000;
    CUdeviceptr y = device_room((size_t)counts[c] * sizeof *out);
    memcpy(&args.y, &y, sizeof y);
    cuda_launch(module, "tsr_b32_words__sm80", tsr__cuda_words_launch(&args), &args);
    device_read(out, y, (size_t)counts[c] * sizeof *out);
    cr_assert_eq(memcmp(out, args.words, (size_t)counts[c] * sizeof *out), 0, "%s", what);
    device_free(y);
  }
}

Test(cuda_convert, words) { device_for_each_setting(TESSERA_IMAGES "/words.fatbin", run_words); }

static void check_transpose(CUmodule module, size_t size, const char *what) {
  int32_t n = sizes[size].n, width = sizes[size].width, padded = (n + 7) / 8 * 8;
  float *in = values_for((int64_t)n * width),
        *out = malloc((size_t)width * (size_t)padded * sizeof *out);
  cuda_round(in, (size_t)n * (size_t)width, TSR_DTYPE_F16);
  cuda_matrix x =
      cuda_matrix_upload(in, TSR_DTYPE_F16, n, width, width + sizes[size].pad_x, sizes[size].shift);
  cuda_matrix y = cuda_matrix_room(TSR_DTYPE_F16, width, padded, padded, 0);
  tsr_cuda_transpose_args args = {
      .x = x.data, .y = y.data, .ldx = x.ld, .ldy = y.ld, .n = n, .width = width, .padded = padded};
  cuda_launch(module, "tsr_b16_transpose__sm80", tsr__cuda_transpose_launch(&args), &args);
  cuda_matrix_read(&y, out);
  for (int32_t r = 0; r < width; r++)
    for (int32_t t = 0; t < padded; t++)
      cr_assert(same(out[r * padded + t], t < n ? in[t * width + r] : 0.0f),
                "%s: %d x %d: feature %d, token %d: %g", what, (int)n, (int)width, (int)r, (int)t,
                (double)out[r * padded + t]);
  cuda_matrix_free(&x);
  cuda_matrix_free(&y);
  free(in);
  free(out);
}

static void run_transpose(CUmodule module, const char *what) {
  for (size_t size = 0; size < COUNT(sizes); size++) check_transpose(module, size, what);
}

Test(cuda_convert, transposition) {
  device_for_each_setting(TESSERA_IMAGES "/convert.fatbin", run_transpose);
}

/* Strides, kernels that reach far into the padding, one line, fewer lines than bands. */
static const tsr_conv_shape folded[] = {{7, 5, 24, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
                                        {9, 6, 72, {3, 3}, {2, 2}, {1, 1}, {1, 1}},
                                        {6, 10, 8, {2, 3}, {3, 1}, {0, 2}, {1, 3}},
                                        {2, 2, 64, {5, 5}, {1, 2}, {2, 2}, {1, 1}}};

static void check_fold(CUmodule module, const tsr_conv_shape *s, int64_t images, const char *what) {
  int64_t pixels = images * s->height * s->width, c = s->channels;
  size_t count;
  tsr_cuda_fold_args args = {.conv = tsr__cuda_conv_of(s)};
  args.fold = tsr__cuda_fold_of(&args.conv, images);
  args.n = (int32_t)images * args.conv.out_pixels;
  float *in = values_for(pixels * c);
  cuda_round(in, (size_t)(pixels * c), TSR_DTYPE_F16);
  float *expected = cuda_fold(s, &args.fold, in, images, &count),
        *out = malloc(count * sizeof *out);
  cr_assert_leq((int64_t)count, 8 * tsr__cuda_fold_chunks(&args.conv, images));
  cuda_matrix x = cuda_matrix_upload(in, TSR_DTYPE_F16, pixels, c, c + images % 3 * 8, images % 2);
  cuda_matrix y = cuda_matrix_room(TSR_DTYPE_F16, 1, (int64_t)count, (int64_t)count, 0);
  args.x = x.data;
  args.y = y.data;
  args.ldx = x.ld;
  cuda_launch(module, "tsr_b16_fold__sm80", tsr__cuda_fold_launch(&args), &args);
  cuda_matrix_read(&y, out);
  for (size_t i = 0; i < count; i++)
    cr_assert(same(out[i], expected[i]), "%s: %d images of %d x %d: element %zu: %g, not %g", what,
              (int)images, (int)s->height, (int)s->width, i, (double)out[i], (double)expected[i]);
  cuda_matrix_free(&x);
  cuda_matrix_free(&y);
  free(in);
  free(expected);
  free(out);
}

static void run_fold(CUmodule module, const char *what) {
  static const int64_t images[] = {1, 2, 5, 9};
  for (size_t s = 0; s < COUNT(folded); s++)
    for (size_t i = 0; i < COUNT(images); i++) check_fold(module, &folded[s], images[i], what);
}

Test(cuda_convert, folding) { device_for_each_setting(TESSERA_IMAGES "/convert.fatbin", run_fold); }
