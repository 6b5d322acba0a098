#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/checkpoint_files.h"

/* Written by the reference library: scripts/make_reference_safetensors.py. */
#define GOLDEN TESSERA_TEST_DATA "/golden/reference.safetensors"

Test(golden, tensors_and_metadata_of_the_reference_writer_are_read) {
  tsr_checkpoint *c;
  cr_assert_eq(tsr_checkpoint_open(GOLDEN, &c), TSR_OK, "%s", tsr_last_error());
  static const struct {
    const char *name;
    tsr_dtype dtype;
    int ndim;
    int64_t shape[3];
  } wanted[] = {
      {"a.f16", TSR_DTYPE_F16, 2, {2, 3}},    {"b.bool", TSR_DTYPE_BOOL, 1, {3}},
      {"c.scalar", TSR_DTYPE_F32, 0, {0}},    {"d.empty", TSR_DTYPE_F32, 2, {0, 4}},
      {"e.f32", TSR_DTYPE_F32, 3, {2, 2, 2}}, {"f.f64", TSR_DTYPE_F64, 1, {2}},
      {"g.i64", TSR_DTYPE_I64, 1, {2}},       {"h.bf16", TSR_DTYPE_BF16, 1, {4}},
      {"i.u8", TSR_DTYPE_U8, 1, {5}},         {"j.i32", TSR_DTYPE_I32, 1, {1}},
  };
  size_t count = sizeof wanted / sizeof wanted[0];
  cr_assert_eq(tsr_checkpoint_tensor_count(c), count);
  for (size_t i = 0; i < count; i++) {
    const tsr_tensor *t = tsr_checkpoint_tensor(c, i);
    cr_assert_str_eq(t->name, wanted[i].name);
    cr_assert_eq(t->dtype, wanted[i].dtype, "%s", t->name);
    cr_assert_eq(t->ndim, wanted[i].ndim, "%s", t->name);
    for (int d = 0; d < t->ndim; d++) cr_assert_eq(t->shape[d], wanted[i].shape[d], "%s", t->name);
    cr_assert_str_eq(t->file, GOLDEN);
    cr_assert_eq(tsr_checkpoint_find(c, wanted[i].name), t);
  }
  cr_assert_null(tsr_checkpoint_tensor(c, count));
  cr_assert_null(tsr_checkpoint_find(c, "z"));

  cr_assert_eq(tsr_checkpoint_metadata_count(c), 2);
  cr_assert_str_eq(tsr_checkpoint_metadata(c, "format"), "pt");
  cr_assert_str_eq(tsr_checkpoint_metadata(c, "quote\"d"), "caf\xc3\xa9 \n");
  cr_assert_null(tsr_checkpoint_metadata(c, "none"));
  const char *key, *value;
  cr_assert_eq(tsr_checkpoint_metadata_at(c, 1, &key, &value), TSR_OK);
  cr_assert_str_eq(key, "quote\"d");

  float f16[6], f64[2], bf16[4], scalar, f32[8];
  const float f16_wanted[] = {0, -1.5f, 65504, 0x1p-24f, INFINITY, 0.5f};
  cr_assert_eq(tsr_tensor_to_f32(tsr_checkpoint_find(c, "a.f16"), f16, 6), TSR_OK);
  for (int i = 0; i < 6; i++) cr_assert_eq(f16[i], f16_wanted[i]);
  cr_assert_eq(tsr_tensor_to_f32(tsr_checkpoint_find(c, "c.scalar"), &scalar, 1), TSR_OK);
  cr_assert_eq(scalar, 42.5f);
  cr_assert_eq(tsr_tensor_to_f32(tsr_checkpoint_find(c, "e.f32"), f32, 8), TSR_OK);
  for (int i = 0; i < 8; i++) cr_assert_eq(f32[i], (float)i - 3.25f);
  cr_assert_eq(tsr_tensor_to_f32(tsr_checkpoint_find(c, "f.f64"), f64, 2), TSR_OK);
  cr_assert_eq(f64[0], 0.1f);
  cr_assert(isinf(f64[1]), "1e300 overflows");
  cr_assert_eq(tsr_tensor_to_f32(tsr_checkpoint_find(c, "h.bf16"), bf16, 4), TSR_OK);
  const float bf16_wanted[] = {1, -2, 0x1.8p7f, 0x1p-126f};
  for (int i = 0; i < 4; i++) cr_assert_eq(bf16[i], bf16_wanted[i]);
  cr_assert_eq(tsr_tensor_to_f32(tsr_checkpoint_find(c, "d.empty"), NULL, 0), TSR_OK);

  cr_assert_eq(tsr_tensor_to_f32(tsr_checkpoint_find(c, "j.i32"), f32, 1), TSR_UNSUPPORTED);
  cr_assert(strstr(tsr_last_error(), "j.i32") && strstr(tsr_last_error(), "I32"));
  tsr_checkpoint_close(c);
}

