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

/* moves_us: of the launches that the kernel's plan puts before it. Takes the launch's record. */
static void print_row(const options *o, const char *kernel, const sparsity *s, double moves_us,
                      json_t *launch) {
  if (!launch) return; /* the kernel does not run this */
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
}

static void run(const options *o, const tsr_cuda_spmm_kernel *kernel, const sparsity *s,
                double moves_us) {
  tsr_packed w = modelled_weights(s->format, s->pattern, s->density, o->m, o->k);
  print_row(o, kernel->name, s, moves_us, modelled_product(kernel, &w, o->n, o->splits));
  tsr_packed_release(&w);
}

/* The transposition of the activations, in microseconds. */
static double run_transpose(const options *o) {
  json_t *launch = modelled_transpose(o->k, o->n);
  double us = bound_us(launch);
  print_row(o, "tsr_b16_transpose__sm80", &(sparsity){.pattern = "activations", .density = 1.0}, 0,
            launch);
  return us;
}

static void run_all(const options *o) {
  const tsr_cuda_spmm_kernel *kernel;
  double transpose_us = 0;
  printf("modelled lower bounds: m %lld, k %lld, n %lld, %d parts of k\n", (long long)o->m,
         (long long)o->k, (long long)o->n, (int)o->splits);
  printf("%-40s %-15s zero regs  shared CTAs   grid  bound us limiter      of dense, with moves\n",
         "kernel", "pattern");
  for (size_t i = 0; (kernel = tsr__cuda_spmm_kernel_at(i)) != NULL; i++) {
    if (kernel->ops->convolution || (o->filter && !strstr(kernel->name, o->filter))) continue;
    if (kernel->ops->feature_major && transpose_us <= 0) transpose_us = run_transpose(o);
    for (size_t j = 0; j < sizeof sparsities / sizeof sparsities[0]; j++)
      if (sparsities[j].format == kernel->format)
        run(o, kernel, &sparsities[j], kernel->ops->feature_major ? transpose_us : 0);
  }
}

static int usage(void) {
  printf(
      "usage: cuda-bounds [M K N [SPLITS [KERNEL]]]\n"
      "Modelled lower bounds of the CUDA SpMM kernels from a sample of their CTAs on gpusim, and\n"
      "their ratio to the dense layer at the full rate of an A100's tensor cores: alone, and with\n"
      "the transposition that some need before them.\n"
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
  modelled_start(64);
  run_all(&o);
  return 0;
}
