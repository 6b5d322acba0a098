/* Calibration by images and by hidden states: what filters read, and what becomes the input. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/prune/statistics.h"
#include "tessera/tessera.h"
#include "tests/alloc_failures.h"
#include "tests/checkpoint_files.h"
#include "tests/small_bert.h"
#include "tests/small_resnet.h"

enum { IMAGES = 3, LAYERS_MAX = 64 };

typedef struct fixture {
  char *folder;
  const small_resnet *net;
  tsr_checkpoint *checkpoint;
  tsr_model *model;
  float *pixels; /* [IMAGES, size, size, channels] */
  tsr_calibration *calibration;
  uint8_t chosen[LAYERS_MAX];
} fixture;

static tsr_image_batch batch_of(const fixture *f) {
  return (tsr_image_batch){IMAGES,           f->net->size, f->net->size,
                           f->net->channels, f->pixels,    TSR_IMAGE_NHWC};
}

static void begin(fixture *f, int net) {
  *f = (fixture){.folder = files_folder(), .net = &small_resnets[net]};
  small_resnet_save(f->net, f->folder);
  cr_assert_eq(tsr_checkpoint_open(f->folder, &f->checkpoint), TSR_OK);
  cr_assert_eq(tsr_model_load(f->checkpoint, &f->model), TSR_OK, "%s", tsr_last_error());
  f->pixels = small_resnet_values("pixels", IMAGES * f->net->size * f->net->size * f->net->channels,
                                  0.1, 1);
  tsr_image_batch batch = batch_of(f);
  cr_assert_eq(tsr_calibration_from_images(&batch, &f->calibration), TSR_OK);
}

static void end(fixture *f) {
  tsr_calibration_destroy(f->calibration);
  free(f->pixels);
  tsr_model_destroy(f->model);
  tsr_checkpoint_close(f->checkpoint);
  files_remove(f->folder);
}

/* x of an output pixel under column (kernel row, kernel column, channel), by definition. */
typedef struct convolution {
  int64_t size, channels, kernel, stride, padding, out;
  const float *x;
} convolution;

static double under(const convolution *c, int64_t image, int64_t oy, int64_t ox, int64_t column) {
  int64_t channel = column % c->channels, tap = column / c->channels;
  int64_t y = oy * c->stride - c->padding + tap / c->kernel;
  int64_t x = ox * c->stride - c->padding + tap % c->kernel;
  if (y < 0 || x < 0 || y >= c->size || x >= c->size) return 0;
  return (double)c->x[((image * c->size + y) * c->size + x) * c->channels + channel];
}

static double product(const convolution *c, int64_t a, int64_t b) {
  double sum = 0;
  for (int64_t i = 0; i < IMAGES; i++)
    for (int64_t y = 0; y < c->out; y++)
      for (int64_t x = 0; x < c->out; x++) sum += under(c, i, y, x, a) * under(c, i, y, x, b);
  return sum;
}

static void check_gram(const tsr_statistics *s, const convolution *c) {
  int64_t n = c->kernel * c->kernel * c->channels;
  cr_assert_eq(tsr_statistics_features(s), n);
  cr_assert_eq(tsr_statistics_rows(s), IMAGES * c->out * c->out);
  for (int64_t i = 0; i < n; i++) {
    cr_assert_float_eq(s->norms[i], product(c, i, i), 1e-6 * (1 + s->norms[i]));
    for (int64_t j = i; j < n; j += 5)
      cr_assert_float_eq(s->gram[i * n + j], product(c, i, j), 1e-5 * (1 + s->norms[i]), "%d, %d",
                         (int)i, (int)j);
  }
}

typedef struct seen {
  fixture *f;
  convolution expected;
  int visits;
} seen;

/* Looks at the first layer. */
static tsr_status look(void *user, size_t index, const tsr_statistics *statistics) {
  seen *s = user;
  if (index == 0) check_gram(statistics, &s->expected);
  s->visits++;
  return TSR_OK;
}

