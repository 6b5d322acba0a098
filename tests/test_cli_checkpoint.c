/* inspect, prune, pack and unpack on a small model; results are read back with the library's
 * checkpoint reader, and checked against what the original holds. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tessera/tessera.h"
#include "tests/checkpoint_files.h"
#include "tests/command.h"
#include "tests/tiny_bert.h"

static void enter(void) {
  command_enter();
  tiny_bert_write(command_path("model"));
}

TestSuite(cli_checkpoint, .init = enter, .fini = command_leave);

static const char intermediate[] = "encoder.layer.1.intermediate.dense.weight";

static tsr_checkpoint *open(const char *name) {
  tsr_checkpoint *checkpoint;
  cr_assert_eq(tsr_checkpoint_open(command_path(name), &checkpoint), TSR_OK, "%s",
               tsr_last_error());
  return checkpoint;
}

/* Same names, types, shapes and bits. */
static void assert_same(const char *a_name, const char *b_name) {
  tsr_checkpoint *a = open(a_name), *b = open(b_name);
  size_t count = tsr_checkpoint_tensor_count(a);
  cr_assert_eq(tsr_checkpoint_tensor_count(b), count);
  for (size_t i = 0; i < count; i++) {
    const tsr_tensor *x = tsr_checkpoint_tensor(a, i), *y = tsr_checkpoint_tensor(b, i);
    cr_assert_str_eq(x->name, y->name);
    cr_assert_eq(x->dtype, y->dtype, "%s", x->name);
    cr_assert_eq(x->ndim, y->ndim);
    cr_assert_eq(x->bytes, y->bytes);
    cr_assert_eq(memcmp(x->shape, y->shape, sizeof x->shape), 0);
    cr_assert_eq(memcmp(x->data, y->data, x->bytes), 0, "%s", x->name);
  }
  tsr_checkpoint_close(a);
  tsr_checkpoint_close(b);
}

static float value_at(const tsr_tensor *tensor, int64_t row, int64_t col) {
  float value;
  memcpy(&value, (const char *)tensor->data + 4 * (row * tensor->shape[1] + col), 4);
  return value;
}

/* Every block is the original's or +0.0; returns how many are zero. */
static int zero_blocks(const tsr_tensor *before, const tsr_tensor *after, int64_t size) {
  int zeros = 0;
  for (int64_t r = 0; r < before->shape[0]; r += size)
    for (int64_t c = 0; c < before->shape[1]; c += size) {
      int kept = value_at(after, r, c) != 0;
      zeros += !kept;
      for (int64_t i = r; i < r + size; i++)
        for (int64_t j = c; j < c + size; j++)
          cr_assert_eq(value_at(after, i, j), kept ? value_at(before, i, j) : 0, "%s [%d, %d]",
                       before->name, (int)i, (int)j);
    }
  return zeros;
}

static int is_linear(const char *name) {
  return strstr(name, "encoder.") && !strstr(name, "LayerNorm") && strstr(name, ".weight");
}

Test(cli_checkpoint, prune_keeps_blocks_and_everything_else) {
  cr_assert_eq(command_run("prune model -o pruned -p block:4x4 -s 0.75"), 0, "%s",
               command_errors());
  cr_assert(strstr(command_output(), "75.00 %"));
  tsr_checkpoint *before = open("model"), *after = open("pruned");
  int linears = 0;
  for (size_t i = 0; i < tsr_checkpoint_tensor_count(before); i++) {
    const tsr_tensor *x = tsr_checkpoint_tensor(before, i), *y = tsr_checkpoint_tensor(after, i);
    cr_assert_str_eq(x->name, y->name);
    if (is_linear(x->name)) {
      linears++;
      cr_assert_eq(zero_blocks(x, y, 4), x->shape[0] / 4 * (x->shape[1] / 4) * 3 / 4);
    } else {
      cr_assert_eq(memcmp(x->data, y->data, x->bytes), 0, "%s", x->name);
    }
  }
  cr_assert_eq(linears, TINY_LINEARS);
  cr_assert_str_eq(tsr_checkpoint_metadata(after, "tessera.prune.pattern"), "block:4x4");
  cr_assert_str_eq(tsr_checkpoint_metadata(after, "tessera.prune.sparsity"), "0.75");
  cr_assert_str_eq(tsr_checkpoint_metadata(after, "tessera.prune.method"), "magnitude-l1");
  cr_assert_str_eq(tsr_checkpoint_metadata(after, "tessera.prune.scope"), "layer");
  cr_assert_str_eq(tsr_checkpoint_metadata(after, "tessera.version"), TSR_VERSION);
  tsr_checkpoint_close(before);
  tsr_checkpoint_close(after);
}

