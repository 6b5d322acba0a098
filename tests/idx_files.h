/* Images and labels in IDX files, as Fashion-MNIST has them, though not compressed. */
#ifndef TESSERA_TESTS_IDX_FILES_H
#define TESSERA_TESTS_IDX_FILES_H

#include <stddef.h>

/* One thing behind the other: what every kind of image file is. */
void image_file_write(const char *path, const char *head, size_t head_bytes, const void *data,
                      size_t bytes);

/* pixels: [count, side, side]; count < 32768, side < 128. */
void idx_write_images(const char *path, int count, int side, const void *pixels);
void idx_write_labels(const char *path, int count, const unsigned char *labels);

/* Both, in the folder that is a tests/command.h's path, under the names of the task `fashion`. */
void idx_write_fashion(const char *folder, int count, int side, const void *pixels,
                       const unsigned char *labels);

#endif