static tsr_status calibrate(fixture *f, tsr_calibrate_visit *visit, void *user) {
  tsr_calibrate_options options = {.statistics = TSR_STATISTICS_GRAM,
                                   .threads = 2,
                                   .chosen = f->chosen,
                                   .visit = visit,
                                   .user = user};
  return tsr_calibrate(f->model, f->calibration, &options);
}

Test(calibrate_images, the_gram_matrix_is_that_of_the_im2col_rows) {
  for (int net = 0; net < SMALL_RESNETS; net++) {
    fixture f;
    begin(&f, net);
    int64_t kernel = f.net->imagenet ? 7 : 3, stride = f.net->imagenet ? 2 : 1;
    seen s = {.f = &f,
              .expected = {f.net->size, f.net->channels, kernel, stride, kernel / 2,
                           (f.net->size - 1) / stride + 1, f.pixels}};
    int planned = 0;
    for (size_t i = 0; i < tsr_model_layer_count(f.model); i++)
      planned += f.chosen[i] = tsr_model_linear(f.model, i) != NULL;
    cr_assert_eq(calibrate(&f, look, &s), TSR_OK, "%s", tsr_last_error());
    cr_assert_eq(s.visits, planned);
    end(&f);
  }
}

/* Of the first layer: by definition, from its weight and bias. */
static void check_moments(const fixture *f, const convolution *c, const tsr_moments *got) {
  const tsr_linear *linear = tsr_model_linear(f->model, 0);
  int64_t columns = linear->weight.cols, pixels = IMAGES * c->out * c->out;
  const float *weight = linear->weight.values;
  cr_assert_eq(linear->weight.format, TSR_FORMAT_DENSE);
  for (int64_t r = 0; r < linear->weight.rows; r++) {
    double sum = 0, squares = 0;
    for (int64_t p = 0; p < pixels; p++) {
      double y = (double)linear->bias[r];
      for (int64_t k = 0; k < columns; k++)
        y += (double)weight[r * columns + k] *
             under(c, p / (c->out * c->out), p / c->out % c->out, p % c->out, k);
      sum += y;
      squares += y * y;
    }
    double mean = sum / (double)pixels, variance = squares / (double)pixels - mean * mean;
    cr_assert_float_eq(got->means[r], mean, 1e-5 * (1 + fabs(mean)));
    cr_assert_float_eq(got->variances[r], variance, 1e-4 * variance + 1e-9);
  }
}

/* The visit has scaled the first layer by a half. */
static tsr_status look_at_moments(void *user, size_t index, const tsr_moments *now,
                                  const tsr_moments *wanted) {
  seen *s = user;
  const tsr_linear *linear = tsr_model_linear(s->f->model, index);
  s->visits++;
  if (index) return TSR_OK;
  check_moments(s->f, &s->expected, now);
  for (int64_t r = 0; r < linear->weight.rows; r++) {
    double bias = (double)linear->bias[r];
    cr_assert_float_eq(wanted->means[r], bias + 2 * (now->means[r] - bias), 1e-5);
    cr_assert_float_eq(wanted->variances[r], 4 * now->variances[r], 1e-5 * wanted->variances[r]);
  }
  return TSR_OK;
}

static tsr_status halve_first(void *user, size_t index, const tsr_statistics *statistics) {
  static float half[4096];
  seen *s = user;
  (void)statistics;
  if (index) return TSR_OK;
  tsr_packed weight = tsr_model_linear(s->f->model, 0)->weight;
  int64_t count = weight.rows * weight.cols;
  for (int64_t i = 0; i < count; i++) half[i] = ((const float *)weight.values)[i] / 2;
  weight.values = half;
  weight.owned = NULL;
  return tsr_model_set_weight(s->f->model, 0, &weight);
}

static tsr_status compare_with(fixture *f, tsr_model *reference, seen *s) {
  tsr_calibrate_options options = {.statistics = TSR_STATISTICS_NORMS,
                                   .threads = 2,
                                   .chosen = f->chosen,
                                   .visit = halve_first,
                                   .compare = look_at_moments,
                                   .reference = reference,
                                   .user = s};
  return tsr_calibrate(f->model, f->calibration, &options);
}

