/* Several devices, too little memory, and calls of the driver that fail, one after the other. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cuda/host.h"
#include "runtime/model/model.h"
#include "tests/checkpoint_files.h"
#include "tests/cuda/cuda_model_case.h"
#include "tests/cuda/stand_in.h"
#include "tests/tiny_resnet.h"

typedef struct result {
  float hidden[CASE_TOKENS * CASE_HIDDEN], embedding[CASE_SEQUENCES * CASE_HIDDEN];
} result;

static tsr_status execute(tsr__cuda_host *host, result *out) {
  case_ids ids = case_make_ids();
  tsr_batch batch = {CASE_SEQUENCES, ids.offsets, ids.ids, ids.types};
  tsr_output output = {.hidden = out->hidden, .embedding = out->embedding, .normalise = 1};
  return tsr__cuda_host_execute(host, &batch, &output);
}

static void must(tsr_status status) {
  cr_assert_eq(status, TSR_OK, "%s %s", tsr_last_error(), stand_in_wrong());
}

static void expect_nothing_wrong(int64_t held) {
  cr_assert_str_empty(stand_in_wrong(), "%s", stand_in_wrong());
  cr_assert_eq(stand_in_held(), held, "%d things are held, not %d", (int)stand_in_held(),
               (int)held);
}

/* ---- devices ---- */

enum { DEVICES = 2 };

/* What a plan was made for executes it, whichever device is current to the thread. */
Test(cuda_devices, two_execute_one_model) {
  tsr_model *model = case_model();
  tsr_model_plan *plans[DEVICES];
  tsr__cuda_host *hosts[DEVICES];
  static result results[DEVICES], expected;
  for (int d = 0; d < DEVICES; d++) {
    must(tsr__cuda_use_device(d));
    plans[d] = case_plan(model, TSR_BACKEND_CUDA);
    must(tsr__cuda_host_create(plans[d], &hosts[d]));
  }
  case_ids ids = case_make_ids();
  tsr_batch batch = {CASE_SEQUENCES, ids.offsets, ids.ids, ids.types};
  tsr_output output = {.hidden = expected.hidden, .embedding = expected.embedding, .normalise = 1};
  case_run_cpu(model, &batch, &output);
  for (int round = 0; round < 3; round++) {
    for (int d = 0; d < DEVICES; d++) {
      must(tsr__cuda_use_device(round == 1 ? !d : d));
      int64_t before = stand_in_launches(d), other = stand_in_launches(!d);
      memset(&results[d], 0, sizeof results[d]);
      must(execute(hosts[d], &results[d]));
      cr_assert_gt(stand_in_launches(d), before);
      cr_assert_eq(stand_in_launches(!d), other, "nothing on the other device");
    }
    cr_assert_eq(memcmp(&results[0], &results[1], sizeof results[0]), 0, "round %d", round);
  }
  for (int i = 0; i < CASE_TOKENS * CASE_HIDDEN; i++)
    cr_assert_float_eq((double)results[1].hidden[i], (double)expected.hidden[i], 2e-2);
  for (int d = 0; d < DEVICES; d++) {
    tsr__cuda_host_destroy(hosts[d]);
    tsr_model_plan_destroy(plans[d]);
  }
  tsr_model_destroy(model);
  expect_nothing_wrong(DEVICES + 3 * DEVICES); /* each use_device holds a context */
}

Test(cuda_devices, one_that_is_not_there_is_named) {
  char name[64];
  cr_assert_eq(tsr__cuda_device_count(), DEVICES);
  must(tsr__cuda_device_name(1, name, sizeof name));
  cr_assert(strstr(name, "#1"), "%s", name);
  cr_assert_eq(tsr__cuda_use_device(DEVICES), TSR_INVALID_ARGUMENT);
  cr_assert(strstr(tsr_last_error(), "device 2"), "%s", tsr_last_error());
  cr_assert_eq(tsr__cuda_use_device(-1), TSR_INVALID_ARGUMENT);
  expect_nothing_wrong(0);
}

/* ---- memory ---- */

static tsr_status execute_images(tsr__cuda_host *host, result *out) {
  enum { IMAGES = 2 };
  static float pixels[IMAGES * TINY_SIDE * TINY_SIDE];
  tsr_image_batch batch = {IMAGES, TINY_SIDE, TINY_SIDE, 1, pixels, TSR_IMAGE_NHWC};
  tsr_image_output output = {.logits = out->hidden, .probabilities = out->embedding};
  return tsr__cuda_host_execute_images(host, &batch, &output);
}

