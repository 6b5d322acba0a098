#include "runtime/cli/sweep_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/variant.h"
#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/cli/options.h"
#include "runtime/report/sweep.h"

/* ---- reading ---- */

/* A line's words after its first one. */
typedef struct words {
  size_t count;
  const char *items[TSR__SWEEP_WORDS_MAX + 1];
} words;

static tsr_status room(size_t count, size_t most, const char *what) {
  TSR_CHECK(count < most, TSR_INVALID_ARGUMENT, "more than %zu %s", most, what);
  return TSR_OK;
}

static tsr_status add_task(const tsr__task **tasks, size_t *count, const char *name) {
  TSR_TRY(room(*count, TSR__SWEEP_TASKS_MAX, "tasks"));
  return tsr__task_find(name, &tasks[(*count)++]);
}

/* NULL unless the word is "KEY=VALUE". */
static const char *value_of(const char *word, const char *key) {
  size_t bytes = strlen(key);
  return !strncmp(word, key, bytes) && word[bytes] == '=' ? word + bytes + 1 : NULL;
}

static tsr_status take_setting(tsr__sweep_model *model, const char *word) {
  const char *calibration = value_of(word, "calibrate"), *data = value_of(word, "data");
  const char *task = value_of(word, "task");
  if (task) return add_task(model->tasks, &model->task_count, task);
  TSR_CHECK(calibration || data, TSR_INVALID_ARGUMENT,
            "'%s' is none of calibrate=FILE, task=TASK, data=FOLDER", word);
  *(calibration ? &model->calibration : &model->data) = calibration ? calibration : data;
  return TSR_OK;
}

static tsr_status take_model(tsr__sweep_plan *plan, const words *w) {
  TSR_CHECK(w->count >= 2, TSR_INVALID_ARGUMENT, "model NAME PATH is expected");
  TSR_TRY(room(plan->model_count, TSR__SWEEP_MODELS_MAX, "models"));
  tsr__sweep_model *model = &plan->models[plan->model_count++];
  *model = (tsr__sweep_model){.name = w->items[0], .path = w->items[1]};
  for (size_t i = 2; i < w->count; i++) TSR_TRY(take_setting(model, w->items[i]));
  return TSR_OK;
}

static tsr_status take_patterns(tsr__sweep_plan *plan, const words *w) {
  for (size_t i = 0; i < w->count; i++) {
    TSR_TRY(room(plan->pattern_count, TSR__SWEEP_VALUES_MAX, "patterns"));
    tsr_pattern *pattern = &plan->patterns[plan->pattern_count++];
    TSR_TRY(tsr_pattern_parse(w->items[i], pattern));
    TSR_CHECK(pattern->kind != TSR_PATTERN_DENSE, TSR_INVALID_ARGUMENT,
              "pattern: the dense model is measured anyway");
  }
  return TSR_OK;
}

static tsr_status take_sparsities(tsr__sweep_plan *plan, const words *w) {
  for (size_t i = 0; i < w->count; i++) {
    TSR_TRY(room(plan->sparsity_count, TSR__SWEEP_VALUES_MAX, "sparsities"));
    TSR_TRY(tsr__parse_number("sparsity", w->items[i], 0, 1,
                              &plan->sparsities[plan->sparsity_count++]));
  }
  return TSR_OK;
}

static tsr_status take_method(tsr__sweep_plan *plan, const words *w) {
  TSR_TRY(room(plan->method_count, TSR__SWEEP_VALUES_MAX, "methods"));
  tsr__sweep_method *method = &plan->methods[plan->method_count++];
  method->name = w->items[0];
  for (size_t i = 1; i < w->count; i++) method->words[method->word_count++] = w->items[i];
  return TSR_OK;
}

static tsr_status take_tasks(tsr__sweep_plan *plan, const words *w) {
  for (size_t i = 0; i < w->count; i++)
    TSR_TRY(add_task(plan->tasks, &plan->task_count, w->items[i]));
  return TSR_OK;
}

static tsr_status take_data(tsr__sweep_plan *plan, const words *w) {
  TSR_CHECK(w->count == 1 && !plan->data, TSR_INVALID_ARGUMENT, "data FOLDER is expected, once");
  plan->data = w->items[0];
  return TSR_OK;
}