Test(calibrate_images, outputs_are_compared_with_those_of_the_reference) {
  for (int net = 0; net < SMALL_RESNETS; net++) {
    fixture f;
    tsr_model *reference;
    begin(&f, net);
    cr_assert_eq(tsr_model_load(f.checkpoint, &reference), TSR_OK);
    int64_t kernel = f.net->imagenet ? 7 : 3, stride = f.net->imagenet ? 2 : 1;
    seen s = {.f = &f,
              .expected = {f.net->size, f.net->channels, kernel, stride, kernel / 2,
                           (f.net->size - 1) / stride + 1, f.pixels}};
    size_t second = 1;
    while (!tsr_model_linear(f.model, second)) second++;
    f.chosen[0] = f.chosen[second] = 1;
    cr_assert_eq(compare_with(&f, reference, &s), TSR_OK, "%s", tsr_last_error());
    cr_assert_eq(s.visits, 2);
    tsr_model_destroy(reference);
    end(&f);
  }
}

Test(calibrate_images, a_reference_has_to_be_there_and_alike) {
  fixture f, other;
  seen s = {.f = &f};
  begin(&f, 0);
  begin(&other, 1);
  f.chosen[0] = 1;
  cr_assert_eq(compare_with(&f, NULL, &s), TSR_INVALID_ARGUMENT);
  cr_assert(strstr(tsr_last_error(), "reference is NULL"), "%s", tsr_last_error());
  cr_assert_eq(compare_with(&f, other.model, &s), TSR_INVALID_ARGUMENT);
  cr_assert(strstr(tsr_last_error(), "layers are not the model's"), "%s", tsr_last_error());
  end(&other);
  end(&f);
}

/* The first filters become zeros, so that each of their channels is the constant relu(bias): the
 * square of it times the pixels that a tap of the second layer sees, which are not those in the
 * padding. */
static tsr_status clear_first(void *user, size_t index, const tsr_statistics *statistics) {
  static float zeros[4096];
  seen *s = user;
  const tsr_linear *linear = tsr_model_linear(s->f->model, index);
  s->visits++;
  if (index == 0) {
    tsr_packed weight = {.format = TSR_FORMAT_DENSE,
                         .dtype = TSR_DTYPE_F32,
                         .rows = linear->weight.rows,
                         .cols = linear->weight.cols,
                         .stored = linear->weight.rows * linear->weight.cols,
                         .values = zeros};
    return tsr_model_set_weight(s->f->model, index, &weight);
  }
  const float *bias = tsr_model_linear(s->f->model, 0)->bias;
  const tsr_conv_shape *shape = linear->conv;
  cr_assert_not_null(shape);
  int64_t side = tsr_conv_output_size(shape, 0), size = s->f->net->size;
  for (int64_t tap = 0; tap < shape->kernel[0] * shape->kernel[1]; tap++) {
    int inside = 0;
    for (int64_t y = 0; y < side; y++)
      for (int64_t x = 0; x < side; x++) {
        int64_t iy = y * shape->stride[0] - shape->padding[0] + tap / shape->kernel[1];
        int64_t ix = x * shape->stride[1] - shape->padding[1] + tap % shape->kernel[1];
        inside += iy >= 0 && ix >= 0 && iy < size && ix < size;
      }
    for (int64_t c = 0; c < shape->channels; c++) {
      double value = bias[c] > 0 ? (double)bias[c] : 0;
      double norm = statistics->norms[tap * shape->channels + c];
      cr_assert_float_eq(norm, IMAGES * inside * value * value, 1e-5 * (1 + norm));
    }
  }
  return TSR_OK;
}

