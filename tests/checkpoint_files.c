#include "tests/checkpoint_files.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *files_path(const char *folder, const char *name) {
  size_t size = strlen(folder) + strlen(name) + 2;
  char *path = malloc(size);
  cr_assert_not_null(path);
  snprintf(path, size, "%s/%s", folder, name);
  return path;
}

char *files_folder(void) {
  const char *root = getenv("TMPDIR");
  char *folder = files_path(root && *root ? root : "/tmp", "tessera-test-XXXXXX");
  cr_assert_not_null(mkdtemp(folder));
  return folder;
}

void files_remove(char *folder) {
  DIR *listing = opendir(folder);
  cr_assert_not_null(listing);
  for (const struct dirent *entry; (entry = readdir(listing));) {
    char *path = files_path(folder, entry->d_name);
    unlink(path);
    free(path);
  }
  closedir(listing);
  rmdir(folder);
  free(folder);
}

static void put(FILE *file, const void *bytes, size_t size) {
  if (size) cr_assert_eq(fwrite(bytes, 1, size, file), size);
}

void files_write_safetensors(const char *path, const char *header, int spaces, const void *data,
                             size_t size) {
  uint64_t length = strlen(header) + (size_t)spaces;
  unsigned char prefix[8];
  for (int i = 0; i < 8; i++) prefix[i] = (unsigned char)(length >> (8 * i));
  FILE *file = fopen(path, "wb");
  cr_assert_not_null(file);
  put(file, prefix, sizeof prefix);
  put(file, header, strlen(header));
  for (int i = 0; i < spaces; i++) put(file, " ", 1);
  put(file, data, size);
  cr_assert_eq(fclose(file), 0);
}

void files_write_in(const char *folder, const char *name, const char *header, int spaces,
                    const void *data, size_t size) {
  char *path = files_path(folder, name);
  files_write_safetensors(path, header, spaces, data, size);
  free(path);
}

void files_write_text(const char *folder, const char *name, const char *text) {
  char *path = files_path(folder, name);
  FILE *file = fopen(path, "wb");
  cr_assert_not_null(file);
  put(file, text, strlen(text));
  cr_assert_eq(fclose(file), 0);
  free(path);
}

char *files_read(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  cr_assert_not_null(file);
  cr_assert_eq(fseek(file, 0, SEEK_END), 0);
  long length = ftell(file);
  cr_assert_geq(length, 0);
  rewind(file);
  char *bytes = malloc((size_t)length + 1);
  cr_assert_not_null(bytes);
  cr_assert_eq(fread(bytes, 1, (size_t)length, file), (size_t)length);
  cr_assert_eq(fclose(file), 0);
  *size = (size_t)length;
  return bytes;
}

int files_count(const char *folder) {
  int count = 0;
  DIR *listing = opendir(folder);
  cr_assert_not_null(listing);
  for (const struct dirent *entry; (entry = readdir(listing));)
    count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
  closedir(listing);
  return count;
}