/* The header has an odd length, so that no element is aligned. */
Test(open, tensors_need_not_be_aligned) {
  static const char header[] =
      "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1,9]},"
      "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}";
  float data[2] = {1.25f, -3}, got[2];
  char bytes[9] = {7};
  memcpy(bytes + 1, data, sizeof data);
  for (int pad = 0; pad < 8; pad++) {
    char *folder = files_folder(), *path = files_path(folder, "x.safetensors");
    files_write_safetensors(path, header, pad, bytes, sizeof bytes);
    tsr_checkpoint *c;
    cr_assert_eq(tsr_checkpoint_open(path, &c), TSR_OK, "%s", tsr_last_error());
    cr_assert_eq(tsr_tensor_to_f32(tsr_checkpoint_find(c, "x"), got, 2), TSR_OK);
    cr_assert_arr_eq(got, data, sizeof data);
    tsr_checkpoint_close(c);
    files_remove(folder);
    free(path);
  }
}

Test(open, an_empty_checkpoint_is_legal) {
  char *folder = files_folder(), *path = files_path(folder, "x.safetensors");
  files_write_safetensors(path, "{}", 3, "", 0);
  tsr_checkpoint *c;
  cr_assert_eq(tsr_checkpoint_open(path, &c), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(tsr_checkpoint_tensor_count(c), 0);
  cr_assert_null(tsr_checkpoint_find(c, "x"));
  cr_assert_null(tsr_checkpoint_metadata(c, "x"));
  tsr_checkpoint_close(c);
  files_remove(folder);
  free(path);
}

/* ---- folders ---- */

#define ONE_TENSOR(name) "{\"" name "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}"

static void expect_open(const char *folder, const char *tensor) {
  tsr_checkpoint *c;
  cr_assert_eq(tsr_checkpoint_open(folder, &c), TSR_OK, "%s", tsr_last_error());
  cr_assert_not_null(tsr_checkpoint_find(c, tensor));
  tsr_checkpoint_close(c);
}

static void expect_failure(const char *path, tsr_status status, const char *words) {
  tsr_checkpoint *c = (tsr_checkpoint *)(uintptr_t)1;
  cr_assert_eq(tsr_checkpoint_open(path, &c), status, "%s: %s", path, tsr_last_error());
  cr_assert_null(c);
  cr_assert(strstr(tsr_last_error(), words), "%s", tsr_last_error());
}

Test(folder, one_file_of_any_name_then_the_index_then_model_safetensors) {
  char *folder = files_folder();
  expect_failure(folder, TSR_NOT_FOUND, "no model.safetensors");
  files_write_in(folder, "other.safetensors", ONE_TENSOR("other"), 0, "x", 1);
  expect_open(folder, "other");
  files_write_in(folder, "second.safetensors", ONE_TENSOR("second"), 0, "x", 1);
  expect_failure(folder, TSR_INVALID_ARGUMENT, "several");
  files_write_text(folder, "model.safetensors.index.json",
                   "{\"weight_map\":{\"second\":\"second.safetensors\"}}");
  expect_open(folder, "second");
  files_write_in(folder, "model.safetensors", ONE_TENSOR("model"), 0, "x", 1);
  expect_open(folder, "model");
  files_remove(folder);
}

Test(folder, name_and_config_do_not_depend_on_how_it_is_spelled) {
  char *folder = files_folder();
  files_write_in(folder, "model.safetensors", ONE_TENSOR("x"), 0, "x", 1);
  files_write_text(folder, "config.json", "{\"hidden_size\": 384}");
  const char *spellings[] = {"", "/", "//", "/model.safetensors"};
  for (int i = 0; i < 4; i++) {
    char path[256];
    snprintf(path, sizeof path, "%s%s", folder, spellings[i]);
    tsr_checkpoint *c;
    cr_assert_eq(tsr_checkpoint_open(path, &c), TSR_OK, "%s", tsr_last_error());
    cr_assert_str_eq(tsr_checkpoint_folder(c), folder);
    cr_assert_str_eq(tsr_checkpoint_config_text(c), "{\"hidden_size\": 384}");
    tsr_checkpoint_close(c);
  }
  cr_assert_eq(chdir(folder), 0);
  tsr_checkpoint *c;
  cr_assert_eq(tsr_checkpoint_open("model.safetensors", &c), TSR_OK);
  cr_assert_str_eq(tsr_checkpoint_folder(c), ".");
  tsr_checkpoint_close(c);
  cr_assert_eq(unlink("config.json"), 0);
  cr_assert_eq(tsr_checkpoint_open(".", &c), TSR_OK);
  cr_assert_null(tsr_checkpoint_config_text(c));
  tsr_checkpoint_close(c);
  files_remove(folder);
}

Test(folder, what_is_no_file_is_refused) {
  char *folder = files_folder(), *path = files_path(folder, "pipe.safetensors");
  expect_failure("/nonexistent/x.safetensors", TSR_NOT_FOUND, "/nonexistent/x.safetensors");
  cr_assert_eq(mkfifo(path, 0600), 0);
  expect_failure(path, TSR_IO, "pipe.safetensors");
  expect_failure(folder, TSR_IO, "not a regular file");
  expect_failure("/dev/zero", TSR_IO, "not a regular file");
  free(path);
  path = files_path(folder, "model.safetensors");
  cr_assert_eq(mkdir(path, 0700), 0);
  expect_failure(folder, TSR_IO, "not a regular file");
  rmdir(path);
  free(path);
  files_remove(folder);
}

/* ---- arguments ---- */

Test(arguments, null_and_out_of_range_are_refused) {
  tsr_checkpoint *c;
  cr_assert_eq(tsr_checkpoint_open(NULL, &c), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_checkpoint_open(GOLDEN, NULL), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_checkpoint_open("", &c), TSR_INVALID_ARGUMENT);
  cr_assert_null(c);
  cr_assert_eq(tsr_checkpoint_tensor_count(NULL), 0);
  cr_assert_null(tsr_checkpoint_tensor(NULL, 0));
  cr_assert_null(tsr_checkpoint_find(NULL, "x"));
  cr_assert_eq(tsr_checkpoint_metadata_count(NULL), 0);
  cr_assert_null(tsr_checkpoint_metadata(NULL, "x"));
  cr_assert_null(tsr_checkpoint_folder(NULL));
  cr_assert_null(tsr_checkpoint_config_text(NULL));
  tsr_checkpoint_close(NULL);

  cr_assert_eq(tsr_checkpoint_open(GOLDEN, &c), TSR_OK);
  const char *key, *value;
  float one[1];
  cr_assert_null(tsr_checkpoint_find(c, NULL));
  cr_assert_null(tsr_checkpoint_metadata(c, NULL));
  cr_assert_eq(tsr_checkpoint_metadata_at(NULL, 0, &key, &value), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_checkpoint_metadata_at(c, 0, NULL, &value), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_checkpoint_metadata_at(c, 0, &key, NULL), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_checkpoint_metadata_at(c, 2, &key, &value), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_tensor_to_f32(NULL, one, 1), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_tensor_to_f32(tsr_checkpoint_find(c, "e.f32"), NULL, 8), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_tensor_to_f32(tsr_checkpoint_find(c, "c.scalar"), one, 2), TSR_INVALID_ARGUMENT);
  tsr_tensor without_data = *tsr_checkpoint_find(c, "e.f32");
  without_data.data = NULL;
  cr_assert_eq(tsr_tensor_to_f32(&without_data, one, 1), TSR_INVALID_ARGUMENT);
  tsr_checkpoint_close(c);
}