Test(cli_checkpoint, prune_notes_its_calibration) {
  files_write_text(command_path("."), "text", "the cat sat on the mat.\na dog runs\n");
  cr_assert_eq(command_run("prune model -o pruned -p 2:4 --method wanda --calibrate text --seed 5"),
               0, "%s", command_errors());
  tsr_checkpoint *after = open("pruned");
  cr_assert_str_eq(tsr_checkpoint_metadata(after, "tessera.prune.method"), "wanda");
  cr_assert_str_eq(tsr_checkpoint_metadata(after, "tessera.prune.calibration"),
                   "2 sequences, 15 tokens, seed 5");
  cr_assert_eq(strlen(tsr_checkpoint_metadata(after, "tessera.prune.calibration_hash")), 16);
  tsr_checkpoint_close(after);
}

/* The rows of a column of --json's layers. */
static double layer_number(const json_t *report, const char *name, const char *key) {
  return json_number(json_named(json_object_get(report, "layers"), name), key);
}

Test(cli_checkpoint, prune_shares_the_sparsity_by_a_budget) {
  files_write_text(command_path("."), "text", "the cat sat on the mat.\na dog runs\n");
  static const char *const budgets[] = {"erk", "owl", "measured"};
  static const char query[] = "encoder.layer.0.attention.self.query.weight";
  for (int b = 0; b < 3; b++) {
    char line[200];
    snprintf(line, sizeof line,
             "prune model -o pruned -p irregular -s 0.6 --budget %s --method %s -c text --json",
             budgets[b], b % 2 ? "magnitude-l1" : "wanda");
    json_t *report = command_json(line);
    double zeros = 0;
    for (size_t i = 0; i < json_array_size(json_object_get(report, "layers")); i++)
      zeros += json_number(json_array_get(json_object_get(report, "layers"), i), "zeros");
    /* 2 x (4 x 32 x 32 + 2 x 64 x 32) elements; each layer is rounded. */
    if (b < 2)
      cr_assert_float_eq(zeros, 0.6 * 16384, TINY_LINEARS);
    else /* whole steps of 0.025 cannot always use up the budget */
      cr_assert(zeros > 0.6 * 16384 - TINY_LINEARS && zeros < 0.7 * 16384, "%g", zeros);
    if (!b) /* (32 + 32) / 32^2 to (64 + 32) / (64 x 32) */
      cr_assert_float_eq((1 - layer_number(report, query, "sparsity")) /
                             (1 - layer_number(report, intermediate, "sparsity")),
                         4.0 / 3, 2e-3);
    json_decref(report);
    tsr_checkpoint *after = open("pruned");
    cr_assert_str_eq(tsr_checkpoint_metadata(after, "tessera.prune.budget"), budgets[b]);
    tsr_checkpoint_close(after);
  }
  assert_fails(2, "one sparsity only", "prune model -o x -p 2:4 --budget erk");
  assert_fails(2, "exclude each other",
               "prune model -o x -p row -s 0.5 --scope global --budget erk");
  assert_fails(2, "owl and measured need text", "prune model -o x -p row -s 0.5 --budget owl");
}

