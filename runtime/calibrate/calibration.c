/* The input of a calibration: token ids, and their hash. */
#include "runtime/calibrate/calibration.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/calibrate/sample.h"

enum { SAMPLES_MAX = 1 << 20, TOKENS_MAX = 1 << 20 };

tsr__hash tsr__hash_begin(void) { return (tsr__hash){0xcbf29ce484222325u}; }

void tsr__hash_word(tsr__hash *hash, uint32_t word) {
  for (int i = 0; i < 4; i++) hash->state = (hash->state ^ (word >> 8 * i & 0xff)) * 0x100000001b3u;
}

void tsr__hash_floats(tsr__hash *hash, const float *values, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, &values[i], sizeof bits);
    tsr__hash_word(hash, bits);
  }
}

void tsr__hash_text(const tsr__hash *hash, char text[17]) {
  snprintf(text, 17, "%016" PRIx64, hash->state);
}

static void finish(tsr_calibration *c, int64_t sequences) {
  tsr__hash hash = tsr__hash_begin();
  c->batch = (tsr_batch){.sequences = sequences, .offsets = c->offsets, .ids = c->ids};
  for (int64_t s = 0; s < sequences; s++) {
    tsr__hash_word(&hash, (uint32_t)(c->offsets[s + 1] - c->offsets[s]));
    for (int64_t t = c->offsets[s]; t < c->offsets[s + 1]; t++)
      tsr__hash_word(&hash, (uint32_t)c->ids[t]);
  }
  tsr__hash_text(&hash, c->hash);
}

static tsr_status create(int64_t sequences, int64_t tokens, tsr_calibration **out) {
  tsr_calibration *c;
  tsr_status status;
  TSR_TRY(tsr__calloc(1, sizeof *c, "the calibration", &c));
  TSR_TRY_GOTO(
      status,
      tsr__calloc((size_t)sequences + 1, sizeof *c->offsets, "the calibration", &c->offsets),
      failed);
  TSR_TRY_GOTO(status, tsr__calloc((size_t)tokens, sizeof *c->ids, "the calibration", &c->ids),
               failed);
  *out = c;
  return TSR_OK;
failed:
  tsr_calibration_destroy(c);
  return status;
}

static tsr_status encode(const tsr_tokenizer *tokenizer, const tsr__sample *sample,
                         int64_t max_tokens, tsr_calibration *c) {
  for (int64_t s = 0; s < sample->count; s++) {
    size_t tokens;
    const tsr__sample_line *line = &sample->lines[s];
    TSR_TRY(tsr_tokenizer_encode(tokenizer, line->text, line->bytes, (size_t)max_tokens,
                                 c->ids + c->offsets[s], (size_t)max_tokens, &tokens));
    c->offsets[s + 1] = c->offsets[s] + (int64_t)tokens;
  }
  finish(c, sample->count);
  return TSR_OK;
}

static tsr_status read_and_encode(const tsr_tokenizer *tokenizer, const char *const *paths,
                                  size_t count, const tsr_calibration_options *o,
                                  tsr__sample *sample, tsr_calibration **out) {
  TSR_TRY(tsr__sample_read(paths, count, o->samples, o->seed, sample));
  TSR_CHECK(sample->count, TSR_INVALID_ARGUMENT, "%s: no line of text to calibrate with", paths[0]);
  TSR_TRY(create(sample->count, sample->count * o->max_tokens, out));
  return encode(tokenizer, sample, o->max_tokens, *out);
}

tsr_status tsr__calibration_check(const char *function, const char *const *paths, size_t count,
                                  const tsr_calibration_options *options) {
  TSR_CHECK(paths && count && options, TSR_INVALID_ARGUMENT,
            "%s: an argument is NULL, or there are no files", function);
  TSR_CHECK(options->samples >= 1 && options->samples <= SAMPLES_MAX, TSR_INVALID_ARGUMENT,
            "%s: %lld samples, not 1 to %d", function, (long long)options->samples, SAMPLES_MAX);
  TSR_CHECK(options->max_tokens >= 2 && options->max_tokens <= TOKENS_MAX, TSR_INVALID_ARGUMENT,
            "%s: %lld tokens, not 2 to %d", function, (long long)options->max_tokens, TOKENS_MAX);
  return TSR_OK;
}

