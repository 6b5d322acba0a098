/* The input of a calibration: token ids, and their hash. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/calibrate/sample.h"
#include "tessera/calibrate.h"

struct tsr_calibration {
  tsr_batch batch;
  int64_t *offsets; /* [sequences + 1] */
  int32_t *ids;     /* [offsets[sequences]] */
  char hash[17];
};

enum { SAMPLES_MAX = 1 << 20, TOKENS_MAX = 1 << 20 };

static void hash_word(uint64_t *hash, uint32_t word) {
  for (int i = 0; i < 4; i++) *hash = (*hash ^ (word >> 8 * i & 0xff)) * 0x100000001b3u;
}

static void finish(tsr_calibration *c, int64_t sequences) {
  c->batch = (tsr_batch){.sequences = sequences, .offsets = c->offsets, .ids = c->ids};
  uint64_t hash = 0xcbf29ce484222325u;
  for (int64_t s = 0; s < sequences; s++) {
    hash_word(&hash, (uint32_t)(c->offsets[s + 1] - c->offsets[s]));
    for (int64_t t = c->offsets[s]; t < c->offsets[s + 1]; t++)
      hash_word(&hash, (uint32_t)c->ids[t]);
  }
  snprintf(c->hash, sizeof c->hash, "%016" PRIx64, hash);
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

tsr_status tsr_calibration_read(const tsr_tokenizer *tokenizer, const char *const *paths,
                                size_t count, const tsr_calibration_options *options,
                                tsr_calibration **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_calibration_read: out is NULL");
  *out = NULL;
  TSR_CHECK(tokenizer && paths && count && options, TSR_INVALID_ARGUMENT,
            "tsr_calibration_read: an argument is NULL, or there are no files");
  TSR_CHECK(options->samples >= 1 && options->samples <= SAMPLES_MAX, TSR_INVALID_ARGUMENT,
            "tsr_calibration_read: %lld samples, not 1 to %d", (long long)options->samples,
            SAMPLES_MAX);
  TSR_CHECK(options->max_tokens >= 2 && options->max_tokens <= TOKENS_MAX, TSR_INVALID_ARGUMENT,
            "tsr_calibration_read: %lld tokens, not 2 to %d", (long long)options->max_tokens,
            TOKENS_MAX);
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
  free(calibration);
}

const tsr_batch *tsr_calibration_batch(const tsr_calibration *calibration) {
  return calibration ? &calibration->batch : NULL;
}

const char *tsr_calibration_hash(const tsr_calibration *calibration) {
  return calibration ? calibration->hash : "";
}
