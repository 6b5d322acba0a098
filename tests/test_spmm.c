/* Every kernel of the registry that this machine can run, against the naive reference. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/compare.h"
#include "tests/spmm_case.h"

/* Patterns that each format is tested with. */
static const struct {
  tsr_format format;
  const char *pattern;
} structures[] = {
    {TSR_FORMAT_DENSE, "dense"},
    {TSR_FORMAT_COMPACT, "row"},
    {TSR_FORMAT_COMPACT, "column"},
    {TSR_FORMAT_CSR, "irregular"},
    {TSR_FORMAT_NM, "2:4"},
    {TSR_FORMAT_NM, "1:4"},
    {TSR_FORMAT_NM, "2:8"},
    {TSR_FORMAT_NM, "4:8"},
    {TSR_FORMAT_NM, "1:2"},
    {TSR_FORMAT_NM, "3:5"},
    {TSR_FORMAT_BCSR, "block:1x1"},
    {TSR_FORMAT_BCSR, "block:3x5"},
    {TSR_FORMAT_BCSR, "block:4x4"},
    {TSR_FORMAT_BCSR, "block:8x8"},
    {TSR_FORMAT_BCSR, "block:16x1"},
    {TSR_FORMAT_BCSR, "block:1x16"},
    {TSR_FORMAT_BCSR, "block:16x16"},
    {TSR_FORMAT_BCSR, "block:48x16"},
    {TSR_FORMAT_BCSR, "block:32x32"},
    {TSR_FORMAT_BCSR, "block:64x64"},
    {TSR_FORMAT_BCSR, "block:128x128"},
    {TSR_FORMAT_VNM, "vnm:1:2:4"},
    {TSR_FORMAT_VNM, "vnm:16:2:4"},
    {TSR_FORMAT_VNM, "vnm:64:2:8"},
    {TSR_FORMAT_VNM, "vnm:64:2:16"},
    {TSR_FORMAT_VNM, "vnm:128:2:32"},
    {TSR_FORMAT_BCSR_NM, "block:16x16+2:4"},
    {TSR_FORMAT_BCSR_NM, "block:32x32+2:4"},
    {TSR_FORMAT_BCSR_NM, "block:16x16+1:4"},
    {TSR_FORMAT_BCSR_NM, "block:4x8+2:8"},
    {TSR_FORMAT_BCSR_NM, "block:5x6+2:4"},
};
enum { STRUCTURES = sizeof structures / sizeof structures[0] };

static const uint32_t guard_bits = 0xc640e400; /* -12345.0 */

/* An output matrix surrounded by guard values: before, between rows and after. */
typedef struct output {
  float *memory, *c;
  int64_t ldc, count;
} output;

enum { GUARD = 17 }; /* odd, so that c is aligned to a float only */

static output output_create(int64_t tokens, int64_t m, int64_t pad) {
  output o = {.ldc = m + pad, .count = tokens * (m + pad) + 2 * GUARD};
  o.memory = malloc((size_t)o.count * sizeof(float));
  cr_assert(o.memory);
  for (int64_t i = 0; i < o.count; i++) memcpy(o.memory + i, &guard_bits, sizeof guard_bits);
  o.c = o.memory + GUARD;
  return o;
}

static int guards_intact(const output *o, int64_t tokens, int64_t m) {
  for (int64_t i = 0; i < o->count; i++) {
    int64_t at = i - GUARD;
    int inside = m && at >= 0 && at < tokens * o->ldc && at % o->ldc < m;
    if (!inside && memcmp(o->memory + i, &guard_bits, sizeof guard_bits) != 0) return 0;
  }
  return 1;
}

/* Junk, so that what a kernel does not write itself shows. */
static void *junk(size_t bytes) {
  size_t rounded = (bytes + 63) / 64 * 64;
  void *memory = aligned_alloc(64, rounded ? rounded : 64);
  cr_assert(memory);
  memset(memory, 0xff, rounded);
  return memory;
}

static void *prepack(const tsr_spmm_kernel *kernel, const spmm_case *c) {
  void *weights = junk(kernel->ops->prepacked_bytes(&c->packed));
  kernel->ops->prepack(&c->packed, weights);
  return weights;
}

/* Runs all parts, the last one first, each with a workspace of its own. */
static void run_parts(const tsr_spmm_kernel *kernel, const tsr_spmm_args *shared, int parts,
                      size_t workspace_bytes) {
  for (int part = parts - 1; part >= 0; part--) {
    tsr_spmm_args args = *shared;
    args.workspace = junk(workspace_bytes);
    kernel->ops->run(&args, part, parts);
    free(args.workspace);
  }
}

