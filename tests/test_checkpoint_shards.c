#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/checkpoint_files.h"

#define INDEX "model.safetensors.index.json"
#define TENSOR(name, offset) \
  "\"" name "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[" offset "]}"

/* Shards 1 (tensors a, c; metadata x, y) and 2 (b, extra; metadata y, z). */
static char *shards(void) {
  char *folder = files_folder();
  files_write_in(folder, "1.safetensors",
                 "{\"__metadata__\":{\"x\":\"x1\",\"y\":\"y1\"}," TENSOR("a", "0,1") "," TENSOR(
                     "c", "1,2") "}",
                 0, "AC", 2);
  files_write_in(folder, "2.safetensors",
                 "{\"__metadata__\":{\"z\":\"z2\",\"y\":\"y2\"}," TENSOR("b", "1,2") "," TENSOR(
                     "extra", "0,1") "}",
                 0, "EB", 2);
  return folder;
}

static void expect_failure(const char *folder, const char *map, tsr_status wanted,
                           const char *words) {
  tsr_checkpoint *c;
  files_write_text(folder, INDEX, map);
  cr_assert_eq(tsr_checkpoint_open(folder, &c), wanted, "%s: %s", map, tsr_last_error());
  cr_assert_null(c);
  cr_assert(strstr(tsr_last_error(), words), "%s: %s", map, tsr_last_error());
  cr_assert(strstr(tsr_last_error(), folder), "%s: %s", map, tsr_last_error());
}

Test(shards, tensors_come_from_their_files_in_order_of_name) {
  char *folder = shards(), *path = files_path(folder, INDEX);
  files_write_text(folder, INDEX,
                   "{\"metadata\":{\"total_size\":3,\"other\":[1.5e3,null,{\"d\":true}]},"
                   "\"weight_map\":{\"c\":\"1.safetensors\",\"b\":\"2.safetensors\","
                   "\"a\":\"1.safetensors\"}}\n");
  for (int by_folder = 0; by_folder < 2; by_folder++) {
    tsr_checkpoint *c;
    cr_assert_eq(tsr_checkpoint_open(by_folder ? folder : path, &c), TSR_OK, "%s",
                 tsr_last_error());
    cr_assert_eq(tsr_checkpoint_tensor_count(c), 3);
    for (size_t i = 0; i < 3; i++) {
      const tsr_tensor *t = tsr_checkpoint_tensor(c, i);
      cr_assert_eq(t->name[0], "abc"[i]);
      cr_assert_eq(*(const char *)t->data, "ABC"[i]);
      cr_assert(strstr(t->file, i == 1 ? "/2.safetensors" : "/1.safetensors"));
    }
    cr_assert_null(tsr_checkpoint_find(c, "extra"), "the index does not list it");
    cr_assert_eq(tsr_checkpoint_metadata_count(c), 3);
    cr_assert_str_eq(tsr_checkpoint_metadata(c, "x"), "x1");
    cr_assert_str_eq(tsr_checkpoint_metadata(c, "y"), "y1", "the first file's value counts");
    cr_assert_str_eq(tsr_checkpoint_metadata(c, "z"), "z2");
    cr_assert_str_eq(tsr_checkpoint_folder(c), folder);
    tsr_checkpoint_close(c);
  }
  free(path);
  files_remove(folder);
}

Test(shards, of_a_tensor_in_two_files_the_mapped_one_is_taken) {
  char *folder = shards();
  files_write_in(folder, "3.safetensors", "{" TENSOR("a", "0,1") "," TENSOR("d", "1,2") "}", 0,
                 "ad", 2);
  const char *maps[] = {"{\"weight_map\":{\"a\":\"1.safetensors\",\"d\":\"3.safetensors\"}}",
                        "{\"weight_map\":{\"a\":\"3.safetensors\",\"c\":\"1.safetensors\"}}"};
  for (int i = 0; i < 2; i++) {
    tsr_checkpoint *c;
    files_write_text(folder, INDEX, maps[i]);
    cr_assert_eq(tsr_checkpoint_open(folder, &c), TSR_OK, "%s", tsr_last_error());
    cr_assert_eq(tsr_checkpoint_tensor_count(c), 2);
    cr_assert_eq(*(const char *)tsr_checkpoint_find(c, "a")->data, "Aa"[i]);
    tsr_checkpoint_close(c);
  }
  files_remove(folder);
}

