/* Broken image files: each gives an error that names the file and the value.
 * scripts/make_image_corpus.py makes them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/image/images.h"
#include "tests/checkpoint_files.h"

#define WHOLE TESSERA_TEST_DATA "/corpus/images/"
#define BROKEN TESSERA_TEST_DATA "/corpus/broken_images/"

static const struct {
  const char *file;
  tsr_status status;
  const char *words; /* in the message */
} cases[] = {
    {"empty", TSR_UNSUPPORTED, "0 bytes that begin with 00 00 00 00 are no IDX"},
    {"one_byte", TSR_UNSUPPORTED, "1 bytes that begin with 50 00 00 00 are no IDX"},
    {"text", TSR_UNSUPPORTED, "12 bytes that begin with 77 68 61 74 are no IDX"},

    {"prefix_only.idx", TSR_MALFORMED, "4 bytes, 3 IDX dimensions alone take 16"},
    {"dimensions_cut.idx", TSR_MALFORMED, "15 bytes, 3 IDX dimensions alone take 16"},
    {"data_cut.idx", TSR_MALFORMED, "ask for 70 bytes of data, the file holds 69"},
    {"data_extended.idx", TSR_MALFORMED, "ask for 70 bytes of data, the file holds 71"},
    {"labels.idx", TSR_UNSUPPORTED, "1 IDX dimensions, not 3"},
    {"floats.idx", TSR_UNSUPPORTED, "elements of type 0x0d"},
    {"product_overflows.idx", TSR_MALFORMED, "product of the IDX dimensions overflows"},
    {"claims_terabytes.idx", TSR_MALFORMED,
     "ask for 1000000000000 bytes of data, the file holds 9"},
    {"side_0.idx", TSR_MALFORMED, "0 images of 0 x 7 pixels"},

    {"magic_only.gz", TSR_MALFORMED, "gzip: the data end too early"},
    {"cut.gz", TSR_MALFORMED, "gzip: the data end too early"},
    {"checksum.gz", TSR_MALFORMED, "gzip: incorrect data check"},
    {"bytes_after.gz", TSR_MALFORMED, "gzip: the data end too early"},
    {"twice.gz", TSR_UNSUPPORTED, "begin with 1f 8b 08 00 are no IDX"},
    {"text.gz", TSR_UNSUPPORTED, "begin with 77 68 61 74 are no IDX"},

    {"magic_only.npy", TSR_MALFORMED, "6 bytes are too few for .npy"},
    {"version_4.npy", TSR_UNSUPPORTED, "version 4 of .npy"},
    {"header_beyond.npy", TSR_MALFORMED, "length 65535 goes beyond the file's 18 bytes"},
    {"header_4_gigabytes.npy", TSR_MALFORMED, "length 4294967295 goes beyond the file's 20 bytes"},
    {"no_brace.npy", TSR_MALFORMED, "byte 10 of the .npy header: expected '{'"},
    {"no_shape.npy", TSR_MALFORMED, "the .npy header has no 'shape'"},
    {"key_twice.npy", TSR_MALFORMED, "the .npy header has 'descr' twice"},
    {"key_unknown.npy", TSR_MALFORMED, "expected 'descr', 'fortran_order' or 'shape'"},
    {"colon_missing.npy", TSR_MALFORMED, "byte 19 of the .npy header: expected ':'"},
    {"comma_missing.npy", TSR_MALFORMED, "byte 26 of the .npy header: expected ',' or '}'"},
    {"order_is_number.npy", TSR_MALFORMED, "expected True or False"},
    {"shape_is_number.npy", TSR_MALFORMED, "expected '(' after 'shape'"},
    {"shape_open.npy", TSR_MALFORMED, "expected ',' or ')' in 'shape'"},
    {"shape_negative.npy", TSR_MALFORMED, "expected a number or ')' in 'shape'"},
    {"shape_without_commas.npy", TSR_MALFORMED, "expected ',' or ')' in 'shape'"},
    {"text_after.npy", TSR_MALFORMED, "byte 68 of the .npy header: expected a newline"},
    {"fortran.npy", TSR_UNSUPPORTED, "fortran_order is not supported"},
    {"objects.npy", TSR_UNSUPPORTED, "elements of type '|O'"},
    {"big_endian.npy", TSR_UNSUPPORTED, "elements of type '>f4'"},
    {"structure.npy", TSR_MALFORMED, "expected a string after 'descr'"},
    {"long_type.npy", TSR_UNSUPPORTED, "elements of type '<da...'"},
    {"dimensions_0.npy", TSR_UNSUPPORTED_SHAPE, "0 dimensions"},
    {"dimensions_5.npy", TSR_UNSUPPORTED, "more than 4 dimensions"},
    {"channels_2.npy", TSR_UNSUPPORTED_SHAPE, "4 dimensions"},
    {"data_cut.npy", TSR_MALFORMED, "the .npy shape takes 35 bytes, the file holds 34"},
    {"data_extended.npy", TSR_MALFORMED, "the .npy shape takes 35 bytes, the file holds 36"},
    {"shape_2_to_the_70.npy", TSR_UNSUPPORTED, "take more than 1073741824 bytes"},
    {"claims_gigabytes.npy", TSR_UNSUPPORTED, "2147483648 images of 5 x 7 pixels take more than"},

    {"plain.pgm", TSR_UNSUPPORTED, "P2; the binary forms"},
    {"bits.pbm", TSR_UNSUPPORTED, "P4; the binary forms"},
    {"size_missing.pgm", TSR_MALFORMED, "byte 3: no number for the width"},
    {"size_negative.pgm", TSR_MALFORMED, "byte 3: no number for the width"},
    {"greatest_0.pgm", TSR_MALFORMED, "the greatest value is 0"},
    {"greatest_65536.pgm", TSR_MALFORMED, "the greatest value is 65536"},
    {"value_above.pgm", TSR_MALFORMED, "the value 16 is above the greatest one, 15"},
    {"no_blank.pgm", TSR_MALFORMED, "byte 10: no blank before the values"},
    {"width_0.pgm", TSR_MALFORMED, "1 images of 5 x 0 pixels"},
    {"side_too_long.pgm", TSR_UNSUPPORTED, "1 x 40000 pixels; a side has at most 32768"},
    {"digits.pgm", TSR_UNSUPPORTED, "a side has at most 32768"},
    {"claims_gigabytes.ppm", TSR_UNSUPPORTED, "take more than 1073741824 bytes"},
    {"data_cut.pgm", TSR_MALFORMED, "7 x 5 pixels take 35 bytes, the file holds 34"},
    {"data_extended.pgm", TSR_MALFORMED, "7 x 5 pixels take 35 bytes, the file holds 36"},

    {"signature_only.png", TSR_MALFORMED, "PNG: the data end too early"},
    {"no_header.png", TSR_MALFORMED, "PNG: IDAT: "},
    {"header_checksum.png", TSR_MALFORMED, "PNG: IHDR: CRC error"},
    {"width_0.png", TSR_MALFORMED, "PNG: "},
    {"side_too_long.png", TSR_UNSUPPORTED, "5 x 40000 pixels; a side has at most 32768"},
    {"claims_gigabytes.png", TSR_MALFORMED, "16000 x 16000 pixels cannot come from 68 bytes"},
    {"depth_5.png", TSR_MALFORMED, "PNG: "},
    {"data_missing.png", TSR_MALFORMED, "PNG: "},
    {"data_short.png", TSR_MALFORMED, "PNG: "},
    {"data_checksum.png", TSR_MALFORMED, "PNG: IDAT: CRC error"},
    {"palette_missing.png", TSR_MALFORMED, "PNG: "},
    {"cut.png", TSR_MALFORMED, "PNG: the data end too early"},
    {"end_missing.png", TSR_MALFORMED, "PNG: the data end too early"},
    {"chunk_4_gigabytes.png", TSR_MALFORMED, "PNG: "},
};

