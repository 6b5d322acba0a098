/* prune, pack and unpack of filters: a filter is a row, its columns are ordered (kernel row, kernel
 * column, channel). */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/tessera.h"
#include "tests/command.h"
#include "tests/tiny_resnet.h"

static void enter(void) {
  command_enter();
  tiny_resnet_write(command_path("model"));
}

TestSuite(cli_conv, .init = enter, .fini = command_leave);

static tsr_checkpoint *open(const char *name) {
  tsr_checkpoint *checkpoint;
  cr_assert_eq(tsr_checkpoint_open(command_path(name), &checkpoint), TSR_OK, "%s",
               tsr_last_error());
  return checkpoint;
}

static void assert_same(const char *a_name, const char *b_name) {
  tsr_checkpoint *a = open(a_name), *b = open(b_name);
  size_t count = tsr_checkpoint_tensor_count(a);
  cr_assert_eq(tsr_checkpoint_tensor_count(b), count);
  for (size_t i = 0; i < count; i++) {
    const tsr_tensor *x = tsr_checkpoint_tensor(a, i), *y = tsr_checkpoint_tensor(b, i);
    cr_assert_str_eq(x->name, y->name);
    cr_assert_eq(x->ndim, y->ndim, "%s", x->name);
    cr_assert_eq(memcmp(x->shape, y->shape, sizeof x->shape), 0, "%s", x->name);
    cr_assert_eq(x->bytes, y->bytes);
    cr_assert_eq(memcmp(x->data, y->data, x->bytes), 0, "%s", x->name);
  }
  tsr_checkpoint_close(a);
  tsr_checkpoint_close(b);
}

/* The value at a row and a column of the equation's matrix, from the tensor's own order. */
static float filter_at(const tsr_tensor *t, int64_t filter, int64_t column) {
  int64_t cin = t->shape[1], kh = t->shape[2], kw = t->shape[3];
  int64_t channel = column % cin, x = column / cin % kw, y = column / cin / kw;
  float value;
  memcpy(&value, (const char *)t->data + 4 * (((filter * cin + channel) * kh + y) * kw + x), 4);
  return value;
}

static int64_t columns(const tsr_tensor *t) { return t->shape[1] * t->shape[2] * t->shape[3]; }

/* A filter that was pruned as a row takes its BatchNorm's scale and shift along. */
static void check_norm(const tsr_checkpoint *pruned, const tsr_tensor *before,
                       const tsr_tensor *after) {
  char conv[96];
  snprintf(conv, sizeof conv, "%s", before->name);
  char *bn = strstr(conv, "bn"), *down = strstr(conv, "downsample.1");
  char number = bn ? bn[2] : '0';
  sprintf(bn ? bn : down, bn ? "conv%c.weight" : "downsample.%c.weight", number);
  const tsr_tensor *filters = tsr_checkpoint_find(pruned, conv);
  cr_assert_not_null(filters, "%s", conv);
  for (int64_t f = 0; f < before->shape[0]; f++) {
    float was, is;
    memcpy(&was, (const float *)before->data + f, 4);
    memcpy(&is, (const float *)after->data + f, 4);
    cr_assert_eq(is, filter_at(filters, f, 0) == 0 ? 0 : was, "%s [%d]", before->name, (int)f);
  }
}

static int is_norm(const char *name) {
  return (strstr(name, "bn") || strstr(name, "downsample.1")) &&
         (strstr(name, ".weight") || strstr(name, ".bias"));
}

static int rows_are_pruned, norms_may_change;

/* Runs check on the filters that are pruned by default; the others must be as they were. */
static void each_pruned(void (*check)(const tsr_tensor *before, const tsr_tensor *after)) {
  tsr_checkpoint *before = open("model"), *after = open("pruned");
  int filters = 0;
  for (size_t i = 0; i < tsr_checkpoint_tensor_count(before); i++) {
    const tsr_tensor *x = tsr_checkpoint_tensor(before, i), *y = tsr_checkpoint_tensor(after, i);
    cr_assert_str_eq(x->name, y->name);
    cr_assert_eq(memcmp(x->shape, y->shape, sizeof x->shape), 0, "%s", x->name);
    if (x->ndim == 4 && x->shape[1] > 1) {
      check(x, y);
      filters++;
    } else if (rows_are_pruned && is_norm(x->name)) {
      check_norm(after, x, y);
    } else if (norms_may_change && is_norm(x->name)) {
      continue;
    } else {
      cr_assert_eq(memcmp(x->data, y->data, x->bytes), 0, "%s", x->name);
    }
  }
  cr_assert_eq(filters, TINY_INNER_CONVS);
  tsr_checkpoint_close(before);
  tsr_checkpoint_close(after);
}

