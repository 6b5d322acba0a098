/* Whole rows go together with the columns that read them, and with their biases. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/tessera.h"
#include "tests/checkpoint_files.h"
#include "tests/command.h"
#include "tests/tiny_bert.h"
#include "tests/tiny_resnet.h"

static void enter(void) { command_enter(); }
TestSuite(prune_coupled, .init = enter, .fini = command_leave);

static tsr_checkpoint *checkpoint;

static void open(const char *folder) {
  cr_assert_eq(tsr_checkpoint_open(command_path(folder), &checkpoint), TSR_OK, "%s",
               tsr_last_error());
}

/* Values of a tensor "STEM.SUFFIX"; free it. */
static float *values(const char *stem, const char *suffix, const tsr_tensor **tensor) {
  char name[128];
  uint64_t count = 1;
  snprintf(name, sizeof name, "%s.%s", stem, suffix);
  *tensor = tsr_checkpoint_find(checkpoint, name);
  cr_assert_not_null(*tensor, "%s", name);
  for (int d = 0; d < (*tensor)->ndim; d++) count *= (uint64_t)(*tensor)->shape[d];
  float *out = malloc(count * sizeof *out);
  cr_assert_eq(tsr_tensor_to_f32(*tensor, out, count), TSR_OK);
  return out;
}

/* zero[i] = 1 if nothing is left of row i; or of column i, with all its places in a kernel. */
static int64_t zero_slices(const char *stem, int columns, uint8_t *zero) {
  const tsr_tensor *t;
  float *v = values(stem, "weight", &t);
  int64_t places = t->ndim == 4 ? t->shape[2] * t->shape[3] : 1;
  int64_t count = t->shape[columns];
  memset(zero, 1, (size_t)count);
  for (int64_t i = 0; i < t->shape[0] * t->shape[1] * places; i++)
    if (v[i] != 0) zero[columns ? i / places % t->shape[1] : i / places / t->shape[1]] = 0;
  free(v);
  return count;
}

static void assert_zero_where(const char *stem, const char *suffix, const uint8_t *zero) {
  const tsr_tensor *t;
  float *v = values(stem, suffix, &t);
  for (int64_t i = 0; i < t->shape[0]; i++)
    cr_assert_eq(v[i] == 0, zero[i], "%s.%s[%d] is %g", stem, suffix, (int)i, (double)v[i]);
  free(v);
}

/* The share of the maker's rows that are gone; their columns are, too. */
static double check_pair(const char *maker, const char *reader) {
  uint8_t rows[256], columns[256];
  int64_t count = zero_slices(maker, 0, rows), gone = 0;
  cr_assert_eq(zero_slices(reader, 1, columns), count, "%s", maker);
  for (int64_t i = 0; i < count; i++) {
    cr_assert_eq(rows[i], columns[i], "%s: row %d", maker, (int)i);
    gone += rows[i];
  }
  return (double)gone / (double)count;
}

static const char *const methods[] = {"wanda", "sparsegpt", "admm"};

static void write_text(void) {
  files_write_text(command_path("."), "text",
                   "the cat sat on the mat.\na dog runs\nthe dog sat on a cat\n");
}

Test(prune_coupled, of_a_feed_forward_part_and_of_an_attention) {
  tiny_bert_write(command_path("model"));
  write_text();
  for (int m = 0; m < 3; m++) {
    cr_assert_eq(
        command_run("prune model -o pruned -p row -s 0.25 --method %s -c text -t 1", methods[m]), 0,
        "%s", command_errors());
    open("pruned");
    for (int l = 0; l < TINY_LAYERS; l++) {
      char name[4][80];
      static const char *const parts[] = {"intermediate.dense", "output.dense",
                                          "attention.self.value", "attention.output.dense"};
      for (int i = 0; i < 4; i++)
        snprintf(name[i], sizeof name[i], "encoder.layer.%d.%s", l, parts[i]);
      for (int i = 0; i < 4; i += 2) {
        uint8_t rows[256];
        cr_assert_float_eq(check_pair(name[i], name[i + 1]), 0.25, 1e-9);
        zero_slices(name[i], 0, rows);
        assert_zero_where(name[i], "bias", rows);
      }
    }
    tsr_checkpoint_close(checkpoint);
  }
}