/* Whether a target is met depends on the machine, unless anything meets it, or nothing does. */
Test(cli_checkpoint, prune_to_a_target_prunes_no_more_than_it_must) {
  files_write_text(command_path("."), "text", "the cat sat on the mat.\na dog runs\n");
  cr_assert_eq(command_run("prune model -o pruned -p block:4x4 --budget measured -c text "
                           "--target-latency 100000 --target-tokens 8 --target-threads 2"),
               0, "%s", command_errors());
  cr_assert(strstr(command_output(), "dense, for 8 tokens in 2 threads"));
  tsr_checkpoint *after = open("pruned");
  cr_assert_str_eq(tsr_checkpoint_metadata(after, "tessera.prune.target"), "100000 ms");
  cr_assert_str_eq(tsr_checkpoint_metadata(after, "tessera.prune.sparsity"), "0");
  cr_assert(strstr(tsr_checkpoint_metadata(after, "tessera.prune.target_reached"), "x dense"));
  tsr_checkpoint_close(after);
}

#define TO_TARGET "prune model -o x -p block:4x4 -c text "
Test(cli_checkpoint, prune_refuses_a_target_that_cannot_be) {
  files_write_text(command_path("."), "text", "the cat sat on the mat.\na dog runs\n");
  assert_fails(6, "with 98 % of every layer pruned the model takes",
               TO_TARGET "--budget measured --target-latency 0.001 --target-tokens 8");
  assert_fails(6, "cannot be reached",
               TO_TARGET "--budget measured --target-speedup 1000 --target-tokens 8");
  assert_fails(2, "--target-tokens: 9000, the model has 20 positions",
               TO_TARGET "--budget measured --target-speedup 2 --target-tokens 9000");
  assert_fails(2, "exclude each other",
               TO_TARGET "--budget measured --target-latency 1 --target-speedup 2");
  assert_fails(2, "the target decides", TO_TARGET "--budget measured -s 0.5 --target-speedup 2");
  assert_fails(2, "needs --budget measured", TO_TARGET "--budget erk --target-speedup 2");
  assert_fails(2, "--target-speedup", TO_TARGET "--budget measured --target-speedup 0.5");
  assert_fails(2, "--target-latency", TO_TARGET "--budget measured --target-latency 0");
  assert_fails(2, "--target-tokens", TO_TARGET "--budget measured --target-tokens 0");
  assert_fails(2, "--target-threads", TO_TARGET "--budget measured --target-threads x");
  assert_fails(2, "one sparsity only",
               "prune model -o x -p 2:4 -c text --budget measured --target-speedup 2");
}

Test(cli_checkpoint, prune_refuses_a_calibration_that_does_not_fit) {
  assert_fails(2, "--calibrate is missing", "prune model -o x -p 2:4 --method wanda");
  assert_fails(2, "looks at weights only", "prune model -o x -p 2:4 --calibrate model/vocab.txt");
  assert_fails(3, "nothing.txt", "prune model -o x -p 2:4 --method wanda --calibrate nothing.txt");
  assert_fails(6, "pooler.dense.weight: the model does not run this matrix",
               "prune model -o x -p 2:4 --method wanda -c model/vocab.txt --layers 'pooler*'");
}

Test(cli_checkpoint, prune_keeps_the_blocks_of_greatest_magnitude) {
  cr_assert_eq(command_run("prune model -o pruned -p block:8x8 -s 0.5 --method magnitude-l2"), 0);
  tsr_checkpoint *before = open("model"), *after = open("pruned");
  const tsr_tensor *x = tsr_checkpoint_find(before, intermediate);
  const tsr_tensor *y = tsr_checkpoint_find(after, intermediate);
  double least_kept = 1e9, most_pruned = 0;
  for (int64_t r = 0; r < x->shape[0]; r += 8)
    for (int64_t c = 0; c < x->shape[1]; c += 8) {
      double sum = 0;
      for (int64_t i = 0; i < 64; i++) {
        double value = (double)value_at(x, r + i / 8, c + i % 8);
        sum += value * value;
      }
      if (value_at(y, r, c) != 0)
        least_kept = sum < least_kept ? sum : least_kept;
      else
        most_pruned = sum > most_pruned ? sum : most_pruned;
    }
  cr_assert_gt(least_kept, most_pruned);
  tsr_checkpoint_close(before);
  tsr_checkpoint_close(after);
}

