#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/status.h"
#include "runtime/checkpoint/config.h"
#include "tests/alloc_failures.h"
#include "tests/checkpoint_files.h"

#define GOLDEN TESSERA_TEST_DATA "/golden/reference.safetensors"

/* ---- the facility itself ---- */

static tsr_status three_allocations(void) {
  char *a = malloc(1), *b = calloc(1, 1), *c = aligned_alloc(64, 64);
  tsr_status status = a && b && c ? TSR_OK : TSR_OUT_OF_MEMORY;
  free(a);
  free(b);
  free(c);
  return status;
}

Test(facility, counts_the_allocations) {
  EXPECT_OUT_OF_MEMORY(three_allocations());
  cr_assert_eq(alloc_failures_count(), 3);
}

/* Runs body once with its first allocation failing; what does the facility think of it? */
static const char *verdict_of(void (*body)(void), tsr_status returned) {
  alloc_failures_begin("body", TSR_OUT_OF_MEMORY);
  cr_assert(alloc_failures_arm());
  body();
  return alloc_failures_verdict(returned);
}

/* Volatile, so that the compiler cannot leave the allocations out. */
static void *volatile kept;

static void allocate_and_free(void) {
  kept = malloc(1);
  free(kept);
}

static void allocate_and_keep(void) {
  allocate_and_free();
  kept = malloc(1);
}

Test(facility, notices_leaks_swallowed_failures_and_wrong_statuses) {
  cr_assert_null(verdict_of(allocate_and_free, TSR_OUT_OF_MEMORY));
  cr_assert_str_eq(verdict_of(allocate_and_free, TSR_OK), "the failure was swallowed");
  cr_assert_str_eq(verdict_of(allocate_and_free, TSR_IO), "returned another status");
  cr_assert_str_eq(verdict_of(allocate_and_keep, TSR_OUT_OF_MEMORY), "blocks leaked");
  cr_assert_not_null(kept);
  free(kept);
}

static tsr_status parse(void) {
  json_t *value = json_loads("[1, 2]", 0, NULL);
  json_decref(value);
  return value ? TSR_OK : tsr__error(TSR_MALFORMED, "jansson");
}

Test(facility, reaches_jansson) {
  EXPECT_CLEAN_FAILURE(parse());
  cr_assert_gt(alloc_failures_count(), 3);
}

/* ---- checkpoints ---- */

static tsr_status open_find_convert(const char *path) {
  tsr_checkpoint *c;
  float values[8];
  tsr_status status = tsr_checkpoint_open(path, &c);
  cr_assert_eq(status == TSR_OK, c != NULL);
  if (c) {
    const tsr_tensor *t = tsr_checkpoint_find(c, "e.f32");
    cr_assert_not_null(t);
    status = tsr_tensor_to_f32(t, values, 8);
    cr_assert_eq(values[0], -3.25f);
    cr_assert_str_eq(tsr_checkpoint_metadata(c, "format"), "pt");
  }
  tsr_checkpoint_close(c);
  return status;
}

Test(checkpoint, opening_a_file_survives) {
  EXPECT_OUT_OF_MEMORY(open_find_convert(GOLDEN));
  cr_assert_gt(alloc_failures_count(), 5);
}

/* Two shards and enough tensors for every list to grow. */
static char *sharded_folder(void) {
  char *folder = files_folder();
  enum { TENSORS = 40 };
  static char map[TENSORS * 64] = "{\"weight_map\":{";
  for (int shard = 0; shard < 2; shard++) {
    char header[TENSORS * 80] = "{", one[80];
    for (int i = 0; i < TENSORS / 2; i++) {
      snprintf(one, sizeof one, "%s\"t%d.%d\":{\"dtype\":\"U8\",\"shape\":[1],", i ? "," : "",
               shard, i);
      strcat(header, one);
      snprintf(one, sizeof one, "\"data_offsets\":[%d,%d]}", i, i + 1);
      strcat(header, one);
      snprintf(one, sizeof one, "%s\"t%d.%d\":\"s%d\"", i || shard ? "," : "", shard, i, shard);
      strcat(map, one);
    }
    strcat(header, "}");
    snprintf(one, sizeof one, "s%d", shard);
    static const char data[TENSORS / 2];
    files_write_in(folder, one, header, 0, data, sizeof data);
  }
  strcat(map, "}}");
  files_write_text(folder, "model.safetensors.index.json", map);
  files_write_text(folder, "config.json", "{\"hidden_size\":384,\"hidden_act\":\"gelu\"}");
  return folder;
}

static tsr_status open_and_read_config(const char *folder) {
  tsr_checkpoint *c;
  int64_t hidden;
  char activation[TSR__CONFIG_STRING_MAX];
  TSR_TRY(tsr_checkpoint_open(folder, &c));
  cr_assert_eq(tsr_checkpoint_tensor_count(c), 40);
  tsr_status status = tsr__config_int(c, "hidden_size", &hidden);
  if (status == TSR_OK) status = tsr__config_string_or(c, "hidden_act", "relu", activation);
  if (status == TSR_OK) cr_assert(hidden == 384 && !strcmp(activation, "gelu"));
  tsr_checkpoint_close(c);
  return status;
}

Test(checkpoint, opening_shards_and_a_configuration_survives) {
  char *folder = sharded_folder();
  EXPECT_OUT_OF_MEMORY(open_and_read_config(folder));
  cr_assert_gt(alloc_failures_count(), 20);
  files_remove(folder);
}

static tsr_status open_only_file(const char *folder) {
  tsr_checkpoint *c;
  tsr_status status = tsr_checkpoint_open(folder, &c);
  tsr_checkpoint_close(c);
  return status;
}

Test(checkpoint, searching_a_folder_survives) {
  char *folder = files_folder();
  files_write_in(folder, "only.safetensors", "{}", 0, "", 0);
  EXPECT_OUT_OF_MEMORY(open_only_file(folder));
  files_remove(folder);
}

static tsr_status write_tensors(tsr_checkpoint_writer *writer, const char *path) {
  static const int64_t shape[] = {2};
  char name[32];
  for (int i = 0; i < 20; i++) {
    snprintf(name, sizeof name, "tensor.%d", i);
    TSR_TRY(tsr_checkpoint_writer_add(writer, name, TSR_DTYPE_U8, 1, shape, "xy"));
    TSR_TRY(tsr_checkpoint_writer_metadata(writer, name, "value"));
  }
  TSR_TRY(tsr_checkpoint_writer_metadata(writer, "tensor.0", "another"));
  return tsr_checkpoint_writer_save(writer, path);
}

static tsr_status write_file(const char *path) {
  tsr_checkpoint_writer *writer;
  TSR_TRY(tsr_checkpoint_writer_create(&writer));
  tsr_status status = write_tensors(writer, path);
  tsr_checkpoint_writer_destroy(writer);
  return status;
}

Test(checkpoint, writing_survives_and_leaves_no_temporary_file) {
  char *folder = files_folder(), *path = files_path(folder, "x.safetensors");
  EXPECT_OUT_OF_MEMORY(write_file(path));
  cr_assert_gt(alloc_failures_count(), 60);
  cr_assert_eq(files_count(folder), 1);
  free(path);
  files_remove(folder);
}
