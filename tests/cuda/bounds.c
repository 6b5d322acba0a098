/* Prints what the simulator's counters and model say of every CUDA SpMM kernel on one large layer.
 * Every time is a modelled lower bound, of an A100 unless GPUSIM_DEVICE says otherwise. */
#include <cuda.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/layer_launch.h"
#include "tests/gpusim/gpusim.h"
#include "tests/random.h"
#include "tests/structured.h"

typedef struct options {
  int64_t m, k, n;
  int32_t splits;
  const char *filter; /* part of a kernel's name; NULL = all */
} options;

/* density: share of kept units where the pattern leaves it free. */
typedef struct sparsity {
  tsr_format format;
  const char *pattern;
  double density;
} sparsity;

static const sparsity sparsities[] = {
    {TSR_FORMAT_DENSE, "dense", 1.0},      {TSR_FORMAT_NM, "2:4", 1.0},
    {TSR_FORMAT_BCSR, "block:16x16", 0.5}, {TSR_FORMAT_BCSR, "block:16x16", 0.25},
    {TSR_FORMAT_BCSR, "block:16x16", 0.1}, {TSR_FORMAT_BCSR, "block:32x32", 0.25},
    {TSR_FORMAT_BCSR, "block:32x32", 0.1}, {TSR_FORMAT_BCSR, "block:64x64", 0.25},
    {TSR_FORMAT_BCSR, "block:64x64", 0.1}, {TSR_FORMAT_BCSR_NM, "block:64x64+2:4", 0.5},
    {TSR_FORMAT_VNM, "vnm:64:2:8", 1.0},   {TSR_FORMAT_VNM, "vnm:64:2:16", 1.0},
    {TSR_FORMAT_VNM, "vnm:128:2:32", 1.0}, {TSR_FORMAT_VNM, "vnm:32:2:8", 1.0},
};

static void die(const char *call, CUresult result) {
  gpusim_fault fault;
  const char *name = "?";
  cuGetErrorName(result, &name);
  gpusim_last_fault(&fault);
  fprintf(stderr, "%s: %s: %s: %s\n", call, name, fault.kind, fault.detail);
  exit(1);
}

static void check(const char *call, CUresult result) {
  if (result != CUDA_SUCCESS) die(call, result);
}

static CUdeviceptr room(size_t bytes) {
  CUdeviceptr address;
  check("cuMemAlloc", cuMemAlloc(&address, bytes ? bytes : 1));
  check("cuMemsetD8", cuMemsetD8(address, 0, bytes));
  return address;
}

static void point(void *pointer, CUdeviceptr address) { memcpy(pointer, &address, sizeof address); }

/* Ones under a random mask: counters do not depend on values. */
static tsr_packed random_weights(const options *o, const sparsity *s) {
  tsr_pattern pattern;
  tsr_packed packed = {0};
  random_state random = random_seed(31);
  size_t count = (size_t)(o->m * o->k);
  uint8_t *mask = malloc(count);
  uint16_t *w = malloc(count * sizeof *w);
  if (!mask || !w || tsr_pattern_parse(s->pattern, &pattern) != TSR_OK) exit(1);
  structured_mask(&random, &pattern, s->density, o->m, o->k, mask);
  for (size_t i = 0; i < count; i++) w[i] = mask[i] ? 0x3c00 : 0;
  tsr_matrix dense = {w, TSR_DTYPE_F16, o->m, o->k, o->k};
  if (tsr_pack(&dense, s->format, &pattern, &packed) != TSR_OK) {
    fprintf(stderr, "%s\n", tsr_last_error());
    exit(1);
  }
  free(mask);
  free(w);
  return packed;
}

static double number(const json_t *object, const char *group, const char *key) {
  return json_number_value(json_object_get(json_object_get(object, group), key));
}

/* The dense layer's multiply-adds at the full rate of an A100's tensor cores in f16. */
static double dense_us(const options *o) {
  return (double)o->m * (double)o->k * (double)o->n / (1024.0 * 108 * 1410);
}