static void check_run(const tsr_spmm_kernel *kernel, const spmm_case *c, const void *weights,
                      spmm_variant v, int64_t tokens, int parts, int64_t pad) {
  output o = output_create(tokens, c->m, pad);
  if (v.residual == RESIDUAL_IN_PLACE)
    for (int64_t t = 0; t < tokens; t++)
      memcpy(o.c + t * o.ldc, c->residual + t * c->ldr, (size_t)c->m * sizeof(float));
  tsr_spmm_args args = {.weights = weights,
                        .m = c->m,
                        .k = c->k,
                        .n = tokens,
                        .b = c->x,
                        .ldb = c->ldx,
                        .c = o.c,
                        .ldc = o.ldc,
                        .bias = v.bias ? c->bias : NULL,
                        .residual_first = v.residual_first,
                        .activation = v.activation};
  if (v.residual) args.residual = v.residual == RESIDUAL_IN_PLACE ? o.c : c->residual;
  args.ldr = v.residual == RESIDUAL_IN_PLACE ? o.ldc : c->ldr;
  tsr_spmm_problem problem = spmm_case_problem(c, tokens, parts);
  run_parts(kernel, &args, parts, kernel->ops->workspace_bytes(&problem));

  char text[TSR_PATTERN_TEXT_MAX], what[240];
  tsr_pattern_text(&problem.pattern, text);
  snprintf(what, sizeof what, "%s %s m=%d k=%d n=%d parts=%d act=%d bias=%d residual=%d",
           kernel->name, text, (int)c->m, (int)c->k, (int)tokens, parts, (int)v.activation, v.bias,
           (int)v.residual);
  double *expected = malloc((size_t)(tokens * c->m) * sizeof *expected + 1);
  spmm_case_expected(c, v, tokens, expected);
  cr_assert(tsr_test_close(what, expected, o.c, tokens, c->m, o.ldc, spmm_case_tolerance(c)));
  cr_assert(guards_intact(&o, tokens, c->m), "%s wrote outside its output", what);
  free(expected);
  free(o.memory);
}

static int can_run(const tsr_spmm_kernel *kernel, const tsr_spmm_problem *problem) {
  tsr_hardware hardware;
  cr_assert_eq(tsr_hardware_detect(&hardware), TSR_OK);
  return tsr_spmm_kernel_refusal(kernel, problem, &hardware) == NULL;
}

/* Rows and columns of one unit of the structure, the least size where nothing is padded. */
static void unit_of(const tsr_pattern *p, int64_t *rows, int64_t *cols) {
  *rows = p->block_rows ? p->block_rows : p->v ? p->v : 1;
  *cols = p->block_cols ? p->block_cols : p->m ? p->m : 16;
}

static spmm_case make(random_state *random, int structure, double density, int64_t m, int64_t k,
                      int64_t tokens, int64_t pad) {
  tsr_pattern p;
  cr_assert_eq(tsr_pattern_parse(structures[structure].pattern, &p), TSR_OK);
  return spmm_case_create(random, structures[structure].format, &p, density, m, k, tokens, pad);
}

/* Emulated CPUs are slow: there TESSERA_TEST_QUICK asks for every third of the runs. */
static int stride(void) { return getenv("TESSERA_TEST_QUICK") ? 3 : 1; }

/* All sizes around the unit and the tile, each with a few token counts, parts and epilogues. */
static void check_sizes(const tsr_spmm_kernel *kernel, int structure, random_state *random) {
  tsr_pattern p;
  int64_t um, uk;
  cr_assert_eq(tsr_pattern_parse(structures[structure].pattern, &p), TSR_OK);
  unit_of(&p, &um, &uk);
  const int64_t tm = kernel->tile_m, tn = kernel->tile_n;
  const int64_t ms[] = {0, 1, um - 1, um, um + 1, tm - 1, tm, tm + 1, um + tm + 3};
  const int64_t ks[] = {0, 1, uk - 1, uk, uk + 1, 2 * uk + 3};
  const int64_t ns[] = {0, 1, 2, 7, 15, 16, 17, 33, tn - 1, tn, tn + 1};
  int count = 0;
  for (size_t i = 0; i < sizeof ms / sizeof ms[0]; i++)
    for (size_t j = 0; j < sizeof ks / sizeof ks[0]; j++) {
      int64_t pad = (int64_t)((i + j) % 3);
      spmm_case c = make(random, structure, 0.5, ms[i], ks[j], SPMM_TOKENS_MAX, pad);
      void *weights = prepack(kernel, &c);
      for (int r = 0; r < 4; r += stride(), count++)
        check_run(kernel, &c, weights, spmm_variant_at(count * 5 % SPMM_VARIANTS),
                  ns[(size_t)count % (sizeof ns / sizeof ns[0])], count % 3 + 1, pad);
      free(weights);
      spmm_case_destroy(&c);
    }
}

