/* The library's model of a launch, by which kernels are ranked, against what the simulator counts
 * while it executes that launch. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "kernels/cuda/work.h"
#include "tests/cuda/modelled_launch.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
enum { A100_SMS = 108 };

/* How far a term may lie from the simulator's: where the weights are counted, and where they are
 * taken to be random. Tensor-core instructions are counted exactly; the first step's loads of a
 * part of k, bank-by-bank rounding and the last step's empty columns are not in the library's
 * formulas; instructions are fitted. Expectations are of a sample of one. */
static const struct {
  const char *name; /* the simulator's */
  tsr_cuda_limit limit;
  double counted, expected;
} terms[] = {{"tensor", TSR_CUDA_LIMIT_TENSOR, 1e-6, 0.03},
             {"instructions", TSR_CUDA_LIMIT_INSTRUCTIONS, 0.2, 0.22},
             {"shared", TSR_CUDA_LIMIT_SHARED, 0.06, 0.08},
             {"l2", TSR_CUDA_LIMIT_L2, 0.06, 0.12},
             {"dram", TSR_CUDA_LIMIT_DRAM, 0.06, 0.08}};

static const struct {
  tsr_format format;
  const char *pattern;
  double density;
} weights[] = {
    {TSR_FORMAT_DENSE, "dense", 1},        {TSR_FORMAT_NM, "2:4", 1},
    {TSR_FORMAT_BCSR, "block:16x16", 0.9}, {TSR_FORMAT_BCSR, "block:16x16", 0.4},
    {TSR_FORMAT_BCSR, "block:64x64", 0.3}, {TSR_FORMAT_BCSR_NM, "block:32x32+2:4", 0.5},
    {TSR_FORMAT_VNM, "vnm:64:2:8", 1},     {TSR_FORMAT_VNM, "vnm:128:2:16", 1},
    {TSR_FORMAT_VNM, "vnm:32:2:8", 1},     {TSR_FORMAT_VNM, "vnm:32:2:16", 1},
};

static const struct {
  int64_t m, k, n;
  int32_t splits;
} shapes[] = {{512, 512, 320, 1}, {256, 1024, 256, 3}};

static void compare(const tsr_cuda_spmm_kernel *kernel, const tsr_spmm_problem *problem,
                    int32_t splits, const char *pattern, const json_t *launch) {
  const json_t *modelled = json_object_get(json_object_get(launch, "model"), "modelled_terms_us");
  double us[TSR_CUDA_LIMITS];
  tsr__cuda_spmm_limits_us(kernel, problem, splits, us);
  for (size_t i = 0; i < COUNT(terms); i++) {
    double simulated = json_number_value(json_object_get(modelled, terms[i].name));
    double limit = problem->weight ? terms[i].counted : terms[i].expected;
    cr_expect_leq(fabs(us[terms[i].limit] - simulated), limit * simulated,
                  "%s, %s%s, %d x %d, n %d: %s: %g us, the simulator %g", kernel->name, pattern,
                  problem->weight ? "" : " expected", (int)problem->m, (int)problem->k,
                  (int)problem->n, terms[i].name, us[terms[i].limit], simulated);
  }
}

/* Registers and stages leave a multiprocessor the CTAs that are planned for. */
static void check_occupancy(const tsr_cuda_spmm_kernel *kernel, const json_t *launch) {
  const json_t *found = json_object_get(json_object_get(launch, "model"), "occupancy");
  int by_registers = (int)json_integer_value(json_object_get(found, "by_registers"));
  int by_shared = (int)json_integer_value(json_object_get(found, "by_shared"));
  int planned = kernel->tile_n > 64 ? 1 : 2;
  if (kernel->stages == 1) return; /* no stages: it takes what it gets */
  cr_expect(by_shared >= planned && by_registers >= planned,
            "%s: %d CTAs by shared memory, %d by registers, not %d", kernel->name, by_shared,
            by_registers, planned);
}

static void check(const tsr_cuda_spmm_kernel *kernel, size_t weight, size_t shape) {
  const char *pattern = weights[weight].pattern;
  tsr_packed w = modelled_weights(kernel->format, pattern, weights[weight].density, shapes[shape].m,
                                  shapes[shape].k);
  int32_t splits = shapes[shape].splits;
  json_t *launch = modelled_product(kernel, &w, shapes[shape].n, splits, NULL);
  tsr_spmm_problem problem = {.format = kernel->format,
                              .pattern = tsr_packed_pattern(&w),
                              .m = w.rows,
                              .k = w.cols,
                              .n = shapes[shape].n,
                              .stored = w.stored,
                              .threads = A100_SMS,
                              .weight = &w};
  if (launch) {
    check_occupancy(kernel, launch);
    compare(kernel, &problem, splits, pattern, launch);
    problem.weight = NULL;
    compare(kernel, &problem, splits, pattern, launch);
  }
  json_decref(launch);
  tsr_packed_release(&w);
}

/* With padding, a stride, and parts of k. */
static const struct {
  tsr_conv_shape shape;
  int64_t m, images;
  int32_t splits;
} convs[] = {{{14, 14, 64, {3, 3}, {1, 1}, {1, 1}, {1, 1}}, 256, 8, 1},
             {{15, 15, 128, {3, 3}, {2, 2}, {1, 1}, {1, 1}}, 128, 10, 3}};

static void check_conv(const tsr_cuda_spmm_kernel *kernel, size_t weight, size_t conv) {
  const tsr_conv_shape *s = &convs[conv].shape;
  const char *pattern = weights[weight].pattern;
  int64_t n = convs[conv].images * tsr_conv_output_size(s, 0) * tsr_conv_output_size(s, 1);
  tsr_packed w = modelled_weights(kernel->format, pattern, weights[weight].density, convs[conv].m,
                                  s->kernel[0] * s->kernel[1] * s->channels);
  json_t *launch = modelled_product(kernel, &w, n, convs[conv].splits, s);
  tsr_spmm_problem problem = {.format = kernel->format,
                              .pattern = tsr_packed_pattern(&w),
                              .m = w.rows,
                              .k = w.cols,
                              .n = n,
                              .stored = w.stored,
                              .threads = A100_SMS,
                              .conv = *s,
                              .weight = &w};
  if (launch) {
    compare(kernel, &problem, convs[conv].splits, pattern, launch);
    problem.weight = NULL;
    compare(kernel, &problem, convs[conv].splits, pattern, launch);
  }
  json_decref(launch);
  tsr_packed_release(&w);
}

Test(cuda_bound, of_convolutions_agrees_with_the_simulators_counters) {
  const tsr_cuda_spmm_kernel *kernel;
  modelled_start(0);
  for (size_t i = 0; (kernel = tsr__cuda_spmm_kernel_at(i)) != NULL; i++)
    for (size_t w = 0; w < COUNT(weights); w++)
      for (size_t c = 0; c < COUNT(convs); c++)
        if (weights[w].format == kernel->format && kernel->dtype == TSR_DTYPE_F16 &&
            kernel->ops->convolution)
          check_conv(kernel, w, c);
}

Test(cuda_bound, agrees_with_the_simulators_counters) {
  const tsr_cuda_spmm_kernel *kernel;
  modelled_start(0);
  for (size_t i = 0; (kernel = tsr__cuda_spmm_kernel_at(i)) != NULL; i++)
    for (size_t w = 0; w < COUNT(weights); w++)
      for (size_t s = 0; s < COUNT(shapes); s++)
        if (weights[w].format == kernel->format && kernel->dtype == TSR_DTYPE_F16 &&
            !kernel->ops->convolution)
          check(kernel, w, s);
}