static tsr_status take_latency(tsr__sweep_plan *plan, const words *w) {
  TSR_CHECK(w->count == 2, TSR_INVALID_ARGUMENT, "latency BATCH TOKENS is expected");
  TSR_TRY(tsr__parse_integer("latency", w->items[0], 1, 4096, &plan->batch));
  return tsr__parse_integer("latency", w->items[1], 1, 4096, &plan->seq);
}

static const struct {
  const char *word;
  tsr_status (*take)(tsr__sweep_plan *plan, const words *w);
} keys[] = {{"model", take_model},    {"pattern", take_patterns}, {"sparsity", take_sparsities},
            {"method", take_method},  {"task", take_tasks},       {"data", take_data},
            {"latency", take_latency}};

static tsr_status take_line(tsr__sweep_plan *plan, char *line) {
  words w = {0};
  char *rest = line;
  line[strcspn(line, "#")] = '\0';
  const char *key = strtok_r(line, " \t\r", &rest);
  if (!key) return TSR_OK;
  for (const char *word; (word = strtok_r(NULL, " \t\r", &rest));) {
    TSR_TRY(room(w.count, TSR__SWEEP_WORDS_MAX, "words"));
    w.items[w.count++] = word;
  }
  TSR_CHECK(w.count, TSR_INVALID_ARGUMENT, "nothing follows '%s'", key);
  for (size_t i = 0; i < TSR__COUNT(keys); i++)
    if (!strcmp(keys[i].word, key)) return keys[i].take(plan, &w);
  return tsr__error(TSR_INVALID_ARGUMENT,
                    "'%s' is none of model, pattern, sparsity, method, task, data, latency", key);
}

/* ---- the grid ---- */

/* Puts text behind the command, quoted if a shell would not take it as it is. */
static tsr_status say(tsr__sweep_job *job, const char *text, int quoted) {
  size_t used = strlen(job->command), room_left = sizeof job->command - used;
  int bare = !quoted || !text[strcspn(text, " \t\"'$&|;<>()*?[]\\`!{}~")];
  int length = snprintf(job->command + used, room_left, bare ? "%s" : "'%s'", text);
  TSR_CHECK(length >= 0 && (size_t)length < room_left, TSR_INVALID_ARGUMENT,
            "the command of a cell is longer than %d characters", TSR__SWEEP_COMMAND_MAX);
  return TSR_OK;
}

static tsr_status say_prune(tsr__sweep_job *job, const char *pattern, int own_sparsity) {
  char number[32];
  TSR_TRY(say(job, "tessera prune ", 0));
  TSR_TRY(say(job, job->model->path, 1));
  TSR_TRY(say(job, " -o pruned -p ", 0));
  TSR_TRY(say(job, pattern, 1));
  if (!own_sparsity) {
    snprintf(number, sizeof number, " -s %.6g", job->sparsity);
    TSR_TRY(say(job, number, 0));
  }
  for (size_t i = 0; job->method && i < job->method->word_count; i++) {
    TSR_TRY(say(job, " ", 0));
    TSR_TRY(say(job, tsr__sweep_word(job->model, job->method->words[i]), 1));
  }
  return say(job, " && tessera pack pruned -o packed && ", 0);
}

static tsr_status say_evaluate(tsr__sweep_job *job) {
  TSR_TRY(say(job, "tessera evaluate ", 0));
  TSR_TRY(say(job, job->dense ? job->model->path : "packed", 1));
  TSR_TRY(say(job, " -r ", 0));
  TSR_TRY(say(job, job->model->path, 1));
  for (size_t i = 0; i < job->model->task_count; i++) {
    TSR_TRY(say(job, " -T ", 0));
    TSR_TRY(say(job, job->model->tasks[i]->name, 0));
  }
  if (!job->model->data) return TSR_OK;
  TSR_TRY(say(job, " -d ", 0));
  return say(job, job->model->data, 1);
}

static tsr_status add_job(tsr__sweep_plan *plan, const tsr__sweep_job *job, const char *pattern,
                          int own_sparsity) {
  tsr__sweep_job *own = &plan->jobs[plan->job_count++];
  *own = *job;
  if (!job->dense) TSR_TRY(say_prune(own, pattern, own_sparsity));
  return say_evaluate(own);
}

