/* tessera bench: races sparse variants of a model or of single layers against dense. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/bench_model.h"
#include "bench/bench_spmm.h"
#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cli/cli.h"

typedef struct bench_values {
  const char *target, *patterns, *sparsities, *threads, *batches, *seqs, *kernel, *baseline;
  const char *json, *csv, *html;
  int cache, isa, no_dense_fallback, backend;
  int64_t runs, device;
  double seconds;
} bench_values;

enum { CACHE_WARM, CACHE_COLD, CACHE_BOTH };
enum { ISA_AUTO, ISA_FIRST }; /* then tsr_isa's order */
enum { LIST_MAX = 64 };

/* Everything that a run needs, in one place to clean up. */
typedef struct {
  const bench_values *values;
  tsr_pattern patterns[LIST_MAX];
  double sparsities[LIST_MAX];
  int32_t threads[LIST_MAX], batches[LIST_MAX], seqs[LIST_MAX];
  size_t pattern_count, sparsity_count;
  int as_is;
  tsr_hardware hardware;
  tsr__bench_gpu *gpu;
  tsr_tuning *tuning;
  tsr__progress progress;
  tsr__bench_options options;
  tsr_report *report;
} bench_job;

/* Calls take(word, index, target) for each of the words between commas. */
static tsr_status each_word(const char *what, const char *list, void *target, size_t *count,
                            tsr_status (*take)(const char *what, const char *word, void *target,
                                               size_t index)) {
  char *copy, *rest = NULL;
  TSR_TRY(tsr__strdup(list, &copy));
  tsr_status status = TSR_OK;
  *count = 0;
  for (char *word = strtok_r(copy, ",", &rest); word && status == TSR_OK;
       word = strtok_r(NULL, ",", &rest)) {
    status = *count < LIST_MAX
                 ? take(what, word, target, *count)
                 : tsr__error(TSR_INVALID_ARGUMENT, "%s: more than %d values", what, LIST_MAX);
    ++*count;
  }
  free(copy);
  if (status == TSR_OK && !*count)
    status = tsr__error(TSR_INVALID_ARGUMENT, "%s: '%s' holds no value", what, list);
  return status;
}

/* "asis" is no pattern: it stands for the weights of the file. */
static tsr_status take_pattern(const char *what, const char *word, void *target, size_t index) {
  bench_job *job = target;
  (void)index;
  if (!strcmp(word, "asis"))
    job->as_is = 1;
  else if (tsr_pattern_parse(word, &job->patterns[job->pattern_count++]) != TSR_OK)
    return tsr__error_prefix(TSR_INVALID_ARGUMENT, "%s", what);
  return TSR_OK;
}

static tsr_status take_sparsity(const char *what, const char *word, void *target, size_t index) {
  return tsr__parse_number(what, word, 0, 1, (double *)target + index);
}

static tsr_status take_count(const char *what, const char *word, void *target, size_t index) {
  int64_t value;
  TSR_TRY(tsr__parse_integer(what, word, 1, 1 << 20, &value));
  ((int32_t *)target)[index] = (int32_t)value;
  return TSR_OK;
}

static tsr_status take_threads(const char *what, const char *word, void *target, size_t index) {
  int64_t value;
  TSR_TRY(tsr__parse_integer(what, word, 1, TSR__THREADS_MAX, &value));
  ((int32_t *)target)[index] = (int32_t)value;
  return TSR_OK;
}

static tsr_status parse_lists(bench_job *job) {
  const bench_values *v = job->values;
  tsr__bench_options *o = &job->options;
  TSR_TRY(each_word("--sparsities", v->sparsities, job->sparsities, &job->sparsity_count,
                    take_sparsity));
  TSR_TRY(each_word("--threads", v->threads, job->threads, &o->thread_count, take_threads));
  TSR_TRY(each_word("--batch", v->batches, job->batches, &o->batch_count, take_count));
  TSR_TRY(each_word("--seq", v->seqs, job->seqs, &o->seq_count, take_count));
  o->threads = job->threads;
  o->batches = job->batches;
  o->seqs = job->seqs;
  return TSR_OK;
}

