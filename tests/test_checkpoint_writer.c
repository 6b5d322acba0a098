#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/checkpoint_files.h"

#define GOLDEN TESSERA_TEST_DATA "/golden/reference.safetensors"

static tsr_checkpoint_writer *writer_create(void) {
  tsr_checkpoint_writer *writer;
  cr_assert_eq(tsr_checkpoint_writer_create(&writer), TSR_OK);
  return writer;
}

static void add(tsr_checkpoint_writer *writer, const char *name, tsr_dtype dtype, int ndim,
                const int64_t *shape, const void *data) {
  cr_assert_eq(tsr_checkpoint_writer_add(writer, name, dtype, ndim, shape, data), TSR_OK, "%s",
               tsr_last_error());
}

static void save(tsr_checkpoint_writer *writer, const char *path) {
  cr_assert_eq(tsr_checkpoint_writer_save(writer, path), TSR_OK, "%s", tsr_last_error());
}

static void add_all(tsr_checkpoint_writer *writer, const tsr_checkpoint *from) {
  const char *key, *value;
  for (size_t i = tsr_checkpoint_tensor_count(from); i-- > 0;) {
    const tsr_tensor *t = tsr_checkpoint_tensor(from, i);
    add(writer, t->name, t->dtype, t->ndim, t->shape, t->data);
  }
  for (size_t i = tsr_checkpoint_metadata_count(from); i-- > 0;) {
    cr_assert_eq(tsr_checkpoint_metadata_at(from, i, &key, &value), TSR_OK);
    cr_assert_eq(tsr_checkpoint_writer_metadata(writer, key, value), TSR_OK);
  }
}

static void expect_same_files(const char *path, const char *wanted_path) {
  size_t size, wanted_size;
  char *bytes = files_read(path, &size), *wanted = files_read(wanted_path, &wanted_size);
  cr_assert_eq(size, wanted_size, "%zu bytes, not %zu", size, wanted_size);
  cr_assert_arr_eq(bytes, wanted, size);
  free(bytes);
  free(wanted);
}

Test(writer, the_reference_writers_file_is_reproduced_byte_for_byte) {
  char *folder = files_folder(), *path = files_path(folder, "copy.safetensors");
  tsr_checkpoint *c;
  cr_assert_eq(tsr_checkpoint_open(GOLDEN, &c), TSR_OK);
  tsr_checkpoint_writer *writer = writer_create();
  add_all(writer, c);
  save(writer, path);
  expect_same_files(path, GOLDEN);
  save(writer, path);
  expect_same_files(path, GOLDEN);
  cr_assert_eq(files_count(folder), 1, "a temporary file was left");
  tsr_checkpoint_writer_destroy(writer);
  tsr_checkpoint_close(c);
  free(path);
  files_remove(folder);
}