/* Units of rows x cols: each wholly kept or wholly zero, `share` of them zero, and no zero one of
 * greater magnitude than a kept one. */
static int64_t unit_rows, unit_cols;
static double share;

static double unit_sum(const tsr_tensor *t, int64_t r, int64_t c) {
  double sum = 0;
  for (int64_t i = r; i < r + unit_rows; i++)
    for (int64_t j = c; j < c + unit_cols; j++) sum += fabs((double)filter_at(t, i, j));
  return sum;
}

static void check_units(const tsr_tensor *before, const tsr_tensor *after) {
  int64_t rows = before->shape[0], cols = columns(before);
  int64_t height = unit_rows, width = unit_cols;
  if (!height) unit_rows = rows;
  if (!width) unit_cols = cols;
  double least_kept = INFINITY, greatest_pruned = 0;
  int64_t units = 0, zeros = 0;
  for (int64_t r = 0; r < rows; r += unit_rows)
    for (int64_t c = 0; c < cols; c += unit_cols, units++) {
      double was = unit_sum(before, r, c);
      int kept = filter_at(after, r, c) != 0;
      for (int64_t i = r; i < r + unit_rows; i++)
        for (int64_t j = c; j < c + unit_cols; j++)
          cr_assert_eq(filter_at(after, i, j), kept ? filter_at(before, i, j) : 0, "%s [%d, %d]",
                       before->name, (int)i, (int)j);
      if (kept)
        least_kept = fmin(least_kept, was);
      else
        greatest_pruned = fmax(greatest_pruned, was), zeros++;
    }
  cr_assert_eq(zeros, (int64_t)(share * (double)units + 0.5), "%s: %d of %d", before->name,
               (int)zeros, (int)units);
  cr_assert_leq(greatest_pruned, least_kept * (1 + 1e-6), "%s", before->name);
  unit_rows = height;
  unit_cols = width;
}

static void prune_units(const char *pattern, int64_t height, int64_t width, double sparsity) {
  cr_assert_eq(command_run("prune model -o pruned -p %s -s %g", pattern, sparsity), 0, "%s",
               command_errors());
  unit_rows = height;
  unit_cols = width;
  share = sparsity;
  each_pruned(check_units);
}

Test(cli_conv, a_row_is_a_filter) {
  rows_are_pruned = 1;
  prune_units("row", 1, 0, 0.5);
}
Test(cli_conv, a_column_is_a_channel_under_one_place_of_the_kernel) {
  prune_units("column", 0, 1, 0.5);
}
Test(cli_conv, a_block_lies_in_channels_that_follow_each_other) {
  prune_units("block:16x16", 16, 16, 0.5);
}
Test(cli_conv, irregular_is_any_element) { prune_units("irregular", 1, 1, 0.75); }

static void check_two_of_four(const tsr_tensor *before, const tsr_tensor *after) {
  for (int64_t r = 0; r < before->shape[0]; r++)
    for (int64_t c = 0; c < columns(before); c += 4) {
      double kept = 0, pruned = 0;
      int zeros = 0;
      for (int64_t j = c; j < c + 4; j++) {
        double was = fabs((double)filter_at(before, r, j));
        if (filter_at(after, r, j) == 0)
          pruned += was, zeros++;
        else
          kept += was;
      }
      cr_assert_eq(zeros, 2, "%s [%d, %d]", before->name, (int)r, (int)c);
      cr_assert_leq(pruned, kept, "%s [%d, %d]", before->name, (int)r, (int)c);
    }
}

Test(cli_conv, two_of_four_runs_along_the_channels) {
  cr_assert_eq(command_run("prune model -o pruned -p 2:4"), 0, "%s", command_errors());
  each_pruned(check_two_of_four);
}

/* A panel of 8 rows keeps 4 of every 8 columns, each row 2 of those. */
static void check_panels(const tsr_tensor *before, const tsr_tensor *after) {
  for (int64_t r = 0; r < before->shape[0]; r += 8)
    for (int64_t c = 0; c < columns(before); c += 8) {
      int used = 0;
      for (int64_t j = c; j < c + 8; j++) {
        int any = 0;
        for (int64_t i = r; i < r + 8; i++) any |= filter_at(after, i, j) != 0;
        used += any;
      }
      cr_assert_leq(used, 4, "%s [%d, %d]", before->name, (int)r, (int)c);
      for (int64_t i = r; i < r + 8; i++) {
        int kept = 0;
        for (int64_t j = c; j < c + 8; j++) kept += filter_at(after, i, j) != 0;
        cr_assert_eq(kept, 2, "%s [%d, %d]", before->name, (int)i, (int)c);
      }
    }
}