/* Holds Tessera and oneDNN to the instruction set that was asked for, through the variables of
 * both: whatever is planned or opened later obeys them. */
static tsr_status set_isa(bench_job *job) {
  static const char *const onednn_names[TSR_ISA_CPU_COUNT] = {
      [TSR_ISA_SCALAR] = "SSE41", [TSR_ISA_AVX2] = "AVX2", [TSR_ISA_AVX512] = "AVX512_CORE"};
  TSR_TRY(tsr__cli_hardware_of(job->values->backend, job->values->device, &job->hardware));
  if (job->values->isa == ISA_AUTO) return TSR_OK;
  TSR_CHECK(job->values->backend == TSR_BACKEND_CPU, TSR_INVALID_ARGUMENT,
            "--isa and --backend cuda exclude each other");
  tsr_isa isa = (tsr_isa)(job->values->isa - ISA_FIRST);
  TSR_CHECK(job->hardware.isa[isa], TSR_UNSUPPORTED_HARDWARE, "--isa %s: %s", tsr_isa_name(isa),
            job->hardware.missing[isa]);
  TSR_CHECK(!setenv("TESSERA_MAX_ISA", tsr_isa_name(isa), 1) &&
                !setenv("DNNL_MAX_CPU_ISA", onednn_names[isa], 1),
            TSR_OUT_OF_MEMORY, "out of memory: the environment");
  return tsr_hardware_detect(&job->hardware);
}

static int ends_with(const char *text, const char *end) {
  size_t length = strlen(text), end_length = strlen(end);
  return length >= end_length && !strcmp(text + length - end_length, end);
}

/* A file that is no checkpoint holds shapes. */
static int is_shapes_file(const char *target) {
  struct stat info;
  return stat(target, &info) == 0 && S_ISREG(info.st_mode) && !ends_with(target, ".safetensors") &&
         !ends_with(target, ".json");
}

/* Tessera's own dense kernel is on both backends. */
static tsr_status check_baseline(const bench_job *job, const tsr__baseline *baseline) {
  tsr_backend backend = (tsr_backend)job->values->backend;
  if (!baseline || baseline == &tsr__baseline_dense) return TSR_OK;
  TSR_CHECK(baseline->backend == backend, TSR_INVALID_ARGUMENT,
            "--baseline %s multiplies on the backend %s, not on %s", baseline->key,
            tsr_backend_name(baseline->backend), tsr_backend_name(backend));
  TSR_CHECK(!tsr__bench_modelled(&job->options) || is_shapes_file(job->values->target),
            TSR_INVALID_ARGUMENT,
            "--baseline %s: this GPU is simulated, so that nothing can be timed; of a model it "
            "knows dense and none",
            baseline->key);
  return TSR_OK;
}

/* What auto stands for: the vendor's dense library, or where it cannot be had, the best there is.
 */
static tsr_status open_usual_baseline(bench_job *job, int convolutions) {
  tsr__bench_options *o = &job->options;
  int cuda = job->values->backend == TSR_BACKEND_CUDA;
  o->baseline = !cuda          ? &tsr__baseline_onednn
                : convolutions ? &tsr__baseline_cudnn
                               : &tsr__baseline_cublaslt;
  if (!tsr__bench_modelled(o)) {
    if (o->baseline->open(&o->baseline_version) == TSR_OK) return TSR_OK;
    fprintf(stderr, "tessera bench: %s: %s\n", cuda ? "no vendor's baseline" : "no baseline",
            tsr_last_error());
  }
  o->baseline = cuda ? &tsr__baseline_dense : NULL;
  return cuda ? o->baseline->open(&o->baseline_version) : TSR_OK;
}