tsr_status tsr_calibration_read(const tsr_tokenizer *tokenizer, const char *const *paths,
                                size_t count, const tsr_calibration_options *options,
                                tsr_calibration **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_calibration_read: out is NULL");
  *out = NULL;
  TSR_CHECK(tokenizer, TSR_INVALID_ARGUMENT, "tsr_calibration_read: tokenizer is NULL");
  TSR_TRY(tsr__calibration_check("tsr_calibration_read", paths, count, options));
  tsr__sample sample;
  tsr_status status = read_and_encode(tokenizer, paths, count, options, &sample, out);
  tsr__sample_release(&sample);
  if (status != TSR_OK) {
    tsr_calibration_destroy(*out);
    *out = NULL;
  }
  return status;
}

tsr_status tsr_calibration_from_ids(const tsr_batch *batch, tsr_calibration **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_calibration_from_ids: out is NULL");
  *out = NULL;
  TSR_CHECK(batch && batch->offsets && batch->ids, TSR_INVALID_ARGUMENT,
            "tsr_calibration_from_ids: NULL argument");
  TSR_CHECK(batch->sequences >= 1 && batch->offsets[0] == 0, TSR_INVALID_ARGUMENT,
            "tsr_calibration_from_ids: %lld sequences from offset %lld",
            (long long)batch->sequences, (long long)batch->offsets[0]);
  for (int64_t s = 0; s < batch->sequences; s++)
    TSR_CHECK(batch->offsets[s + 1] > batch->offsets[s], TSR_INVALID_ARGUMENT,
              "tsr_calibration_from_ids: sequence %lld is empty", (long long)s);
  int64_t tokens = batch->offsets[batch->sequences];
  tsr_calibration *c;
  TSR_TRY(create(batch->sequences, tokens, &c));
  memcpy(c->offsets, batch->offsets, ((size_t)batch->sequences + 1) * sizeof *c->offsets);
  memcpy(c->ids, batch->ids, (size_t)tokens * sizeof *c->ids);
  finish(c, batch->sequences);
  *out = c;
  return TSR_OK;
}

void tsr_calibration_destroy(tsr_calibration *calibration) {
  if (!calibration) return;
  free(calibration->offsets);
  free(calibration->ids);
  free(calibration->values);
  free(calibration);
}

const tsr_batch *tsr_calibration_batch(const tsr_calibration *calibration) {
  return calibration && calibration->batch.sequences ? &calibration->batch : NULL;
}

const float *tsr_calibration_states(const tsr_calibration *calibration, int64_t *width) {
  int has = calibration && calibration->width;
  if (width) *width = has ? calibration->width : 0;
  return has ? calibration->values : NULL;
}

const tsr_image_batch *tsr_calibration_images(const tsr_calibration *calibration) {
  return calibration && calibration->images.images ? &calibration->images : NULL;
}

const char *tsr_calibration_hash(const tsr_calibration *calibration) {
  return calibration ? calibration->hash : "";
}

tsr_status tsr__calibration_take(const tsr_calibration *calibration, int64_t wanted,
                                 tsr_calibration **out) {
  const tsr_batch *all = tsr_calibration_batch(calibration);
  int64_t count = all->sequences < wanted ? all->sequences : wanted, *offsets;
  int32_t *ids = NULL;
  tsr_status status;
  TSR_TRY(tsr__calloc((size_t)count + 1, sizeof *offsets, "a sample", &offsets));
  TSR_TRY_GOTO(
      status,
      tsr__calloc((size_t)all->offsets[all->sequences], sizeof *ids, "a sample's tokens", &ids),
      done);
  for (int64_t i = 0; i < count; i++) {
    int64_t s = i * all->sequences / count, tokens = all->offsets[s + 1] - all->offsets[s];
    memcpy(ids + offsets[i], all->ids + all->offsets[s], (size_t)tokens * sizeof *ids);
    offsets[i + 1] = offsets[i] + tokens;
  }
  status = tsr_calibration_from_ids(
      &(tsr_batch){.sequences = count, .offsets = offsets, .ids = ids}, out);
done:
  free(offsets);
  free(ids);
  return status;
}