static void print_row(const options *o, const char *kernel, const sparsity *s, const char *text) {
  json_t *launch = json_loads(text, 0, NULL);
  const json_t *model = json_object_get(launch, "model");
  double us = json_number_value(json_object_get(model, "modelled_lower_bound_us"));
  printf("%-40s %-15s %4.0f %4.0f %7.0f %4.0f %6.0f %9.1f %-12s %6.3f\n", kernel, s->pattern,
         100 * (1 - s->density), number(model, "occupancy", "registers"),
         number(model, "occupancy", "shared_bytes"), number(model, "occupancy", "ctas_per_sm"),
         json_number_value(json_object_get(launch, "ctas")), us,
         json_string_value(json_object_get(model, "limiter")), us / dense_us(o));
  fflush(stdout);
  json_decref(launch);
}

/* Launches NAME of an image and waits. */
static void launch(const char *image, const char *name, tsr_cuda_launch l, void *args) {
  CUmodule module;
  CUfunction function;
  char path[1024];
  snprintf(path, sizeof path, TESSERA_IMAGES "/%s.fatbin", image);
  check(path, cuModuleLoad(&module, path));
  check(name, cuModuleGetFunction(&function, module, name));
  check("cuFuncSetAttribute",
        cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                           (int)l.shared_bytes));
  check(name, cuLaunchKernel(function, l.grid[0], l.grid[1], l.grid[2], l.threads, 1, 1,
                             l.shared_bytes, NULL, (void *[]){args}, NULL));
  check(name, cuCtxSynchronize());
  check("cuModuleUnload", cuModuleUnload(module));
}

static void print_last(const options *o, const char *kernel, const sparsity *s) {
  char *text = gpusim_last_launch_json();
  print_row(o, kernel, s, text);
  free(text);
}

static int64_t padded(int64_t size) { return (size + 7) / 8 * 8; }

/* What goes before the kernels that want activations feature by feature. */
static void run_transpose(const options *o) {
  static const char name[] = "tsr_b16_transpose__sm80";
  CUdeviceptr x = room((size_t)(o->n * padded(o->k)) * 2);
  CUdeviceptr y = room((size_t)(o->k * padded(o->n)) * 2);
  tsr_cuda_transpose_args args = {.ldx = padded(o->k),
                                  .ldy = padded(o->n),
                                  .n = (int32_t)o->n,
                                  .width = (int32_t)o->k,
                                  .padded = (int32_t)padded(o->n)};
  point(&args.x, x);
  point(&args.y, y);
  launch("convert", name, tsr__cuda_transpose_launch(&args), &args);
  print_last(o, name, &(sparsity){.pattern = "activations", .density = 1.0});
  check("cuMemFree", cuMemFree(x));
  check("cuMemFree", cuMemFree(y));
}

static int runs(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w) {
  tsr_spmm_problem problem = {.format = kernel->format, .pattern = tsr_packed_pattern(w)};
  return !kernel->ops->refusal(kernel, &problem);
}

static void run_packed(const options *o, const tsr_cuda_spmm_kernel *kernel, const sparsity *s,
                       const tsr_packed *w) {
  size_t bytes = kernel->ops->prepacked_bytes(kernel, w);
  void *image = aligned_alloc(16, (bytes + 15) / 16 * 16);
  if (!image) exit(1);
  kernel->ops->prepack(kernel, w, image);
  CUdeviceptr weights = room(bytes), b = room((size_t)(padded(o->n) * padded(o->k)) * 2);
  CUdeviceptr c = room((size_t)(o->n * o->m) * 2);
  CUdeviceptr partial = room((size_t)(o->splits * o->n * o->m) * 4);
  check("cuMemcpyHtoD", cuMemcpyHtoD(weights, image, bytes));
  tsr_cuda_spmm_args args = {.ldb = padded(kernel->ops->feature_major ? o->n : o->k),
                             .ldc = o->m,
                             .n = (int32_t)o->n,
                             .splits = o->splits};
  const void *base;
  tsr_cuda_launch l;
  char name[64];
  point(&base, weights);
  kernel->ops->bind(kernel, w, base, &args);
  point(&args.b, b);
  point(&args.c, c);
  if (o->splits > 1) point(&args.partial, partial);
  tsr__cuda_spmm_launch(kernel, &args, &l);
  snprintf(name, sizeof name, "spmm_%s", tsr_format_name(kernel->format));
  launch(name, kernel->name, l, &args);
  print_last(o, kernel->name, s);
  const CUdeviceptr all[] = {weights, b, c, partial};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) check("cuMemFree", cuMemFree(all[i]));
  free(image);
}