Test(calibrate_images, layers_are_fed_by_what_the_visit_left) {
  fixture f;
  begin(&f, 2);
  seen s = {.f = &f};
  f.chosen[0] = f.chosen[1] = f.chosen[2] = 1; /* the stem, the downsampling, the first 3x3 */
  cr_assert_eq(calibrate(&f, clear_first, &s), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(s.visits, 3);
  end(&f);
}

static tsr_status nothing(void *user, size_t index, const tsr_statistics *statistics) {
  (void)user, (void)index, (void)statistics;
  return TSR_OK;
}

static tsr_status from_images(const tsr_image_batch *batch) {
  tsr_calibration *c;
  tsr_status status = tsr_calibration_from_images(batch, &c);
  tsr_calibration_destroy(c);
  return status;
}

static tsr_status ignore(void *user, size_t index, const tsr_moments *now,
                         const tsr_moments *wanted) {
  (void)user, (void)index, (void)now, (void)wanted;
  return TSR_OK;
}

static tsr_status compare_moments(fixture *f, tsr_model *reference) {
  tsr_calibrate_options options = {.statistics = TSR_STATISTICS_NORMS,
                                   .threads = 1,
                                   .chosen = f->chosen,
                                   .visit = nothing,
                                   .compare = ignore,
                                   .reference = reference};
  return tsr_calibrate(f->model, f->calibration, &options);
}

Test(calibrate_images, running_out_of_memory_is_survived) {
  fixture f;
  begin(&f, 2);
  f.chosen[0] = f.chosen[2] = 1;
  EXPECT_OUT_OF_MEMORY(calibrate(&f, nothing, NULL));
  tsr_model *reference;
  cr_assert_eq(tsr_model_load(f.checkpoint, &reference), TSR_OK);
  EXPECT_OUT_OF_MEMORY(compare_moments(&f, reference));
  tsr_model_destroy(reference);
  tsr_image_batch batch = batch_of(&f);
  EXPECT_OUT_OF_MEMORY(from_images(&batch));
  end(&f);
}

Test(calibrate_images, what_does_not_fit_is_refused) {
  fixture f;
  begin(&f, 2);
  tsr_calibration *c, *text;
  tsr_image_batch batch = batch_of(&f), bad = batch;
  f.chosen[0] = 1;
  cr_assert_eq(tsr_calibration_from_images(&batch, NULL), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_calibration_from_images(NULL, &c), TSR_INVALID_ARGUMENT);
  bad.pixels = NULL;
  cr_assert_eq(tsr_calibration_from_images(&bad, &c), TSR_INVALID_ARGUMENT);
  bad = batch, bad.images = 0;
  cr_assert_eq(tsr_calibration_from_images(&bad, &c), TSR_INVALID_ARGUMENT);
  bad = batch, bad.layout = TSR_IMAGE_NCHW;
  cr_assert_eq(tsr_calibration_from_images(&bad, &c), TSR_UNSUPPORTED);
  bad = batch, bad.height = 1, bad.images = 1;
  cr_assert_eq(tsr_calibration_from_images(&bad, &c), TSR_OK);
  tsr_calibration *good = f.calibration;
  f.calibration = c;
  cr_assert_eq(calibrate(&f, nothing, NULL), TSR_UNSUPPORTED_SHAPE, "%s", tsr_last_error());
  tsr_calibration_destroy(c);
  int64_t offsets[] = {0, 1};
  int32_t ids[] = {0};
  cr_assert_eq(tsr_calibration_from_ids(&(tsr_batch){1, offsets, ids, NULL}, &text), TSR_OK);
  cr_assert_null(tsr_calibration_images(text));
  cr_assert_null(tsr_calibration_states(text, NULL));
  f.calibration = text;
  cr_assert_eq(calibrate(&f, nothing, NULL), TSR_INVALID_ARGUMENT);
  tsr_calibration_destroy(text);
  f.calibration = good;
  cr_assert_null(tsr_calibration_batch(good));
  tsr_effect *effect;
  cr_assert_eq(tsr_effect_create(f.model, good, 1, 1, &effect), TSR_UNSUPPORTED);
  end(&f);
}

/* ---- images from files ---- */

/* 40 grey images in which all pixels of image i are i. */
static void write_images(const char *folder, int64_t size) {
  enum { COUNT = 40 };
  size_t bytes = 16 + COUNT * (size_t)(size * size);
  unsigned char *idx = calloc(bytes, 1);
  memcpy(idx, "\0\0\x08\x03", 4);
  idx[7] = COUNT;
  idx[11] = idx[15] = (unsigned char)size;
  for (size_t i = 16; i < bytes; i++) idx[i] = (unsigned char)((i - 16) / (size_t)(size * size));
  char *path = files_path(folder, "images.idx");
  FILE *file = fopen(path, "wb");
  cr_assert(file && fwrite(idx, 1, bytes, file) == bytes && !fclose(file));
  free(path);
  free(idx);
}

static tsr_status read_images(const fixture *f, int64_t samples, uint64_t seed,
                              tsr_calibration **out) {
  char *path = files_path(f->folder, "images.idx");
  const char *paths[] = {path};
  tsr_calibration_options options = {samples, 2, seed};
  tsr_status status = tsr_calibration_read_images(f->model, paths, 1, &options, out);
  free(path);
  return status;
}

static tsr_status read_and_destroy(const tsr_model *model, const char *path) {
  tsr_calibration *c;
  tsr_calibration_options options = {100, 2, 0};
  tsr_status status = tsr_calibration_read_images(model, &path, 1, &options, &c);
  tsr_calibration_destroy(c);
  return status;
}

/* The brightness, 0..255, that the model sees as this value. */
static long brightness(const fixture *f, float value) {
  const tsr_model_info *info = tsr_model_get_info(f->model);
  return lround(255 * ((double)value * (double)info->image_std[0] + (double)info->image_mean[0]));
}

Test(calibrate_images, samples_are_fair_and_repeatable) {
  enum { SEEDS = 200, SAMPLES = 10 };
  fixture f;
  begin(&f, 2);
  int64_t image = f.net->size * f.net->size;
  int drawn[40] = {0};
  char first[17] = "";
  write_images(f.folder, f.net->size);
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    tsr_calibration *c, *again;
    cr_assert_eq(read_images(&f, SAMPLES, seed, &c), TSR_OK, "%s", tsr_last_error());
    cr_assert_eq(read_images(&f, SAMPLES, seed, &again), TSR_OK);
    cr_assert_str_eq(tsr_calibration_hash(c), tsr_calibration_hash(again));
    const tsr_image_batch *b = tsr_calibration_images(c);
    cr_assert_eq(b->images, SAMPLES);
    for (int64_t i = 0; i < SAMPLES; i++) {
      long which = brightness(&f, b->pixels[i * image]);
      cr_assert_eq(brightness(&f, b->pixels[(i + 1) * image - 1]), which);
      drawn[which]++;
    }
    if (!seed) strcpy(first, tsr_calibration_hash(c));
    cr_assert_eq(!seed, !strcmp(first, tsr_calibration_hash(c)));
    tsr_calibration_destroy(c);
    tsr_calibration_destroy(again);
  }
  /* 50 times on average, with a deviation of 6.1. */
  for (int i = 0; i < 40; i++) cr_assert(drawn[i] > 22 && drawn[i] < 78, "%d", drawn[i]);
  char *path = files_path(f.folder, "images.idx");
  EXPECT_OUT_OF_MEMORY(read_and_destroy(f.model, path));
  free(path);
  end(&f);
}

