/* A model that is evaluated: texts in, embeddings out; or images in, classes out. */
#ifndef TESSERA_EVALUATE_SUBJECT_H
#define TESSERA_EVALUATE_SUBJECT_H

#include "runtime/evaluate/texts.h"
#include "runtime/image/images.h"
#include "tessera/model.h"
#include "tessera/plan.h"

typedef struct tsr__subject_options {
  const char *name; /* for messages */
  const tsr_model *model;
  const tsr_tokenizer *tokenizer; /* NULL for a model that takes no text */
  const tsr_plan_options *linear; /* max_tokens is not looked at */
  void (*progress)(void *user, const char *what, int64_t done, int64_t total); /* NULL = silent */
  void *progress_user;
} tsr__subject_options;

typedef struct tsr__subject tsr__subject;

/* Everything in options is borrowed until destroy. */
tsr_status tsr__subject_create(const tsr__subject_options *options, tsr__subject **out);
void tsr__subject_destroy(tsr__subject *subject); /* NULL is fine */

const tsr__subject_options *tsr__subject_of(const tsr__subject *subject);
int64_t tsr__subject_width(const tsr__subject *subject);

/* Sequences are cut to so many tokens. */
enum { TSR__EVALUATE_TOKENS = 64 };

/* *out: [texts->count, width], L2-normalised, the subject's; computed once for each list, which
 * must stay as it is. what: names them in the progress. Texts of like lengths are computed
 * together, so that threads have like work. */
tsr_status tsr__subject_embed(tsr__subject *subject, const tsr__texts *texts, const char *what,
                              const float **out);

/* What a task derived from the subject and a later call of it need not derive again, such as a
 * probe that was fitted on the subject's embeddings. key: tells apart what is kept. NULL: nothing
 * yet. */
const void *tsr__subject_kept(const tsr__subject *subject, const void *key);
/* memory: from malloc, the subject's from then on, also on failure. */
tsr_status tsr__subject_keep(tsr__subject *subject, const void *key, void *memory);

/* out: [images->count], the class of each image; the caller's. TSR_INVALID_ARGUMENT if the model is
 * no classifier. */
tsr_status tsr__subject_classify(tsr__subject *subject, const tsr__images *images, const char *what,
                                 int32_t *out);

#endif