/* A matrix of several units: empty, with empty rows, half full and full; all token counts. */
static void check_densities(const tsr_spmm_kernel *kernel, int structure, random_state *random) {
  static const int64_t ns[] = {0, 1, 2, 3, 7, 15, 16, 17, 33, 100};
  static const double densities[] = {0.0, 0.08, 0.5, 1.0};
  tsr_pattern p;
  int64_t um, uk;
  cr_assert_eq(tsr_pattern_parse(structures[structure].pattern, &p), TSR_OK);
  unit_of(&p, &um, &uk);
  int64_t m = (um < 32 ? 3 * um : um) + kernel->tile_m + 3, k = uk < 32 ? 5 * uk + 3 : 2 * uk + 3;
  int count = 0;
  for (int d = 0; d < 4; d++) {
    spmm_case c = make(random, structure, densities[d], m, k, SPMM_TOKENS_MAX, d % 2 * 5);
    void *weights = prepack(kernel, &c);
    for (size_t i = 0; i < sizeof ns / sizeof ns[0]; i += (size_t)stride(), count++)
      check_run(kernel, &c, weights, spmm_variant_at((count * 7 + d) % SPMM_VARIANTS), ns[i],
                count % 3 + 1, d % 2 * 3);
    free(weights);
    spmm_case_destroy(&c);
  }
}

/* NaN and infinities in weights and activations arrive where they are stored, and only there. GELU
 * is left out: of -infinity its formula gives NaN, its limit 0. Groups that are cut short at the
 * edge are left out too: what fills them up is a stored zero, and 0 x infinity is NaN. */
static void check_non_finite(const tsr_spmm_kernel *kernel, int structure, random_state *random) {
  tsr_pattern p;
  int64_t um, uk;
  cr_assert_eq(tsr_pattern_parse(structures[structure].pattern, &p), TSR_OK);
  unit_of(&p, &um, &uk);
  spmm_case c = make(random, structure, 0.6, 2 * um, 3 * uk, SPMM_TOKENS_MAX, 1);
  c.x[1 * c.ldx + 0] = NAN;
  c.x[2 * c.ldx + (c.k > 1)] = INFINITY;
  c.x[3 * c.ldx + c.k - 1] = -INFINITY;
  static const float bad[] = {NAN, INFINITY, -INFINITY};
  for (int64_t i = 0, put = 0; i < c.m * c.k && put < 3; i += 1 + c.k / 4)
    if (c.stored[i]) c.w[i] = bad[put++];
  spmm_case_refresh(&c, &p);
  void *weights = prepack(kernel, &c);
  for (int i = 0; i < SPMM_VARIANTS; i++) {
    spmm_variant v = spmm_variant_at(i);
    if (v.activation != TSR_ACTIVATION_GELU) check_run(kernel, &c, weights, v, 7, i % 2 + 1, 2);
  }
  free(weights);
  spmm_case_destroy(&c);
}

/* More rows, columns and tokens than any kernel holds at once: row blocks of 768, chunks of 128,
 * 64 panels of 14 tokens, 640 KiB of weights, a group of packed panels; and few tokens, so that
 * parts begin within a row block. */
static void check_blocking(const tsr_spmm_kernel *kernel, int structure, random_state *random) {
  if (kernel->isa == TSR_ISA_SCALAR) return;
  static const struct {
    int64_t m, k, tokens;
  } sizes[] = {{800, 500, 75}, {40, 20, 910}, {900, 140, 5}};
  for (int i = 0; i < 3; i++) {
    spmm_case c = make(random, structure, 0.5, sizes[i].m, sizes[i].k, sizes[i].tokens, 1);
    void *weights = prepack(kernel, &c);
    for (int parts = 1; parts <= 2 + i / 2; parts++)
      check_run(kernel, &c, weights, spmm_variant_at(7 * parts + i), sizes[i].tokens, parts, 1);
    free(weights);
    spmm_case_destroy(&c);
  }
}

