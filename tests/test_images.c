/* Image files: what is in them, against the rule by which scripts/make_image_corpus.py fills them.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/image/images.h"
#include "tests/checkpoint_files.h"

#define FOLDER TESSERA_TEST_DATA "/corpus/images/"

enum { HEIGHT = 5, WIDTH = 7 };

static int value(int64_t n, int64_t y, int64_t x, int64_t c) {
  return (int)((37 * y + 11 * x + 50 * c + 101 * n + 3) % 256);
}

/* How a file spells the rule's values: each gives the value that should come out. */
static double exact(int64_t n, int64_t y, int64_t x, int64_t c) { return value(n, y, x, c); }
static double one_bit(int64_t n, int64_t y, int64_t x, int64_t c) {
  return value(n, y, x, c) / 128 * 255;
}
static double four_bits(int64_t n, int64_t y, int64_t x, int64_t c) {
  return value(n, y, x, c) / 16 * 17;
}
static double of_65535(int64_t n, int64_t y, int64_t x, int64_t c) {
  return (256 * value(n, y, x, c) + (double)x) / 65535;
}
static double of_1023(int64_t n, int64_t y, int64_t x, int64_t c) {
  return 4 * value(n, y, x, c) / 1023.0;
}
static double of_15(int64_t n, int64_t y, int64_t x, int64_t c) {
  return value(n, y, x, c) / 16 / 15.0;
}
static double of_256(int64_t n, int64_t y, int64_t x, int64_t c) {
  return value(n, y, x, c) / 256.0;
}
static double from_palette(int64_t n, int64_t y, int64_t x, int64_t c) {
  (void)n;
  double index = (double)((7 * y + x) % 4);
  return c == 0 ? 60 * index : c == 1 ? 255 - 60 * index : index;
}

static const struct {
  const char *file;
  int64_t count, channels;
  tsr_dtype dtype;
  double (*expected)(int64_t n, int64_t y, int64_t x, int64_t c);
} cases[] = {
    {"grey8.png", 1, 1, TSR_DTYPE_U8, exact},
    {"grey1.png", 1, 1, TSR_DTYPE_U8, one_bit},
    {"grey4.png", 1, 1, TSR_DTYPE_U8, four_bits},
    {"grey16.png", 1, 1, TSR_DTYPE_F32, of_65535},
    {"grey_alpha.png", 1, 1, TSR_DTYPE_U8, exact},
    {"rgb8.png", 1, 3, TSR_DTYPE_U8, exact},
    {"rgb16.png", 1, 3, TSR_DTYPE_F32, of_65535},
    {"rgb_alpha.png", 1, 3, TSR_DTYPE_U8, exact},
    {"palette.png", 1, 3, TSR_DTYPE_U8, from_palette},
    {"palette_transparent.png", 1, 3, TSR_DTYPE_U8, from_palette},
    {"gamma.png", 1, 1, TSR_DTYPE_U8, exact},
    {"interlaced_grey.png", 1, 1, TSR_DTYPE_U8, exact},
    {"interlaced_rgb.png", 1, 3, TSR_DTYPE_U8, exact},
    {"grey.png.gz", 1, 1, TSR_DTYPE_U8, exact},
    {"grey.pgm", 1, 1, TSR_DTYPE_U8, exact},
    {"comments.pgm", 1, 1, TSR_DTYPE_U8, exact},
    {"grey_of_1023.pgm", 1, 1, TSR_DTYPE_F32, of_1023},
    {"grey_of_15.pgm", 1, 1, TSR_DTYPE_F32, of_15},
    {"colour.ppm", 1, 3, TSR_DTYPE_U8, exact},
    {"grey.npy", 1, 1, TSR_DTYPE_U8, exact},
    {"floats.npy", 1, 1, TSR_DTYPE_F32, of_256},
    {"doubles.npy", 1, 1, TSR_DTYPE_F32, of_256},
    {"two.npy", 2, 1, TSR_DTYPE_U8, exact},
    {"version_2.npy", 1, 1, TSR_DTYPE_U8, exact},
    {"other_order.npy", 1, 1, TSR_DTYPE_U8, exact},
    {"colour_last.npy", 1, 3, TSR_DTYPE_U8, exact},
    {"colour_hwc.npy", 1, 3, TSR_DTYPE_U8, exact},
    {"colour_first.npy", 1, 3, TSR_DTYPE_U8, exact},
    {"none.npy", 0, 1, TSR_DTYPE_U8, exact},
    {"two.idx", 2, 1, TSR_DTYPE_U8, exact},
    {"two.idx.gz", 2, 1, TSR_DTYPE_U8, exact},
    {"members.idx.gz", 2, 1, TSR_DTYPE_U8, exact},
};

enum { CASES = sizeof cases / sizeof cases[0] };

static double pixel(const tsr__images *images, int64_t index) {
  return images->dtype == TSR_DTYPE_F32 ? (double)((const float *)images->pixels)[index]
                                        : ((const unsigned char *)images->pixels)[index];
}

static void expect_pixels(const tsr__images *images, size_t i) {
  int64_t index = 0;
  for (int64_t n = 0; n < images->count; n++)
    for (int64_t y = 0; y < HEIGHT; y++)
      for (int64_t x = 0; x < WIDTH; x++)
        for (int64_t c = 0; c < images->channels; c++, index++) {
          double wanted = cases[i].expected(n, y, x, c), got = pixel(images, index);
          cr_assert(fabs(got - wanted) < 1e-7, "%s: image %d, y %d, x %d, channel %d: %g, not %g",
                    cases[i].file, (int)n, (int)y, (int)x, (int)c, got, wanted);
        }
}

