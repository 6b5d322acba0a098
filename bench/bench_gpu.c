#include "bench/bench_gpu.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bench/record.h"
#include "runtime/base/alloc.h"
#include "runtime/base/status.h"

/* Of tests/gpusim/gpusim.h. */
typedef void on_launch(void (*report)(void *user, const char *json), void *user);

enum { LIMITERS_MAX = 8 };

struct tsr__bench_gpu {
  tsr__cuda *cuda;
  on_launch *simulator; /* NULL: a real driver */
  void *start, *stop;   /* events */
  void *rubbish;        /* what is written to empty the caches */
  size_t rubbish_bytes;
  tsr__race_device device;
  /* What the launches since the last reset counted. */
  tsr_record counted;
  double ctas, executed;
  struct {
    char name[16];
    double us;
  } limiters[LIMITERS_MAX];
  int malformed;
};

/* ---- timing ---- */

static tsr_status start(void *user) {
  const tsr__bench_gpu *gpu = user;
  const tsr__cu *cu = tsr__cuda_driver(gpu->cuda);
  TSR_TRY(tsr__cuda_enter(gpu->cuda));
  tsr_status status =
      tsr__cu_check(cu->EventRecord(gpu->start, NULL), "cuEventRecord", "the benchmark");
  tsr__cuda_leave(gpu->cuda);
  return status;
}

static tsr_status wait_for_end(const tsr__bench_gpu *gpu, double *milliseconds) {
  const tsr__cu *cu = tsr__cuda_driver(gpu->cuda);
  float elapsed = 0;
  TSR__CU_TRY("the benchmark", EventRecord, gpu->stop, NULL);
  TSR__CU_TRY("the benchmark", EventSynchronize, gpu->stop);
  TSR__CU_TRY("the benchmark", EventElapsedTime, &elapsed, gpu->start, gpu->stop);
  *milliseconds = (double)elapsed;
  return TSR_OK;
}

static tsr_status stop(void *user, double *milliseconds) {
  const tsr__bench_gpu *gpu = user;
  TSR_TRY(tsr__cuda_enter(gpu->cuda));
  tsr_status status = wait_for_end(gpu, milliseconds);
  tsr__cuda_leave(gpu->cuda);
  return status;
}

static tsr_status evict(void *user) {
  const tsr__bench_gpu *gpu = user;
  TSR_TRY(tsr__cuda_enter(gpu->cuda));
  tsr_status status = tsr__cuda_fill(gpu->cuda, gpu->rubbish, 1, gpu->rubbish_bytes, NULL);
  tsr__cuda_leave(gpu->cuda);
  return status;
}

const tsr__race_device *tsr__bench_gpu_race_device(const tsr__bench_gpu *gpu) {
  return &gpu->device;
}

/* ---- counting ---- */

static double member(const json_t *object, const char *key) {
  return json_number_value(json_object_get(object, key));
}

static void add_limiter(tsr__bench_gpu *gpu, const char *name, double us) {
  int i = 0;
  while (i < LIMITERS_MAX - 1 && *gpu->limiters[i].name && strcmp(gpu->limiters[i].name, name) != 0)
    i++;
  TSR__SET_TEXT(gpu->limiters[i].name, name);
  gpu->limiters[i].us += us;
}

static void add_launch(tsr__bench_gpu *gpu, const json_t *launch) {
  tsr_record *r = &gpu->counted;
  const json_t *model = json_object_get(launch, "model"), *count;
  const json_t *memory = json_object_get(launch, "memory");
  const char *limiter = json_string_value(json_object_get(model, "limiter")), *kind;
  double us = member(model, "modelled_lower_bound_us");
  r->launches++;
  r->modelled_us += us;
  add_limiter(gpu, limiter ? limiter : "", us);
  r->warp_instructions += (int64_t)member(launch, "warp_instructions");
  json_object_foreach(json_object_get(launch, "tensor_instructions"), kind, count)
      r->tensor_instructions += json_integer_value(count);
  r->global_sectors +=
      (int64_t)(member(memory, "global_load_sectors") + member(memory, "global_store_sectors") +
                member(memory, "async_global_sectors"));
  r->bank_conflicts += (int64_t)member(memory, "shared_bank_conflicts");
  gpu->ctas += member(launch, "ctas");
  gpu->executed += member(launch, "executed_ctas");
}

static void take_launch(void *user, const char *text) {
  tsr__bench_gpu *gpu = user;
  json_t *launch = json_loads(text, 0, NULL);
  gpu->malformed |= !launch;
  if (launch) add_launch(gpu, launch);
  json_decref(launch);
}