Test(cli_checkpoint, prune_chooses_layers) {
  json_t *root = command_json(
      "prune model -o pruned -p 2:4 --layers '*.intermediate.dense' --layers '*.self.*.weight' "
      "--skip '*.layer.0.*' --json");
  const json_t *layers = json_object_get(root, "layers");
  cr_assert_eq(json_array_size(layers), 4);
  cr_assert_eq(json_number(json_named(layers, intermediate), "sparsity"), 0.5);
  cr_assert_eq(json_number(json_named(layers, intermediate), "zeros"),
               TINY_INTERMEDIATE * TINY_HIDDEN / 2);
  json_decref(root);
  cr_assert_eq(command_run("prune model -o pruned -p 2:4 --layers '*.no-such'"), 3);
  cr_assert(strstr(command_errors(), "'*.no-such'"));
}

/* *spread: between the least and the greatest share of zeros in a layer. */
static double zeros_in_all(const char *command, double *spread) {
  json_t *root = command_json(command);
  double zeros = 0, elements = 0, least = 1, most = 0;
  size_t index;
  const json_t *layer;
  json_array_foreach(json_object_get(root, "layers"), index, layer) {
    const json_t *shape = json_object_get(layer, "shape");
    elements +=
        json_number_value(json_array_get(shape, 0)) * json_number_value(json_array_get(shape, 1));
    zeros += json_number(layer, "zeros");
    double sparsity = json_number(layer, "sparsity");
    least = sparsity < least ? sparsity : least;
    most = sparsity > most ? sparsity : most;
  }
  *spread = most - least;
  json_decref(root);
  return zeros / elements;
}

Test(cli_checkpoint, global_scope_reaches_the_share_over_all_layers) {
  double spread;
  cr_assert_eq(zeros_in_all("prune model -o p -p block:4x4 -s 0.5 --scope global --json", &spread),
               0.5);
}

Test(cli_checkpoint, calibrated_methods_share_a_global_sparsity) {
  static const char *const commands[] = {
      "prune model -o p -p block:4x4 -s 0.5 --method wanda -c model/vocab.txt --scope %s --json",
      "prune model -o p -p irregular -s 0.5 --method admm -c model/vocab.txt --scope %s --json"};
  for (int i = 0; i < 2; i++) {
    if (i && !tsr_prune_method_available(TSR_METHOD_ADMM)) continue;
    char command[160];
    double layer, global;
    snprintf(command, sizeof command, commands[i], "layer");
    zeros_in_all(command, &layer);
    snprintf(command, sizeof command, commands[i], "global");
    cr_assert_eq(zeros_in_all(command, &global), 0.5);
    cr_assert_lt(layer, 1e-3);
    cr_assert_gt(global, 0.01);
  }
}

Test(cli_checkpoint, folders_get_their_side_files_and_files_do_not) {
  cr_assert_eq(command_run("prune model -o pruned -p 2:4"), 0);
  cr_assert_eq(command_shell("cmp model/config.json pruned/config.json && cmp model/vocab.txt "
                             "pruned/vocab.txt && ls -A pruned | wc -l"),
               0);
  cr_assert_eq(atoi(command_output()), 3, "%s", command_output());
  cr_assert_eq(command_run("prune model/model.safetensors -o single.safetensors -p 2:4"), 0);
  assert_same("pruned", "single.safetensors");
}

