#include "tests/idx_files.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/command.h"

void image_file_write(const char *path, const char *head, size_t head_bytes, const void *data,
                      size_t bytes) {
  FILE *file = fopen(path, "wb");
  cr_assert(file && fwrite(head, 1, head_bytes, file) == head_bytes, "%s", path);
  cr_assert_eq(fwrite(data, 1, bytes, file), bytes);
  fclose(file);
}

void idx_write_images(const char *path, int count, int side, const void *pixels) {
  const char head[] = {0, 0, 8,          3, 0, 0, (char)(count >> 8), (char)count, 0,
                       0, 0, (char)side, 0, 0, 0, (char)side};
  image_file_write(path, head, sizeof head, pixels, (size_t)count * (size_t)side * (size_t)side);
}

void idx_write_labels(const char *path, int count, const unsigned char *labels) {
  const char head[] = {0, 0, 8, 1, 0, 0, (char)(count >> 8), (char)count};
  image_file_write(path, head, sizeof head, labels, (size_t)count);
}

void idx_write_fashion(const char *folder, int count, int side, const void *pixels,
                       const unsigned char *labels) {
  char name[256];
  snprintf(name, sizeof name, "%s/t10k-images-idx3-ubyte.gz", folder);
  idx_write_images(command_path(name), count, side, pixels);
  snprintf(name, sizeof name, "%s/t10k-labels-idx1-ubyte.gz", folder);
  idx_write_labels(command_path(name), count, labels);
}
