#include "runtime/plan/linear_plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/half.h"
#include "runtime/base/status.h"
#include "runtime/layer/layer.h"
#include "runtime/plan/hardware.h"
#include "runtime/plan/registry.h"

enum { THREADS_MAX = 4096 };

static tsr_status check_conv(const tsr_linear *layer) {
  const tsr_conv_shape *s = layer->conv;
  TSR_TRY(tsr__conv_shape_check(s));
  int64_t k = s->kernel[0] * s->kernel[1] * s->channels;
  TSR_CHECK(k == layer->weight.cols, TSR_UNSUPPORTED_SHAPE,
            "the weight takes %lld inputs, but a kernel of %d x %d over %lld channels has %lld",
            (long long)layer->weight.cols, (int)s->kernel[0], (int)s->kernel[1],
            (long long)s->channels, (long long)k);
  return TSR_OK;
}

/* A convolution that reads every pixel once, in order, multiplies tokens. */
static int reads_in_order(const tsr_conv_shape *s) {
  for (int axis = 0; axis < 2; axis++)
    if (s->kernel[axis] != 1 || s->stride[axis] != 1 || s->padding[axis] != 0) return 0;
  return 1;
}

static tsr_status check(const tsr_linear *layer, const tsr_plan_options *options) {
  TSR_CHECK((unsigned)layer->activation < TSR_ACTIVATION_COUNT, TSR_INVALID_ARGUMENT,
            "activation %d", (int)layer->activation);
  TSR_CHECK((unsigned)options->backend < TSR_BACKEND_COUNT, TSR_INVALID_ARGUMENT, "backend %d",
            (int)options->backend);
  TSR_CHECK(options->max_tokens >= 0, TSR_INVALID_ARGUMENT, "max_tokens is %lld",
            (long long)options->max_tokens);
  TSR_CHECK(options->threads >= 1 && options->threads <= THREADS_MAX, TSR_INVALID_ARGUMENT,
            "threads is %d, not 1 to %d", (int)options->threads, THREADS_MAX);
  if (layer->conv) TSR_TRY(check_conv(layer));
  return tsr_packed_validate(&layer->weight);
}

static tsr_spmm_problem describe(const tsr_linear *layer, const tsr_plan_options *options,
                                 const tsr_hardware *hardware) {
  const tsr_packed *w = &layer->weight;
  int cuda = options->backend == TSR_BACKEND_CUDA;
  int32_t sms = hardware->gpu_sms > 0 ? hardware->gpu_sms : 1;
  tsr_spmm_problem problem = {.backend = options->backend,
                              .format = w->format,
                              .pattern = tsr_packed_pattern(w),
                              .m = w->rows,
                              .k = w->cols,
                              .n = options->max_tokens,
                              .stored = w->stored,
                              .threads = cuda ? sms : options->threads,
                              .dtype = w->dtype == TSR_DTYPE_BF16 ? TSR_DTYPE_BF16 : TSR_DTYPE_F16,
                              .weight = w};
  if (layer->conv && !reads_in_order(layer->conv)) problem.conv = *layer->conv;
  return problem;
}

/* The weight as the kernel takes it: float, and unpacked for a kernel of format dense.
 * *memory: what the caller must free afterwards. */
static tsr_status convert(const tsr_packed *weight, tsr_format format, tsr_packed *out,
                          float **memory) {
  *out = *weight;
  *memory = NULL;
  if (format == weight->format && weight->dtype == TSR_DTYPE_F32) return TSR_OK;
  int unpack = format != weight->format;
  int64_t count = weight->stored;
  TSR_CHECK(!unpack || tsr__mul_i64(weight->rows, weight->cols, &count), TSR_UNSUPPORTED_SHAPE,
            "%lld x %lld is too large to unpack", (long long)weight->rows, (long long)weight->cols);
  TSR_TRY(tsr__aligned((size_t)count, sizeof **memory, "converted weights", memory));
  if (unpack) {
    *out =
        (tsr_packed){.format = format, .rows = weight->rows, .cols = weight->cols, .stored = count};
    TSR_TRY(tsr_unpack_f32(weight, *memory, weight->cols));
  } else {
    TSR_CHECK(tsr__to_f32(weight->values, weight->dtype, *memory, (uint64_t)count), TSR_UNSUPPORTED,
              "weights of type %s", tsr_dtype_name(weight->dtype));
  }
  out->dtype = TSR_DTYPE_F32;
  out->values = *memory;
  return TSR_OK;
}

static tsr_status lay_out_cpu(tsr_linear_plan *plan, const tsr_packed *weight) {
  const tsr_spmm_ops *ops = plan->selection.kernel->ops;
  plan->weight_bytes = ops->prepacked_bytes(weight);
  TSR_TRY(tsr__aligned(plan->weight_bytes, 1, "prepacked weights", &plan->weights));
  ops->prepack(weight, plan->weights);
  return TSR_OK;
}

