/* Packed matrices in safetensors files. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/checkpoint/internal.h"
#include "tessera/tessera.h"
#include "tests/checkpoint_files.h"
#include "tests/structured.h"

static tsr_pattern parsed(const char *text) {
  tsr_pattern pattern;
  cr_assert_eq(tsr_pattern_parse(text, &pattern), TSR_OK, "%s", tsr_last_error());
  return pattern;
}

/* What the writer would save, and destroys it. */
static char *saved_bytes(tsr_checkpoint_writer *writer, size_t *size) {
  char *folder = files_folder(), *path = files_path(folder, "model.safetensors");
  cr_assert_eq(tsr_checkpoint_writer_save(writer, path), TSR_OK, "%s", tsr_last_error());
  tsr_checkpoint_writer_destroy(writer);
  char *bytes = files_read(path, size);
  free(path);
  files_remove(folder);
  return bytes;
}

static tsr_checkpoint_writer *new_writer(void) {
  tsr_checkpoint_writer *writer;
  cr_assert_eq(tsr_checkpoint_writer_create(&writer), TSR_OK);
  return writer;
}

static const char *const texts[] = {"dense",     "irregular",    "row",         "column",
                                    "2:4",       "3:7",          "block:16x16", "block:4x3",
                                    "vnm:8:2:8", "block:8x8+2:4"};
enum { TEXTS = sizeof texts / sizeof *texts };

/* At every offset from an aligned address, so that some arrays lie unaligned in memory. */
static void check_round_trip(random_state *random, const char *text, int64_t rows, int64_t cols,
                             tsr_dtype dtype, int offset) {
  tsr_pattern pattern = parsed(text);
  void *data = structured_matrix(random, &pattern, 0.5, rows, cols, cols, dtype);
  tsr_matrix dense = {data, dtype, rows, cols, cols};
  tsr_packed packed, loaded;
  cr_assert_eq(tsr_pack(&dense, tsr_pattern_format(&pattern), &pattern, &packed), TSR_OK);
  tsr_checkpoint_writer *writer = new_writer();
  cr_assert_eq(tsr_packed_save(writer, "a.b.weight", &packed), TSR_OK, "%s", tsr_last_error());
  size_t size;
  char *bytes = saved_bytes(writer, &size), *memory = malloc(size + 16);
  memcpy(memory + offset, bytes, size);
  tsr_checkpoint *checkpoint;
  cr_assert_eq(tsr__checkpoint_open_memory(memory + offset, size, NULL, &checkpoint), TSR_OK, "%s",
               tsr_last_error());
  cr_assert_eq(tsr_packed_load(checkpoint, "a.b.weight", &loaded), TSR_OK, "%s: %s", text,
               tsr_last_error());
  cr_assert_eq(tsr_packed_validate(&loaded), TSR_OK);
  if (offset == 0) cr_assert_null(loaded.owned, "%s: aligned arrays were copied", text);
  cr_assert_eq(loaded.stored, packed.stored);
  cr_assert_eq(tsr_packed_bytes(&loaded), tsr_packed_bytes(&packed));
  tsr_pattern a = tsr_packed_pattern(&packed), b = tsr_packed_pattern(&loaded);
  cr_assert_eq(memcmp(&a, &b, sizeof a), 0);
  char *back = malloc((size_t)(rows * cols * 4) + 1);
  cr_assert_eq(tsr_unpack(&loaded, back, cols), TSR_OK);
  cr_assert(same_bits(data, cols, back, cols, rows, cols, dtype), "%s", text);
  tsr_packed_release(&loaded);
  tsr_packed_release(&packed);
  tsr_checkpoint_close(checkpoint);
  free(back);
  free(memory);
  free(bytes);
  free(data);
}

Test(packed_file, every_format_round_trips_aligned_or_not) {
  static const tsr_dtype dtypes[] = {TSR_DTYPE_F32, TSR_DTYPE_F16, TSR_DTYPE_BF16};
  static const int64_t sizes[] = {0, 1, 17, 33};
  random_state random = random_seed(9);
  for (int t = 0; t < TEXTS; t++)
    for (int i = 0; i < 16; i++)
      check_round_trip(&random, texts[t], sizes[i % 4], sizes[i / 4], dtypes[i % 3], i % 9);
}

/* ---- files by hand ---- */

typedef struct tensor {
  const char *name;
  tsr_dtype dtype;
  int ndim;
  int64_t shape[3];
  const void *data;
} tensor;

enum { TENSORS_MAX = 6 };

