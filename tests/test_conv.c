/* Convolutions: every kernel against the naive one, through plans as users make them. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/execute.h"
#include "tests/compare.h"
#include "tests/conv_reference.h"
#include "tests/reference.h"
#include "tests/spmm_case.h"

static const struct {
  tsr_format format;
  const char *pattern;
  double density;
} structures[] = {
    {TSR_FORMAT_DENSE, "dense", 1},
    {TSR_FORMAT_COMPACT, "row", 0.5},
    {TSR_FORMAT_COMPACT, "column", 0.5},
    {TSR_FORMAT_CSR, "irregular", 0.3},
    {TSR_FORMAT_NM, "2:4", 0.5},
    {TSR_FORMAT_BCSR, "block:16x16", 0.4},
    {TSR_FORMAT_BCSR, "block:32x8", 0.4},
    {TSR_FORMAT_BCSR, "block:4x4", 0.4},
    {TSR_FORMAT_BCSR, "block:8x3", 0.4},
    {TSR_FORMAT_VNM, "vnm:16:2:8", 0.25},
    {TSR_FORMAT_BCSR_NM, "block:16x16+2:4", 0.25},
};
enum { STRUCTURES = sizeof structures / sizeof structures[0] };

/* Channels that are multiples of 16 and others; strides, paddings and dilations alike in both axes
 * and not; kernels larger than the image; outputs of one pixel, of padding alone; images beyond one
 * panel, or a band of rows. */