Test(cli_conv, panels_of_filters_share_their_columns) {
  cr_assert_eq(command_run("prune model -o pruned -p vnm:8:2:8"), 0, "%s", command_errors());
  each_pruned(check_panels);
}

Test(cli_conv, the_first_convolution_and_the_classifier_are_pruned_when_named) {
  cr_assert_eq(command_run("prune model -o pruned -p irregular -s 0.5 --layers conv1 --layers fc"),
               0, "%s", command_errors());
  tsr_checkpoint *after = open("pruned");
  const char *const names[] = {"conv1.weight", "fc.weight"};
  for (int n = 0; n < 2; n++) {
    const tsr_tensor *t = tsr_checkpoint_find(after, names[n]);
    uint64_t count = t->bytes / 4, zeros = 0;
    for (uint64_t i = 0; i < count; i++) {
      float value;
      memcpy(&value, (const char *)t->data + 4 * i, 4);
      zeros += value == 0;
    }
    cr_assert_eq(zeros, count / 2, "%s", names[n]);
  }
  tsr_checkpoint_close(after);
}

static void round_trip(const char *pattern, const char *sparsity, const char *format) {
  cr_assert_eq(command_run("prune model -o pruned_%s -p %s %s", format, pattern, sparsity), 0, "%s",
               command_errors());
  cr_assert_eq(
      command_run("pack pruned_%s -o packed_%s -p %s -f %s", format, format, pattern, format), 0,
      "%s", command_errors());
  cr_assert_eq(command_run("unpack packed_%s -o dense_%s", format, format), 0, "%s",
               command_errors());
  char pruned[64], dense[64];
  snprintf(pruned, sizeof pruned, "pruned_%s", format);
  snprintf(dense, sizeof dense, "dense_%s", format);
  assert_same(pruned, dense);
}

Test(cli_conv, unpack_gives_back_filters_of_their_shape_bit_by_bit) {
  round_trip("row", "-s 0.5", "compact");
  round_trip("block:16x16", "-s 0.5", "bcsr");
  round_trip("2:4", "", "nm");
  round_trip("vnm:8:2:8", "", "vnm");
  round_trip("irregular", "-s 0.9", "csr");
}

Test(cli_conv, filters_without_structure_stay_tensors) {
  cr_assert_eq(command_run("pack model -o packed"), 0, "%s", command_errors());
  assert_same("model", "packed");
  cr_assert_eq(command_run("pack model -o halves --dtype f16"), 0, "%s", command_errors());
  tsr_checkpoint *checkpoint = open("halves");
  const tsr_tensor *t = tsr_checkpoint_find(checkpoint, "layer2.0.conv1.weight");
  cr_assert_eq(t->dtype, TSR_DTYPE_F16);
  cr_assert_eq(t->ndim, 4);
  cr_assert_eq(t->shape[1], 16);
  tsr_checkpoint_close(checkpoint);
}

