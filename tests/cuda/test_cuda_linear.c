/* Linear layers of the CUDA backend, planned and executed through the public interface. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/tessera.h"
#include "tests/cuda/cuda_spmm_case.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void use_primary_context(void) {
  CUcontext context;
  cr_assert_eq(cuInit(0), CUDA_SUCCESS);
  cr_assert_eq(cuDevicePrimaryCtxRetain(&context, 0), CUDA_SUCCESS);
  cr_assert_eq(cuCtxSetCurrent(context), CUDA_SUCCESS);
}

static void *pointer_to(CUdeviceptr address) {
  void *pointer;
  memcpy(&pointer, &address, sizeof pointer);
  return pointer;
}

static const tsr_cuda_spmm_kernel *any_kernel(tsr_format format, tsr_dtype dtype) {
  const tsr_cuda_spmm_kernel *kernel;
  size_t i = 0;
  while ((kernel = tsr__cuda_spmm_kernel_at(i)) != NULL &&
         !(kernel->format == format && kernel->dtype == dtype && !kernel->ops->convolution))
    i++;
  cr_assert_not_null(kernel, "no kernel for %s", tsr_format_name(format));
  return kernel;
}

static tsr_plan_options options_for(int64_t tokens) {
  return (tsr_plan_options){.backend = TSR_BACKEND_CUDA, .max_tokens = tokens, .threads = 1};
}

/* ---- results ---- */

static void compare(const tsr_linear_plan *plan, const spmm_case *c, tsr_dtype dtype,
                    spmm_variant variant, int64_t tokens) {
  CUdeviceptr x = device_copy(c->x, (size_t)((tokens - 1) * c->ldx + c->k) * sizeof *c->x);
  CUdeviceptr residual =
      device_copy(c->residual, (size_t)((tokens - 1) * c->ldr + c->m) * sizeof *c->residual);
  size_t count = (size_t)(tokens * c->m), bytes = tsr_linear_plan_workspace_bytes(plan);
  CUdeviceptr y = device_room(count * sizeof(float)), workspace = device_room(bytes);
  tsr_linear_io io = {.tokens = tokens,
                      .x = pointer_to(x),
                      .ldx = c->ldx,
                      .residual = variant.residual ? pointer_to(residual) : NULL,
                      .ldr = c->ldr,
                      .y = pointer_to(y),
                      .ldy = c->m};
  cr_assert_eq(tsr_linear_execute(plan, &io, pointer_to(workspace), bytes), TSR_OK, "%s",
               tsr_last_error());
  float *actual = malloc(count * sizeof *actual);
  double *expected = malloc(count * sizeof *expected);
  device_read(actual, y, count * sizeof *actual);
  spmm_case_expected(c, variant, tokens, expected);
  for (size_t i = 0; i < count; i++)
    cr_assert_leq(fabs((double)actual[i] - expected[i]), cuda_spmm_tolerance(c, dtype, expected[i]),
                  "%s: %d x %d, output %zu: %g, not %g",
                  tsr_spmm_kernel_name(tsr_linear_plan_selection(plan)->kernel), (int)c->m,
                  (int)c->k, i, (double)actual[i], expected[i]);
  free(expected);
  free(actual);
  device_free(x);
  device_free(residual);
  device_free(y);
  device_free(workspace);
}

typedef struct linear_case {
  tsr_format format, runs_as;
  const char *pattern;
  tsr_dtype dtype;
  int64_t m, k, tokens;
} linear_case;