static const tsr_conv_shape shapes[] = {
    {5, 7, 16, {3, 3}, {1, 1}, {1, 1}, {1, 1}}, {9, 6, 32, {3, 3}, {2, 2}, {1, 1}, {1, 1}},
    {8, 8, 3, {7, 7}, {2, 2}, {3, 3}, {1, 1}},  {6, 5, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
    {7, 9, 16, {1, 1}, {2, 2}, {0, 0}, {1, 1}}, {4, 5, 20, {1, 1}, {1, 1}, {0, 0}, {1, 1}},
    {9, 9, 16, {3, 3}, {1, 1}, {2, 2}, {2, 2}}, {6, 10, 5, {2, 3}, {3, 1}, {0, 2}, {1, 3}},
    {3, 3, 48, {3, 3}, {1, 1}, {0, 0}, {1, 1}}, {2, 2, 17, {5, 5}, {1, 2}, {2, 2}, {1, 1}},
    {1, 1, 16, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, {20, 21, 16, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
    {6, 6, 16, {1, 5}, {1, 1}, {0, 2}, {1, 1}}, {6, 6, 16, {4, 1}, {1, 1}, {3, 0}, {1, 1}},
    {1, 1, 3, {1, 1}, {9, 9}, {3, 3}, {1, 1}},  {16, 70, 17, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* A weight (of a spmm_case without tokens), images and what must come out. */
typedef struct conv_case {
  spmm_case weight;
  int64_t images, tokens, ldx;
  float *x, *residual;
  double *sums;
} conv_case;

static float *uniform(random_state *random, int64_t count) {
  float *out = malloc((size_t)count * sizeof *out + 1);
  cr_assert(out);
  for (int64_t i = 0; i < count; i++) out[i] = (float)(2 * random_unit(random) - 1);
  return out;
}

static conv_case create(random_state *random, int structure, const tsr_conv_shape *s, int64_t m,
                        int64_t images, int64_t pad) {
  tsr_pattern pattern;
  int64_t k = (int64_t)s->kernel[0] * s->kernel[1] * s->channels;
  cr_assert_eq(tsr_pattern_parse(structures[structure].pattern, &pattern), TSR_OK);
  conv_case c = {.images = images, .ldx = s->channels + pad};
  c.weight = spmm_case_create(random, structures[structure].format, &pattern,
                              structures[structure].density, m, k, 0, 0);
  c.tokens = images * tsr_test_conv_positions(s, 0) * tsr_test_conv_positions(s, 1);
  int64_t pixels = images * s->height * s->width;
  c.x = uniform(random, (pixels - 1) * c.ldx + s->channels);
  for (int64_t p = 0; p + 1 < pixels; p++)
    for (int64_t i = s->channels; i < c.ldx; i++) c.x[p * c.ldx + i] = NAN;
  c.residual = uniform(random, c.tokens * m);
  c.sums = malloc((size_t)(c.tokens * m) * sizeof *c.sums + 1);
  tsr_test_conv(s, c.weight.w, m, c.x, c.ldx, images, c.sums);
  return c;
}

static void destroy(conv_case *c) {
  spmm_case_destroy(&c->weight);
  free(c->x);
  free(c->residual);
  free(c->sums);
}

static void check(const conv_case *c, const tsr_conv_shape *s, const tsr_spmm_kernel *kernel,
                  spmm_variant v, int threads) {
  int64_t m = c->weight.m, k = c->weight.k;
  tsr_linear layer = {.name = "conv",
                      .weight = c->weight.packed,
                      .bias = v.bias ? c->weight.bias : NULL,
                      .activation = v.activation,
                      .residual_first = v.residual_first,
                      .conv = s};
  tsr_plan_options options = {.max_tokens = c->tokens + 5,
                              .threads = threads,
                              .force_kernel = tsr_spmm_kernel_name(kernel)};
  tsr_linear_plan *plan;
  cr_assert_eq(tsr_linear_plan_create(&layer, &options, &plan), TSR_OK, "%s", tsr_last_error());
  size_t bytes = tsr_linear_plan_workspace_bytes(plan);
  void *workspace = aligned_alloc(64, bytes + 64 - bytes % 64);
  float *y = malloc((size_t)(c->tokens * m) * sizeof *y + 1);
  double *expected = malloc((size_t)(c->tokens * m) * sizeof *expected + 1);
  cr_assert(workspace && y && expected);
  memset(workspace, 0xff, bytes);
  if (v.residual == RESIDUAL_IN_PLACE) memcpy(y, c->residual, (size_t)(c->tokens * m) * sizeof *y);
  tsr_linear_io io = {.tokens = c->tokens, .x = c->x, .ldx = c->ldx, .y = y, .ldy = m, .ldr = m};
  if (v.residual) io.residual = v.residual == RESIDUAL_IN_PLACE ? y : c->residual;
  cr_assert_eq(tsr_linear_execute(plan, &io, workspace, bytes), TSR_OK, "%s", tsr_last_error());
  for (int64_t i = 0; i < c->tokens * m; i++) {
    double sum = c->sums[i] + (v.bias ? (double)c->weight.bias[i % m] : 0);
    double residual = v.residual ? (double)c->residual[i] : 0;
    if (v.residual_first) sum += residual;
    expected[i] = tsr_test_activate(v.activation, sum) + (v.residual_first ? 0 : residual);
  }
  char what[200];
  snprintf(what, sizeof what, "%s %dx%dx%d kernel %dx%d stride %d pad %d dilation %d threads %d",
           tsr_spmm_kernel_name(kernel), (int)s->height, (int)s->width, (int)s->channels,
           s->kernel[0], s->kernel[1], s->stride[0], s->padding[0], s->dilation[0], threads);
  cr_assert(
      tsr_test_close(what, expected, y, c->tokens, m, m, tsr_test_tolerance(k, 1.0, 1.0, 2.0)));
  free(expected);
  free(y);
  free(workspace);
  tsr_linear_plan_destroy(plan);
}

/* Every kernel of the format that the machine can run on this weight. */
static int check_kernels(const conv_case *c, const tsr_conv_shape *s, int *count) {
  tsr_hardware hardware;
  tsr_spmm_problem problem = spmm_case_problem(&c->weight, c->tokens, 1);
  const tsr_spmm_kernel *kernel;
  int ran = 0;
  cr_assert_eq(tsr_hardware_detect(&hardware), TSR_OK);
  problem.conv = *s;
  for (size_t i = 0; (kernel = tsr_spmm_kernel_at(i)) != NULL; i++) {
    if (tsr_spmm_kernel_format(kernel) != problem.format) continue;
    if (tsr_spmm_kernel_refusal(kernel, &problem, &hardware)) continue;
    check(c, s, kernel, spmm_variant_at(*count * 7 % SPMM_VARIANTS), *count % 3 + 1);
    ++*count;
    ran++;
  }
  return ran;
}

static void check_structure(int structure) {
  int step = getenv("TESSERA_TEST_QUICK") ? 3 : 1;
  random_state random = random_seed((uint64_t)structure + 1);
  for (int s = 0, count = structure; s < SHAPES; s += step)
    for (int m = 5; m <= 40; m += 35) {
      conv_case c = create(&random, structure, &shapes[s], m, 1 + s % 3, s % 2 * 3);
      cr_assert_gt(check_kernels(&c, &shapes[s], &count), 0);
      destroy(&c);
    }
}

/* Weights of more than 256 KiB, which kernels take panels in another order for; then pixels 4 KiB
 * apart, which cannot be read in place, under one tap and several. */
static void check_orders(int structure) {
  static const struct {
    tsr_conv_shape shape;
    int64_t m, pad;
  } cases[] = {{{9, 10, 48, {3, 3}, {1, 1}, {1, 1}, {1, 1}}, 420, 1},
               {{8, 10, 1024, {1, 1}, {1, 1}, {0, 0}, {1, 1}}, 40, 0},
               {{4, 5, 1024, {3, 3}, {1, 1}, {1, 1}, {1, 1}}, 40, 0}};
  random_state random = random_seed((uint64_t)structure + 101);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    conv_case c = create(&random, structure, &cases[i].shape, cases[i].m, 1, cases[i].pad);
    for (int count = 0; count < 5;) check_kernels(&c, &cases[i].shape, &count);
    destroy(&c);
  }
}

Test(conv, dense) { check_structure(0); }
Test(conv, orders) {
  check_orders(0);
  check_orders(5);
  check_orders(6);
}
Test(conv, compact) {
  check_structure(1);
  check_structure(2);
}
Test(conv, csr) { check_structure(3); }
Test(conv, nm) { check_structure(4); }
Test(conv, bcsr) {
  for (int i = 5; i < 9; i++) check_structure(i);
}
Test(conv, vnm) { check_structure(9); }
Test(conv, bcsr_nm) { check_structure(10); }

Test(conv, output_size) {
  for (int s = 0; s < SHAPES; s++)
    for (int axis = 0; axis < 2; axis++)
      cr_assert_eq(tsr_conv_output_size(&shapes[s], axis),
                   tsr_test_conv_positions(&shapes[s], axis));
  tsr_conv_shape none = {2, 2, 1, {3, 3}, {1, 1}, {0, 0}, {1, 1}};
  cr_assert_eq(tsr_conv_output_size(&none, 0), 0);
  cr_assert_eq(tsr_conv_output_size(&none, 2), 0);
  cr_assert_eq(tsr_conv_output_size(NULL, 0), 0);
}

/* Each field that is wrong is named with its value. */
Test(conv, bad_shapes) {
  random_state random = random_seed(77);
  conv_case c = create(&random, 0, &shapes[0], 4, 1, 0);
  static const struct {
    tsr_conv_shape shape;
    const char *text;
  } bad[] = {
      {{0, 7, 16, {3, 3}, {1, 1}, {1, 1}, {1, 1}}, "images of 0 x 7 x 16"},
      {{5, -7, 16, {3, 3}, {1, 1}, {1, 1}, {1, 1}}, "images of 5 x -7 x 16"},
      {{5, 7, 0, {3, 3}, {1, 1}, {1, 1}, {1, 1}}, "images of 5 x 7 x 0"},
      {{5, 7, 16, {3, 0}, {1, 1}, {1, 1}, {1, 1}}, "columns: kernel 0"},
      {{5, 7, 16, {3, 3}, {0, 1}, {1, 1}, {1, 1}}, "rows: kernel 3, stride 0"},
      {{5, 7, 16, {3, 3}, {1, 1}, {1, -1}, {1, 1}}, "padding -1"},
      {{5, 7, 16, {3, 3}, {1, 1}, {1, 1}, {1, 0}}, "dilation 0"},
      {{5, 7, 16, {3, 3}, {1, 1}, {1, 1}, {4, 1}}, "does not fit 5 + 2 x 1 rows"},
      {{5, 7, 17, {3, 3}, {1, 1}, {1, 1}, {1, 1}}, "takes 144 inputs"},
  };
  tsr_plan_options options = {.max_tokens = 35, .threads = 1};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    tsr_linear layer = {.name = "stem", .weight = c.weight.packed, .conv = &bad[i].shape};
    tsr_linear_plan *plan;
    cr_assert_eq(tsr_linear_plan_create(&layer, &options, &plan), TSR_UNSUPPORTED_SHAPE);
    cr_assert(!strncmp(tsr_last_error(), "stem: ", 6) && strstr(tsr_last_error(), bad[i].text),
              "%s lacks %s", tsr_last_error(), bad[i].text);
  }
  destroy(&c);
}

Test(conv, bad_io) {
  random_state random = random_seed(78);
  conv_case c = create(&random, 0, &shapes[0], 4, 1, 0);
  tsr_linear layer = {.name = "stem", .weight = c.weight.packed, .conv = &shapes[0]};
  tsr_plan_options options = {.max_tokens = 70, .threads = 1};
  tsr_linear_plan *plan;
  cr_assert_eq(tsr_linear_plan_create(&layer, &options, &plan), TSR_OK);
  size_t bytes = tsr_linear_plan_workspace_bytes(plan);
  void *workspace = aligned_alloc(64, bytes + 64 - bytes % 64);
  float y[70 * 4];
  tsr_linear_io io = {.tokens = 34, .x = c.x, .ldx = 16, .y = y, .ldy = 4};
  cr_assert_eq(tsr_linear_execute(plan, &io, workspace, bytes), TSR_INVALID_ARGUMENT);
  cr_assert(strstr(tsr_last_error(), "34 tokens are no whole images of 35"), "%s",
            tsr_last_error());
  io.tokens = 35;
  io.ldx = 15;
  cr_assert_eq(tsr_linear_execute(plan, &io, workspace, bytes), TSR_INVALID_ARGUMENT);
  io.ldx = 16;
  io.x = NULL;
  cr_assert_eq(tsr_linear_execute(plan, &io, workspace, bytes), TSR_INVALID_ARGUMENT);
  free(workspace);
  tsr_linear_plan_destroy(plan);
  destroy(&c);
}
