#include "tests/small_resnet.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/checkpoint_files.h"

const small_resnet small_resnets[SMALL_RESNETS] = {
    {"basic", 0, 1, 0, 32, 3, 16, 2, {2, 1}, {16, 40}, 11},
    {"bottleneck", 1, 1, 0, 32, 3, 16, 2, {1, 2}, {64, 96}, 7},
    {"fashion", 0, 0, 1, 13, 1, 16, 2, {1, 2}, {48, 32}, 10},
};

float *small_resnet_values(const char *name, int64_t count, double offset, double scale) {
  uint32_t start = 2166136261u;
  float *out = malloc((size_t)count * sizeof *out + 1);
  cr_assert(out);
  for (const char *c = name; *c; c++) start = (start ^ (unsigned char)*c) * 16777619u;
  for (int64_t i = 0; i < count; i++) {
    uint32_t x = start + (uint32_t)i * 2654435761u;
    for (int round = 0; round < 2; round++) {
      x ^= x >> 16;
      x *= 0x45d9f3bu;
    }
    x ^= x >> 16;
    out[i] = (float)(offset + scale * ((double)x / 4294967296.0 - 0.5));
  }
  return out;
}

typedef struct writing {
  tsr_checkpoint_writer *writer;
  void *values[512];
  int count;
} writing;

static void add(writing *w, const char *stem, const char *name, int ndim, const int64_t *shape,
                double offset, double scale) {
  char full[128];
  int64_t count = 1;
  for (int d = 0; d < ndim; d++) count *= shape[d];
  snprintf(full, sizeof full, "%s%s", stem, name);
  cr_assert_lt(w->count, 512);
  void *values = w->values[w->count++] = small_resnet_values(full, count, offset, scale);
  cr_assert_eq(tsr_checkpoint_writer_add(w->writer, full, TSR_DTYPE_F32, ndim, shape, values),
               TSR_OK, "%s", tsr_last_error());
}

static void add_conv(writing *w, const char *stem, const char *conv, const char *norm,
                     int64_t filters, int64_t channels, int64_t kernel) {
  char name[64];
  const int64_t shape[4] = {filters, channels, kernel, kernel};
  static const struct {
    const char *suffix;
    double offset, scale;
  } parts[] = {
      {"weight", 1, 0.5}, {"bias", 0, 0.5}, {"running_mean", 0, 0.5}, {"running_var", 1, 1}};
  snprintf(name, sizeof name, "%s.weight", conv);
  add(w, stem, name, 4, shape, 0, 4.9 / sqrt((double)(channels * kernel * kernel)));
  for (int p = 0; p < 4; p++) {
    snprintf(name, sizeof name, "%s.%s", norm, parts[p].suffix);
    add(w, stem, name, 1, shape, parts[p].offset, parts[p].scale);
  }
}

static void add_block(writing *w, const small_resnet *m, const char *stem, int64_t channels,
                      int64_t width, int shrinks) {
  if (shrinks || channels != width)
    add_conv(w, stem, "downsample.0", "downsample.1", width, channels, 1);
  int64_t inner = m->bottleneck ? width / 4 : width;
  add_conv(w, stem, "conv1", "bn1", inner, channels, m->bottleneck ? 1 : 3);
  add_conv(w, stem, "conv2", "bn2", inner, inner, 3);
  if (m->bottleneck) add_conv(w, stem, "conv3", "bn3", width, inner, 1);
}

void small_resnet_save(const small_resnet *m, const char *folder) {
  writing *w = calloc(1, sizeof *w);
  int64_t channels = m->stem;
  cr_assert_eq(tsr_checkpoint_writer_create(&w->writer), TSR_OK);
  add_conv(w, "", "conv1", "bn1", m->stem, m->channels, m->imagenet ? 7 : 3);
  for (int s = 0; s < m->stages; s++)
    for (int64_t b = 0; b < m->depths[s]; b++, channels = m->widths[s]) {
      char stem[32];
      snprintf(stem, sizeof stem, "layer%d.%d.", s + 1, (int)b);
      add_block(w, m, stem, channels, m->widths[s], b == 0 && (s > 0 || m->shrink));
    }
  const int64_t fc[2] = {m->classes, channels};
  add(w, "", "fc.weight", 2, fc, 0, 4.9 / sqrt((double)channels));
  add(w, "", "fc.bias", 1, fc, 0, 0.5);
  char *path = files_path(folder, "model.safetensors");
  cr_assert_eq(tsr_checkpoint_writer_save(w->writer, path), TSR_OK, "%s", tsr_last_error());
  free(path);
  tsr_checkpoint_writer_destroy(w->writer);
  for (int i = 0; i < w->count; i++) free(w->values[i]);
  free(w);
  small_resnet_config(m, folder, NULL, NULL);
}

void small_resnet_config(const small_resnet *m, const char *folder, const char *key,
                         const char *value) {
  char numbers[6][64];
  snprintf(numbers[0], 64, "%d", (int)m->size);
  snprintf(numbers[1], 64, "%d", (int)m->channels);
  snprintf(numbers[2], 64, "%d", (int)m->stem);
  snprintf(numbers[3], 64, "[%d, %d]", (int)m->depths[0], (int)m->depths[1]);
  snprintf(numbers[4], 64, "[%d, %d]", (int)m->widths[0], (int)m->widths[1]);
  const char *const rows[][2] = {
      {"model_type", m->imagenet ? "\"resnet\"" : "\"fashion-resnet\""},
      {"image_size", numbers[0]},
      {"num_channels", numbers[1]},
      {"embedding_size", numbers[2]},
      {"depths", numbers[3]},
      {"hidden_sizes", numbers[4]},
      {"layer_type", m->bottleneck ? "\"bottleneck\"" : "\"basic\""},
      {"downsample_in_first_stage", m->shrink ? "true" : "false"},
      {"batch_norm_eps", "1e-5"},
      {"id2label", "{\"0\": \"shirt\", \"3\": \"shoe\"}"},
      {"image_mean", m->channels == 3 ? "[0.5, 0.25, 0.125]" : "[0.5]"},
      {"image_std", NULL},
  };
  char text[2048] = "{";
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const char *shown = key && !strcmp(key, rows[i][0]) ? value : rows[i][1];
    size_t used = strlen(text);
    if (shown)
      snprintf(text + used, sizeof text - used, "%s\"%s\": %s", used > 1 ? ", " : "", rows[i][0],
               shown);
  }
  strcat(text, "}");
  files_write_text(folder, "config.json", text);
}
