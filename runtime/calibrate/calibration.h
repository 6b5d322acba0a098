/* What a calibration holds. */
#ifndef TESSERA_CALIBRATE_CALIBRATION_H
#define TESSERA_CALIBRATE_CALIBRATION_H

#include "tessera/calibrate.h"

/* One of the three: token ids, hidden states of tokens, images. */
struct tsr_calibration {
  tsr_batch batch;        /* of images: sequences = 0 */
  int64_t *offsets;       /* [sequences + 1] */
  int32_t *ids;           /* [offsets[sequences]]; of states: NULL */
  tsr_image_batch images; /* otherwise: images = 0 */
  float *values;          /* states [offsets[sequences], width], or the images' pixels */
  int64_t width;          /* of the states; 0 = there are none */
  char hash[17];
};

/* FNV-1a, 64 bits, over words of four bytes, the lowest first. */
typedef struct tsr__hash {
  uint64_t state;
} tsr__hash;
tsr__hash tsr__hash_begin(void);
void tsr__hash_word(tsr__hash *hash, uint32_t word);
void tsr__hash_floats(tsr__hash *hash, const float *values, int64_t count);
void tsr__hash_text(const tsr__hash *hash, char text[17]);

/* Of a calibration of text at most so many of its sequences, evenly spread. */
tsr_status tsr__calibration_take(const tsr_calibration *calibration, int64_t wanted,
                                 tsr_calibration **out);

/* How many samples of how many tokens may be asked for. */
tsr_status tsr__calibration_check(const char *function, const char *const *paths, size_t count,
                                  const tsr_calibration_options *options);

#endif