static tsr_status plan_and_run(const tsr_model *model, result *out) {
  int images = tsr_model_get_info(model)->image_height > 0;
  tsr_model_plan_options options = {
      .linear = {.backend = TSR_BACKEND_CUDA, .max_tokens = CASE_MAX_TOKENS, .threads = 1},
      .max_batch = CASE_SEQUENCES,
      .max_seq = images ? 0 : CASE_MAX_SEQ};
  tsr_model_plan *plan = NULL;
  tsr__cuda_host *host = NULL;
  tsr_status status = tsr_model_plan_create(model, &options, &plan);
  if (status == TSR_OK) status = tsr__cuda_host_create(plan, &host);
  for (int i = 0; i < 3 && status == TSR_OK; i++)
    status = images ? execute_images(host, out) : execute(host, out);
  stand_in_recover();
  tsr__cuda_host_destroy(host);
  tsr_model_plan_destroy(plan);
  return status;
}

/* A model of images, in a folder of its own. */
typedef struct image_model {
  char *folder;
  tsr_checkpoint *checkpoint;
  tsr_model *model;
} image_model;

static image_model load_image_model(void) {
  image_model m = {.folder = files_folder()};
  cr_assert_eq(rmdir(m.folder), 0); /* it is made again */
  tiny_resnet_write(m.folder);
  must(tsr_checkpoint_open(m.folder, &m.checkpoint));
  must(tsr_model_load(m.checkpoint, &m.model));
  return m;
}

static void unload_image_model(image_model *m) {
  tsr_model_destroy(m->model);
  tsr_checkpoint_close(m->checkpoint);
  files_remove(m->folder);
}