/* The third has few tiles and a long k, which is therefore cut. */
static const linear_case cases[] = {
    {TSR_FORMAT_DENSE, TSR_FORMAT_DENSE, "dense", TSR_DTYPE_F16, 70, 100, 5},
    {TSR_FORMAT_DENSE, TSR_FORMAT_DENSE, "dense", TSR_DTYPE_BF16, 64, 64, 16},
    {TSR_FORMAT_BCSR, TSR_FORMAT_BCSR, "block:16x16", TSR_DTYPE_F16, 128, 1024, 20},
    {TSR_FORMAT_BCSR, TSR_FORMAT_BCSR, "block:32x32", TSR_DTYPE_BF16, 100, 130, 9},
    {TSR_FORMAT_NM, TSR_FORMAT_NM, "2:4", TSR_DTYPE_F16, 72, 200, 33},
    {TSR_FORMAT_BCSR_NM, TSR_FORMAT_BCSR_NM, "block:64x64+2:4", TSR_DTYPE_F16, 128, 192, 17},
    {TSR_FORMAT_CSR, TSR_FORMAT_CSR, "irregular", TSR_DTYPE_F16, 33, 47, 8},
    {TSR_FORMAT_COMPACT, TSR_FORMAT_COMPACT, "row", TSR_DTYPE_F16, 150, 100, 70},
    {TSR_FORMAT_COMPACT, TSR_FORMAT_COMPACT, "column", TSR_DTYPE_F16, 70, 200, 70},
    {TSR_FORMAT_COMPACT, TSR_FORMAT_COMPACT, "row", TSR_DTYPE_BF16, 65, 64, 1},
    {TSR_FORMAT_COMPACT, TSR_FORMAT_COMPACT, "column", TSR_DTYPE_BF16, 64, 1300, 5},
    {TSR_FORMAT_VNM, TSR_FORMAT_VNM, "vnm:64:2:8", TSR_DTYPE_F16, 150, 700, 21},
    {TSR_FORMAT_VNM, TSR_FORMAT_VNM, "vnm:128:2:20", TSR_DTYPE_BF16, 130, 330, 9},
    {TSR_FORMAT_VNM, TSR_FORMAT_DENSE, "vnm:16:2:8", TSR_DTYPE_F16, 64, 64, 3},
    {TSR_FORMAT_BCSR, TSR_FORMAT_DENSE, "block:8x8", TSR_DTYPE_F16, 64, 64, 3},
};

static void check_case(const linear_case *l, double density, const tsr_plan_options *options) {
  tsr_pattern pattern;
  random_state random = random_seed(77);
  cr_assert_eq(tsr_pattern_parse(l->pattern, &pattern), TSR_OK);
  tsr_cuda_spmm_kernel type = *any_kernel(l->runs_as, l->dtype);
  type.format = l->format;
  spmm_case c = cuda_spmm_case_create(&random, &type, &pattern, density, l->m, l->k, l->tokens, 3);
  tsr_linear layer = {.name = "encoder.0", .weight = c.packed, .bias = c.bias};
  uint16_t *rounded = calloc((size_t)c.packed.stored + 1, sizeof *rounded);
  if (l->dtype == TSR_DTYPE_BF16) {
    const float *values = c.packed.values;
    for (int64_t i = 0; i < c.packed.stored; i++) { /* exact: they were rounded before */
      uint32_t bits;
      memcpy(&bits, &values[i], sizeof bits);
      rounded[i] = (uint16_t)(bits >> 16);
    }
    layer.weight.dtype = TSR_DTYPE_BF16;
    layer.weight.values = rounded;
  }
  for (int v = 0; v < 2; v++) {
    spmm_variant variant = {
        .activation = v ? TSR_ACTIVATION_GELU : TSR_ACTIVATION_NONE, .bias = 1, .residual = v};
    layer.activation = variant.activation;
    tsr_linear_plan *plan;
    cr_assert_eq(tsr_linear_plan_create(&layer, options, &plan), TSR_OK, "%s", tsr_last_error());
    const tsr_spmm_kernel *kernel = tsr_linear_plan_selection(plan)->kernel;
    cr_assert_eq(tsr_spmm_kernel_isa(kernel), TSR_ISA_SM80);
    cr_assert_eq(tsr_spmm_kernel_format(kernel), l->runs_as);
    if (!options->force_kernel) {
      cr_assert_eq(strstr(tsr_spmm_kernel_name(kernel), "bf16") != NULL,
                   l->dtype == TSR_DTYPE_BF16);
      cr_assert_gt(tsr_linear_plan_weight_bytes(plan), 0);
    }
    compare(plan, &c, l->dtype, variant, l->tokens);
    if (l->tokens > 4) compare(plan, &c, l->dtype, variant, l->tokens - 4);
    tsr_linear_plan_destroy(plan);
  }
  free(rounded);
  spmm_case_destroy(&c);
}

