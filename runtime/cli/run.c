/* tessera run: sentences in, embeddings or similarities out; images in, classes out. */
#include "runtime/cli/run.h"

#include "runtime/base/status.h"

tsr_plan_options tsr__run_plan_options(const tsr__run *run) {
  const tsr__run_options *o = run->options;
  return (tsr_plan_options){.backend = (tsr_backend)o->backend,
                            .threads = tsr__cli_threads(o->threads, &run->hardware),
                            .hardware = &run->hardware,
                            .tuning = run->tuning,
                            .force_kernel = o->kernel};
}

static tsr_status check_images(const tsr__run_options *o) {
  TSR_CHECK(o->images.count, TSR_INVALID_ARGUMENT, "%s classifies images: give some with --image",
            o->model);
  TSR_CHECK(!o->texts.count && !o->file && !o->ids, TSR_INVALID_ARGUMENT,
            "%s classifies images: --text, --file and --ids mean nothing to it", o->model);
  TSR_CHECK(!o->pairs && !o->hidden, TSR_INVALID_ARGUMENT,
            "%s classifies images: --pairs and --hidden mean nothing to it", o->model);
  return TSR_OK;
}

static tsr_status work(tsr__run *run) {
  const tsr__run_options *o = run->options;
  TSR_TRY(tsr__cli_hardware_of(o->backend, o->device, &run->hardware));
  char path[TSR__PATH_MAX];
  TSR_TRY(tsr__cli_load_tuning(&run->hardware, path, &run->tuning));
  TSR_TRY(tsr__cli_open_model(o->model, &run->opened));
  if (!tsr_model_get_info(run->opened.model)->classes) {
    TSR_CHECK(!o->images.count && !o->logits, TSR_INVALID_ARGUMENT,
              "%s classifies no images: --image and --logits mean nothing to it", o->model);
    return tsr__run_texts(run);
  }
  TSR_TRY(check_images(o));
  return tsr__run_images(run);
}

static tsr_status run_command(const void *values) {
  tsr__run run = {.options = values};
  tsr_status status = work(&run);
  tsr__cli_close_model(&run.opened);
  tsr_tuning_destroy(run.tuning);
  return status;
}