Test(calibrate_images, files_of_other_sizes_are_refused_by_name) {
  fixture f;
  tsr_calibration *c;
  begin(&f, 2);
  write_images(f.folder, f.net->size + 1);
  cr_assert_eq(read_images(&f, 5, 0, &c), TSR_UNSUPPORTED_SHAPE);
  cr_assert_not_null(strstr(tsr_last_error(), "images.idx"), "%s", tsr_last_error());
  cr_assert_null(c);
  cr_assert_eq(read_images(&f, 0, 0, &c), TSR_INVALID_ARGUMENT);
  cr_assert_eq(read_images(&f, 5, 0, NULL), TSR_INVALID_ARGUMENT);
  tsr_calibration_options options = {5, 2, 0};
  const char *none[] = {"no such file"};
  cr_assert_eq(tsr_calibration_read_images(NULL, none, 1, &options, &c), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_calibration_read_images(f.model, none, 0, &options, &c), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_calibration_read_images(f.model, none, 1, &options, &c), TSR_NOT_FOUND);
  cr_assert_eq(tsr_calibration_read_states(f.model, none, 1, &options, &c), TSR_INVALID_ARGUMENT);
  end(&f);
}

/* ---- hidden states ---- */

typedef struct text_model {
  char *folder;
  small_bert bert;
  tsr_checkpoint *checkpoint;
  tsr_model *model;
} text_model;

