/* tessera run: sentences in, embeddings or similarities out. The input is streamed: what is held
 * is one batch. */
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/run_batch.h"

typedef struct run_options {
  const char *model, *file, *ids, *vocabulary, *output, *kernel;
  tsr__list texts;
  int pairs, format, pooling, no_normalise, hidden, backend;
  int64_t batch, max_tokens, threads, device;
} run_options;

/* In the order of the words of --pooling. */
enum { POOLING_MODEL, POOLING_MEAN, POOLING_CLS };

/* Shorter sequences than this limit share a batch of about so many tokens: more would cost memory
 * and gain no speed. */
enum { BATCH_TOKENS = 1024 };

typedef struct run_job {
  const run_options *options;
  tsr_hardware hardware;
  tsr__opened opened;
  tsr_tokenizer *tokenizer;
  tsr_tuning *tuning;
  tsr_model_plan *plan;
  tsr__run_input input;
  tsr__run_result result;
  tsr__run_batch batch;
} run_job;

static tsr_status check_options(const run_options *o) {
  TSR_CHECK(!o->file || !o->ids, TSR_INVALID_ARGUMENT, "--file and --ids exclude each other");
  TSR_CHECK(!o->ids || !o->texts.count, TSR_INVALID_ARGUMENT,
            "--ids and --text exclude each other");
  TSR_CHECK(!o->hidden || !o->pairs, TSR_INVALID_ARGUMENT,
            "--hidden and --pairs exclude each other");
  return TSR_OK;
}

static tsr_status open_model(run_job *job) {
  const run_options *o = job->options;
  TSR_TRY(tsr__cli_hardware_of(o->backend, o->device, &job->hardware));
  char path[TSR__PATH_MAX];
  TSR_TRY(tsr__cli_load_tuning(&job->hardware, path, &job->tuning));
  TSR_TRY(tsr__cli_open_model(o->model, &job->opened));
  if (o->pooling != POOLING_MODEL)
    TSR_TRY(tsr_model_set_pooling(job->opened.model,
                                  o->pooling == POOLING_CLS ? TSR_POOLING_CLS : TSR_POOLING_MEAN));
  if (o->ids) return TSR_OK;
  return tsr__cli_open_tokenizer(o->model, &job->opened, o->vocabulary, "--vocab or --ids",
                                 &job->tokenizer);
}

static tsr_status open_input(run_job *job, int64_t max_tokens) {
  const run_options *o = job->options;
  const char *path = o->file ? o->file : o->ids;
  job->input = (tsr__run_input){
      .texts = &o->texts,
      .path = path             ? path
              : o->texts.count ? NULL
                               : "-",
      .pairs = o->pairs,
      .tokenizer = job->tokenizer,
      .vocabulary = tsr_model_get_info(job->opened.model)->vocabulary,
      .max_tokens = (size_t)max_tokens,
  };
  return tsr__run_input_open(&job->input);
}

static tsr_status open_plan(run_job *job, int64_t max_tokens) {
  const run_options *o = job->options;
  const tsr_model_info *info = tsr_model_get_info(job->opened.model);
  int64_t in_item = o->pairs ? 2 : 1;
  int64_t tokens = in_item * max_tokens > BATCH_TOKENS ? in_item * max_tokens : BATCH_TOKENS;
  tsr_model_plan_options options = {
      .linear = {.backend = (tsr_backend)o->backend,
                 .max_tokens = tokens,
                 .threads = tsr__cli_threads(o->threads, &job->hardware),
                 .hardware = &job->hardware,
                 .tuning = job->tuning,
                 .force_kernel = o->kernel},
      .max_batch = in_item * o->batch,
      .max_seq = max_tokens,
  };
  TSR_TRY(tsr_model_plan_create(job->opened.model, &options, &job->plan));
  job->batch.plan = job->plan;
  job->batch.result = &job->result;
  job->batch.width = info->hidden;
  job->batch.normalise = !o->no_normalise;
  return tsr__run_batch_create(o->batch, o->pairs, tokens, &job->batch);
}