static void run(const options *o, const tsr_cuda_spmm_kernel *kernel, const sparsity *s) {
  tsr_packed w = random_weights(o, s);
  if (runs(kernel, &w)) run_packed(o, kernel, s, &w);
  tsr_packed_release(&w);
}

static void run_all(const options *o) {
  const tsr_cuda_spmm_kernel *kernel;
  int transposed = 0;
  printf("modelled lower bounds: m %lld, k %lld, n %lld, %d parts of k\n", (long long)o->m,
         (long long)o->k, (long long)o->n, (int)o->splits);
  printf("%-40s %-15s zero regs  shared CTAs   grid  bound us limiter      of dense\n", "kernel",
         "pattern");
  for (size_t i = 0; (kernel = tsr__cuda_spmm_kernel_at(i)) != NULL; i++) {
    if (o->filter && !strstr(kernel->name, o->filter)) continue;
    for (size_t j = 0; j < sizeof sparsities / sizeof sparsities[0]; j++)
      if (sparsities[j].format == kernel->format) run(o, kernel, &sparsities[j]);
    transposed |= kernel->ops->feature_major;
  }
  if (transposed) run_transpose(o);
}

static void start(void) {
  gpusim_config config;
  CUdevice device;
  CUcontext context;
  check("cuInit", cuInit(0));
  gpusim_get_config(&config);
  config.checks = GPUSIM_CHECKS_NONE;
  if (!config.sample) config.sample = 64;
  gpusim_configure(&config);
  check("cuDeviceGet", cuDeviceGet(&device, 0));
  check("cuDevicePrimaryCtxRetain", cuDevicePrimaryCtxRetain(&context, device));
  check("cuCtxSetCurrent", cuCtxSetCurrent(context));
}

static int usage(void) {
  printf(
      "usage: cuda-bounds [M K N [SPLITS [KERNEL]]]\n"
      "Modelled lower bounds of the CUDA SpMM kernels from a sample of their CTAs on gpusim, and\n"
      "their ratio to the dense layer at the full rate of an A100's tensor cores.\n"
      "  M K N   the layer, 4096 4096 4096 unless given\n"
      "  SPLITS  parts that k is cut into\n"
      "  KERNEL  only kernels whose name has this part\n"
      "GPUSIM_SAMPLE names another number of CTAs than 64.\n"
      "example: cuda-bounds 768 768 128 4 f16_bcsr\n");
  return 2;
}

int main(int argc, char **argv) {
  options o = {4096, 4096, 4096, 1, "tsr_f16"};
  if (argc != 1 && argc < 4) return usage();
  if (argc >= 4) {
    o.m = strtoll(argv[1], NULL, 10);
    o.k = strtoll(argv[2], NULL, 10);
    o.n = strtoll(argv[3], NULL, 10);
  }
  if (argc >= 5) o.splits = (int32_t)strtol(argv[4], NULL, 10);
  if (argc >= 6) o.filter = argv[5];
  if (o.m < 1 || o.k < 1 || o.n < 1 || o.m > 65536 || o.k > 65536 || o.n > 65536 || o.splits < 1)
    return usage();
  start();
  run_all(&o);
  return 0;
}
