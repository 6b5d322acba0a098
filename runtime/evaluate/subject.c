#include "runtime/evaluate/subject.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cuda/host.h"
#include "runtime/plan/model_plan.h"
#include "tessera/execute.h"

/* More tokens at once would cost memory and gain no speed. */
enum { BATCH_TOKENS = 1024, BATCH_SEQUENCES = 256, LISTS_MAX = 8, KEPT_MAX = 8 };

typedef struct list {
  const tsr__texts *texts;
  float *embeddings;
} list;

typedef struct kept {
  const void *key;
  void *memory;
} kept;

struct tsr__subject {
  tsr__subject_options options;
  int64_t width;
  size_t max_tokens;
  tsr_model_plan *plan;
  tsr__cuda_host *gpu;
  void *workspace;
  size_t workspace_bytes;
  float *rows; /* [BATCH_SEQUENCES, width] */
  list lists[LISTS_MAX];
  size_t list_count;
  kept kept[KEPT_MAX];
  size_t kept_count;
};

static tsr_status build(tsr__subject *subject) {
  const tsr_model_info *info = tsr_model_get_info(subject->options.model);
  subject->width = info->hidden;
  if (info->classes) return TSR_OK; /* classify.c plans it */
  subject->max_tokens = (size_t)(info->max_positions < TSR__EVALUATE_TOKENS ? info->max_positions
                                                                            : TSR__EVALUATE_TOKENS);
  tsr_model_plan_options plan = {.linear = *subject->options.linear,
                                 .max_batch = BATCH_SEQUENCES,
                                 .max_seq = (int64_t)subject->max_tokens};
  plan.linear.max_tokens = BATCH_TOKENS;
  TSR_TRY(tsr_model_plan_create(subject->options.model, &plan, &subject->plan));
  if (subject->plan->cuda)
    TSR_TRY(tsr__cuda_host_create(subject->plan, &subject->gpu));
  else
    subject->workspace_bytes = tsr_model_plan_workspace_bytes(subject->plan);
  TSR_TRY(tsr__aligned(BATCH_SEQUENCES, (size_t)subject->width * sizeof *subject->rows, "a batch",
                       &subject->rows));
  return tsr__aligned(subject->workspace_bytes, 1, "the workspace", &subject->workspace);
}

tsr_status tsr__subject_create(const tsr__subject_options *options, tsr__subject **out) {
  TSR_TRY(tsr__calloc(1, sizeof **out, "a model to evaluate", out));
  (*out)->options = *options;
  tsr_status status = build(*out);
  if (status == TSR_OK) return TSR_OK;
  tsr__subject_destroy(*out);
  *out = NULL;
  return status;
}

void tsr__subject_destroy(tsr__subject *subject) {
  if (!subject) return;
  for (size_t i = 0; i < subject->list_count; i++) free(subject->lists[i].embeddings);
  for (size_t i = 0; i < subject->kept_count; i++) free(subject->kept[i].memory);
  tsr__cuda_host_destroy(subject->gpu);
  tsr_model_plan_destroy(subject->plan);
  free(subject->rows);
  free(subject->workspace);
  free(subject);
}

const tsr__subject_options *tsr__subject_of(const tsr__subject *subject) {
  return &subject->options;
}

int64_t tsr__subject_width(const tsr__subject *subject) { return subject->width; }

const void *tsr__subject_kept(const tsr__subject *subject, const void *key) {
  for (size_t i = 0; i < subject->kept_count; i++)
    if (subject->kept[i].key == key) return subject->kept[i].memory;
  return NULL;
}

tsr_status tsr__subject_keep(tsr__subject *subject, const void *key, void *memory) {
  if (subject->kept_count == KEPT_MAX) {
    free(memory);
    return tsr__error(TSR_UNSUPPORTED, "more than %d things to keep", KEPT_MAX);
  }
  subject->kept[subject->kept_count++] = (kept){key, memory};
  return TSR_OK;
}

/* ---- texts -> token ids, the longest first ---- */

typedef struct sequence {
  size_t text;
  size_t begin, tokens; /* in ids */
} sequence;

typedef struct encoded {
  sequence *sequences; /* [texts] */
  int32_t *ids;        /* one sequence behind the other */
  int64_t tokens;
} encoded;

static int longest_first(const void *a, const void *b) {
  const sequence *x = a, *y = b;
  if (x->tokens != y->tokens) return x->tokens < y->tokens ? 1 : -1;
  return (x->text > y->text) - (x->text < y->text);
}