Test(cuda_linear, equals_the_reference, .init = use_primary_context) {
  for (size_t i = 0; i < COUNT(cases); i++) {
    tsr_plan_options options = options_for(cases[i].tokens);
    options.no_dense_fallback = cases[i].runs_as == cases[i].format;
    check_case(&cases[i], 0.3, &options);
  }
}

/* Every kernel of a format, not only the one that selection prefers on small layers. */
Test(cuda_linear, equals_the_reference_with_each_kernel, .init = use_primary_context) {
  const tsr_cuda_spmm_kernel *kernel;
  for (size_t i = 0; (kernel = tsr__cuda_spmm_kernel_at(i)) != NULL; i++)
    for (size_t j = 0; j < COUNT(cases); j++) {
      if (cases[j].format != kernel->format || cases[j].dtype != kernel->dtype ||
          cases[j].runs_as != cases[j].format || kernel->ops->convolution)
        continue;
      tsr_plan_options options = options_for(cases[j].tokens);
      options.force_kernel = kernel->name;
      check_case(&cases[j], 0.3, &options);
    }
}

/* Sizes around a tile, and nothing left at all. */
Test(cuda_linear, compact_of_every_size_equals_the_reference, .init = use_primary_context) {
  static const int64_t ms[] = {1, 63, 65}, ks[] = {1, 65, 300}, ns[] = {1, 64, 65};
  static const double densities[] = {0, 0.05, 0.5};
  for (int i = 0; i < 27; i++) {
    linear_case l = {TSR_FORMAT_COMPACT,
                     TSR_FORMAT_COMPACT,
                     i % 2 ? "row" : "column",
                     i % 5 ? TSR_DTYPE_F16 : TSR_DTYPE_BF16,
                     ms[i % 3],
                     ks[i / 3 % 3],
                     ns[i / 9]};
    tsr_plan_options options = options_for(l.tokens);
    options.no_dense_fallback = 1;
    check_case(&l, densities[(i + i / 3) % 3], &options);
  }
}

