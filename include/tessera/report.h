/* Records of measurements, and their text, CSV, JSON and HTML forms. */
#ifndef TESSERA_REPORT_H
#define TESSERA_REPORT_H

#include <stdio.h>

#include "tessera/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tsr_record_kind { TSR_RECORD_LAYER, TSR_RECORD_MODEL } tsr_record_kind;
typedef enum tsr_cache_state { TSR_CACHE_WARM, TSR_CACHE_COLD } tsr_cache_state;

/* One measurement. For a model m, k, n are 0 and the GFLOP/s cover its linear layers.
 *
 * A simulated GPU measures nothing: runs, times, speedup and rates are then 0, and what was counted
 * and modelled stands in the fields from `launches` on, which are 0 in every measured record. */
typedef struct tsr_record {
  tsr_record_kind kind;
  char name[96];
  int64_t m, k, n;
  char pattern[TSR_PATTERN_TEXT_MAX];
  double sparsity, density;
  char format[16];
  char kernel[96];
  char reason[120];
  char backend[8];
  char dtype[8];
  int32_t threads, batch, seq;
  tsr_cache_state cache;
  int32_t runs;
  double median_ms, p10_ms, p90_ms;
  char baseline[64]; /* "onednn matmul (packed weights)", "tessera dense", "" = none */
  char baseline_version[32];
  double baseline_median_ms;      /* 0 = none */
  double speedup;                 /* baseline_median_ms / median_ms; 0 = no baseline */
  double useful_gflops;           /* 2 x stored elements x tokens / time */
  double dense_equivalent_gflops; /* 2 m k n / time */
  int64_t packed_bytes, dense_bytes;
  char device[64];             /* the GPU that ran it, or that was simulated; "" = the CPU */
  int32_t launches;            /* of kernels, in one execution */
  double modelled_us;          /* lower bound of the time, modelled from the counters */
  char modelled_limiter[16];   /* what bounds most of it: "tensor", "shared", "l2", ... */
  double baseline_modelled_us; /* the baseline's, likewise */
  double executed_share;       /* of the CTAs; below 1 the counters are scaled up from a sample */
  int64_t warp_instructions, tensor_instructions;
  int64_t global_sectors; /* of 32 bytes, that global memory was asked for */
  int64_t bank_conflicts; /* wavefronts of shared memory beyond those that the bytes need */
} tsr_record;

typedef struct tsr_report tsr_report;

TSR_API tsr_status tsr_report_create(const tsr_hardware *machine, tsr_report **out);
TSR_API void tsr_report_destroy(tsr_report *report); /* NULL is fine */
TSR_API tsr_status tsr_report_add(tsr_report *report, const tsr_record *record);
TSR_API size_t tsr_report_count(const tsr_report *report);
TSR_API const tsr_record *tsr_report_at(const tsr_report *report, size_t index);

/* The stream is the caller's; TSR_IO when writing fails. */
TSR_API tsr_status tsr_report_write_text(const tsr_report *report, FILE *stream);
TSR_API tsr_status tsr_report_write_csv(const tsr_report *report, FILE *stream);
TSR_API tsr_status tsr_report_write_json(const tsr_report *report, FILE *stream);
/* One self-contained page: inline SVG charts of latency and speedup, light and dark. */
TSR_API tsr_status tsr_report_write_html(const tsr_report *report, const char *title, FILE *stream);

#ifdef __cplusplus
}
#endif
#endif