enum { CASES = sizeof cases / sizeof cases[0] };

Test(broken, every_file_is_refused_with_file_and_value) {
  for (int i = 0; i < CASES; i++) {
    char path[512];
    tsr__images images = {.pixels = (void *)(uintptr_t)1};
    snprintf(path, sizeof path, BROKEN "%s", cases[i].file);
    tsr_status status = tsr__images_read(path, &images);
    const char *message = tsr_last_error();
    cr_assert_eq(status, cases[i].status, "%s: %s", cases[i].file, message);
    cr_assert_null(images.pixels);
    cr_assert_eq(strncmp(message, path, strlen(path)), 0, "%s: %s", cases[i].file, message);
    cr_assert(strstr(message + strlen(path), cases[i].words), "%s: %s", cases[i].file, message);
  }
  cr_assert_eq(files_count(BROKEN), CASES, "a file of the corpus is not in the table");
}

/* An exact copy of each beginning, so that a sanitizer sees a read beyond it. */
static void expect_no_beginning(const char *file) {
  char path[512];
  size_t size;
  snprintf(path, sizeof path, WHOLE "%s", file);
  char *bytes = files_read(path, &size);
  for (size_t cut = 0; cut < size; cut++) {
    tsr__images images;
    unsigned char *copy = malloc(cut ? cut : 1);
    memcpy(copy, bytes, cut);
    cr_assert_neq(tsr__images_decode(file, copy, cut, &images), TSR_OK, "%s: %zu bytes", file, cut);
    cr_assert_null(images.pixels);
    free(copy);
  }
  free(bytes);
}

Test(broken, no_beginning_of_a_file_is_taken_for_the_whole) {
  expect_no_beginning("two.idx");
  expect_no_beginning("two.idx.gz");
  expect_no_beginning("two.npy");
  expect_no_beginning("version_2.npy");
  expect_no_beginning("grey_of_1023.pgm");
  expect_no_beginning("colour.ppm");
  expect_no_beginning("interlaced_rgb.png");
}

Test(broken, paths_that_are_no_files) {
  tsr__images images;
  cr_assert_eq(tsr__images_read(WHOLE "nowhere.png", &images), TSR_NOT_FOUND);
  cr_assert(strstr(tsr_last_error(), "nowhere.png"));
  cr_assert_eq(tsr__images_read(WHOLE, &images), TSR_IO);
  cr_assert_null(images.pixels);
}
