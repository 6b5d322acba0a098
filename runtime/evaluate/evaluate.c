#include "runtime/evaluate/evaluate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/evaluate/statistics.h"

static const tsr__task table[] = {
#define TSR__TASK(name, summary) {#name, summary, &tsr__task_##name},
#include "runtime/evaluate/tasks.inc"
#undef TSR__TASK
};

enum { TASKS = sizeof table / sizeof *table };

const tsr__task *tsr__task_at(size_t index) { return index < TASKS ? &table[index] : NULL; }

tsr_status tsr__task_find(const char *name, const tsr__task **out) {
  char names[256] = "";
  for (size_t i = 0; i < TASKS; i++) {
    if (!strcmp(table[i].name, name)) {
      *out = &table[i];
      return TSR_OK;
    }
    size_t used = strlen(names);
    snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", table[i].name);
  }
  return tsr__error(TSR_INVALID_ARGUMENT, "unknown task '%s'; there are %s", name, names);
}

tsr_status tsr__evaluate(const tsr__task *task, tsr__task_data *data, tsr__subject *subject,
                         tsr__subject *reference, tsr__evaluation *out) {
  *out = (tsr__evaluation){.task = task->name};
  TSR_CHECK(reference || !task->ops->needs_reference, TSR_INVALID_ARGUMENT,
            "%s compares with the unpruned model: name it as the reference", task->name);
  TSR_CHECK(!reference || tsr__subject_width(reference) == tsr__subject_width(subject),
            TSR_INVALID_ARGUMENT, "%s: %s has embeddings of %lld, the reference %s of %lld",
            task->name, tsr__subject_of(subject)->name, (long long)tsr__subject_width(subject),
            tsr__subject_of(reference)->name, (long long)tsr__subject_width(reference));
  tsr_status status = task->ops->run(data, subject, reference, out);
  return status == TSR_OK ? TSR_OK : tsr__error_prefix(status, "%s", task->name);
}

void tsr__metric_add(tsr__evaluation *out, const char *name, tsr__unit_of_metric unit, double value,
                     const char *meaning) {
  if (out->metric_count == TSR__METRICS_MAX) return;
  out->metrics[out->metric_count++] = (tsr__metric){
      .name = name, .meaning = meaning, .unit = unit, .value = value, .low = NAN, .high = NAN};
}

void tsr__metric_add_share(tsr__evaluation *out, const char *name, int64_t hits, int64_t of,
                           const char *meaning) {
  if (out->metric_count == TSR__METRICS_MAX) return;
  tsr__metric_add(out, name, TSR__METRIC_SHARE, of ? (double)hits / (double)of : 0, meaning);
  tsr__metric *metric = &out->metrics[out->metric_count - 1];
  tsr__wilson(hits, of, &metric->low, &metric->high);
}

/* ---- data ---- */

tsr_status tsr__task_sentences(tsr__task_data *data, const tsr__sentences **out) {
  *out = &data->sentences;
  if (data->has_sentences) return TSR_OK;
  TSR_CHECK(data->folder, TSR_INVALID_ARGUMENT,
            "it needs the folder with " TSR__SENTENCES_FILE
            " (--data; scripts/get_sentences.sh fetches and names one)");
  char *path;
  TSR_TRY(tsr__path_join(data->folder, TSR__SENTENCES_FILE, &path));
  tsr_status status = tsr__sentences_read(path, &data->sentences);
  free(path);
  data->has_sentences = status == TSR_OK;
  if (status != TSR_OK) tsr__sentences_release(&data->sentences);
  return status;
}

/* Where Debian's wordnet-base puts it, unless it lies in the folder of the data. */
tsr_status tsr__task_wordnet(tsr__task_data *data, const tsr__wordnet **out) {
  static const char usual[] = "/usr/share/wordnet";
  *out = &data->wordnet;
  if (data->has_wordnet) return TSR_OK;
  tsr_status status = TSR_NOT_FOUND;
  if (data->folder) status = tsr__wordnet_read(data->folder, &data->wordnet);
  if (status == TSR_NOT_FOUND) {
    tsr__wordnet_release(&data->wordnet);
    status = tsr__wordnet_read(usual, &data->wordnet);
    if (status == TSR_NOT_FOUND)
      status = tsr__error(status,
                          "WordNet's data.noun and the like are neither in %s nor in %s; Debian's "
                          "package wordnet-base has them",
                          data->folder ? data->folder : "a folder of --data", usual);
  }
  data->has_wordnet = status == TSR_OK;
  if (status != TSR_OK) tsr__wordnet_release(&data->wordnet);
  return status;
}

void tsr__task_data_release(tsr__task_data *data) {
  tsr__sentences_release(&data->sentences);
  tsr__wordnet_release(&data->wordnet);
  *data = (tsr__task_data){0};
}
