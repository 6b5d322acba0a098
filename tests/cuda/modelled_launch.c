#include "tests/cuda/modelled_launch.h"

#include <cuda.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/layer_launch.h"
#include "tests/gpusim/gpusim.h"
#include "tests/random.h"
#include "tests/structured.h"

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

void modelled_start(unsigned sample) {
  gpusim_config config;
  CUdevice device;
  CUcontext context;
  check("cuInit", cuInit(0));
  gpusim_get_config(&config);
  config.checks = GPUSIM_CHECKS_NONE;
  if (!config.sample) config.sample = sample;
  gpusim_configure(&config);
  check("cuDeviceGet", cuDeviceGet(&device, 0));
  check("cuDevicePrimaryCtxRetain", cuDevicePrimaryCtxRetain(&context, device));
  check("cuCtxSetCurrent", cuCtxSetCurrent(context));
}

tsr_packed modelled_weights(tsr_format format, const char *name, double density, int64_t m,
                            int64_t k) {
  tsr_pattern pattern;
  tsr_packed packed = {0};
  random_state random = random_seed(31);
  size_t count = (size_t)(m * k);
  uint8_t *mask = malloc(count + 1);
  uint16_t *w = malloc(count * sizeof *w + 1);
  if (!mask || !w || tsr_pattern_parse(name, &pattern) != TSR_OK) exit(1);
  structured_mask(&random, &pattern, density, m, k, mask);
  for (size_t i = 0; i < count; i++) w[i] = mask[i] ? 0x3c00 : 0;
  tsr_matrix dense = {w, TSR_DTYPE_F16, m, k, k};
  if (tsr_pack(&dense, format, &pattern, &packed) != TSR_OK) {
    fprintf(stderr, "%s\n", tsr_last_error());
    exit(1);
  }
  free(mask);
  free(w);
  return packed;
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

static json_t *last_launch(void) {
  char *text = gpusim_last_launch_json();
  json_t *json = json_loads(text, 0, NULL);
  free(text);
  return json;
}

static int64_t padded(int64_t size) { return (size + 7) / 8 * 8; }

/* NAME of convert.cu. DRAM traffic is that of the CTAs which are executed, and here it bounds: so
 * all of them are. */
static json_t *modelled_move(const char *name, tsr_cuda_launch l, void *args) {
  gpusim_config config, all;
  gpusim_get_config(&config);
  all = config;
  all.sample = 0;
  gpusim_configure(&all);
  launch("convert", name, l, args);
  gpusim_configure(&config);
  return last_launch();
}

json_t *modelled_transpose(int64_t k, int64_t n) {
  CUdeviceptr x = room((size_t)(n * padded(k)) * 2), y = room((size_t)(k * padded(n)) * 2);
  tsr_cuda_transpose_args args = {.ldx = padded(k),
                                  .ldy = padded(n),
                                  .n = (int32_t)n,
                                  .width = (int32_t)k,
                                  .padded = (int32_t)padded(n)};
  point(&args.x, x);
  point(&args.y, y);
  json_t *json = modelled_move("tsr_b16_transpose__sm80", tsr__cuda_transpose_launch(&args), &args);
  check("cuMemFree", cuMemFree(x));
  check("cuMemFree", cuMemFree(y));
  return json;
}

static size_t folded_bytes(const tsr_cuda_conv *conv, int64_t n) {
  return (size_t)tsr__cuda_fold_chunks(conv, n / conv->out_pixels) * 16;
}

json_t *modelled_fold(const tsr_conv_shape *conv, int64_t n) {
  tsr_cuda_fold_args args = {
      .ldx = padded(conv->channels), .conv = tsr__cuda_conv_of(conv), .n = (int32_t)n};
  int64_t images = n / args.conv.out_pixels;
  args.fold = tsr__cuda_fold_of(&args.conv, images);
  CUdeviceptr x = room((size_t)(images * conv->height * conv->width * args.ldx) * 2);
  CUdeviceptr y = room(folded_bytes(&args.conv, n));
  point(&args.x, x);
  point(&args.y, y);
  json_t *json = modelled_move("tsr_b16_fold__sm80", tsr__cuda_fold_launch(&args), &args);
  check("cuMemFree", cuMemFree(x));
  check("cuMemFree", cuMemFree(y));
  return json;
}

static int runs(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w,
                const tsr_conv_shape *conv) {
  tsr_spmm_problem problem = {.format = kernel->format, .pattern = tsr_packed_pattern(w)};
  if (conv) problem.conv = *conv;
  return !kernel->ops->refusal(kernel, &problem);
}

static size_t activation_bytes(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, int64_t n,
                               const tsr_conv_shape *conv) {
  if (!conv || !kernel->ops->feature_major) return (size_t)(padded(n) * padded(w->cols)) * 2;
  tsr_cuda_conv c = tsr__cuda_conv_of(conv);
  return folded_bytes(&c, n);
}

json_t *modelled_product(const tsr_cuda_spmm_kernel *kernel, const tsr_packed *w, int64_t n,
                         int32_t splits, const tsr_conv_shape *conv) {
  if (!runs(kernel, w, conv)) return NULL;
  size_t bytes = kernel->ops->prepacked_bytes(kernel, w);
  void *image = aligned_alloc(16, (bytes + 31) / 16 * 16);
  if (!image) exit(1);
  kernel->ops->prepack(kernel, w, image);
  CUdeviceptr weights = room(bytes), b = room(activation_bytes(kernel, w, n, conv));
  CUdeviceptr c = room((size_t)(n * w->rows) * 2);
  CUdeviceptr partial = room((size_t)(splits * n * w->rows) * 4);
  check("cuMemcpyHtoD", cuMemcpyHtoD(weights, image, bytes));
  int64_t row = conv ? conv->channels : kernel->ops->feature_major ? n : w->cols;
  tsr_cuda_spmm_args args = {.ldb = padded(row), .ldc = w->rows, .n = (int32_t)n, .splits = splits};
  const void *base;
  tsr_cuda_launch l;
  char name[64];
  point(&base, weights);
  kernel->ops->bind(kernel, w, base, &args);
  point(&args.b, b);
  point(&args.c, c);
  if (splits > 1) point(&args.partial, partial);
  if (conv) args.conv = tsr__cuda_conv_of(conv);
  if (conv && kernel->ops->feature_major)
    args.fold = tsr__cuda_fold_of(&args.conv, n / args.conv.out_pixels);
  tsr__cuda_spmm_launch(kernel, &args, &l);
  snprintf(name, sizeof name, "%s_%s", conv ? "conv" : "spmm", tsr_format_name(kernel->format));
  launch(name, kernel->name, l, &args);
  const CUdeviceptr all[] = {weights, b, c, partial};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) check("cuMemFree", cuMemFree(all[i]));
  free(image);
  return last_launch();
}
