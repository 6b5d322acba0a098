/* The bars that Tessera's speed is held to, measured. */
#ifndef TESSERA_BENCH_BARS_H
#define TESSERA_BENCH_BARS_H

#include "bench/options.h"

/* What is measured how. */
typedef struct tsr__bars {
  tsr_hardware hardware;
  tsr_tuning *tuning;
  int avx2; /* 1 = both sides are held to AVX2; each bar is less by 0.1 */
  int reached, missed;
} tsr__bars;

/* Prints one line, "at least" (or, with at_most, "at most") `required`, and counts it. */
void tsr__bars_print(tsr__bars *bars, const char *what, int at_most, double required,
                     double measured);

/* Each is the median of several repetitions of a race, itself a median. */
tsr_status tsr__bars_layers(tsr__bars *bars); /* speedup x density of every format */
tsr_status tsr__bars_cold(tsr__bars *bars);   /* the same on one shape, weights evicted; no bars */
tsr_status tsr__bars_tokens(tsr__bars *bars); /* 1 to 1024 tokens, selection free to choose */
/* model: NULL = the preset minilm. */
tsr_status tsr__bars_models(tsr__bars *bars, const char *model);
/* Convolutions of a shape file; a preset of images, whole. */
tsr_status tsr__bars_conv_layers(tsr__bars *bars, const char *path);
tsr_status tsr__bars_conv_model(tsr__bars *bars, const char *model);
/* Writes a ResNet-50 into folder, which exists, and has the command `tessera` (an absolute path)
 * prune, shrink and pack it: memory, and the gain of half the filters. */
tsr_status tsr__bars_images(tsr__bars *bars, const char *tessera, const char *folder);
/* Starts the command `tessera` on a packed model's folder: time and memory. */
tsr_status tsr__bars_run(tsr__bars *bars, const char *tessera, const char *model);

enum { TSR__BARS_REPETITIONS = 3 };

/* Options of one repetition of a layer's race; variants are not used. */
tsr__bench_options tsr__bars_options(const tsr__bars *bars, const tsr__baseline *baseline);

#endif