Test(writer, writing_over_the_mapped_file_keeps_what_is_mapped) {
  char *folder = files_folder(), *path = files_path(folder, "x.safetensors");
  float big[3000], *got = calloc(3000, sizeof *got);
  int64_t shape[] = {3, 1000};
  for (int i = 0; i < 3000; i++) big[i] = (float)i;
  tsr_checkpoint_writer *first = writer_create();
  add(first, "x", TSR_DTYPE_F32, 2, shape, big);
  save(first, path);
  tsr_checkpoint_writer_destroy(first);

  tsr_checkpoint *old, *fresh;
  cr_assert_eq(tsr_checkpoint_open(path, &old), TSR_OK);
  const tsr_tensor *x = tsr_checkpoint_find(old, "x");
  tsr_checkpoint_writer *second = writer_create();
  int64_t small_shape[] = {1};
  add(second, "a.new.one", TSR_DTYPE_F32, 1, small_shape, (float[]){7});
  add(second, "x", TSR_DTYPE_F32, 2, shape, x->data);
  save(second, path);
  tsr_checkpoint_writer_destroy(second);

  cr_assert_arr_eq(x->data, big, sizeof big);
  cr_assert_eq(tsr_checkpoint_open(path, &fresh), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(tsr_checkpoint_tensor_count(fresh), 2);
  cr_assert_eq(tsr_tensor_to_f32(tsr_checkpoint_find(fresh, "x"), got, 3000), TSR_OK);
  cr_assert_arr_eq(got, big, sizeof big);
  tsr_checkpoint_close(old);
  tsr_checkpoint_close(fresh);
  free(got);
  free(path);
  files_remove(folder);
}

Test(writer, every_type_scalars_empty_tensors_and_odd_names_round_trip) {
  char *folder = files_folder(), *path = files_path(folder, "x.safetensors");
  static const char odd[] = "tab\t quote\" back\\slash \x01 \xf0\x9f\x99\x82 / \x7f";
  unsigned char data[64];
  for (int i = 0; i < 64; i++) data[i] = (unsigned char)(i * 37 + 11);
  int64_t eight[] = {8}, empty[] = {3, 0, 5}, deep[] = {1, 1, 1, 2, 1, 1, 1, 4};
  tsr_checkpoint_writer *writer = writer_create();
  for (int d = 0; d < TSR_DTYPE_COUNT; d++)
    add(writer, tsr_dtype_name((tsr_dtype)d), (tsr_dtype)d, 1, eight, data);
  add(writer, odd, TSR_DTYPE_U8, 0, NULL, data);
  add(writer, "", TSR_DTYPE_U8, TSR_TENSOR_DIMS_MAX, deep, data);
  add(writer, "empty", TSR_DTYPE_F16, 3, empty, NULL);
  cr_assert_eq(tsr_checkpoint_writer_metadata(writer, odd, "first"), TSR_OK);
  cr_assert_eq(tsr_checkpoint_writer_metadata(writer, odd, odd), TSR_OK);
  save(writer, path);
  tsr_checkpoint_writer_destroy(writer);

  tsr_checkpoint *c;
  cr_assert_eq(tsr_checkpoint_open(path, &c), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(tsr_checkpoint_tensor_count(c), TSR_DTYPE_COUNT + 3);
  for (int d = 0; d < TSR_DTYPE_COUNT; d++) {
    const tsr_tensor *t = tsr_checkpoint_find(c, tsr_dtype_name((tsr_dtype)d));
    cr_assert_not_null(t);
    cr_assert_eq((int)t->dtype, d);
    cr_assert_eq(t->bytes, (uint64_t)tsr_dtype_bits((tsr_dtype)d));
    cr_assert_arr_eq(t->data, data, t->bytes);
    if (t->bytes > 8) cr_assert_eq((uintptr_t)t->data % (t->bytes / 8), 0, "%s", t->name);
  }
  cr_assert_eq(tsr_checkpoint_find(c, odd)->ndim, 0);
  cr_assert_eq(tsr_checkpoint_find(c, "")->shape[7], 4);
  cr_assert_eq(tsr_checkpoint_find(c, "empty")->bytes, 0);
  cr_assert_eq(tsr_checkpoint_find(c, "empty")->shape[2], 5);
  cr_assert_str_eq(tsr_checkpoint_metadata(c, odd), odd);
  cr_assert_eq(tsr_checkpoint_metadata_count(c), 1);
  tsr_checkpoint_close(c);
  free(path);
  files_remove(folder);
}

Test(writer, the_mode_of_a_replaced_file_is_kept) {
  char *folder = files_folder(), *path = files_path(folder, "x.safetensors");
  struct stat info;
  tsr_checkpoint_writer *writer = writer_create();
  umask(022);
  save(writer, path);
  cr_assert_eq(stat(path, &info), 0);
  cr_assert_eq(info.st_mode & 0777, 0644);
  cr_assert_eq(chmod(path, 0640), 0);
  save(writer, path);
  cr_assert_eq(stat(path, &info), 0);
  cr_assert_eq(info.st_mode & 0777, 0640);
  tsr_checkpoint_writer_destroy(writer);
  free(path);
  files_remove(folder);
}

/* A limit on the file size makes write() fail half-way, as a full disk would. */
Test(writer, a_failed_write_leaves_the_old_file_and_no_other) {
  char *folder = files_folder(), *path = files_path(folder, "x.safetensors");
  int64_t shape[] = {100000};
  char *data = calloc(100000, 1);
  tsr_checkpoint_writer *writer = writer_create();
  add(writer, "old", TSR_DTYPE_U8, 0, NULL, "x");
  save(writer, path);
  add(writer, "new", TSR_DTYPE_U8, 1, shape, data);
  struct rlimit limit = {.rlim_cur = 50000, .rlim_max = RLIM_INFINITY}, before;
  cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
  limit.rlim_max = before.rlim_max;
  signal(SIGXFSZ, SIG_IGN);
  cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
  tsr_status status = tsr_checkpoint_writer_save(writer, path);
  cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
  cr_assert_eq(status, TSR_IO);
  cr_assert(strstr(tsr_last_error(), path), "%s", tsr_last_error());
  cr_assert_eq(files_count(folder), 1);
  tsr_checkpoint *c;
  cr_assert_eq(tsr_checkpoint_open(path, &c), TSR_OK);
  cr_assert_eq(tsr_checkpoint_tensor_count(c), 1);
  tsr_checkpoint_close(c);
  tsr_checkpoint_writer_destroy(writer);
  free(data);
  free(path);
  files_remove(folder);
}

static void expect_save_fails(tsr_checkpoint_writer *writer, const char *path, tsr_status wanted,
                              const char *words) {
  cr_assert_eq(tsr_checkpoint_writer_save(writer, path), wanted, "%s", tsr_last_error());
  cr_assert(strstr(tsr_last_error(), words), "%s", tsr_last_error());
}

Test(writer, paths_that_cannot_be_written_are_refused) {
  char *folder = files_folder();
  tsr_checkpoint_writer *writer = writer_create();
  expect_save_fails(writer, "/nonexistent/x.safetensors", TSR_IO, "/nonexistent/x.safetensors");
  expect_save_fails(writer, folder, TSR_IO, "no file");
  expect_save_fails(writer, "/dev/null", TSR_IO, "no file");
  expect_save_fails(writer, "", TSR_INVALID_ARGUMENT, "empty");
  expect_save_fails(writer, NULL, TSR_INVALID_ARGUMENT, "NULL");
  expect_save_fails(NULL, "x", TSR_INVALID_ARGUMENT, "NULL");
  cr_assert_eq(files_count(folder), 0);
  tsr_checkpoint_writer_destroy(writer);
  files_remove(folder);
}

Test(writer, a_name_added_twice_is_refused) {
  char *folder = files_folder(), *path = files_path(folder, "x.safetensors");
  tsr_checkpoint_writer *writer = writer_create();
  add(writer, "twin", TSR_DTYPE_U8, 0, NULL, "x");
  add(writer, "other", TSR_DTYPE_U8, 0, NULL, "x");
  add(writer, "twin", TSR_DTYPE_I8, 0, NULL, "y");
  expect_save_fails(writer, path, TSR_INVALID_ARGUMENT, "'twin' was added twice");
  cr_assert_eq(files_count(folder), 0);
  tsr_checkpoint_writer_destroy(writer);
  free(path);
  files_remove(folder);
}

Test(writer, bad_arguments_are_refused) {
  tsr_checkpoint_writer *w = writer_create();
  int64_t one[] = {1}, negative[] = {2, -1}, three[] = {3};
  int64_t huge[] = {INT64_MAX, 2}, wide[] = {INT64_MAX / 4};
  static const struct {
    const char *name;
    int dtype, ndim;
    int shape; /* index into shapes */
    int data;
    const char *words;
  } cases[] = {
      {NULL, TSR_DTYPE_U8, 1, 1, 1, "NULL"},
      {"x\xff", TSR_DTYPE_U8, 1, 1, 1, "byte 1 is not UTF-8"},
      {"__metadata__", TSR_DTYPE_U8, 1, 1, 1, "__metadata__"},
      {"t", TSR_DTYPE_COUNT, 1, 1, 1, "dtype 20"},
      {"t", -1, 1, 1, 1, "dtype -1"},
      {"t", TSR_DTYPE_U8, -1, 1, 1, "-1 dimensions"},
      {"t", TSR_DTYPE_U8, 9, 1, 1, "9 dimensions"},
      {"t", TSR_DTYPE_U8, 1, 0, 1, "shape is NULL"},
      {"t", TSR_DTYPE_U8, 2, 2, 1, "dimension 1 is -1"},
      {"t", TSR_DTYPE_U8, 2, 4, 1, "overflows at dimension 1 (2)"},
      {"t", TSR_DTYPE_F64, 1, 5, 1, "elements of F64 overflow"},
      {"t", TSR_DTYPE_F4, 1, 3, 1, "3 elements of F4 are no whole bytes"},
      {"t", TSR_DTYPE_U8, 1, 1, 0, "data is NULL"},
  };
  const int64_t *shapes[] = {NULL, one, negative, three, huge, wide};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    tsr_status status =
        tsr_checkpoint_writer_add(w, cases[i].name, (tsr_dtype)cases[i].dtype, cases[i].ndim,
                                  shapes[cases[i].shape], cases[i].data ? "data" : NULL);
    cr_assert_eq(status, TSR_INVALID_ARGUMENT, "case %zu", i);
    cr_assert(strstr(tsr_last_error(), cases[i].words), "case %zu: %s", i, tsr_last_error());
  }
  cr_assert_eq(tsr_checkpoint_writer_add(NULL, "t", TSR_DTYPE_U8, 1, one, "x"),
               TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_checkpoint_writer_create(NULL), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_checkpoint_writer_metadata(NULL, "k", "v"), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_checkpoint_writer_metadata(w, NULL, "v"), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_checkpoint_writer_metadata(w, "k", NULL), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_checkpoint_writer_metadata(w, "k\xc0\x80", "v"), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_checkpoint_writer_metadata(w, "k", "\xed\xa0\x80"), TSR_INVALID_ARGUMENT);
  tsr_checkpoint_writer_destroy(w);
  tsr_checkpoint_writer_destroy(NULL);
}