Test(images, every_kind_of_file_holds_what_its_rule_says) {
  for (size_t i = 0; i < CASES; i++) {
    char path[512];
    tsr__images images;
    snprintf(path, sizeof path, FOLDER "%s", cases[i].file);
    cr_assert_eq(tsr__images_read(path, &images), TSR_OK, "%s", tsr_last_error());
    cr_assert_eq(images.count, cases[i].count, "%s", path);
    cr_assert_eq(images.height, HEIGHT, "%s", path);
    cr_assert_eq(images.width, WIDTH, "%s", path);
    cr_assert_eq(images.channels, cases[i].channels, "%s", path);
    cr_assert_eq(images.dtype, cases[i].dtype, "%s", path);
    expect_pixels(&images, i);
    tsr__images_release(&images);
    cr_assert_null(images.pixels);
  }
  cr_assert_eq(files_count(FOLDER), CASES, "a file of the corpus is not in the table");
}

/* ---- what a model gets ---- */

static void to_input(const char *file, int64_t first, int64_t count, int64_t channels, float *out) {
  char path[512];
  tsr__images images;
  snprintf(path, sizeof path, FOLDER "%s", file);
  cr_assert_eq(tsr__images_read(path, &images), TSR_OK, "%s", tsr_last_error());
  tsr__image_input input = {HEIGHT, WIDTH, channels, {0.25f, 0.5f, 0.75f}, {0.5f, 0.25f, 2.0f}};
  cr_assert_eq(tsr__images_to_input(&images, file, first, count, &input, out), TSR_OK, "%s",
               tsr_last_error());
  tsr__images_release(&images);
}

static void expect_near(float got, double wanted) {
  cr_assert(fabs((double)got - wanted) < 1e-6, "%g, not %g", (double)got, wanted);
}

Test(input, pixels_are_shifted_and_scaled_channel_by_channel) {
  float out[HEIGHT * WIDTH * 3];
  to_input("rgb8.png", 0, 1, 3, out);
  for (int i = 0; i < HEIGHT * WIDTH; i++) {
    int64_t y = i / WIDTH, x = i % WIDTH;
    expect_near(out[3 * i], (value(0, y, x, 0) / 255.0 - 0.25) / 0.5);
    expect_near(out[3 * i + 1], (value(0, y, x, 1) / 255.0 - 0.5) / 0.25);
    expect_near(out[3 * i + 2], (value(0, y, x, 2) / 255.0 - 0.75) / 2.0);
  }
}

Test(input, grey_becomes_colour_and_colour_grey) {
  float out[HEIGHT * WIDTH * 3];
  to_input("grey8.png", 0, 1, 3, out);
  expect_near(out[3 * 9 + 1], (value(0, 1, 2, 0) / 255.0 - 0.5) / 0.25);
  expect_near(out[3 * 9 + 2], (value(0, 1, 2, 0) / 255.0 - 0.75) / 2.0);
  to_input("rgb8.png", 0, 1, 1, out);
  double luma = 0.299 * value(0, 1, 2, 0) + 0.587 * value(0, 1, 2, 1) + 0.114 * value(0, 1, 2, 2);
  expect_near(out[9], (luma / 255 - 0.25) / 0.5);
}

Test(input, floats_are_taken_as_they_are_and_any_image_can_be_the_first) {
  float out[HEIGHT * WIDTH];
  to_input("floats.npy", 0, 1, 1, out);
  expect_near(out[9], (value(0, 1, 2, 0) / 256.0 - 0.25) / 0.5);
  to_input("two.idx", 1, 1, 1, out);
  expect_near(out[9], (value(1, 1, 2, 0) / 255.0 - 0.25) / 0.5);
}

Test(input, another_size_is_refused_with_both_sizes) {
  tsr__images images;
  float out[1];
  cr_assert_eq(tsr__images_read(FOLDER "grey8.png", &images), TSR_OK);
  tsr__image_input input = {28, 28, 1, {0}, {1, 1, 1}};
  cr_assert_eq(tsr__images_to_input(&images, "shoe.png", 0, 1, &input, out), TSR_UNSUPPORTED_SHAPE);
  cr_assert_str_eq(tsr_last_error(), "shoe.png: images of 5 x 7 pixels, the model takes 28 x 28");
  tsr__images_release(&images);
}

Test(labels, one_byte_an_image) {
  tsr__labels labels;
  cr_assert_eq(tsr__labels_read(TESSERA_TEST_DATA "/corpus/broken_images/labels.idx", &labels),
               TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(labels.count, 3);
  for (int i = 0; i < 3; i++) cr_assert_eq(labels.values[i], i);
  tsr__labels_release(&labels);
  cr_assert_eq(tsr__labels_read(FOLDER "two.idx", &labels), TSR_UNSUPPORTED);
  cr_assert_eq(tsr__labels_read(FOLDER "grey8.png", &labels), TSR_MALFORMED);
  cr_assert_eq(tsr__labels_read(FOLDER "nowhere", &labels), TSR_NOT_FOUND);
  cr_assert_null(labels.values);
}