Test(cli_checkpoint, output_that_is_the_input_is_refused) {
  const char *const lines[] = {"prune model -o model -p 2:4",
                               "prune model -o model/ -p 2:4",
                               "prune model -o model/other.safetensors -p 2:4",
                               "prune model/model.safetensors -o model/model.safetensors -p 2:4",
                               "prune model/model.safetensors -o model -p 2:4",
                               "pack model -o model",
                               "unpack model -o model"};
  cr_assert_eq(command_shell("cp -r model copy"), 0);
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    cr_assert_eq(command_run("%s", lines[i]), 2, "%s", lines[i]);
    cr_assert(strstr(command_errors(), "--output"), "%s", command_errors());
  }
  cr_assert_eq(command_shell("diff -r model copy"), 0);
}

Test(cli_checkpoint, pack_and_unpack_are_inverse_for_every_pattern) {
  static const struct {
    const char *prune, *format;
  } cases[] = {{"-p irregular -s 0.9", "csr"},    {"-p row -s 0.5", "compact"},
               {"-p column -s 0.5", "compact"},   {"-p block:4x4 -s 0.75", "bcsr"},
               {"-p block:16x16 -s 0.5", "bcsr"}, {"-p 2:4", "nm"},
               {"-p vnm:16:2:8", "vnm"},          {"-p block:8x8+2:4 -s 0.75", "bcsr_nm"},
               {"-p 2:4 --dtype f16", "nm"},      {"-p block:4x4 -s 0.75 --dtype bf16", "bcsr"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cr_assert_eq(command_run("prune model -o pruned %s", cases[i].prune), 0, "%s",
                 command_errors());
    json_t *root = command_json("pack pruned -o packed --json");
    const json_t *layer = json_named(json_object_get(root, "layers"), intermediate);
    cr_assert_str_eq(json_text(layer, "format"), cases[i].format, "%s", cases[i].prune);
    cr_assert_lt(json_number(layer, "bytes_after"), json_number(layer, "bytes_before"));
    json_decref(root);
    cr_assert_eq(command_run("unpack packed -o dense"), 0, "%s", command_errors());
    assert_same("pruned", "dense");
  }
}

Test(cli_checkpoint, pack_obeys_format_pattern_and_dtype) {
  cr_assert_eq(command_run("prune model -o pruned -p block:4x4 -s 0.75"), 0);
  json_t *root = command_json("pack pruned -o packed --format csr --dtype f16 --json");
  const json_t *layer = json_named(json_object_get(root, "layers"), intermediate);
  cr_assert_str_eq(json_text(layer, "format"), "csr");
  cr_assert_str_eq(json_text(layer, "dtype"), "F16");
  cr_assert_float_eq(json_number(layer, "density"), 0.25, 1e-9);
  json_decref(root);
  root = command_json("pack pruned -o packed --pattern block:2x2 --json");
  layer = json_named(json_object_get(root, "layers"), intermediate);
  cr_assert_str_eq(json_text(layer, "pattern"), "block:2x2");
  json_decref(root);
  cr_assert_eq(command_run("pack model -o packed --format nm --pattern 2:4"), 9, "%s",
               command_errors());
  cr_assert(strstr(command_errors(), "encoder.layer."), "%s", command_errors());
  cr_assert_eq(command_run("pack pruned -o packed --format zip"), 2);
}

Test(cli_checkpoint, weights_without_structure_stay_as_they_are) {
  cr_assert_eq(command_run("pack model -o packed"), 0, "%s", command_errors());
  cr_assert(strstr(command_output(), "0 packed"), "%s", command_output());
  assert_same("model", "packed");
}

Test(cli_checkpoint, inspect_sees_zeros_structure_and_packing) {
  cr_assert_eq(command_run("prune model -o pruned -p block:4x4 -s 0.75"), 0);
  cr_assert_eq(command_run("pack pruned -o packed"), 0);
  const char *const names[] = {"model", "pruned", "packed"};
  const double zeros[] = {0, 0.75, 0.75};
  const char *const patterns[] = {"dense", "block:4x4", "block:4x4"};
  const char *const formats[] = {"dense", "dense", "bcsr"};
  for (int i = 0; i < 3; i++) {
    char line[64];
    snprintf(line, sizeof line, "inspect %s --json", names[i]);
    json_t *root = command_json(line);
    const json_t *tensors = json_object_get(root, "tensors");
    const json_t *weight = json_named(tensors, intermediate);
    cr_assert_eq(json_array_size(tensors), 5 + 16 * TINY_LAYERS + 2);
    cr_assert_float_eq(json_number(weight, "zeros"), zeros[i], 1e-9, "%s", names[i]);
    cr_assert_str_eq(json_text(weight, "pattern"), patterns[i]);
    cr_assert_str_eq(json_text(weight, "format"), formats[i]);
    cr_assert_eq(json_number(weight, "dense_bytes"), 4 * TINY_INTERMEDIATE * TINY_HIDDEN);
    cr_assert_eq(json_number(json_object_get(root, "config"), "hidden_size"), TINY_HIDDEN);
    cr_assert_eq(json_number(root, "bytes") < json_number(root, "dense_bytes"), i == 2);
    json_decref(root);
    cr_assert_eq(command_run("inspect %s", names[i]), 0);
    cr_assert(strstr(command_output(), "hidden_size=32"), "%s", command_output());
    cr_assert(strstr(command_output(), intermediate));
  }
}

Test(cli_checkpoint, packed_weights_are_not_pruned_again) {
  cr_assert_eq(command_run("prune model -o pruned -p block:4x4 -s 0.75"), 0);
  cr_assert_eq(command_run("pack pruned -o packed"), 0);
  cr_assert_eq(command_run("prune packed -o again -p 2:4"), 2);
  cr_assert(strstr(command_errors(), "unpack"), "%s", command_errors());
}

/* Writes the packed checkpoint anew, every index array filled with 0x7f. */
static void corrupt(const char *from, const char *to) {
  tsr_checkpoint *checkpoint = open(from);
  tsr_checkpoint_writer *writer;
  char junk[1 << 16];
  memset(junk, 0x7f, sizeof junk);
  cr_assert_eq(tsr_checkpoint_writer_create(&writer), TSR_OK);
  for (size_t i = 0; i < tsr_checkpoint_metadata_count(checkpoint); i++) {
    const char *key, *value;
    tsr_checkpoint_metadata_at(checkpoint, i, &key, &value);
    tsr_checkpoint_writer_metadata(writer, key, value);
  }
  for (size_t i = 0; i < tsr_checkpoint_tensor_count(checkpoint); i++) {
    const tsr_tensor *t = tsr_checkpoint_tensor(checkpoint, i);
    cr_assert_lt(t->bytes, sizeof junk);
    tsr_checkpoint_writer_add(writer, t->name, t->dtype, t->ndim, t->shape,
                              t->dtype == TSR_DTYPE_I32 ? junk : t->data);
  }
  cr_assert_eq(tsr_checkpoint_writer_save(writer, command_path(to)), TSR_OK);
  tsr_checkpoint_writer_destroy(writer);
  tsr_checkpoint_close(checkpoint);
}

Test(cli_checkpoint, packed_arrays_are_verified) {
  cr_assert_eq(command_run("prune model -o pruned -p block:4x4 -s 0.75"), 0);
  cr_assert_eq(command_run("pack pruned -o packed.safetensors"), 0);
  corrupt("packed.safetensors", "corrupt.safetensors");
  cr_assert_eq(command_run("unpack corrupt.safetensors -o dense.safetensors"), 5, "%s",
               command_errors());
  cr_assert_neq(access(command_path("dense.safetensors"), F_OK), 0);
  cr_assert_eq(command_run("inspect corrupt.safetensors"), 5);
}