/* Loads "w.weight" from a file of these tensors; returns the status, unpacked 2 x 4 into out. */
static tsr_status load_from(const tensor *tensors, const char *version, float *out) {
  tsr_checkpoint_writer *writer = new_writer();
  for (int i = 0; i < TENSORS_MAX && tensors[i].name; i++)
    cr_assert_eq(tsr_checkpoint_writer_add(writer, tensors[i].name, tensors[i].dtype,
                                           tensors[i].ndim, tensors[i].shape, tensors[i].data),
                 TSR_OK, "%s", tsr_last_error());
  if (version)
    cr_assert_eq(tsr_checkpoint_writer_metadata(writer, "tessera.format_version", version), TSR_OK);
  size_t size;
  char *bytes = saved_bytes(writer, &size);
  tsr_checkpoint *checkpoint;
  tsr_packed packed;
  cr_assert_eq(tsr__checkpoint_open_memory(bytes, size, NULL, &checkpoint), TSR_OK);
  tsr_status status = tsr_packed_load(checkpoint, "w.weight", &packed);
  if (status == TSR_OK) cr_assert_eq(tsr_unpack_f32(&packed, out, 4), TSR_OK);
  if (status != TSR_OK) cr_assert_null(packed.owned);
  tsr_packed_release(&packed);
  tsr_checkpoint_close(checkpoint);
  free(bytes);
  return status;
}

/* [[1,2,0,0],[3,4,0,0]] as one 2x2 block. */
static const int64_t crow[] = {0, 1}, shape[] = {2, 4}, zero64[] = {0};
static const int32_t zero32[] = {0};
static const float values[] = {1, 2, 3, 4};
static const tensor bsr[TENSORS_MAX] = {
    {"w.bsr.crow", TSR_DTYPE_I64, 1, {2}, crow},
    {"w.bsr.col", TSR_DTYPE_I32, 1, {1}, zero32},
    {"w.bsr.values", TSR_DTYPE_F32, 3, {1, 2, 2}, values},
    {"w.bsr.shape", TSR_DTYPE_I64, 1, {2}, shape},
};

Test(packed_file, bsr_of_other_writers_loads) {
  static const float expected[8] = {1, 2, 0, 0, 3, 4, 0, 0};
  tensor tensors[TENSORS_MAX];
  float out[8];
  memcpy(tensors, bsr, sizeof bsr);
  for (int wide = 0; wide < 2; wide++) {
    if (wide) tensors[1] = (tensor){"w.bsr.col", TSR_DTYPE_I64, 1, {1}, zero64};
    cr_assert_eq(load_from(tensors, wide ? "1" : NULL, out), TSR_OK, "%s", tsr_last_error());
    cr_assert_eq(memcmp(out, expected, sizeof out), 0);
  }
}

static void refused(tsr_status wanted, const tensor *tensors, const char *version,
                    const char *named) {
  float out[8];
  tsr_status status = load_from(tensors, version, out);
  cr_assert_eq(status, wanted, "%s: %s", named, tsr_last_error());
  cr_assert_not_null(strstr(tsr_last_error(), named), "'%s' is not in: %s", named,
                     tsr_last_error());
}

/* bsr with one tensor replaced. */
static void refused_with(int index, tensor replacement, const char *named) {
  tensor tensors[TENSORS_MAX];
  memcpy(tensors, bsr, sizeof bsr);
  tensors[index] = replacement;
  refused(TSR_MALFORMED, tensors, "1", named);
}

Test(packed_file, claims_that_disagree_are_refused) {
  static const int64_t huge[] = {1, (int64_t)1 << 40}, negative[] = {-2, 4}, three[] = {2, 4, 1};
  static const int64_t bad_crow[] = {0, 2}, wide_col[] = {(int64_t)1 << 32};
  static const int32_t beyond[] = {2};
  static const float big[129 * 2];
  const char *col = "w.bsr.col", *crow_name = "w.bsr.crow", *shape_name = "w.bsr.shape";
  refused_with(3, (tensor){shape_name, TSR_DTYPE_I64, 1, {2}, huge}, "cols is 1099511627776");
  refused_with(3, (tensor){shape_name, TSR_DTYPE_I64, 1, {2}, negative}, "rows is -2");
  refused_with(3, (tensor){shape_name, TSR_DTYPE_I64, 1, {3}, three}, "not I64 [2]");
  refused_with(3, (tensor){shape_name, TSR_DTYPE_F32, 1, {2}, values}, "not I64 [2]");
  refused_with(3, (tensor){shape_name, TSR_DTYPE_I64, 1, {2}, (int64_t[]){5, 4}},
               "dimension 0 is 2, the other tensors make it 4");
  refused_with(0, (tensor){crow_name, TSR_DTYPE_I64, 1, {2}, bad_crow}, "row_offsets[1] = 2");
  refused_with(0, (tensor){crow_name, TSR_DTYPE_F32, 1, {2}, values}, "is F32, not I64");
  refused_with(0, (tensor){crow_name, TSR_DTYPE_I64, 2, {1, 2}, crow}, "2 dimensions");
  refused_with(1, (tensor){col, TSR_DTYPE_I32, 1, {1}, beyond}, "col_indices[0] = 2");
  refused_with(1, (tensor){col, TSR_DTYPE_I64, 1, {1}, wide_col}, "4294967296");
  refused_with(1, (tensor){col, TSR_DTYPE_I32, 1, {0}, zero32}, "dimension 0 is 0");
  refused_with(2, (tensor){"w.bsr.values", TSR_DTYPE_F32, 2, {2, 2}, values}, "2 dimensions");
  refused_with(2, (tensor){"w.bsr.values", TSR_DTYPE_F32, 3, {1, 129, 2}, big}, "block_rows");
  refused_with(2, (tensor){"w.bsr.values", TSR_DTYPE_F32, 3, {1, 0, 2}, values}, "block_rows");
}

