/* Loading and planning a ResNet while allocations fail. */
#include <criterion/criterion.h>

#include "tessera/execute.h"
#include "tessera/model.h"
#include "tests/alloc_failures.h"
#include "tests/checkpoint_files.h"
#include "tests/small_resnet.h"

static tsr_checkpoint *checkpoint;
static tsr_model *model;

static tsr_status load(void) {
  tsr_model *loaded;
  tsr_status status = tsr_model_load(checkpoint, &loaded);
  tsr_model_destroy(loaded);
  return status;
}

static tsr_status plan(void) {
  tsr_model_plan *made;
  tsr_model_plan_options options = {.linear.threads = 1, .max_batch = 1};
  tsr_status status = tsr_model_plan_create(model, &options, &made);
  tsr_model_plan_destroy(made);
  return status;
}

/* Its own model each time, whose weights the plan takes. */
static tsr_status take(void) {
  tsr_model *loaded;
  tsr_model_plan *made;
  tsr_model_plan_options options = {.linear.threads = 1, .max_batch = 1};
  tsr_status status = tsr_model_load(checkpoint, &loaded);
  if (status != TSR_OK) return status;
  status = tsr_model_plan_take(loaded, &options, &made);
  tsr_model_plan_destroy(made);
  tsr_model_destroy(loaded);
  return status;
}

static tsr_status preset(void) {
  tsr_model *made;
  tsr_status status = tsr_model_preset("fashion-resnet", 1, &made);
  tsr_model_destroy(made);
  return status;
}

Test(alloc_resnet, load_plan_and_preset) {
  char *folder = files_folder();
  small_resnet_save(&small_resnets[2], folder);
  cr_assert_eq(tsr_checkpoint_open(folder, &checkpoint), TSR_OK);
  cr_assert_eq(tsr_model_load(checkpoint, &model), TSR_OK);
  EXPECT_OUT_OF_MEMORY(load());
  EXPECT_OUT_OF_MEMORY(plan());
  EXPECT_OUT_OF_MEMORY(take());
  EXPECT_OUT_OF_MEMORY(preset());
  tsr_model_destroy(model);
  tsr_checkpoint_close(checkpoint);
  files_remove(folder);
}