Test(shards, an_empty_map_is_an_empty_model) {
  char *folder = shards();
  tsr_checkpoint *c;
  files_write_text(folder, INDEX, "{\"weight_map\":{}}");
  cr_assert_eq(tsr_checkpoint_open(folder, &c), TSR_OK);
  cr_assert_eq(tsr_checkpoint_tensor_count(c), 0);
  tsr_checkpoint_close(c);
  files_remove(folder);
}

#define MAP(tensor, file) "{\"weight_map\":{\"" tensor "\":\"" file "\"}}"

Test(shards, broken_indices_are_refused) {
  static char deep[1000] = "{\"weight_map\":{},\"deep\":";
  char *folder = shards();
  memset(deep + strlen(deep), '[', 900);
  expect_failure(folder, "", TSR_MALFORMED, "expected an object, found the end");
  expect_failure(folder, "[]", TSR_MALFORMED, "expected an object, found '['");
  expect_failure(folder, "{}", TSR_MALFORMED, "'weight_map' is missing");
  expect_failure(folder, "{\"weight_map\":[]}", TSR_MALFORMED, "'weight_map': byte 14");
  expect_failure(folder, "{\"weight_map\":{\"a\":1}}", TSR_MALFORMED, "expected a string");
  expect_failure(folder, "{\"weight_map\":{},\"weight_map\":{}}", TSR_MALFORMED, "appears twice");
  expect_failure(folder, "{\"weight_map\":{}} x", TSR_MALFORMED, "expected the end, found 'x'");
  expect_failure(folder, "{\"weight_map\":{},\"m\":tru}", TSR_MALFORMED, "expected a value");
  expect_failure(folder, deep, TSR_MALFORMED, "nested more than 64 deep");
  expect_failure(folder, "{\"weight_map\":{\"a\":\"1.safetensors\",\"a\":\"1.safetensors\"}}",
                 TSR_MALFORMED, "tensor 'a' appears twice");
  files_remove(folder);
}

Test(shards, shard_names_must_stay_in_the_folder) {
  char *folder = shards();
  const char *outside = "not the name of a file in the same folder";
  expect_failure(folder, MAP("a", "../1.safetensors"), TSR_MALFORMED, outside);
  expect_failure(folder, MAP("a", "/etc/passwd"), TSR_MALFORMED, outside);
  expect_failure(folder, MAP("a", "x/1.safetensors"), TSR_MALFORMED, outside);
  expect_failure(folder, MAP("a", "\\u002e."), TSR_MALFORMED, outside);
  expect_failure(folder, MAP("a", "."), TSR_MALFORMED, outside);
  expect_failure(folder, MAP("a", ""), TSR_MALFORMED, outside);
  expect_failure(folder, MAP("a", "1.safetensors\\u0000"), TSR_MALFORMED, "U+0000");
  files_remove(folder);
}

Test(shards, what_the_index_promises_must_be_there) {
  char *folder = shards();
  expect_failure(folder, MAP("nowhere", "1.safetensors"), TSR_MALFORMED,
                 "tensor 'nowhere' is not in its shard '1.safetensors'");
  expect_failure(folder, MAP("b", "1.safetensors"), TSR_MALFORMED,
                 "tensor 'b' is not in its shard '1.safetensors'");
  expect_failure(folder, MAP("a", "3.safetensors"), TSR_NOT_FOUND, "3.safetensors");
  files_write_in(folder, "4.safetensors", "{" TENSOR("a", "1,2") "}", 0, "xx", 2);
  expect_failure(folder, MAP("a", "4.safetensors"), TSR_MALFORMED, "4.safetensors: tensor 'a'");
  files_remove(folder);
}
