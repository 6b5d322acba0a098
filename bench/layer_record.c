#include "bench/layer_record.h"

#include "bench/record.h"
#include "bench/reference.h"

tsr_record tsr__layer_record(const tsr__shape *s, int32_t threads, tsr_cache_state cache,
                             const tsr__bench_options *options) {
  int64_t images = tsr__reference_images(s);
  tsr_record r = {.kind = TSR_RECORD_LAYER,
                  .m = s->m,
                  .k = s->k,
                  .n = s->n,
                  .threads = threads,
                  .batch = (int32_t)images,
                  .seq = (int32_t)(s->n / images),
                  .cache = cache};
  tsr__record_machine(options, &r);
  TSR__SET_TEXT(r.name, s->name);
  r.dense_bytes = s->m * s->k * (options->gpu ? (int64_t)sizeof(uint16_t) : (int64_t)sizeof(float));
  if (options->baseline) {
    TSR__SET_TEXT(r.baseline, options->baseline->name);
    TSR__SET_TEXT(r.baseline_version, options->baseline_version);
  }
  return r;
}

void tsr__layer_record_variant(const tsr_linear_plan *plan, const tsr_packed *packed,
                               const tsr__variant *variant, tsr_record *r) {
  const tsr_selection *selection = tsr_linear_plan_selection(plan);
  tsr_pattern_text(&variant->pattern, r->pattern);
  r->sparsity = variant->sparsity;
  r->density = tsr_packed_density(packed);
  TSR__SET_TEXT(r->format, tsr_format_name(packed->format));
  TSR__SET_TEXT(r->kernel, tsr_spmm_kernel_name(selection->kernel));
  TSR__SET_TEXT(r->reason, selection->reason);
}
