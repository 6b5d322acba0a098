/* Sentences in, embeddings or similarities out. The input is streamed: what is held is one batch.
 */
#include "runtime/base/status.h"
#include "runtime/cli/run.h"
#include "runtime/cli/run_batch.h"

/* In the order of the words of --pooling. */
enum { POOLING_MODEL, POOLING_MEAN, POOLING_CLS };

/* Shorter sequences than this limit share a batch of about so many tokens: more would cost memory
 * and gain no speed. */
enum { BATCH_TOKENS = 1024 };

typedef struct text_job {
  const tsr__run *run;
  const tsr__run_options *options; /* the run's */
  const tsr_model *model;          /* likewise */
  tsr_tokenizer *tokenizer;
  tsr_model_plan *plan;
  tsr__run_input input;
  tsr__run_result result;
  tsr__run_batch batch;
} text_job;

static tsr_status check_options(const tsr__run_options *o) {
  TSR_CHECK(!o->file || !o->ids, TSR_INVALID_ARGUMENT, "--file and --ids exclude each other");
  TSR_CHECK(!o->ids || !o->texts.count, TSR_INVALID_ARGUMENT,
            "--ids and --text exclude each other");
  TSR_CHECK(!o->hidden || !o->pairs, TSR_INVALID_ARGUMENT,
            "--hidden and --pairs exclude each other");
  return TSR_OK;
}

static tsr_status open_model(text_job *job) {
  const tsr__run_options *o = job->options;
  const tsr__opened *opened = &job->run->opened;
  if (o->pooling != POOLING_MODEL)
    TSR_TRY(tsr_model_set_pooling(opened->model,
                                  o->pooling == POOLING_CLS ? TSR_POOLING_CLS : TSR_POOLING_MEAN));
  if (o->ids) return TSR_OK;
  return tsr__cli_open_tokenizer(o->model, opened, o->vocabulary, "--vocab or --ids",
                                 &job->tokenizer);
}

static tsr_status open_input(text_job *job, int64_t max_tokens) {
  const tsr__run_options *o = job->options;
  const char *path = o->file ? o->file : o->ids;
  job->input = (tsr__run_input){
      .texts = &o->texts,
      .path = path             ? path
              : o->texts.count ? NULL
                               : "-",
      .pairs = o->pairs,
      .tokenizer = job->tokenizer,
      .vocabulary = tsr_model_get_info(job->model)->vocabulary,
      .max_tokens = (size_t)max_tokens,
  };
  return tsr__run_input_open(&job->input);
}

static tsr_status open_plan(text_job *job, int64_t max_tokens) {
  const tsr__run_options *o = job->options;
  const tsr_model_info *info = tsr_model_get_info(job->model);
  int64_t in_item = o->pairs ? 2 : 1;
  int64_t tokens = in_item * max_tokens > BATCH_TOKENS ? in_item * max_tokens : BATCH_TOKENS;
  tsr_model_plan_options options = {.linear = tsr__run_plan_options(job->run),
                                    .max_batch = in_item * o->batch,
                                    .max_seq = max_tokens};
  options.linear.max_tokens = tokens;
  TSR_TRY(tsr_model_plan_create(job->model, &options, &job->plan));
  job->batch.plan = job->plan;
  job->batch.result = &job->result;
  job->batch.width = info->hidden;
  job->batch.normalise = !o->no_normalise;
  return tsr__run_batch_create(o->batch, o->pairs, tokens, &job->batch);
}

static tsr_status open_result(text_job *job) {
  const tsr__run_options *o = job->options;
  int64_t hidden = tsr_model_get_info(job->model)->hidden;
  job->result = (tsr__run_result){
      .format = (tsr__run_format)o->format,
      .key = o->hidden  ? "hidden"
             : o->pairs ? "similarities"
                        : "embeddings",
      .model = o->model,
      .width = o->pairs ? 0 : hidden,
      .grouped = o->hidden,
  };
  return tsr__run_result_open(o->output, &job->result);
}

static tsr_status stream(text_job *job) {
  tsr__progress progress;
  tsr__progress_begin(&progress, "computing", 0);
  tsr_status status = TSR_OK;
  for (int64_t done = 0; status == TSR_OK; done++) {
    tsr__run_item item;
    int more;
    status = tsr__run_input_next(&job->input, &item, &more);
    if (status != TSR_OK || !more) break;
    status = tsr__run_batch_add(&job->batch, &job->input, &item);
    tsr__progress_update(&progress, done);
  }
  if (status == TSR_OK) status = tsr__run_batch_flush(&job->batch);
  tsr__progress_end(&progress);
  return status;
}

static tsr_status work(text_job *job) {
  const tsr__run_options *o = job->options;
  TSR_TRY(check_options(o));
  TSR_TRY(open_model(job));
  int64_t longest = tsr_model_get_info(job->model)->max_positions;
  TSR_CHECK(o->max_tokens <= longest, TSR_INVALID_ARGUMENT,
            "--max-tokens: %lld is more than the model's %lld positions", (long long)o->max_tokens,
            (long long)longest);
  int64_t max_tokens = o->max_tokens ? o->max_tokens : longest;
  TSR_TRY(open_input(job, max_tokens));
  TSR_TRY(open_result(job));
  TSR_TRY(open_plan(job, max_tokens));
  TSR_TRY(stream(job));
  return tsr__run_result_commit(&job->result);
}

tsr_status tsr__run_texts(const tsr__run *run) {
  text_job job = {.run = run, .options = run->options, .model = run->opened.model};
  tsr_status status = work(&job);
  tsr__run_result_close(&job.result);
  tsr__run_batch_destroy(&job.batch);
  tsr__run_input_close(&job.input);
  tsr_model_plan_destroy(job.plan);
  tsr_tokenizer_close(job.tokenizer);
  return status;
}