Test(cli_conv, a_packed_shape_that_does_not_fit_is_refused) {
  cr_assert_eq(command_run("prune model -o pruned -p 2:4"), 0);
  cr_assert_eq(command_run("pack pruned -o packed"), 0);
  /* All as long as the true one, so that the file stays whole. */
  static const struct {
    const char *value, *message;
  } cases[] = {{"16,16,3,4", "tessera.shape is '16,16,3,4', the packed matrix 16 x 144"},
               {"16,16,3;3", "tessera.shape is '16,16,3;3', not four numbers"},
               {"1,1,3,3,1", "tessera.shape is '1,1,3,3,1', not four numbers"},
               {"16,-6,3,3", "tessera.shape holds -6"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char line[512];
    snprintf(line, sizeof line,
             "sed 's/\"tessera.shape.layer1.0.conv1.weight\":\"16,16,3,3\"/"
             "\"tessera.shape.layer1.0.conv1.weight\":\"%s\"/' packed/model.safetensors "
             ">broken.safetensors",
             cases[i].value);
    cr_assert_eq(command_shell(line), 0);
    assert_fails(5, cases[i].message, "unpack broken.safetensors -o out.safetensors");
  }
}

Test(cli_conv, inspect_sees_the_structure_of_filters) {
  cr_assert_eq(command_run("prune model -o pruned -p block:16x16 -s 0.5"), 0);
  json_t *report = command_json("inspect pruned --json");
  const json_t *tensors = json_object_get(report, "tensors");
  const json_t *t = json_named(tensors, "layer2.1.conv1.weight");
  cr_assert_str_eq(json_text(t, "pattern"), "block:16x16");
  json_decref(report);
}

Test(cli_conv, explain_gives_the_kernel_of_every_convolution) {
  cr_assert_eq(command_run("prune model -o pruned -p block:16x16 -s 0.5"), 0);
  cr_assert_eq(command_run("pack pruned -o packed"), 0);
  json_t *report = command_json("explain packed --threads 1 --json");
  const json_t *layers = json_object_get(report, "layers");
  cr_assert_eq(json_array_size(layers), TINY_CONVS + 1); /* and the classifier */
  const json_t *layer = json_named(layers, "layer2.1.conv1");
  cr_assert_str_eq(json_text(layer, "format"), "bcsr");
  cr_assert_eq(json_integer_value(json_object_get(layer, "m")), 32);
  cr_assert_eq(json_integer_value(json_object_get(layer, "k")), 9 * 32);
  cr_assert(strstr(json_text(layer, "kernel"), "spmm"));
  json_decref(report);
  cr_assert_eq(command_run("explain packed --threads 1 --batch 3"), 0);
  cr_assert(strstr(command_output(), "packed: 3 images, "), "%s", command_output());
  cr_assert(strstr(command_output(), "layer2.1.conv1  32x288 over "), "%s", command_output());
  cr_assert(strstr(command_output(), ", kernel 3x3, stride 1, padding 1"), "%s", command_output());
}

/* ---- methods that look at what the filters read ---- */

/* Eight grey images as a .pgm each would be: one .npy of them. */
static void write_images(void) {
  enum { BYTES = 8 * TINY_SIDE * TINY_SIDE };
  char header[128];
  static unsigned char pixels[BYTES];
  memset(header, ' ', sizeof header);
  memcpy(header, "\x93NUMPY\x01\0\x76\0", 10);
  int length =
      snprintf(header + 10, 117, "{'descr': '|u1', 'fortran_order': False, 'shape': (8, %d, %d), }",
               TINY_SIDE, TINY_SIDE);
  header[10 + length] = ' ';
  header[127] = '\n';
  for (int i = 0; i < BYTES; i++) pixels[i] = (unsigned char)(i * 37 ^ i >> 3);
  FILE *file = fopen(command_path("images.npy"), "wb");
  cr_assert(file && fwrite(header, 1, 128, file) == 128 && fwrite(pixels, 1, BYTES, file) == BYTES);
  fclose(file);
}

/* Kept weights may change, and those of channels that are always 0 may go, too. */
static void count_two_of_four(const tsr_tensor *before, const tsr_tensor *after) {
  for (int64_t f = 0; f < before->shape[0]; f++)
    for (int64_t c = 0; c < columns(before); c += 4) {
      int zeros = 0;
      for (int64_t i = c; i < c + 4; i++) zeros += filter_at(after, f, i) == 0;
      cr_assert_geq(zeros, 2, "%s: filter %d, column %d", before->name, (int)f, (int)c);
    }
}

Test(cli_conv, methods_are_calibrated_by_images) {
  static const char *const methods[] = {"wanda", "sparsegpt", "admm"};
  write_images();
  norms_may_change = 1;
  for (int m = 0; m < 3; m++) {
    cr_assert_eq(
        command_run("prune model -o pruned -p 2:4 --method %s -c images.npy --samples 5 -t 1",
                    methods[m]),
        0, "%s", command_errors());
    each_pruned(count_two_of_four);
    tsr_checkpoint *after = open("pruned");
    cr_assert_str_eq(tsr_checkpoint_metadata(after, "tessera.prune.calibration"),
                     "5 images, seed 1");
    cr_assert_eq(strlen(tsr_checkpoint_metadata(after, "tessera.prune.calibration_hash")), 16);
    tsr_checkpoint_close(after);
  }
  cr_assert_eq(command_run("prune model -o pruned -p irregular -s 0.5 --method wanda --budget owl "
                           "-c images.npy --layers '*' -t 1"),
               0, "%s", command_errors());
  assert_fails(6, "no IDX", "prune model -o x -p 2:4 --method wanda -c model/config.json");
}

Test(cli_conv, a_global_sparsity_of_images_is_shared_by_all_layers) {
  double zeros = 0, elements = 0;
  size_t index;
  const json_t *layer;
  write_images();
  json_t *root = command_json(
      "prune model -o pruned -p irregular -s 0.5 --scope global "
      "--method wanda -c images.npy --samples 5 -t 1 --json");
  json_array_foreach(json_object_get(root, "layers"), index, layer) {
    double sparsity = json_number(layer, "sparsity"), own = json_number(layer, "zeros");
    cr_assert(sparsity > 0 && sparsity < 1, "%s: %g", json_text(layer, "name"), sparsity);
    zeros += own;
    elements += own / sparsity;
  }
  cr_assert_float_eq(zeros / elements, 0.5, 0.01, "%g", zeros / elements);
  json_decref(root);
}
