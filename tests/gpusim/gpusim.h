/* gpusim: a CUDA driver that executes PTX on the CPU, strictly.
 *
 * The library exports the CUDA driver API (cuda.h); what a real driver has no function for stands
 * here: settings, what went wrong, and what was counted. Settings come from the environment when
 * cuInit is first called, and from gpusim_configure afterwards.
 */
#ifndef GPUSIM_GPUSIM_H
#define GPUSIM_GPUSIM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GPUSIM_API __attribute__((visibility("default")))

typedef enum gpusim_checks {
  GPUSIM_CHECKS_NONE, /* results only; bounds and alignment are checked all the same */
  GPUSIM_CHECKS_ALL
} gpusim_checks;

typedef enum gpusim_async {
  GPUSIM_ASYNC_LATE, /* cp.async writes when its wait returns */
  GPUSIM_ASYNC_EARLY /* cp.async writes when it is issued */
} gpusim_async;

typedef enum gpusim_sum {
  GPUSIM_SUM_DEVICE, /* as the forged device: ampere below sm_90, hopper from there on */
  GPUSIM_SUM_AMPERE,
  GPUSIM_SUM_HOPPER,
  GPUSIM_SUM_EXACT /* the exact sum of products and accumulator, rounded once */
} gpusim_sum;

typedef struct gpusim_config {
  gpusim_checks checks; /* GPUSIM_CHECKS=all|none */
  gpusim_async async;   /* GPUSIM_ASYNC=late|early */
  gpusim_sum sum;       /* GPUSIM_SUM=device|ampere|hopper|exact */
  uint64_t seed;        /* GPUSIM_SEED: order of warps and CTAs */
  uint64_t budget;      /* GPUSIM_BUDGET: warp instructions of one CTA; endless loop beyond */
  uint32_t threads;     /* GPUSIM_THREADS: CTAs executed side by side; 0 = all cores */
  uint32_t sample;      /* GPUSIM_SAMPLE: execute about so many CTAs, scale counters; 0 = all */
} gpusim_config;

GPUSIM_API void gpusim_get_config(gpusim_config *config);
GPUSIM_API void gpusim_configure(const gpusim_config *config);

typedef struct gpusim_fault {
  const char *kind; /* a name of base/faults.inc, such as "out_of_bounds"; "" = nothing happened */
  char kernel[256];
  char instruction[256]; /* its PTX text */
  uint32_t ptx_line;     /* 1-based; 0 = no single instruction is at fault */
  char source_file[256]; /* from .loc; "" = none */
  uint32_t source_line;
  uint32_t ctaid[3];
  int32_t warp, lane; /* -1 = no single one */
  char detail[512];   /* values: the address, the allocation beside it, who else took part */
} gpusim_fault;

/* The last fault of this process, until gpusim_clear_fault. */
GPUSIM_API void gpusim_last_fault(gpusim_fault *fault);

/* Forgets the fault and makes the faulty context usable again, which a GPU can't. */
GPUSIM_API void gpusim_clear_fault(void);

/* JSON object of the last launch's counters and modelled lower bound; the caller frees it. NULL
 * before the first launch, after one that failed, or when memory is short. */
GPUSIM_API char *gpusim_last_launch_json(void);

/* From now on calls `report` after each launch, with the text that gpusim_last_launch_json would
 * give; NULL ends it. `report` must not call the driver. */
GPUSIM_API void gpusim_on_launch(void (*report)(void *user, const char *json), void *user);

#ifdef __cplusplus
}
#endif
#endif