Test(packed_file, missing_tensors_are_named) {
  for (int i = 0; i < 4; i++) {
    tensor tensors[TENSORS_MAX];
    memcpy(tensors, bsr, sizeof bsr);
    const char *name = tensors[i].name;
    tensors[i] = tensors[3];
    tensors[3] = (tensor){0};
    refused(TSR_MALFORMED, tensors, "1", name);
  }
  tensor none[TENSORS_MAX] = {{"other", TSR_DTYPE_F32, 1, {4}, values}};
  refused(TSR_NOT_FOUND, none, NULL, "w.weight");
}

Test(packed_file, other_versions_types_and_ranks_are_refused) {
  refused(TSR_UNSUPPORTED, bsr, "2", "tessera.format_version");
  tensor tensors[TENSORS_MAX];
  memcpy(tensors, bsr, sizeof bsr);
  tensors[4] = (tensor){"w.weight", TSR_DTYPE_F32, 2, {2, 2}, values};
  refused(TSR_MALFORMED, tensors, "1", "stored twice");
  tensor vector[TENSORS_MAX] = {{"w.weight", TSR_DTYPE_F32, 1, {4}, values}};
  refused(TSR_UNSUPPORTED_SHAPE, vector, NULL, "1 dimensions");
  tensor integers[TENSORS_MAX] = {{"w.weight", TSR_DTYPE_I32, 2, {2, 2}, values}};
  refused(TSR_UNSUPPORTED, integers, NULL, "I32");
}

Test(packed_file, params_are_checked) {
  static const uint8_t positions[4] = {0, 1, 0, 1};
  tensor nm[TENSORS_MAX] = {
      {"w.nm.values", TSR_DTYPE_F32, 2, {2, 2}, values},
      {"w.nm.positions", TSR_DTYPE_U8, 2, {2, 2}, positions},
      {"w.nm.shape", TSR_DTYPE_I64, 1, {2}, shape},
      {"w.nm.params", TSR_DTYPE_I64, 1, {2}, (int64_t[]){2, 4}},
  };
  float out[8];
  cr_assert_eq(load_from(nm, "1", out), TSR_OK, "%s", tsr_last_error());
  cr_assert(out[0] == 1 && out[1] == 2 && out[4] == 3 && out[2] == 0);
  nm[3].data = (int64_t[]){5, 4};
  refused(TSR_MALFORMED, nm, "1", "n:m is 5:4");
  nm[3].data = (int64_t[]){2, (int64_t)1 << 33};
  refused(TSR_MALFORMED, nm, "1", "8589934592");
  nm[3].data = (int64_t[]){1, 4};
  refused(TSR_MALFORMED, nm, "1", "dimension 1 is 2, the other tensors make it 1");
}

Test(packed_file, bad_arguments_are_refused) {
  tsr_packed packed = {.format = TSR_FORMAT_CSR, .dtype = TSR_DTYPE_F32, .rows = 1};
  tsr_checkpoint_writer *writer = new_writer();
  tsr_matrix dense = {values, TSR_DTYPE_F32, 2, 2, 2};
  cr_assert_eq(tsr_packed_save(writer, "w", &packed), TSR_MALFORMED); /* no row_offsets */
  cr_assert_eq(tsr_pack(&dense, TSR_FORMAT_CSR, NULL, &packed), TSR_OK);
  cr_assert_eq(tsr_packed_save(NULL, "w", &packed), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_packed_save(writer, NULL, &packed), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_packed_save(writer, "w", NULL), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_packed_save(writer, "w", &packed), TSR_OK);
  tsr_packed_release(&packed);
  cr_assert_eq(tsr_packed_load(NULL, "w", &packed), TSR_INVALID_ARGUMENT);
  tsr_checkpoint_writer_destroy(writer);
  size_t size;
  char *bytes = saved_bytes(new_writer(), &size);
  tsr_checkpoint *checkpoint;
  cr_assert_eq(tsr__checkpoint_open_memory(bytes, size, NULL, &checkpoint), TSR_OK);
  cr_assert_eq(tsr_packed_load(checkpoint, NULL, &packed), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_packed_load(checkpoint, "w", NULL), TSR_INVALID_ARGUMENT);
  tsr_checkpoint_close(checkpoint);
  free(bytes);
}