/* Without its reader among the weights to be pruned, a row goes alone and leaves its bias. */
Test(prune_coupled, only_if_both_are_pruned) {
  uint8_t rows[256], columns[256];
  tiny_bert_write(command_path("model"));
  write_text();
  cr_assert_eq(
      command_run("prune model -o pruned -p row -s 0.5 --method admm -c text -t 1 --layers "
                  "'*.intermediate.dense'"),
      0, "%s", command_errors());
  open("pruned");
  zero_slices("encoder.layer.0.output.dense", 1, columns);
  for (int i = 0; i < TINY_INTERMEDIATE; i++) cr_assert_eq(columns[i], 0);
  memset(rows, 0, sizeof rows);
  assert_zero_where("encoder.layer.0.intermediate.dense", "bias", rows);
  tsr_checkpoint_close(checkpoint);
}

/* Grey images of noise, as a raw IDX file. */
static void write_images(void) {
  enum { BYTES = 16 + 8 * TINY_SIDE * TINY_SIDE };
  static unsigned char idx[BYTES] = {0, 0, 8, 3,         0, 0, 0, 8,
                                     0, 0, 0, TINY_SIDE, 0, 0, 0, TINY_SIDE};
  for (int i = 16; i < BYTES; i++) idx[i] = (unsigned char)(i * 37 ^ i >> 3);
  FILE *file = fopen(command_path("images.idx"), "wb");
  cr_assert(file && fwrite(idx, 1, BYTES, file) == BYTES && !fclose(file));
}

/* Predictions of both models for the images. */
static float *classes(const char *model) {
  cr_assert_eq(command_run("run %s --image images.idx --format npy -o %s.npy", model, model), 0,
               "%s", command_errors());
  char name[64];
  size_t size;
  snprintf(name, sizeof name, "%s.npy", model);
  char *bytes = files_read(command_path(name), &size);
  float *out = malloc(8 * TINY_CLASSES * sizeof *out);
  memcpy(out, bytes + size - 8 * TINY_CLASSES * sizeof *out, 8 * TINY_CLASSES * sizeof *out);
  free(bytes);
  return out;
}

Test(prune_coupled, of_filters_within_a_block) {
  static const char *const blocks[] = {"layer1.0", "layer2.0", "layer2.1"};
  tiny_resnet_write(command_path("model"));
  write_images();
  for (int m = 0; m < 3; m++) {
    cr_assert_eq(command_run("prune model -o pruned -p row -s 0.5 --method %s -c images.idx -t 1",
                             methods[m]),
                 0, "%s", command_errors());
    open("pruned");
    for (int b = 0; b < 3; b++) {
      char conv1[32], conv2[32], bn1[32];
      uint8_t rows[256];
      snprintf(conv1, sizeof conv1, "%s.conv1", blocks[b]);
      snprintf(conv2, sizeof conv2, "%s.conv2", blocks[b]);
      snprintf(bn1, sizeof bn1, "%s.bn1", blocks[b]);
      cr_assert_float_eq(check_pair(conv1, conv2), 0.5, 1e-9);
      zero_slices(conv1, 0, rows);
      assert_zero_where(bn1, "weight", rows);
      assert_zero_where(bn1, "bias", rows);
    }
    tsr_checkpoint_close(checkpoint);
  }
  /* What is gone can be taken out without a change. */
  cr_assert_eq(command_run("shrink pruned -o small"), 0, "%s", command_errors());
  float *before = classes("pruned"), *after = classes("small");
  for (int i = 0; i < 8 * TINY_CLASSES; i++)
    cr_assert_float_eq((double)before[i], (double)after[i], 1e-5);
  free(before);
  free(after);
}
