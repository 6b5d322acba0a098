/* A fashion-resnet small enough for tests: 12x12 grey images, 16 channels behind the stem, stages
 * of 16 (one block) and 32 channels (two blocks), 5 classes. */
#ifndef TESSERA_TESTS_TINY_RESNET_H
#define TESSERA_TESTS_TINY_RESNET_H

enum { TINY_SIDE = 12, TINY_CLASSES = 5, TINY_CONVS = 9, TINY_INNER_CONVS = TINY_CONVS - 1 };

/* Makes the folder with model.safetensors and config.json; seeded random weights, none of them 0.
 */
void tiny_resnet_write(const char *folder);

#endif
