/* Prints what the simulator's counters and model say of every CUDA SpMM kernel on one large layer.
 * Every time is a modelled lower bound, of an A100 unless GPUSIM_DEVICE says otherwise. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cuda/modelled_launch.h"

typedef struct options {
  int64_t m, k, n;
  int32_t splits;
  const char *filter;         /* part of a kernel's name; NULL = all */
  const tsr_conv_shape *conv; /* NULL: tokens */
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

static double number(const json_t *object, const char *group, const char *key) {
  return json_number_value(json_object_get(json_object_get(object, group), key));
}

/* The dense layer's multiply-adds at the full rate of an A100's tensor cores in f16. */
static double dense_us(const options *o) {
  return (double)o->m * (double)o->k * (double)o->n / (1024.0 * 108 * 1410);
}

static double bound_us(const json_t *launch) {
  return json_number_value(
      json_object_get(json_object_get(launch, "model"), "modelled_lower_bound_us"));
}

/* moves_us: of the launches that the kernel's plan puts before it. Takes the launch's record; all
 * that it takes in microseconds, 0 if the kernel does not run this. */
static double print_row(const options *o, const char *kernel, const sparsity *s, double moves_us,
                        json_t *launch) {
  if (!launch) return 0;
  const json_t *model = json_object_get(launch, "model");
  double us = bound_us(launch);
  printf("%-40s %-15s %4.0f %4.0f %7.0f %4.0f %6.0f %9.1f %-12s %6.3f %6.3f\n", kernel, s->pattern,
         100 * (1 - s->density), number(model, "occupancy", "registers"),
         number(model, "occupancy", "shared_bytes"), number(model, "occupancy", "ctas_per_sm"),
         json_number_value(json_object_get(launch, "ctas")), us,
         json_string_value(json_object_get(model, "limiter")), us / dense_us(o),
         (us + moves_us) / dense_us(o));
  fflush(stdout);
  json_decref(launch);
  return us + moves_us;
}

static double run(const options *o, const tsr_cuda_spmm_kernel *kernel, const sparsity *s,
                  double moves_us) {
  tsr_packed w = modelled_weights(s->format, s->pattern, s->density, o->m, o->k);
  json_t *launch = modelled_product(kernel, &w, o->n, o->splits, o->conv);
  double us = print_row(o, kernel->name, s, moves_us, launch);
  tsr_packed_release(&w);
  return us;
}

/* The transposition of the activations, or their folding, in microseconds. */
static double run_move(const options *o) {
  json_t *launch = o->conv ? modelled_fold(o->conv, o->n) : modelled_transpose(o->k, o->n);
  double us = bound_us(launch);
  print_row(o, o->conv ? "tsr_b16_fold__sm80" : "tsr_b16_transpose__sm80",
            &(sparsity){.pattern = "activations", .density = 1.0}, 0, launch);
  return us;
}

enum { SPARSITIES = sizeof sparsities / sizeof sparsities[0] };

/* least: of each sparsity, what the fastest kernel takes; 0 = none runs it. */
static void run_kernels(const options *o, double least[SPARSITIES]) {
  const tsr_cuda_spmm_kernel *kernel;
  double move_us = 0;
  printf("%-40s %-15s zero regs  shared CTAs   grid  bound us limiter      of dense, with moves\n",
         "kernel", "pattern");
  for (size_t i = 0; (kernel = tsr__cuda_spmm_kernel_at(i)) != NULL; i++) {
    if (kernel->ops->convolution != (o->conv != NULL)) continue;
    if (o->filter && !strstr(kernel->name, o->filter)) continue;
    if (kernel->ops->feature_major && move_us <= 0) move_us = run_move(o);
    for (size_t j = 0; j < SPARSITIES; j++) {
      if (sparsities[j].format != kernel->format) continue;
      double us = run(o, kernel, &sparsities[j], kernel->ops->feature_major ? move_us : 0);
      if (us > 0 && (least[j] <= 0 || us < least[j])) least[j] = us;
    }
  }
}

static void run_all(const options *o) {
  double least[SPARSITIES] = {0};
  printf("modelled lower bounds: m %lld, k %lld, n %lld, %d parts of k\n", (long long)o->m,
         (long long)o->k, (long long)o->n, (int)o->splits);
  run_kernels(o, least);
}

/* ResNet-50's convolution of 256 channels of 14 x 14, 32 images. */
static void run_conv(const options *all) {
  static const tsr_conv_shape shape = {14, 14, 256, {3, 3}, {1, 1}, {1, 1}, {1, 1}};
  options o = {256, 9 * 256, 32 * 14 * 14, 1, all->filter, &shape};
  double least[SPARSITIES] = {0};
  printf("modelled lower bounds: 3x3 convolution, 256 filters, 32 images of 14x14x256\n");
  run_kernels(&o, least);
  for (size_t j = 0; j < SPARSITIES; j++)
    if (least[0] > 0 && least[j] > 0)
      printf("of the dense kernel's convolution: %s at %.0f %%: %.3f\n", sparsities[j].pattern,
             100 * (1 - sparsities[j].density), least[j] / least[0]);
}

static int usage(void) {
  printf(
      "usage: cuda-bounds [M K N [SPLITS [KERNEL]]]\n"
      "       cuda-bounds conv\n"
      "Modelled lower bounds of the CUDA SpMM kernels from a sample of their CTAs on gpusim, and\n"
      "their ratio to the dense layer at the full rate of an A100's tensor cores: alone, and with\n"
      "the transposition that some need before them.\n"
      "  M K N   the layer; unless it is given, 4096 4096 4096, and a convolution\n"
      "  conv    the convolution alone\n"
      "  SPLITS  parts that k is cut into\n"
      "  KERNEL  only kernels whose name has this part\n"
      "GPUSIM_SAMPLE names another number of CTAs than 64.\n"
      "example: cuda-bounds 768 768 128 4 f16_bcsr\n");
  return 2;
}

int main(int argc, char **argv) {
  options o = {4096, 4096, 4096, 1, "tsr_f16", NULL};
  int conv = argc == 2 && strcmp(argv[1], "conv") == 0;
  if (argc != 1 && argc < 4 && !conv) return usage();
  if (argc >= 4) {
    o.m = strtoll(argv[1], NULL, 10);
    o.k = strtoll(argv[2], NULL, 10);
    o.n = strtoll(argv[3], NULL, 10);
  }
  if (argc >= 5) o.splits = (int32_t)strtol(argv[4], NULL, 10);
  if (argc >= 6) o.filter = argv[5];
  if (o.m < 1 || o.k < 1 || o.n < 1 || o.m > 65536 || o.k > 65536 || o.n > 65536 || o.splits < 1)
    return usage();
  modelled_start(64);
  if (!conv) run_all(&o);
  if (argc < 4) run_conv(&o);
  return 0;
}
