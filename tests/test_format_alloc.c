/* Packing, files of packed matrices, recognition and pruning while allocations fail. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tessera/tessera.h"
#include "tests/alloc_failures.h"
#include "tests/checkpoint_files.h"
#include "tests/structured.h"

enum { ROWS = 20, COLS = 24 };

static const char *const texts[] = {"dense",     "irregular", "row", "column",
                                    "block:4x4", "vnm:8:2:8", "2:4", "block:8x8+2:4"};
enum { TEXTS = sizeof texts / sizeof *texts };

/* The operation's own arguments: criterion's allocations stay out of it. */
static tsr_pattern pattern;
static tsr_matrix dense;
static char *path;

static void prepare(const char *text) {
  random_state random = random_seed(10);
  cr_assert_eq(tsr_pattern_parse(text, &pattern), TSR_OK);
  dense = (tsr_matrix){structured_matrix(&random, &pattern, 0.5, ROWS, COLS, COLS, TSR_DTYPE_F16),
                       TSR_DTYPE_F16, ROWS, COLS, COLS};
}

static tsr_status pack_and_unpack(void) {
  static float out[ROWS * COLS];
  tsr_packed packed;
  tsr_status status = tsr_pack(&dense, tsr_pattern_format(&pattern), &pattern, &packed);
  if (status) return status;
  status = tsr_unpack_f32(&packed, out, COLS);
  tsr_packed_release(&packed);
  return status;
}

Test(format_alloc, packing_and_unpacking_survive) {
  for (int t = 0; t < TEXTS; t++) {
    prepare(texts[t]);
    EXPECT_OUT_OF_MEMORY(pack_and_unpack());
    cr_assert_geq(alloc_failures_count(), 2);
    free((void *)dense.data);
  }
}

static tsr_status write_packed(tsr_checkpoint_writer *writer, const tsr_packed *packed) {
  tsr_status status = tsr_packed_save(writer, "a.weight", packed);
  return status ? status : tsr_checkpoint_writer_save(writer, path);
}

static tsr_status save(void) {
  tsr_checkpoint_writer *writer = NULL;
  tsr_packed packed;
  tsr_status status = tsr_pack(&dense, tsr_pattern_format(&pattern), &pattern, &packed);
  if (!status) status = tsr_checkpoint_writer_create(&writer);
  if (!status) status = write_packed(writer, &packed);
  tsr_checkpoint_writer_destroy(writer);
  tsr_packed_release(&packed);
  return status;
}

static tsr_status load(void) {
  tsr_checkpoint *checkpoint;
  tsr_packed packed = {0};
  tsr_status status = tsr_checkpoint_open(path, &checkpoint);
  if (!status) status = tsr_packed_load(checkpoint, "a.weight", &packed);
  tsr_packed_release(&packed);
  tsr_checkpoint_close(checkpoint);
  return status;
}

Test(format_alloc, saving_and_loading_survive) {
  char *folder = files_folder();
  path = files_path(folder, "x.safetensors");
  for (int t = 0; t < TEXTS; t++) {
    prepare(texts[t]);
    EXPECT_OUT_OF_MEMORY(save());
    cr_assert_gt(alloc_failures_count(), 4);
    EXPECT_OUT_OF_MEMORY(load());
    free((void *)dense.data);
  }
  files_remove(folder);
}

/* A file whose column indices have to be converted, and its copy freed. */
static void write_wide_file(void) {
  static const int64_t crow[] = {0, 1}, col[] = {0}, shape[] = {2, 2};
  static const float values[4] = {1, 2, 3, 4};
  tsr_checkpoint_writer *writer;
  cr_assert_eq(tsr_checkpoint_writer_create(&writer), TSR_OK);
  tsr_checkpoint_writer_add(writer, "a.bsr.crow", TSR_DTYPE_I64, 1, (int64_t[]){2}, crow);
  tsr_checkpoint_writer_add(writer, "a.bsr.col", TSR_DTYPE_I64, 1, (int64_t[]){1}, col);
  tsr_checkpoint_writer_add(writer, "a.bsr.shape", TSR_DTYPE_I64, 1, (int64_t[]){2}, shape);
  tsr_checkpoint_writer_add(writer, "a.bsr.values", TSR_DTYPE_F32, 3, (int64_t[]){1, 2, 2}, values);
  cr_assert_eq(tsr_checkpoint_writer_save(writer, path), TSR_OK, "%s", tsr_last_error());
  tsr_checkpoint_writer_destroy(writer);
}

Test(format_alloc, converting_survives) {
  char *folder = files_folder();
  path = files_path(folder, "x.safetensors");
  write_wide_file();
  EXPECT_OUT_OF_MEMORY(load());
  files_remove(folder);
}

static tsr_status recognise(void) {
  tsr_pattern found;
  double sparsity;
  return tsr_recognise(&dense, &found, &sparsity);
}

Test(format_alloc, recognising_survives) {
  prepare("2:4");
  EXPECT_OUT_OF_MEMORY(recognise());
  cr_assert_geq(alloc_failures_count(), 2);
  free((void *)dense.data);
}

static tsr_status project(double sparsity, int global) {
  static float scores[2 * ROWS * COLS];
  static tsr_mask mask[2 * ROWS * COLS];
  tsr_project_item items[2] = {{scores, ROWS, COLS, mask},
                               {scores + ROWS * COLS, ROWS, COLS, mask + ROWS * COLS}};
  if (global) return tsr_project_global(&pattern, sparsity, items, 2);
  return tsr_project(&pattern, sparsity, scores, ROWS, COLS, mask);
}

Test(format_alloc, pruning_survives) {
  for (int t = 0; t < TEXTS; t++) {
    cr_assert_eq(tsr_pattern_parse(texts[t], &pattern), TSR_OK);
    double fixed = tsr_pattern_fixed_sparsity(&pattern);
    double sparsity = fixed > 0 || t == 0 ? fixed : 0.5;
    for (int global = 0; global < 2; global++) EXPECT_OUT_OF_MEMORY(project(sparsity, global));
  }
}