static tsr_status open_baseline(bench_job *job, int convolutions) {
  tsr__bench_options *o = &job->options;
  if (!strcmp(job->values->baseline, "auto")) return open_usual_baseline(job, convolutions);
  TSR_TRY(tsr__baseline_find(job->values->baseline, &o->baseline));
  TSR_TRY(check_baseline(job, o->baseline));
  return o->baseline ? o->baseline->open(&o->baseline_version) : TSR_OK;
}

static void show_progress(void *user, int64_t done, int64_t total) {
  tsr__progress *progress = user;
  progress->total = total;
  tsr__progress_update(progress, done);
}

static tsr_status prepare(bench_job *job) {
  static const tsr_cache_state states[] = {TSR_CACHE_WARM, TSR_CACHE_COLD};
  const bench_values *v = job->values;
  tsr__bench_options *o = &job->options;
  TSR_TRY(parse_lists(job));
  TSR_TRY(set_isa(job));
  if (v->backend == TSR_BACKEND_CUDA) TSR_TRY(tsr__bench_gpu_open(&job->gpu));
  o->gpu = job->gpu;
  char path[TSR__PATH_MAX];
  TSR_TRY(tsr__cli_load_tuning(&job->hardware, path, &job->tuning));
  o->caches = &states[v->cache == CACHE_COLD ? 1 : 0];
  o->cache_count = v->cache == CACHE_BOTH ? 2 : 1;
  o->min_rounds = (int32_t)v->runs;
  o->min_seconds = v->seconds;
  o->hardware = &job->hardware;
  o->tuning = job->tuning;
  o->force_kernel = v->kernel;
  o->no_dense_fallback = v->no_dense_fallback;
  o->progress = show_progress;
  o->progress_user = &job->progress;
  return tsr_report_create(&job->hardware, &job->report);
}

/* The variants, `fallback` being the patterns when none were asked for. */
static tsr_status set_variants(bench_job *job, const char *fallback) {
  const char *list = job->values->patterns ? job->values->patterns : fallback;
  size_t words;
  TSR_TRY(each_word("--patterns", list, job, &words, take_pattern));
  return tsr__variants_list(job->patterns, job->pattern_count, job->sparsities, job->sparsity_count,
                            job->as_is, &job->options.variants);
}

static int have_convolutions(const tsr__shapes *shapes) {
  for (size_t s = 0; s < shapes->count; s++)
    if (shapes->items[s].conv.channels) return 1;
  return 0;
}

static tsr_status bench_shapes(bench_job *job) {
  tsr__shapes shapes;
  TSR_TRY(tsr__shapes_load(job->values->target, &shapes));
  tsr_status status;
  TSR_TRY_GOTO(status, open_baseline(job, have_convolutions(&shapes)), done);
  TSR_TRY_GOTO(status, set_variants(job, "block:16x16"), done);
  if (job->as_is) {
    status = tsr__error(TSR_INVALID_ARGUMENT, "--patterns: shapes have no weights to take 'asis'");
    goto done;
  }
  tsr__progress_begin(&job->progress, "layers", 1);
  status = tsr__bench_spmm(&shapes, &job->options, job->report);
  tsr__progress_end(&job->progress);
done:
  tsr__shapes_release(&shapes);
  return status;
}

static int has_packed_weights(const tsr_model *model) {
  for (size_t i = 0; i < tsr_model_layer_count(model); i++) {
    const tsr_linear *linear = tsr_model_linear(model, i);
    if (linear && linear->weight.format != TSR_FORMAT_DENSE) return 1;
  }
  return 0;
}