static tsr_status encode(const tsr__subject *subject, const tsr__texts *texts, encoded *out) {
  TSR_TRY(tsr__calloc(texts->count, sizeof *out->sequences, "the texts", &out->sequences));
  TSR_TRY(tsr__calloc(texts->count * subject->max_tokens, sizeof *out->ids, "the token ids",
                      &out->ids));
  for (size_t i = 0; i < texts->count; i++) {
    sequence *s = &out->sequences[i];
    *s = (sequence){.text = i, .begin = (size_t)out->tokens};
    TSR_TRY(tsr_tokenizer_encode(subject->options.tokenizer, tsr__text_at(texts, i),
                                 tsr__text_bytes(texts, i), subject->max_tokens,
                                 out->ids + s->begin, subject->max_tokens, &s->tokens));
    out->tokens += (int64_t)s->tokens;
  }
  qsort(out->sequences, texts->count, sizeof *out->sequences, longest_first);
  return TSR_OK;
}

/* ---- token ids -> embeddings ---- */

typedef struct batch {
  int64_t offsets[BATCH_SEQUENCES + 1];
  int32_t ids[BATCH_TOKENS];
  int64_t sequences;
} batch;

/* Takes sequences from `first` on while they fit. */
static void fill(const encoded *e, size_t first, size_t count, batch *b) {
  b->sequences = 0;
  b->offsets[0] = 0;
  for (size_t i = first; i < count && b->sequences < BATCH_SEQUENCES; i++) {
    const sequence *s = &e->sequences[i];
    int64_t used = b->offsets[b->sequences];
    if (used + (int64_t)s->tokens > BATCH_TOKENS) break;
    memcpy(b->ids + used, e->ids + s->begin, s->tokens * sizeof *b->ids);
    b->offsets[++b->sequences] = used + (int64_t)s->tokens;
  }
}

static tsr_status execute(const tsr__subject *subject, const batch *b) {
  tsr_batch sequences = {b->sequences, b->offsets, b->ids, NULL};
  tsr_output output = {.embedding = subject->rows, .normalise = 1};
  if (subject->gpu) return tsr__cuda_host_execute(subject->gpu, &sequences, &output);
  return tsr_model_execute(subject->plan, &sequences, &output, subject->workspace,
                           subject->workspace_bytes);
}

static tsr_status embed(const tsr__subject *subject, const encoded *e, size_t count,
                        const char *what, float *out) {
  const tsr__subject_options *o = &subject->options;
  size_t width = (size_t)subject->width;
  batch b;
  int64_t done = 0;
  for (size_t first = 0; first < count; first += (size_t)b.sequences) {
    fill(e, first, count, &b);
    TSR_TRY(execute(subject, &b));
    for (size_t i = 0; i < (size_t)b.sequences; i++)
      memcpy(out + e->sequences[first + i].text * width, subject->rows + i * width,
             width * sizeof *out);
    done += b.offsets[b.sequences];
    if (o->progress) o->progress(o->progress_user, what, done, e->tokens);
  }
  return TSR_OK;
}

static tsr_status compute(tsr__subject *subject, const tsr__texts *texts, const char *what,
                          list *out) {
  encoded e = {0};
  tsr_status status = encode(subject, texts, &e);
  if (status == TSR_OK)
    status = tsr__aligned(texts->count, (size_t)subject->width * sizeof(float), "embeddings",
                          &out->embeddings);
  if (status == TSR_OK) status = embed(subject, &e, texts->count, what, out->embeddings);
  free(e.sequences);
  free(e.ids);
  out->texts = texts;
  return status;
}

tsr_status tsr__subject_embed(tsr__subject *subject, const tsr__texts *texts, const char *what,
                              const float **out) {
  TSR_CHECK(subject->options.tokenizer, TSR_INVALID_ARGUMENT, "%s takes no text",
            subject->options.name);
  for (size_t i = 0; i < subject->list_count; i++)
    if (subject->lists[i].texts == texts) {
      *out = subject->lists[i].embeddings;
      return TSR_OK;
    }
  TSR_CHECK(subject->list_count < LISTS_MAX, TSR_UNSUPPORTED, "more than %d lists of texts",
            LISTS_MAX);
  list computed = {0};
  tsr_status status = compute(subject, texts, what, &computed);
  if (status != TSR_OK) {
    free(computed.embeddings);
    return tsr__error_prefix(status, "%s", subject->options.name);
  }
  subject->lists[subject->list_count++] = computed;
  *out = computed.embeddings;
  return TSR_OK;
}
