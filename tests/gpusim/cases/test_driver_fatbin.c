/* Fat binaries as nvcc writes them: compressed in each of its ways, and corrupted. */
#include <stdbool.h>
#include <stdio.h>

#include "tests/gpusim/cases/driver_case.h"

TestSuite(driver_fatbin, .init = driver_case_begin, .fini = driver_case_end);

enum { kThreads = 64, kContainerBytes = 16, kEntryBytes = 64 };

struct image {
  uint8_t *bytes;
  size_t count;
};

static struct image read_fatbin(const char *mode) {
  char path[4096];
  struct image image = {NULL, 0};
  snprintf(path, sizeof path, "%s/fatbin.%s.fatbin", GPUSIM_FATBINS, mode);
  FILE *file = fopen(path, "rb");
  cr_assert_not_null(file, "%s", path);
  cr_assert_eq(fseek(file, 0, SEEK_END), 0);
  image.count = (size_t)ftell(file);
  rewind(file);
  image.bytes = malloc(image.count);
  cr_assert_not_null(image.bytes);
  cr_assert_eq(fread(image.bytes, 1, image.count, file), image.count);
  fclose(file);
  cr_assert_gt(image.count, kContainerBytes + kEntryBytes);
  return image;
}

static void runs(const void *bytes) {
  CUmodule module;
  CUfunction scale;
  CUdeviceptr p = driver_case_words(7, kThreads);
  uint32_t factor = 3;
  void *values[] = {&p, &factor};
  OK(cuModuleLoadData(&module, bytes));
  OK(cuModuleGetFunction(&scale, module, "scale"));
  OK(cuLaunchKernel(scale, 2, 1, 1, kThreads / 2, 1, 1, 0, NULL, values, NULL));
  OK(cuCtxSynchronize());
  for (uint32_t i = 0; i < kThreads; i++) cr_expect_eq(driver_case_word(p + 4 * i), 21 + i);
  OK(cuMemFree(p));
  OK(cuModuleUnload(module));
}

static bool can_expand(const char *mode) { return GPUSIM_HAVE_ZSTD || strcmp(mode, "size") != 0; }

Test(driver_fatbin, runs_in_every_compression) {
  const char *const modes[] = {"default", "none", "speed", "size"};
  for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
    struct image image = read_fatbin(modes[i]);
    if (can_expand(modes[i])) runs(image.bytes);
    free(image.bytes);
  }
}

Test(driver_fatbin, runs_through_its_wrapper) {
  struct image image = read_fatbin("none");
  struct {
    uint32_t magic, version;
    const void *data, *names;
  } wrapper = {0x466243b1, 1, image.bytes, NULL};
  runs(&wrapper);
  CUmodule module;
  wrapper.data = NULL;
  FAILS(CUDA_ERROR_INVALID_IMAGE, cuModuleLoadData(&module, &wrapper));
  free(image.bytes);
}

/* Sets `size` bytes of an image at `at`, and expects an error; then restores them. */
static void refused(struct image image, size_t at, const void *value, size_t size) {
  uint8_t kept[8];
  CUmodule module;
  memcpy(kept, image.bytes + at, size);
  memcpy(image.bytes + at, value, size);
  const CUresult result = cuModuleLoadData(&module, image.bytes);
  cr_expect(result == CUDA_ERROR_INVALID_IMAGE || result == CUDA_ERROR_NO_BINARY_FOR_GPU,
            "byte %zu: %d", at, (int)result);
  memcpy(image.bytes + at, kept, size);
}

/* The header's words: magic; version and size; bytes of all entries (64 bits). An entry's: kind
 * and version; size; bytes of its payload (64 bits). */
Test(driver_fatbin, headers_that_make_no_sense) {
  const uint64_t endless = UINT64_MAX;
  const uint32_t zero = 0, huge = 0x7fffffff;
  const size_t entry = kContainerBytes;
  const char *const modes[] = {"none", "speed", "size"};
  for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
    struct image image = read_fatbin(modes[i]);
    const uint64_t short_by_one = image.count - kContainerBytes - 1;
    refused(image, 4, &zero, 4);
    refused(image, 8, &endless, 8);
    refused(image, 8, &short_by_one, 8);
    refused(image, entry, &zero, 4);
    refused(image, entry + 4, &zero, 4);
    refused(image, entry + 4, &huge, 4);
    refused(image, entry + 8, &endless, 8);
    free(image.bytes);
  }
}

/* Whatever byte of the compressed text is wrong, loading ends: with an error, or with other PTX. */
Test(driver_fatbin, corrupted_payloads) {
  const char *const modes[] = {"speed", "size"};
  for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
    struct image image = read_fatbin(modes[i]);
    uint32_t errors = 0;
    for (size_t at = image.count - 200; at < image.count; at += 3) {
      CUmodule module = NULL;
      image.bytes[at] ^= 0xff;
      if (cuModuleLoadData(&module, image.bytes) == CUDA_SUCCESS) {
        OK(cuModuleUnload(module));
      } else {
        errors++;
      }
      image.bytes[at] ^= 0xff;
    }
    cr_expect_gt(errors, 0);
    free(image.bytes);
  }
}