static tsr_status bench_model(bench_job *job) {
  tsr__opened source = {0}, working = {0};
  tsr_status status;
  TSR_TRY_GOTO(status, tsr__cli_open_model(job->values->target, &source), done);
  TSR_TRY_GOTO(status, tsr__cli_open_model(job->values->target, &working), done);
  TSR_TRY_GOTO(status, open_baseline(job, tsr_model_get_info(source.model)->image_height > 0),
               done);
  TSR_TRY_GOTO(status, set_variants(job, has_packed_weights(source.model) ? "asis" : "block:16x16"),
               done);
  tsr__progress_begin(&job->progress, "models", 1);
  status = tsr__bench_model(source.model, working.model, &job->options, job->report);
  tsr__progress_end(&job->progress);
done:
  tsr__cli_close_model(&working);
  tsr__cli_close_model(&source);
  return status;
}

typedef tsr_status (*report_writer)(const tsr_report *report, FILE *stream);

static tsr_status write_html(const tsr_report *report, FILE *stream) {
  return tsr_report_write_html(report, "Tessera benchmark", stream);
}

static tsr_status write_file(const tsr_report *report, const char *path, report_writer write) {
  if (!path) return TSR_OK;
  tsr__output output;
  TSR_TRY(tsr__output_open(path, &output));
  tsr_status status = write(report, output.stream);
  if (status == TSR_OK) status = tsr__output_commit(&output);
  tsr__output_discard(&output);
  return status;
}

static int is_stdout(const char *path) { return path && !strcmp(path, "-"); }

static tsr_status write_results(const bench_job *job) {
  const bench_values *v = job->values;
  TSR_TRY(write_file(job->report, v->json, tsr_report_write_json));
  TSR_TRY(write_file(job->report, v->csv, tsr_report_write_csv));
  TSR_TRY(write_file(job->report, v->html, write_html));
  if (is_stdout(v->json) || is_stdout(v->csv) || is_stdout(v->html)) return TSR_OK;
  return tsr_report_write_text(job->report, stdout);
}

static tsr_status bench(const void *values) {
  bench_job *job;
  TSR_TRY(tsr__calloc(1, sizeof *job, "the benchmark", &job));
  job->values = values;
  tsr_status status;
  TSR_TRY_GOTO(status, prepare(job), done);
  TSR_TRY_GOTO(status, is_shapes_file(job->values->target) ? bench_shapes(job) : bench_model(job),
               done);
  status = write_results(job);
done:
  tsr__variants_release(&job->options.variants);
  tsr__bench_gpu_close(job->gpu);
  tsr_report_destroy(job->report);
  tsr_tuning_destroy(job->tuning);
  free(job);
  return status;
}

#define AT(member) .offset = offsetof(bench_values, member)