static void begin_text(text_model *t) {
  *t = (text_model){.folder = files_folder()};
  small_bert_init(&t->bert, 3);
  small_bert_save(&t->bert, t->folder, "", TSR_DTYPE_F32, 0);
  small_bert_config(t->folder, NULL, NULL);
  cr_assert_eq(tsr_checkpoint_open(t->folder, &t->checkpoint), TSR_OK);
  cr_assert_eq(tsr_model_load(t->checkpoint, &t->model), TSR_OK, "%s", tsr_last_error());
}

static void end_text(text_model *t) {
  tsr_model_destroy(t->model);
  tsr_checkpoint_close(t->checkpoint);
  small_bert_release(&t->bert);
  files_remove(t->folder);
}

/* A .npy file as NumPy documents it; shape: "(2, 5, 24)". */
static void write_npy(const char *folder, const char *shape, const float *values, size_t count) {
  char header[128];
  memset(header, ' ', sizeof header);
  memcpy(header, "\x93NUMPY\x01\0\x76\0", 10);
  int length =
      snprintf(header + 10, 117, "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", shape);
  header[10 + length] = ' ';
  header[127] = '\n';
  char *path = files_path(folder, "states.npy");
  FILE *file = fopen(path, "wb");
  cr_assert(file && fwrite(header, 1, 128, file) == 128 &&
            fwrite(values, sizeof *values, count, file) == count && !fclose(file));
  free(path);
}

static tsr_status read_states(const text_model *t, int64_t samples, int64_t max_tokens,
                              tsr_calibration **out) {
  char *path = files_path(t->folder, "states.npy");
  const char *paths[] = {path};
  tsr_calibration_options options = {samples, max_tokens, 0};
  tsr_status status = tsr_calibration_read_states(t->model, paths, 1, &options, out);
  free(path);
  return status;
}

typedef struct norms {
  const tsr_model *model;
  const char *layer;
  double values[SMALL_HIDDEN];
} norms;

static tsr_status take_norms(void *user, size_t index, const tsr_statistics *statistics) {
  norms *n = user;
  if (!strcmp(tsr_model_layer_name(n->model, index), n->layer))
    memcpy(n->values, statistics->norms, sizeof n->values);
  return TSR_OK;
}

static void norms_of(const text_model *t, const tsr_calibration *c, norms *out) {
  uint8_t chosen[LAYERS_MAX] = {0};
  for (size_t i = 0; i < tsr_model_layer_count(t->model); i++)
    chosen[i] = !strcmp(tsr_model_layer_name(t->model, i), out->layer);
  tsr_calibrate_options options = {.statistics = TSR_STATISTICS_NORMS,
                                   .threads = 2,
                                   .chosen = chosen,
                                   .visit = take_norms,
                                   .user = out};
  cr_assert_eq(tsr_calibrate(t->model, c, &options), TSR_OK, "%s", tsr_last_error());
}

/* The embeddings of two sentences, from the naive forward pass, give the statistics of the
 * sentences themselves. */
