/* tessera unpack: the inverse of tessera pack. */
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/files.h"
#include "runtime/cli/weights.h"
#include "runtime/format/conv_order.h"
#include "runtime/format/names.h"

typedef struct unpack_options {
  const char *in, *out;
  int json;
} unpack_options;

typedef struct unpack_job {
  const unpack_options *options;
  const tsr_checkpoint *checkpoint;
  tsr__weights weights;
  void **dense; /* [weights.count], the unpacked matrices; NULL where there is none */
  size_t unpacked;
} unpack_job;

/* *dense: the matrix, or filters in their own order; the caller frees it, also after a failure. */
static tsr_status unpack_matrix(const char *name, const tsr_packed *packed, int ndim,
                                const int64_t *shape, void **dense) {
  int64_t elements;
  size_t bytes = (size_t)tsr_dtype_bits(packed->dtype) / 8;
  TSR_CHECK(tsr__mul_i64(packed->rows, packed->cols, &elements), TSR_MALFORMED,
            "%s: %lld x %lld elements are too many", name, (long long)packed->rows,
            (long long)packed->cols);
  TSR_TRY(tsr__aligned((size_t)elements, bytes, name, dense));
  TSR_TRY(tsr_unpack(packed, *dense, packed->cols));
  if (ndim == 2) return TSR_OK;
  void *matrix = *dense;
  tsr_status status = tsr__aligned((size_t)elements, bytes, name, dense);
  if (status == TSR_OK) tsr__conv_from_matrix(matrix, bytes, shape, *dense);
  free(matrix);
  return status;
}

static tsr_status add_packed(unpack_job *job, size_t index, tsr_checkpoint_writer *writer) {
  const char *name = job->weights.items[index].name;
  tsr_packed packed;
  int ndim;
  int64_t shape[4];
  TSR_TRY(tsr_packed_load(job->checkpoint, name, &packed));
  tsr_status status = tsr__conv_shape_load(job->checkpoint, name, &packed, &ndim, shape);
  if (status == TSR_OK) status = unpack_matrix(name, &packed, ndim, shape, &job->dense[index]);
  if (status == TSR_OK)
    status = tsr_checkpoint_writer_add(writer, name, packed.dtype, ndim, shape, job->dense[index]);
  tsr_packed_release(&packed);
  job->unpacked++;
  return status;
}

static tsr_status add_tensors(unpack_job *job, tsr_checkpoint_writer *writer) {
  TSR_TRY(tsr__copy_metadata(job->checkpoint, TSR__FORMAT_VERSION_KEY, writer));
  tsr__progress progress;
  tsr__progress_begin(&progress, "unpacking", (int64_t)job->weights.count);
  tsr_status status = TSR_OK;
  for (size_t i = 0; i < job->weights.count && status == TSR_OK; i++) {
    const tsr_tensor *tensor = job->weights.items[i].tensor;
    status = tensor ? tsr_checkpoint_writer_add(writer, tensor->name, tensor->dtype, tensor->ndim,
                                                tensor->shape, tensor->data)
                    : add_packed(job, i, writer);
    tsr__progress_update(&progress, (int64_t)i + 1);
  }
  tsr__progress_end(&progress);
  return status;
}

static tsr_status write(unpack_job *job, const tsr__target *target) {
  tsr_checkpoint_writer *writer;
  TSR_TRY(tsr_checkpoint_writer_create(&writer));
  tsr_status status = add_tensors(job, writer);
  if (status == TSR_OK) status = tsr_checkpoint_writer_save(writer, target->weights);
  tsr_checkpoint_writer_destroy(writer);
  if (status == TSR_OK) status = tsr__target_copy_side_files(job->checkpoint, target);
  return status;
}

static tsr_status work(unpack_job *job, const tsr__target *target) {
  TSR_TRY(tsr__weights_list(job->checkpoint, &job->weights));
  TSR_TRY(tsr__calloc(job->weights.count, sizeof *job->dense, "the weights", &job->dense));
  TSR_TRY(write(job, target));
  if (job->options->json)
    return tsr__print_json(
        json_pack("{s:s, s:I, s:I}", "output", target->weights, "tensors",
                  (json_int_t)job->weights.count, "unpacked", (json_int_t)job->unpacked),
        stdout);
  printf("%zu tensors, %zu of them unpacked; wrote %s\n", job->weights.count, job->unpacked,
         target->weights);
  return TSR_OK;
}

static tsr_status unpack(const void *values) {
  const unpack_options *options = values;
  unpack_job job = {.options = options};
  tsr_checkpoint *checkpoint;
  TSR_TRY(tsr_checkpoint_open(options->in, &checkpoint));
  job.checkpoint = checkpoint;
  tsr__target target;
  tsr_status status = tsr__target_open(checkpoint, options->in, options->out, &target);
  if (status == TSR_OK) status = work(&job, &target);
  tsr__target_close(&target);
  for (size_t i = 0; job.dense && i < job.weights.count; i++) free(job.dense[i]);
  free(job.dense);
  tsr__weights_release(&job.weights);
  tsr_checkpoint_close(checkpoint);
  return status;
}

static const tsr__option rows[] = {
    TSR__ROW_IN(unpack_options),
    TSR__ROW_OUT(unpack_options),
    TSR__ROW_JSON(unpack_options),
};

static const tsr__example examples[] = {
    {"tessera unpack packed -o dense", "an ordinary checkpoint that other programs can read"},
};

const tsr__command tsr__cli_unpack = {
    .details =
        "Every value comes back bit by bit; what was dropped is +0.0. The packed arrays "
        "are verified.",
    .options = rows,
    .option_count = TSR__COUNT(rows),
    .examples = examples,
    .example_count = TSR__COUNT(examples),
    .values_bytes = sizeof(unpack_options),
    .run = unpack,
};