static tsr_status add_fixed_rows(tsr__sweep_plan *plan, const tsr__sweep_model *model) {
  tsr__sweep_job dense = {.model = model, .dense = 1, .pattern = TSR__SWEEP_DENSE};
  tsr__sweep_job none = {.model = model, .sparsity = 1, .pattern = TSR__SWEEP_NULL};
  TSR_TRY(add_job(plan, &dense, NULL, 1));
  return add_job(plan, &none, "irregular", 0);
}

static tsr_status add_variants(tsr__sweep_plan *plan, const tsr__sweep_model *model,
                               const tsr__variants *variants) {
  for (size_t v = 0; v < variants->count; v++)
    for (size_t m = 0; m < plan->method_count; m++) {
      const tsr_pattern *pattern = &variants->items[v].pattern;
      tsr__sweep_job job = {
          .model = model, .method = &plan->methods[m], .sparsity = variants->items[v].sparsity};
      tsr_pattern_text(pattern, job.pattern);
      int own = pattern->kind == TSR_PATTERN_NM || pattern->kind == TSR_PATTERN_VNM;
      TSR_TRY(add_job(plan, &job, job.pattern, own));
    }
  return TSR_OK;
}

static tsr_status add_jobs(tsr__sweep_plan *plan) {
  tsr__variants variants;
  TSR_TRY(tsr__variants_list(plan->patterns, plan->pattern_count, plan->sparsities,
                             plan->sparsity_count, 0, &variants));
  size_t most = plan->model_count * (2 + variants.count * plan->method_count);
  tsr_status status = tsr__calloc(most, sizeof *plan->jobs, "the cells", &plan->jobs);
  for (size_t i = 0; i < plan->model_count && status == TSR_OK; i++) {
    status = add_fixed_rows(plan, &plan->models[i]);
    if (status == TSR_OK) status = add_variants(plan, &plan->models[i], &variants);
  }
  tsr__variants_release(&variants);
  return status;
}

const char *tsr__sweep_word(const tsr__sweep_model *model, const char *word) {
  return strcmp(word, TSR__SWEEP_CALIBRATION) != 0 ? word : model->calibration;
}

/* What a model does not say of itself is the plan's. */
static tsr_status complete(const tsr__sweep_plan *plan, tsr__sweep_model *model) {
  if (!model->task_count) {
    memcpy(model->tasks, plan->tasks, sizeof model->tasks);
    model->task_count = plan->task_count;
    if (!model->data) model->data = plan->data;
  }
  TSR_CHECK(model->task_count, TSR_INVALID_ARGUMENT, "no line names a task");
  for (size_t m = 0; m < plan->method_count; m++)
    for (size_t i = 0; i < plan->methods[m].word_count; i++)
      TSR_CHECK(tsr__sweep_word(model, plan->methods[m].words[i]), TSR_INVALID_ARGUMENT,
                "the method %s asks for %s, the model %s has no calibrate=FILE",
                plan->methods[m].name, TSR__SWEEP_CALIBRATION, model->name);
  return TSR_OK;
}

static tsr_status check(tsr__sweep_plan *plan) {
  TSR_CHECK(plan->model_count, TSR_INVALID_ARGUMENT, "no line names a model");
  TSR_CHECK(plan->pattern_count, TSR_INVALID_ARGUMENT, "no line names a pattern");
  TSR_CHECK(plan->method_count, TSR_INVALID_ARGUMENT, "no line names a method");
  for (size_t i = 0; i < plan->model_count; i++) TSR_TRY(complete(plan, &plan->models[i]));
  return TSR_OK;
}

tsr_status tsr__sweep_plan_read(const char *path, tsr__sweep_plan *out) {
  *out = (tsr__sweep_plan){.batch = 1, .seq = 128};
  TSR_TRY(tsr__read_text(path, &out->text));
  char *next = out->text;
  for (int number = 1; next; number++) {
    char *line = next;
    next = strchr(line, '\n');
    if (next) *next++ = '\0';
    tsr_status status = take_line(out, line);
    if (status != TSR_OK)
      return tsr__error_prefix(TSR_INVALID_ARGUMENT, "%s, line %d", path, number);
  }
  tsr_status status = check(out);
  if (status == TSR_OK) status = add_jobs(out);
  return status == TSR_OK ? TSR_OK : tsr__error_prefix(status, "%s", path);
}

void tsr__sweep_plan_release(tsr__sweep_plan *plan) {
  free(plan->text);
  free(plan->jobs);
  *plan = (tsr__sweep_plan){0};
}
