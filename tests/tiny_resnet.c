#include "tests/tiny_resnet.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tessera/checkpoint.h"
#include "tests/checkpoint_files.h"
#include "tests/random.h"

/* Everything that is borrowed until the file is written. */
enum { BUFFERS_MAX = 64 };

typedef struct net {
  tsr_checkpoint_writer *writer;
  random_state random;
  float *buffers[BUFFERS_MAX];
  int count;
} net;

static void add(net *n, const char *name, int ndim, const int64_t *shape, double low, double high) {
  size_t elements = 1;
  for (int d = 0; d < ndim; d++) elements *= (size_t)shape[d];
  cr_assert_lt(n->count, BUFFERS_MAX);
  float *values = malloc(elements * sizeof *values);
  n->buffers[n->count++] = values;
  for (size_t i = 0; i < elements; i++) {
    values[i] = (float)(low + (high - low) * random_unit(&n->random));
    if (values[i] == 0) values[i] = 0.01f;
  }
  cr_assert_eq(tsr_checkpoint_writer_add(n->writer, name, TSR_DTYPE_F32, ndim, shape, values),
               TSR_OK);
}

static void add_norm(net *n, const char *name, int64_t channels) {
  static const struct {
    const char *part;
    double low, high;
  } parts[] = {{"weight", 0.5, 1.5},
               {"bias", -0.3, 0.3},
               {"running_mean", -0.5, 0.5},
               {"running_var", 0.2, 2}};
  char text[128];
  for (int i = 0; i < 4; i++) {
    snprintf(text, sizeof text, "%s.%s", name, parts[i].part);
    add(n, text, 1, &channels, parts[i].low, parts[i].high);
  }
}

static void add_conv(net *n, const char *prefix, const char *conv, const char *norm, int64_t cout,
                     int64_t cin, int64_t kernel) {
  char text[96];
  int64_t shape[] = {cout, cin, kernel, kernel};
  snprintf(text, sizeof text, "%s%s.weight", prefix, conv);
  add(n, text, 4, shape, -0.2, 0.2);
  snprintf(text, sizeof text, "%s%s", prefix, norm);
  add_norm(n, text, cout);
}

static void add_block(net *n, const char *prefix, int64_t cout, int64_t cin, int first) {
  add_conv(n, prefix, "conv1", "bn1", cout, cin, 3);
  add_conv(n, prefix, "conv2", "bn2", cout, cout, 3);
  if (first) add_conv(n, prefix, "downsample.0", "downsample.1", cout, cin, 1);
}

static const char config[] =
    "{\"architectures\": [\"FashionResNet\"], \"model_type\": \"fashion-resnet\", "
    "\"image_size\": 12, \"num_channels\": 1, \"embedding_size\": 16, \"hidden_sizes\": [16, 32], "
    "\"depths\": [1, 2], \"downsample_in_first_stage\": true, \"batch_norm_eps\": 1e-05, "
    "\"id2label\": {\"0\": \"hat\", \"1\": \"shoe\", \"2\": \"sock\", \"3\": \"tie\", "
    "\"4\": \"vest\"}}";

void tiny_resnet_write(const char *folder) {
  net n = {.random = random_seed(6)};
  int64_t fc[] = {TINY_CLASSES, 32};
  cr_assert_eq(tsr_checkpoint_writer_create(&n.writer), TSR_OK);
  add_conv(&n, "", "conv1", "bn1", 16, 1, 3);
  add_block(&n, "layer1.0.", 16, 16, 1);
  add_block(&n, "layer2.0.", 32, 16, 1);
  add_block(&n, "layer2.1.", 32, 32, 0);
  add(&n, "fc.weight", 2, fc, -0.3, 0.3);
  add(&n, "fc.bias", 1, fc, -0.3, 0.3);
  cr_assert_eq(mkdir(folder, 0777), 0);
  char *path = files_path(folder, "model.safetensors");
  cr_assert_eq(tsr_checkpoint_writer_save(n.writer, path), TSR_OK, "%s", tsr_last_error());
  free(path);
  files_write_text(folder, "config.json", config);
  tsr_checkpoint_writer_destroy(n.writer);
  for (int i = 0; i < n.count; i++) free(n.buffers[i]);
}