typedef void check_kernel(const tsr_spmm_kernel *kernel, int structure, random_state *random);

/* How many structures of its format the kernel ran the check on. */
static int check_structures(size_t index, check_kernel *check) {
  const tsr_spmm_kernel *kernel = tsr_spmm_kernel_at(index);
  int runs = 0;
  for (int s = 0; s < STRUCTURES; s++) {
    if (structures[s].format != kernel->format) continue;
    random_state random = random_seed(index * 100 + (uint64_t)s);
    tsr_spmm_problem problem = {.format = kernel->format, .m = 96, .k = 96, .n = 33, .threads = 1};
    cr_assert_eq(tsr_pattern_parse(structures[s].pattern, &problem.pattern), TSR_OK);
    if (!can_run(kernel, &problem)) continue;
    check(kernel, s, &random);
    runs++;
  }
  return runs;
}

/* Runs a check on every kernel of a format whose instructions this machine has. */
static void for_each(tsr_format format, check_kernel *check) {
  tsr_hardware hardware;
  cr_assert_eq(tsr_hardware_detect(&hardware), TSR_OK);
  const tsr_spmm_kernel *kernel;
  for (size_t i = 0; (kernel = tsr_spmm_kernel_at(i)) != NULL; i++)
    if (kernel->format == format && hardware.isa[kernel->isa])
      cr_assert_gt(check_structures(i, check), 0, "%s refuses every structure", kernel->name);
}

#define FORMAT_TESTS(FORMAT, name)                                               \
  Test(spmm_sizes, name) { for_each(TSR_FORMAT_##FORMAT, check_sizes); }         \
  Test(spmm_densities, name) { for_each(TSR_FORMAT_##FORMAT, check_densities); } \
  Test(spmm_blocking, name) { for_each(TSR_FORMAT_##FORMAT, check_blocking); }   \
  Test(spmm_non_finite, name) { for_each(TSR_FORMAT_##FORMAT, check_non_finite); }

FORMAT_TESTS(DENSE, dense)
FORMAT_TESTS(COMPACT, compact)
FORMAT_TESTS(CSR, csr)
FORMAT_TESTS(NM, nm)
FORMAT_TESTS(BCSR, bcsr)
FORMAT_TESTS(VNM, vnm)
FORMAT_TESTS(BCSR_NM, bcsr_nm)

/* Weights of more than 8 MiB, which are not read once for every panel of packed tokens. */
Test(spmm_blocking, many_weights) {
  random_state random = random_seed(10);
  spmm_case c = spmm_case_create(
      &random, TSR_FORMAT_BCSR,
      &(tsr_pattern){.kind = TSR_PATTERN_BLOCK, .block_rows = 16, .block_cols = 16}, 1, 1500, 1500,
      40, 0);
  tsr_spmm_problem problem = spmm_case_problem(&c, 40, 1);
  const tsr_spmm_kernel *kernel;
  for (size_t i = 0; (kernel = tsr_spmm_kernel_at(i)) != NULL; i++) {
    if (kernel->format != TSR_FORMAT_BCSR || kernel->isa == TSR_ISA_SCALAR) continue;
    if (!can_run(kernel, &problem)) continue;
    void *weights = prepack(kernel, &c);
    check_run(kernel, &c, weights, spmm_variant_at(1), 40, 1, 0);
    free(weights);
  }
  spmm_case_destroy(&c);
}

/* GELU keeps NaN and +infinity, as every activation does. */
Test(spmm_non_finite, gelu) {
  random_state random = random_seed(9);
  const tsr_spmm_kernel *kernel;
  for (size_t i = 0; (kernel = tsr_spmm_kernel_at(i)) != NULL; i++) {
    if (kernel->format != TSR_FORMAT_DENSE) continue;
    spmm_case c = make(&random, 0, 1.0, 20, 20, SPMM_TOKENS_MAX, 0);
    tsr_spmm_problem problem = spmm_case_problem(&c, 5, 1);
    if (can_run(kernel, &problem)) {
      for (int64_t r = 0; r < c.m; r++) c.w[r * c.k] = 1.0f;
      c.x[1 * c.ldx] = NAN;
      c.x[2 * c.ldx] = INFINITY;
      spmm_case_refresh(&c, &problem.pattern);
      void *weights = prepack(kernel, &c);
      check_run(kernel, &c, weights, (spmm_variant){.activation = TSR_ACTIVATION_GELU}, 5, 1, 0);
      free(weights);
    }
    spmm_case_destroy(&c);
  }
}