static const tsr__option rows[] = {
    {TSR__OPTION_TEXT, .argument = "TARGET", .required = 1, AT(target),
     .help = "a model's folder or file, the name of a preset (minilm, bert-base, bert-large, "
             "resnet18, resnet50, fashion-resnet), or a file of shapes: one layer `m k n [name]` "
             "or `conv cin cout h w kernel stride padding layers [name]` a line"},
    {TSR__OPTION_TEXT, 'p', "patterns", "LIST", AT(patterns),
     .help = "sparsity patterns, such as block:16x16,2:4,vnm:64:2:8,row,irregular; asis = the "
             "model's weights as they are (default: asis for a packed model, else block:16x16)"},
    {TSR__OPTION_TEXT, 's', "sparsities", "LIST", AT(sparsities), .fallback = "0.5,0.75,0.9",
     .help = "shares of zeros, for the patterns that leave them open"},
    TSR__ROW_BACKEND(bench_values),
    TSR__ROW_DEVICE(bench_values),
    {TSR__OPTION_TEXT, 't', "threads", "LIST", AT(threads), .fallback = "1",
     .help = "numbers of threads (CPU)"},
    {TSR__OPTION_TEXT, 'b', "batch", "LIST", AT(batches), .fallback = "1",
     .help = "sequences or images in a batch (models, convolutions)"},
    {TSR__OPTION_TEXT, 0, "seq", "LIST", AT(seqs), .fallback = "128",
     .help = "tokens in a sequence (models)"},
    {TSR__OPTION_CHOICE, 'c', "cache", "warm|cold|both", AT(cache), .fallback = "warm",
     .help = "warm: each run finds what its own last run left in the caches; cold: weights, "
             "activations and outputs are evicted before each run"},
    {TSR__OPTION_INTEGER, 'r', "runs", "N", AT(runs), .fallback = "20", .min = 1, .max = 1e6,
     .help = "at least so many timed runs of each contestant"},
    {TSR__OPTION_NUMBER, 0, "seconds", "T", AT(seconds), .fallback = "0.2", .min = 0, .max = 3600,
     .help = "and at least so many seconds for each race"},
    {TSR__OPTION_CHOICE, 0, "isa", "auto|scalar|avx2|avx512", AT(isa), .fallback = "auto",
     .help = "hold Tessera and oneDNN to this instruction set"},
    {TSR__OPTION_TEXT, 'k', "kernel", "NAME", AT(kernel),
     .help = "use this kernel instead of the selected one"},
    {TSR__OPTION_FLAG, 0, "no-dense-fallback", AT(no_dense_fallback),
     .help = "never select the dense kernel for sparse weights: shows where sparsity loses"},
    {TSR__OPTION_TEXT, 0, "baseline", "NAME", AT(baseline), .fallback = "auto",
     .help =
         "the product to race against; CPU: onednn (oneDNN's matmul with packed weights), sgemm "
         "(its sgemm); GPU: cublaslt, cudnn (convolutions) and others, which a wrong name lists; "
         "both: dense (Tessera's own dense kernel), none; auto: onednn, cublaslt or cudnn where it "
         "is installed"},
    {TSR__OPTION_TEXT, 0, "json", "FILE", AT(json), .help = "write JSON (- = standard output)"},
    {TSR__OPTION_TEXT, 0, "csv", "FILE", AT(csv), .help = "write CSV"},
    {TSR__OPTION_TEXT, 0, "html", "FILE", AT(html), .help = "write a page with charts"},
};

static const tsr__example examples[] = {
    {"tessera bench model --patterns block:16x16,2:4 --html report.html",
     "a model, pruned in two ways, against its dense self and oneDNN"},
    {"tessera bench bert-base --sparsities 0.9 --threads 1,2 --seq 32,128,512",
     "a model of that size with random weights"},
    {"tessera bench bench/shapes/bars.txt --cache both --no-dense-fallback",
     "single layers, with what every kernel makes of its own format"},
    {"tessera bench bench/shapes/bert-base.txt --backend cuda --patterns 2:4,block:64x64",
     "layers on the GPU"},
    {"tessera bench bench/shapes/resnet50.txt --backend cuda --batch 32 --patterns 2:4",
     "convolutions of 32 images on the GPU, against cuDNN"},
};

const tsr__command tsr__cli_bench = {
    .details =
        "Contestants run in turn (A B C A B C ...) within one process, so that noise meets "
        "all alike. A layer's baseline is the vendor's dense library; a sparse model's is "
        "Tessera's "
        "own dense run, and the dense run's is the sum of that library's products of the linear "
        "layers.\n"
        "s x d is the speedup times the density: 1 means that no time is lost to sparsity.\n"
        "--backend cuda computes in f16, layers without converting activations, and times by the "
        "GPU's events; cold: twice the bytes of L2 are written before each run. Where the driver "
        "is "
        "the simulator nothing is timed: the figures are its counters and the modelled lower bound "
        "that follows from them. GPUSIM_SAMPLE=64 GPUSIM_CHECKS=none then makes large layers "
        "bearable.",
    .options = rows,
    .option_count = TSR__COUNT(rows),
    .examples = examples,
    .example_count = TSR__COUNT(examples),
    .values_bytes = sizeof(bench_values),
    .run = bench,
};
