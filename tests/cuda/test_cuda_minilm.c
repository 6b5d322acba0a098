/* A model of MiniLM's real size on the CUDA backend: what smaller ones do not show is that its
 * tables, weights and grids fit. */
#include <criterion/criterion.h>

#include "tests/cuda/cuda_model_case.h"

Test(cuda_minilm, in_blocks_and_rows_equals_the_cpu) {
  tsr_model *model;
  cr_assert_eq(tsr_model_preset("minilm", 5, &model), TSR_OK, "%s", tsr_last_error());
  case_sparsify(model, "block:16x16", TSR_FORMAT_BCSR, 2);
  case_sparsify(model, "row", TSR_FORMAT_COMPACT, 5);
  case_compare(model);
  tsr_model_destroy(model);
}
