/* Images from files, as classifiers take them. */
#ifndef TESSERA_IMAGE_IMAGES_H
#define TESSERA_IMAGE_IMAGES_H

#include "tessera/types.h"

/* Longer sides, and more bytes, are refused before anything is allocated. */
enum { TSR__IMAGE_SIDE_MAX = 1 << 15, TSR__IMAGE_BYTES_MAX = 1 << 30 };

/* Zero it first; release takes it in any state. */
typedef struct tsr__images {
  int64_t count, height, width, channels; /* channels: 1 = grey, 3 = RGB */
  tsr_dtype dtype;                        /* U8: 0..255 stand for 0..1; F32: taken as they are */
  void *pixels;                           /* [count, height, width, channels]; owned */
} tsr__images;

/* Reads an IDX, .npy, PGM, PPM or PNG file, each also compressed by gzip, told apart by their first
 * bytes. TSR_MALFORMED, TSR_UNSUPPORTED name the file and the value. */
tsr_status tsr__images_read(const char *path, tsr__images *out);
void tsr__images_release(tsr__images *images);

/* The same from memory; name: for messages. */
tsr_status tsr__images_decode(const char *name, const unsigned char *bytes, size_t size,
                              tsr__images *out);

/* Numbers from a .npy file, which may be compressed. Zero it first; release takes any state. */
typedef struct tsr__float_array {
  int ndim;
  int64_t dims[4];
  float *values; /* owned */
} tsr__float_array;

tsr_status tsr__float_array_read(const char *path, tsr__float_array *out);
void tsr__float_array_release(tsr__float_array *array);

/* What a model takes: NHWC, F32. value = (pixel - mean) / std, pixel in 0..1. */
typedef struct tsr__image_input {
  int64_t height, width, channels; /* channels: 1 or 3 */
  float mean[3], std[3];
} tsr__image_input;

/* out: [count, input->height, input->width, input->channels] from images first .. first + count - 1
 * (which exist). Grey becomes RGB by repetition, RGB grey by the luma of ITU-R BT.601.
 * TSR_UNSUPPORTED_SHAPE if the sizes differ: nothing is scaled. name: for messages. */
tsr_status tsr__images_to_input(const tsr__images *images, const char *name, int64_t first,
                                int64_t count, const tsr__image_input *input, float *out);

/* The classes of images: an IDX file of one dimension, may be compressed. */
typedef struct tsr__labels {
  int64_t count;
  unsigned char *values; /* [count]; owned */
} tsr__labels;

tsr_status tsr__labels_read(const char *path, tsr__labels *out);
void tsr__labels_release(tsr__labels *labels);

#endif