static tsr_status open_result(run_job *job) {
  const run_options *o = job->options;
  int64_t hidden = tsr_model_get_info(job->opened.model)->hidden;
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

static tsr_status stream(run_job *job) {
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

static tsr_status work(run_job *job) {
  const run_options *o = job->options;
  TSR_TRY(check_options(o));
  TSR_TRY(open_model(job));
  int64_t longest = tsr_model_get_info(job->opened.model)->max_positions;
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

static tsr_status run(const void *values) {
  run_job job = {.options = values};
  tsr_status status = work(&job);
  tsr__run_result_close(&job.result);
  tsr__run_batch_destroy(&job.batch);
  tsr__run_input_close(&job.input);
  tsr_model_plan_destroy(job.plan);
  tsr_tokenizer_close(job.tokenizer);
  tsr__cli_close_model(&job.opened);
  tsr_tuning_destroy(job.tuning);
  return status;
}

static const tsr__option rows[] = {
    TSR__ROW_MODEL(run_options),
    {.kind = TSR__OPTION_LIST,
     .name = "text",
     .argument = "TEXT",
     .help = "a sentence; may be given several times (default: lines of standard input)",
     .offset = offsetof(run_options, texts)},
    {.kind = TSR__OPTION_TEXT,
     .letter = 'f',
     .name = "file",
     .argument = "PATH",
     .help = "sentences, one a line; - = standard input",
     .offset = offsetof(run_options, file)},
    {.kind = TSR__OPTION_TEXT,
     .name = "ids",
     .argument = "PATH",
     .help = "token ids instead of sentences: one sequence a line, numbers between blanks; - = "
             "standard input",
     .offset = offsetof(run_options, ids)},
    {.kind = TSR__OPTION_FLAG,
     .letter = 'p',
     .name = "pairs",
     .help = "each line is a pair with a tab between its parts: give their cosine similarity",
     .offset = offsetof(run_options, pairs)},
    {.kind = TSR__OPTION_CHOICE,
     .name = "format",
     .argument = "text|json|npy",
     .help = "how the numbers are written: a line each, one JSON object, or a NumPy array",
     .offset = offsetof(run_options, format),
     .fallback = "text"},
    {.kind = TSR__OPTION_TEXT,
     .letter = 'o',
     .name = "output",
     .argument = "PATH",
     .help = "the file to write; it appears when it is complete (default: standard output)",
     .offset = offsetof(run_options, output)},
    {.kind = TSR__OPTION_INTEGER,
     .letter = 'b',
     .name = "batch",
     .argument = "N",
     .help = "at most so many sentences (or pairs) at once",
     .offset = offsetof(run_options, batch),
     .fallback = "16",
     .min = 1,
     .max = 65536},
    {.kind = TSR__OPTION_INTEGER,
     .name = "max-tokens",
     .argument = "N",
     .help = "cut longer sentences to so many tokens (default: the model's positions)",
     .offset = offsetof(run_options, max_tokens),
     .min = 2,
     .max = 1 << 20},
    {.kind = TSR__OPTION_CHOICE,
     .name = "pooling",
     .argument = "model|mean|cls",
     .help = "how tokens become an embedding: their mean, the first one, or as the model says",
     .offset = offsetof(run_options, pooling),
     .fallback = "model"},
    {.kind = TSR__OPTION_FLAG,
     .name = "no-normalise",
     .help = "do not scale embeddings to length 1",
     .offset = offsetof(run_options, no_normalise)},
    {.kind = TSR__OPTION_FLAG,
     .name = "hidden",
     .help = "give the last layer's state of every token instead of embeddings; npy has all "
             "tokens one after another",
     .offset = offsetof(run_options, hidden)},
    {.kind = TSR__OPTION_TEXT,
     .name = "vocab",
     .argument = "PATH",
     .help = "the vocabulary (default: vocab.txt beside the weights)",
     .offset = offsetof(run_options, vocabulary)},
    {.kind = TSR__OPTION_TEXT,
     .letter = 'k',
     .name = "kernel",
     .argument = "NAME",
     .help = "use this kernel instead of the selected ones",
     .offset = offsetof(run_options, kernel)},
    TSR__ROW_BACKEND(run_options),
    TSR__ROW_DEVICE(run_options),
    TSR__ROW_THREADS(run_options),
};

static const tsr__example examples[] = {
    {"tessera run packed --text \"A cat sat on the mat.\"", "an embedding, as a line of numbers"},
    {"tessera run packed --file sentences.txt --format npy -o embeddings.npy",
     "numpy.load(\"embeddings.npy\") has one row a sentence"},
    {"printf 'a cat\\ta kitten\\na cat\\ta bank\\n' | tessera run packed --pairs",
     "the similarity of each pair, followed by the pair"},
    {"echo 101 7592 102 | tessera run minilm --ids - --hidden --format json",
     "token ids through a preset, the state of each token as JSON"},
    {"tessera run packed --backend cuda --file sentences.txt", "on the GPU"},
};

const tsr__command tsr__cli_run = {
    .details =
        "Sentences are read as they come and computed in batches without padding, so that "
        "the input may be of any length.",
    .options = rows,
    .option_count = TSR__COUNT(rows),
    .examples = examples,
    .example_count = TSR__COUNT(examples),
    .values_bytes = sizeof(run_options),
    .run = run,
};
