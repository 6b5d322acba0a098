#include "runtime/cli/evaluate_subject.h"

#include <math.h>

#include "runtime/base/status.h"

static void show(void *user, const char *what, int64_t done, int64_t total) {
  tsr__cli_subject *subject = user;
  if (subject->computing != what) tsr__progress_begin(&subject->progress, what, total);
  subject->computing = what;
  tsr__progress_update(&subject->progress, done);
  if (done < total) return;
  tsr__progress_end(&subject->progress);
  subject->computing = NULL;
}

tsr_status tsr__cli_subject_open(const char *name, const char *vocabulary,
                                 const tsr_plan_options *linear, tsr__cli_subject *out) {
  TSR_TRY(tsr__cli_open_model(name, &out->opened));
  if (!tsr_model_get_info(out->opened.model)->classes)
    TSR_TRY(tsr__cli_open_tokenizer(name, &out->opened, vocabulary, "--vocab", &out->tokenizer));
  tsr__subject_options options = {.name = name,
                                  .model = out->opened.model,
                                  .tokenizer = out->tokenizer,
                                  .linear = linear,
                                  .progress = show,
                                  .progress_user = out};
  return tsr__subject_create(&options, &out->subject);
}

void tsr__cli_subject_close(tsr__cli_subject *subject) {
  if (subject->computing) tsr__progress_end(&subject->progress);
  tsr__subject_destroy(subject->subject);
  tsr_tokenizer_close(subject->tokenizer);
  tsr__cli_close_model(&subject->opened);
  *subject = (tsr__cli_subject){0};
}

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

json_t *tsr__evaluation_json(const tsr__evaluation *evaluation) {
  json_t *metrics = json_object();
  for (size_t i = 0; i < evaluation->metric_count; i++) {
    const tsr__metric *m = &evaluation->metrics[i];
    json_t *metric = isnan(m->low) ? json_pack("{s:o}", "value", number(m->value))
                                   : json_pack("{s:o, s:o, s:o}", "value", number(m->value), "low",
                                               number(m->low), "high", number(m->high));
    if (json_object_set_new(metrics, m->name, metric)) {
      json_decref(metrics);
      return NULL;
    }
  }
  return json_pack("{s:s, s:I, s:o}", "task", evaluation->task, "count",
                   (json_int_t)evaluation->count, "metrics", metrics);
}
