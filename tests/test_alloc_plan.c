/* Planning and tuning files survive every allocation that fails. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/half.h"
#include "runtime/base/status.h"
#include "runtime/plan/tuning.h"
#include "tests/alloc_failures.h"
#include "tests/forged.h"
#include "tests/spmm_case.h"

static tsr_status create_and_destroy(const tsr_linear *layer, const char *force_kernel) {
  tsr_plan_options options = {.max_tokens = 8, .threads = 2, .force_kernel = force_kernel};
  tsr_linear_plan *plan;
  tsr_status status = tsr_linear_plan_create(layer, &options, &plan);
  tsr_linear_plan_destroy(plan);
  return status;
}

Test(alloc_plan, of_a_sparse_layer_and_of_its_unpacked_form) {
  random_state random = random_seed(1);
  tsr_pattern pattern = {.kind = TSR_PATTERN_BLOCK, .block_rows = 16, .block_cols = 16};
  spmm_case c = spmm_case_create(&random, TSR_FORMAT_BCSR, &pattern, 0.5, 40, 50, 8, 0);
  tsr_linear layer = {.name = "layer", .weight = c.packed, .bias = c.bias};
  EXPECT_OUT_OF_MEMORY(create_and_destroy(&layer, "tsr_f32_bcsr_spmm_1x1__scalar"));
  EXPECT_OUT_OF_MEMORY(create_and_destroy(&layer, "tsr_f32_dense_spmm_1x1__scalar"));
  uint16_t *narrow = malloc((size_t)(c.m * c.k) * sizeof *narrow);
  cr_assert(tsr__from_f32(c.w, TSR_DTYPE_F16, narrow, (uint64_t)(c.m * c.k)));
  tsr_matrix dense = {narrow, TSR_DTYPE_F16, c.m, c.k, c.k};
  cr_assert_eq(tsr_pack(&dense, TSR_FORMAT_BCSR, &pattern, &layer.weight), TSR_OK);
  EXPECT_OUT_OF_MEMORY(create_and_destroy(&layer, "tsr_f32_bcsr_spmm_1x1__scalar"));
  EXPECT_OUT_OF_MEMORY(create_and_destroy(&layer, "tsr_f32_dense_spmm_1x1__scalar"));
  cr_assert_gt(alloc_failures_count(), 2);
  tsr_packed_release(&layer.weight);
  free(narrow);
  spmm_case_destroy(&c);
}

static tsr_status save_and_load(const tsr_tuning *tuning, const tsr_hardware *hardware,
                                const char *path) {
  tsr_tuning *loaded;
  tsr_status status = tsr_tuning_save(tuning, path);
  if (status == TSR_OK) status = tsr_tuning_load(path, hardware, &loaded);
  if (status == TSR_OK) tsr_tuning_destroy(loaded);
  return status;
}

Test(alloc_plan, of_tuning_files) {
  char path[] = "/tmp/tessera-tuning-XXXXXX";
  int fd = mkstemp(path);
  cr_assert_geq(fd, 0);
  close(fd);
  tsr_hardware hardware = forged_hardware(TSR_ISA_SCALAR);
  tsr_tuning *tuning;
  cr_assert_eq(tsr__tuning_create(&hardware, &tuning), TSR_OK);
  tuning->count = 1;
  strcpy(tuning->entries[0].kernel, "a");
  EXPECT_OUT_OF_MEMORY(save_and_load(tuning, &hardware, path));
  tsr_tuning_destroy(tuning);
  unlink(path);
}

static tsr_status measure(const tsr_hardware *hardware) {
  static const tsr__tuning_effort little = {
      .structures = 3, .shapes = 1, .run_us_max = 200, .batch_us = 0};
  tsr_tuning *tuning;
  TSR_TRY(tsr__tuning_measure(hardware, &little, NULL, NULL, &tuning));
  tsr_tuning_destroy(tuning);
  return TSR_OK;
}

Test(alloc_plan, of_measuring_kernels) {
  tsr_hardware hardware = forged_hardware(TSR_ISA_SCALAR);
  hardware.cores = 1;
  EXPECT_OUT_OF_MEMORY(measure(&hardware));
  cr_assert_gt(alloc_failures_count(), 20);
}