static void reset(tsr__bench_gpu *gpu) {
  gpu->counted = (tsr_record){0};
  gpu->ctas = gpu->executed = 0;
  gpu->malformed = 0;
  memset(gpu->limiters, 0, sizeof gpu->limiters);
}

static void hand_out(const tsr__bench_gpu *gpu, tsr_record *record) {
  const tsr_record *from = &gpu->counted;
  int most = 0;
  for (int i = 1; i < LIMITERS_MAX; i++)
    if (gpu->limiters[i].us > gpu->limiters[most].us) most = i;
  record->launches = from->launches;
  record->modelled_us = from->modelled_us;
  TSR__SET_TEXT(record->modelled_limiter, gpu->limiters[most].name);
  record->executed_share = gpu->ctas > 0 ? gpu->executed / gpu->ctas : 1;
  record->warp_instructions = from->warp_instructions;
  record->tensor_instructions = from->tensor_instructions;
  record->global_sectors = from->global_sectors;
  record->bank_conflicts = from->bank_conflicts;
}

static tsr_status wait_for_all(const tsr__bench_gpu *gpu, const char *what) {
  TSR_TRY(tsr__cuda_enter(gpu->cuda));
  tsr_status status = tsr__cuda_wait(gpu->cuda, NULL, what);
  tsr__cuda_leave(gpu->cuda);
  return status;
}

tsr_status tsr__bench_gpu_count(tsr__bench_gpu *gpu, const tsr__contestant *contestant,
                                tsr_record *record) {
  reset(gpu);
  gpu->simulator(take_launch, gpu);
  tsr_status status = contestant->run(contestant->user);
  if (status == TSR_OK) status = wait_for_all(gpu, contestant->name);
  gpu->simulator(NULL, NULL);
  TSR_TRY(status);
  TSR_CHECK(!gpu->malformed, TSR_OUT_OF_MEMORY, "out of memory: the simulator's counters");
  hand_out(gpu, record);
  return TSR_OK;
}

/* ---- opening ---- */

static tsr_status build(tsr__bench_gpu *gpu) {
  const tsr__cu *cu = tsr__cuda_driver(gpu->cuda);
  int l2 = 0;
  gpu->device = (tsr__race_device){start, stop, evict, gpu};
  if (tsr__cu_find("gpusim_on_launch", &gpu->simulator)) return TSR_OK;
  TSR_TRY(tsr__cu_attribute(cu, tsr__cuda_device(gpu->cuda), TSR__CU_L2_BYTES, &l2));
  gpu->rubbish_bytes = 2 * (size_t)l2;
  TSR__CU_TRY("the benchmark", EventCreate, &gpu->start, 0);
  TSR__CU_TRY("the benchmark", EventCreate, &gpu->stop, 0);
  return tsr__cuda_alloc(gpu->cuda, gpu->rubbish_bytes, "what empties the caches", &gpu->rubbish);
}

tsr_status tsr__bench_gpu_open(tsr__bench_gpu **out) {
  tsr__bench_gpu *gpu;
  TSR_TRY(tsr__calloc(1, sizeof *gpu, "the benchmark", &gpu));
  tsr_status status = tsr__cuda_open(&gpu->cuda);
  if (status == TSR_OK) status = tsr__cuda_enter(gpu->cuda);
  if (status == TSR_OK) {
    status = build(gpu);
    tsr__cuda_leave(gpu->cuda);
  }
  if (status == TSR_OK)
    *out = gpu;
  else
    tsr__bench_gpu_close(gpu);
  return status;
}

void tsr__bench_gpu_close(tsr__bench_gpu *gpu) {
  if (!gpu) return;
  if (gpu->cuda && tsr__cuda_enter(gpu->cuda) == TSR_OK) {
    const tsr__cu *cu = tsr__cuda_driver(gpu->cuda);
    if (gpu->start) cu->EventDestroy(gpu->start);
    if (gpu->stop) cu->EventDestroy(gpu->stop);
    tsr__cuda_free(gpu->cuda, gpu->rubbish);
    tsr__cuda_leave(gpu->cuda);
  }
  tsr__cuda_close(gpu->cuda);
  free(gpu);
}

int tsr__bench_gpu_simulated(const tsr__bench_gpu *gpu) { return gpu->simulator != NULL; }
tsr__cuda *tsr__bench_gpu_cuda(const tsr__bench_gpu *gpu) { return gpu->cuda; }