/* A plan made without a current context belongs to the first device's primary one. */
Test(cuda_linear, needs_no_context) {
  static const float weights[] = {1, 2, 3, 4};
  tsr_linear layer = {.weight = {.rows = 2, .cols = 2, .stored = 4, .values = weights}};
  layer.weight.format = TSR_FORMAT_DENSE;
  layer.weight.dtype = TSR_DTYPE_F32;
  tsr_plan_options options = options_for(4);
  tsr_linear_plan *plan, *again;
  cr_assert_eq(tsr_linear_plan_create(&layer, &options, &plan), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(tsr_linear_plan_create(&layer, &options, &again), TSR_OK);
  tsr_linear_plan_destroy(plan);
  use_primary_context();
  static const float x[] = {1, 0, 0, 1};
  CUdeviceptr in = device_copy(x, sizeof x), out = device_room(sizeof x);
  size_t bytes = tsr_linear_plan_workspace_bytes(again);
  CUdeviceptr workspace = device_room(bytes);
  tsr_linear_io io = {.tokens = 2, .x = pointer_to(in), .ldx = 2, .y = pointer_to(out), .ldy = 2};
  cr_assert_eq(tsr_linear_execute(again, &io, pointer_to(workspace), bytes), TSR_OK);
  float y[4];
  device_read(y, out, sizeof y);
  cr_assert(y[0] == 1 && y[1] == 3 && y[2] == 2 && y[3] == 4);
  tsr_linear_plan_destroy(again);
}

/* ---- what cannot be done ---- */

static tsr_status plan_of(const float *weights, tsr_plan_options options) {
  tsr_linear layer = {.name = "the layer",
                      .weight = {.rows = 2, .cols = 2, .stored = 4, .values = weights}};
  layer.weight.format = TSR_FORMAT_DENSE;
  layer.weight.dtype = TSR_DTYPE_F32;
  tsr_linear_plan *plan;
  tsr_status status = tsr_linear_plan_create(&layer, &options, &plan);
  tsr_linear_plan_destroy(plan);
  return status;
}

Test(cuda_linear, a_weight_too_large_for_f16_is_named) {
  static const float large[] = {1, 70000, 3, 4}, infinite[] = {1, INFINITY, NAN, 4};
  cr_assert_eq(plan_of(large, options_for(4)), TSR_UNSUPPORTED);
  cr_assert(strstr(tsr_last_error(), "70000") && strstr(tsr_last_error(), "the layer"), "%s",
            tsr_last_error());
  cr_assert_eq(plan_of(infinite, options_for(4)), TSR_OK, "%s", tsr_last_error());
}

static const float ones[] = {1, 1, 1, 1};

Test(cuda_linear, a_missing_driver_is_named) {
  setenv("TESSERA_CUDA_DRIVER", "/nowhere/libcuda.so.1", 1);
  cr_assert_eq(plan_of(ones, options_for(4)), TSR_UNSUPPORTED_HARDWARE);
  cr_assert(strstr(tsr_last_error(), "/nowhere/libcuda.so.1"), "%s", tsr_last_error());
  tsr_hardware hardware;
  cr_assert_eq(tsr_hardware_detect(&hardware), TSR_OK);
  cr_assert_eq(tsr_hardware_detect_gpu(&hardware), TSR_OK);
  cr_assert_eq(hardware.isa[TSR_ISA_SM80], 0);
  cr_assert(strstr(hardware.missing[TSR_ISA_SM80], "no CUDA driver"));
}

Test(cuda_linear, a_library_that_is_no_driver_is_named) {
  setenv("TESSERA_CUDA_DRIVER", "libm.so.6", 1);
  cr_assert_eq(plan_of(ones, options_for(4)), TSR_UNSUPPORTED_HARDWARE);
  cr_assert(strstr(tsr_last_error(), "libm.so.6") && strstr(tsr_last_error(), "cuInit"), "%s",
            tsr_last_error());
}

Test(cuda_linear, an_old_gpu_is_named) {
  tsr_hardware hardware;
  cr_assert_eq(tsr_hardware_detect(&hardware), TSR_OK);
  strcpy(hardware.missing[TSR_ISA_SM80], "Forged T4 is sm_75");
  tsr_plan_options options = options_for(4);
  options.hardware = &hardware;
  cr_assert_eq(plan_of(ones, options), TSR_UNSUPPORTED_HARDWARE);
  cr_assert(strstr(tsr_last_error(), "needs a GPU of sm_80 or newer: Forged T4 is sm_75"), "%s",
            tsr_last_error());
}

Test(cuda_linear, a_cpu_kernel_cannot_be_forced) {
  tsr_plan_options options = options_for(4);
  options.force_kernel = "tsr_f32_dense_spmm_1x1__scalar";
  cr_assert_eq(plan_of(ones, options), TSR_NOT_FOUND);
  cr_assert(strstr(tsr_last_error(), "another backend"), "%s", tsr_last_error());
}

Test(cuda_hardware, the_gpu_is_found) {
  tsr_hardware hardware;
  cr_assert_eq(tsr_hardware_detect(&hardware), TSR_OK);
  cr_assert_eq(hardware.isa[TSR_ISA_SM80], 0);
  cr_assert_eq(tsr_hardware_detect_gpu(&hardware), TSR_OK);
  cr_assert_eq(hardware.isa[TSR_ISA_SM80], 1);
  char name[sizeof hardware.gpu];
  int sms;
  cr_assert_eq(cuInit(0), CUDA_SUCCESS);
  cr_assert_eq(cuDeviceGetName(name, sizeof name, 0), CUDA_SUCCESS);
  cr_assert_eq(cuDeviceGetAttribute(&sms, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 0),
               CUDA_SUCCESS);
  cr_assert_str_eq(hardware.gpu, name);
  cr_assert_eq(hardware.gpu_sms, sms);
  cr_assert_eq(tsr_hardware_detect_gpu(NULL), TSR_INVALID_ARGUMENT);
}