static tsr_status lay_out_cuda(tsr_linear_plan *plan, const tsr_linear *layer,
                               const tsr_packed *weight) {
  tsr__cuda_linear_plan made_for = {.kernel = tsr__spmm_kernel_cuda(plan->selection.kernel),
                                    .conv = plan->conv.channels ? &plan->conv : NULL,
                                    .max_tokens = plan->max_tokens};
  TSR_TRY(tsr__cuda_linear_create(&made_for, layer, weight, &plan->cuda));
  plan->weight_bytes = tsr__cuda_linear_weight_bytes(plan->cuda);
  return TSR_OK;
}

/* V:N:M as 2:4 (tsr__spmm_kernel_suits). The caller releases *out. */
static tsr_status pack_again(const tsr_packed *weight, tsr_packed *out) {
  static const tsr_pattern two_of_four = {.kind = TSR_PATTERN_NM, .n = 2, .m = 4};
  tsr_packed dense;
  float *memory;
  tsr_status status = convert(weight, TSR_FORMAT_DENSE, &dense, &memory);
  tsr_matrix matrix = {memory, TSR_DTYPE_F32, weight->rows, weight->cols, weight->cols};
  if (status == TSR_OK) status = tsr_pack(&matrix, TSR_FORMAT_NM, &two_of_four, out);
  free(memory);
  return status;
}

static tsr_status lay_out(tsr_linear_plan *plan, const tsr_linear *layer) {
  const tsr_spmm_kernel *kernel = plan->selection.kernel;
  const tsr_packed *weight = &layer->weight;
  tsr_packed again = {0}, converted;
  float *memory = NULL;
  tsr_status status;
  if (weight->format == TSR_FORMAT_VNM && kernel->format == TSR_FORMAT_NM) {
    TSR_TRY_GOTO(status, pack_again(weight, &again), done);
    weight = &again;
  }
  TSR_TRY_GOTO(status, convert(weight, kernel->format, &converted, &memory), done);
  status = kernel->backend == TSR_BACKEND_CUDA ? lay_out_cuda(plan, layer, &converted)
                                               : lay_out_cpu(plan, &converted);
done:
  free(memory);
  tsr_packed_release(&again);
  return status;
}

static tsr_status build(tsr_linear_plan *plan, const tsr_linear *layer,
                        const tsr_plan_options *options) {
  TSR_TRY(check(layer, options));
  tsr_hardware detected;
  const tsr_hardware *hardware = options->hardware;
  if (!hardware) {
    TSR_TRY(tsr__plan_hardware(options->backend, &detected));
    hardware = &detected;
  }
  tsr_spmm_problem problem = describe(layer, options, hardware);
  TSR_TRY(tsr_select(&problem, hardware, options->tuning, options->force_kernel,
                     !options->no_dense_fallback, &plan->selection));
  plan->m = problem.m;
  plan->k = problem.k;
  plan->max_tokens = options->max_tokens;
  plan->threads = options->threads;
  plan->bias = layer->bias;
  plan->activation = layer->activation;
  plan->residual_first = layer->residual_first;
  plan->conv = problem.conv;
  const tsr_spmm_kernel *kernel = plan->selection.kernel;
  problem = tsr__problem_for(kernel, &problem);
  if (kernel->backend == TSR_BACKEND_CPU)
    plan->part_bytes = tsr__round_line(kernel->ops->workspace_bytes(&problem));
  return lay_out(plan, layer);
}

tsr_status tsr_linear_plan_create(const tsr_linear *layer, const tsr_plan_options *options,
                                  tsr_linear_plan **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_linear_plan_create: out is NULL");
  *out = NULL;
  TSR_CHECK(layer && options, TSR_INVALID_ARGUMENT, "tsr_linear_plan_create: NULL argument");
  tsr_linear_plan *plan;
  TSR_TRY(tsr__calloc(1, sizeof *plan, "a plan", &plan));
  snprintf(plan->name, sizeof plan->name, "%s", layer->name ? layer->name : "linear layer");
  tsr_status status = build(plan, layer, options);
  if (status != TSR_OK) {
    tsr__error_prefix(status, "%s", plan->name);
    tsr_linear_plan_destroy(plan);
    return status;
  }
  *out = plan;
  return TSR_OK;
}

void tsr_linear_plan_destroy(tsr_linear_plan *plan) {
  if (!plan) return;
  tsr__cuda_linear_destroy(plan->cuda);
  free(plan->weights);
  free(plan);
}

size_t tsr_linear_plan_workspace_bytes(const tsr_linear_plan *plan) {
  if (!plan) return 0;
  return plan->cuda ? tsr__cuda_linear_workspace_bytes(plan->cuda)
                    : plan->part_bytes * (size_t)plan->threads;
}

const tsr_selection *tsr_linear_plan_selection(const tsr_linear_plan *plan) {
  return plan ? &plan->selection : NULL;
}

size_t tsr_linear_plan_weight_bytes(const tsr_linear_plan *plan) {
  return plan ? plan->weight_bytes : 0;
}