Test(calibrate_images, hidden_states_stand_for_their_sentences) {
  enum { TOKENS = 5 };
  static const int32_t ids[] = {1, 4, 9, 16, 25, 7, 8, 3, 1, 4};
  static const int64_t offsets[] = {0, TOKENS, 2 * TOKENS};
  double hidden[2 * TOKENS * SMALL_HIDDEN];
  float states[2 * TOKENS * SMALL_HIDDEN];
  text_model t;
  tsr_calibration *text, *c;
  begin_text(&t);
  for (int s = 0; s < 2; s++)
    small_bert_forward_blocks(&t.bert, ids + s * TOKENS, NULL, TOKENS, 0,
                              hidden + s * TOKENS * SMALL_HIDDEN);
  for (int i = 0; i < 2 * TOKENS * SMALL_HIDDEN; i++) states[i] = (float)hidden[i];
  write_npy(t.folder, "(2, 5, 24)", states, 2 * TOKENS * SMALL_HIDDEN);
  cr_assert_eq(read_states(&t, 10, 20, &c), TSR_OK, "%s", tsr_last_error());
  int64_t width;
  cr_assert_eq(memcmp(tsr_calibration_states(c, &width), states, sizeof states), 0);
  cr_assert_eq(width, SMALL_HIDDEN);
  const tsr_batch *b = tsr_calibration_batch(c);
  cr_assert_eq(b->sequences, 2);
  cr_assert_eq(memcmp(b->offsets, offsets, sizeof offsets), 0);
  cr_assert_null(b->ids);
  cr_assert_eq(tsr_calibration_from_ids(&(tsr_batch){2, offsets, ids, NULL}, &text), TSR_OK);
  static const char *const layers[] = {"encoder.layer.0.attention.self.query",
                                       "encoder.layer.1.attention.output.dense"};
  for (int l = 0; l < 2; l++) {
    norms of_states = {.model = t.model, .layer = layers[l]}, of_text = of_states;
    norms_of(&t, c, &of_states);
    norms_of(&t, text, &of_text);
    for (int i = 0; i < SMALL_HIDDEN; i++)
      cr_assert_float_eq(of_states.values[i], of_text.values[i], 1e-4 * (1 + of_text.values[i]));
  }
  tsr_effect *effect;
  cr_assert_eq(tsr_effect_create(t.model, c, 1, 1, &effect), TSR_UNSUPPORTED);
  tsr_calibration_destroy(text);
  tsr_calibration_destroy(c);
  end_text(&t);
}

static tsr_status read_states_and_destroy(const tsr_model *model, const char *path) {
  tsr_calibration *c;
  tsr_calibration_options options = {10, 20, 0};
  tsr_status status = tsr_calibration_read_states(model, &path, 1, &options, &c);
  tsr_calibration_destroy(c);
  return status;
}

Test(calibrate_images, hidden_states_are_cut_and_checked) {
  enum { TOKENS = 6 };
  text_model t;
  tsr_calibration *c;
  float states[TOKENS * SMALL_HIDDEN];
  for (int i = 0; i < TOKENS * SMALL_HIDDEN; i++) states[i] = (float)i;
  begin_text(&t);
  write_npy(t.folder, "(6, 24)", states, TOKENS * SMALL_HIDDEN);
  cr_assert_eq(read_states(&t, 1, 4, &c), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(tsr_calibration_batch(c)->offsets[1], 4);
  cr_assert_eq(memcmp(tsr_calibration_states(c, NULL), states, 4 * SMALL_HIDDEN * 4), 0);
  tsr_calibration_destroy(c);
  char *path = files_path(t.folder, "states.npy");
  EXPECT_OUT_OF_MEMORY(read_states_and_destroy(t.model, path));
  free(path);
  cr_assert_eq(read_states(&t, 1, 1, &c), TSR_INVALID_ARGUMENT);
  cr_assert_eq(read_states(&t, 1, 4, NULL), TSR_INVALID_ARGUMENT);
  static const char *const bad[] = {"(144,)", "(24, 6)", "(1, 1, 6, 24)", "(0, 6, 24)"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    write_npy(t.folder, bad[i], states, bad[i][1] == '0' ? 0 : TOKENS * SMALL_HIDDEN);
    cr_assert_neq(read_states(&t, 1, 4, &c), TSR_OK, "%s", bad[i]);
    cr_assert_not_null(strstr(tsr_last_error(), "states.npy"), "%s", tsr_last_error());
    cr_assert_null(c);
  }
  write_npy(t.folder, "(6, 24)", states, TOKENS * SMALL_HIDDEN - 1);
  cr_assert_eq(read_states(&t, 1, 4, &c), TSR_MALFORMED);
  tsr_calibration_options options = {5, 2, 0};
  const char *none[] = {"no such file"};
  cr_assert_eq(tsr_calibration_read_states(NULL, none, 1, &options, &c), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_calibration_read_states(t.model, none, 1, &options, &c), TSR_NOT_FOUND);
  cr_assert_eq(tsr_calibration_read_images(t.model, none, 1, &options, &c), TSR_INVALID_ARGUMENT);
  end_text(&t);
}