static int names_a_part_of(const tsr_model *model, const char *message) {
  static const char *const others[] = {
      "the GPU's workspace", "hidden states", "embeddings",  "pixels", "logits",
      "probabilities",       "token ids",     "token types", "offsets"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (!strncmp(message, others[i], strlen(others[i]))) return 1;
  for (size_t i = 0; i < tsr_model_layer_count(model); i++)
    if (!strncmp(message, tsr_model_layer_name(model, i), strlen(tsr_model_layer_name(model, i))))
      return 1;
  return 0;
}

/* Each limit is too small for one more allocation. */
static void expect_refusals(const tsr_model *model) {
  static result r;
  int refused = 0;
  for (uint64_t limit = 1000; limit < 2000000; limit = limit * 5 / 4) {
    stand_in_memory(limit);
    tsr_status status = plan_and_run(model, &r);
    if (status == TSR_OK) break;
    refused++;
    cr_assert_eq(status, TSR_OUT_OF_MEMORY, "%s", tsr_last_error());
    cr_assert(strstr(tsr_last_error(), "cuMemAlloc of "), "%s", tsr_last_error());
    cr_assert(strstr(tsr_last_error(), "CUDA_ERROR_OUT_OF_MEMORY"), "%s", tsr_last_error());
    cr_assert(names_a_part_of(model, tsr_last_error()), "%s", tsr_last_error());
    expect_nothing_wrong(0);
  }
  cr_assert_gt(refused, 5);
}

Test(cuda_memory, too_little_for_images_is_said_and_given_back) {
  image_model m = load_image_model();
  static result r;
  expect_refusals(m.model);
  stand_in_memory(0);
  must(plan_and_run(m.model, &r));
  expect_nothing_wrong(0);
  unload_image_model(&m);
}

Test(cuda_memory, too_little_is_said_and_given_back) {
  tsr_model *model = case_model();
  static result r, after;
  expect_refusals(model);
  stand_in_memory(1000);
  cr_assert_eq(plan_and_run(model, &r), TSR_OUT_OF_MEMORY);
  case_ids ids = case_make_ids();
  tsr_batch batch = {CASE_SEQUENCES, ids.offsets, ids.ids, ids.types};
  tsr_output output = {.hidden = after.hidden, .embedding = after.embedding, .normalise = 1};
  case_run_cpu(model, &batch, &output);
  stand_in_memory(0);
  must(plan_and_run(model, &r));
  for (int i = 0; i < CASE_TOKENS * CASE_HIDDEN; i++)
    cr_assert_float_eq((double)r.hidden[i], (double)after.hidden[i], 2e-2);
  expect_nothing_wrong(0);
  tsr_model_destroy(model);
}

/* ---- every call fails once ---- */

static void expect_report(int64_t nth, tsr_status status, tsr_status wanted, const char *error) {
  cr_assert_eq(status, wanted, "call %d, %s: %s", (int)nth, stand_in_failed(), tsr_last_error());
  cr_assert(strstr(tsr_last_error(), stand_in_failed()), "%s: %s", stand_in_failed(),
            tsr_last_error());
  cr_assert(strstr(tsr_last_error(), error), "%s: %s", stand_in_failed(), tsr_last_error());
}

static tsr_status plan_and_run_layer(void) {
  enum { M = 48, K = 64, TOKENS = 8 };
  static float w[M * K];
  tsr_matrix dense = {w, TSR_DTYPE_F32, M, K, K};
  tsr_pattern pattern = {.kind = TSR_PATTERN_DENSE};
  tsr_linear layer = {.name = "the layer"};
  must(tsr_pack(&dense, TSR_FORMAT_DENSE, &pattern, &layer.weight));
  tsr_plan_options options = {.backend = TSR_BACKEND_CUDA, .max_tokens = TOKENS, .threads = 1};
  tsr_linear_plan *plan = NULL;
  tsr_status status = tsr_linear_plan_create(&layer, &options, &plan);
  stand_in_recover();
  tsr_linear_plan_destroy(plan);
  tsr_packed_release(&layer.weight);
  return status;
}

/* Opening the GPU, loading kernels, uploading. */
Test(cuda_failures, of_planning_a_layer) {
  tsr_hardware hardware;
  must(tsr_hardware_detect(&hardware));
  must(tsr_hardware_detect_gpu(&hardware)); /* opens the driver, once and for all */
  must(plan_and_run_layer());
  int64_t nth = 0;
  for (;;) {
    stand_in_fail(++nth, STAND_IN_LAUNCH_FAILED);
    tsr_status status = plan_and_run_layer();
    if (!*stand_in_failed()) break;
    /* A GPU that cannot be asked is one that cannot be used. */
    int detecting = status == TSR_UNSUPPORTED_HARDWARE;
    expect_report(nth, status, detecting ? TSR_UNSUPPORTED_HARDWARE : TSR_DEVICE,
                  "CUDA_ERROR_LAUNCH_FAILED");
    if (!detecting) cr_assert(strstr(tsr_last_error(), "the layer"), "%s", tsr_last_error());
    expect_nothing_wrong(0);
  }
  cr_assert_gt(nth, 20);
}

/* Planning, executing, capturing and replaying a model, whose kernels stay loaded. Every step-th
 * call: they are many, and those of one layer are like those of the next. */
static void fail_every(int64_t step, const tsr_model *model) {
  tsr__cuda *kept;
  static result r;
  must(tsr__cuda_open(&kept));
  must(plan_and_run(model, &r));
  int64_t nth = 1, held = stand_in_held(), launches = 0;
  for (;; nth += step) {
    stand_in_fail(nth, STAND_IN_LAUNCH_FAILED);
    tsr_status status = plan_and_run(model, &r);
    if (status == TSR_OK) break;
    cr_assert(strstr(tsr_last_error(), "CUDA_ERROR_LAUNCH_FAILED (719)"), "%s", tsr_last_error());
    int launch = strstr(tsr_last_error(), "cuLaunchKernel") != NULL;
    launches += launch;
    cr_assert(!launch || strstr(tsr_last_error(), "__sm80"), "the kernel: %s", tsr_last_error());
    cr_assert(!launch || names_a_part_of(model, tsr_last_error()), "%s", tsr_last_error());
    cr_assert_eq(stand_in_held(), held, "call %d: %s", (int)nth, tsr_last_error());
  }
  cr_assert_gt(launches, 5);
  tsr__cuda_close(kept);
  expect_nothing_wrong(0);
}

Test(cuda_failures, of_running_a_model) {
  tsr_model *model = case_model();
  fail_every(5, model);
  tsr_model_destroy(model);
}

Test(cuda_failures, of_running_a_model_of_images) {
  image_model m = load_image_model();
  fail_every(3, m.model);
  unload_image_model(&m);
}