static const tsr__option rows[] = {
    TSR__ROW_MODEL(tsr__run_options),
    {.kind = TSR__OPTION_LIST,
     .name = "text",
     .argument = "TEXT",
     .help = "a sentence; may be given several times (default: lines of standard input)",
     .offset = offsetof(tsr__run_options, texts)},
    {.kind = TSR__OPTION_TEXT,
     .letter = 'f',
     .name = "file",
     .argument = "PATH",
     .help = "sentences, one a line; - = standard input",
     .offset = offsetof(tsr__run_options, file)},
    {.kind = TSR__OPTION_TEXT,
     .name = "ids",
     .argument = "PATH",
     .help = "token ids instead of sentences: one sequence a line, numbers between blanks; - = "
             "standard input",
     .offset = offsetof(tsr__run_options, ids)},
    {.kind = TSR__OPTION_LIST,
     .letter = 'i',
     .name = "image",
     .argument = "PATH",
     .help = "an image (PNG, PGM, PPM) or a file of images (IDX, .npy) to classify, may be "
             "compressed by gzip; may be given several times",
     .offset = offsetof(tsr__run_options, images)},
    {.kind = TSR__OPTION_INTEGER,
     .name = "top",
     .argument = "N",
     .help = "show an image's N likeliest classes",
     .offset = offsetof(tsr__run_options, top),
     .fallback = "1",
     .min = 1,
     .max = 1000},
    {.kind = TSR__OPTION_FLAG,
     .name = "logits",
     .help = "give the classes' logits instead of their probabilities",
     .offset = offsetof(tsr__run_options, logits)},
    {.kind = TSR__OPTION_FLAG,
     .letter = 'p',
     .name = "pairs",
     .help = "each line is a pair with a tab between its parts: give their cosine similarity",
     .offset = offsetof(tsr__run_options, pairs)},
    {.kind = TSR__OPTION_CHOICE,
     .name = "format",
     .argument = "text|json|npy",
     .help = "how the numbers are written: a line each, one JSON object, or a NumPy array",
     .offset = offsetof(tsr__run_options, format),
     .fallback = "text"},
    {.kind = TSR__OPTION_TEXT,
     .letter = 'o',
     .name = "output",
     .argument = "PATH",
     .help = "the file to write; it appears when it is complete (default: standard output)",
     .offset = offsetof(tsr__run_options, output)},
    {.kind = TSR__OPTION_INTEGER,
     .letter = 'b',
     .name = "batch",
     .argument = "N",
     .help = "at most so many sentences, pairs or images at once",
     .offset = offsetof(tsr__run_options, batch),
     .fallback = "16",
     .min = 1,
     .max = 65536},
    {.kind = TSR__OPTION_INTEGER,
     .name = "max-tokens",
     .argument = "N",
     .help = "cut longer sentences to so many tokens (default: the model's positions)",
     .offset = offsetof(tsr__run_options, max_tokens),
     .min = 2,
     .max = 1 << 20},
    {.kind = TSR__OPTION_CHOICE,
     .name = "pooling",
     .argument = "model|mean|cls",
     .help = "how tokens become an embedding: their mean, the first one, or as the model says",
     .offset = offsetof(tsr__run_options, pooling),
     .fallback = "model"},
    {.kind = TSR__OPTION_FLAG,
     .name = "no-normalise",
     .help = "do not scale embeddings to length 1",
     .offset = offsetof(tsr__run_options, no_normalise)},
    {.kind = TSR__OPTION_FLAG,
     .name = "hidden",
     .help = "give the last layer's state of every token instead of embeddings; npy has all "
             "tokens one after another",
     .offset = offsetof(tsr__run_options, hidden)},
    {.kind = TSR__OPTION_TEXT,
     .name = "vocab",
     .argument = "PATH",
     .help = "the vocabulary (default: vocab.txt beside the weights)",
     .offset = offsetof(tsr__run_options, vocabulary)},
    {.kind = TSR__OPTION_TEXT,
     .letter = 'k',
     .name = "kernel",
     .argument = "NAME",
     .help = "use this kernel instead of the selected ones",
     .offset = offsetof(tsr__run_options, kernel)},
    TSR__ROW_BACKEND(tsr__run_options),
    TSR__ROW_DEVICE(tsr__run_options),
    TSR__ROW_THREADS(tsr__run_options),
};

static const tsr__example examples[] = {
    {"tessera run packed --text \"A cat sat on the mat.\"", "an embedding, as a line of numbers"},
    {"tessera run packed --file sentences.txt --format npy -o embeddings.npy",
     "numpy.load(\"embeddings.npy\") has one row a sentence"},
    {"printf 'a cat\\ta kitten\\na cat\\ta bank\\n' | tessera run packed --pairs",
     "the similarity of each pair, followed by the pair"},
    {"echo 101 7592 102 | tessera run minilm --ids - --hidden --format json",
     "token ids through a preset, the state of each token as JSON"},
    {"tessera run models/fashion-resnet --image shoe.png --top 3",
     "the three likeliest classes, with their probabilities"},
    {"tessera run models/fashion-resnet --image t10k-images-idx3-ubyte.gz --format json",
     "class and probabilities of every image of a data set"},
    {"tessera run packed --backend cuda --file sentences.txt", "on the GPU"},
};

const tsr__command tsr__cli_run = {
    .details =
        "Sentences are read as they come and computed in batches without padding, so that "
        "the input may be of any length.\n"
        "Images must have the size that the model takes; grey and colour are converted.",
    .options = rows,
    .option_count = TSR__COUNT(rows),
    .examples = examples,
    .example_count = TSR__COUNT(examples),
    .values_bytes = sizeof(tsr__run_options),
    .run = run_command,
};
