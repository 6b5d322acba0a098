#include "runtime/cuda/linear.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/half.h"
#include "runtime/base/status.h"
#include "runtime/cuda/layers.h"

enum { DEVICE_LINE = 256, ROW_ELEMENTS = 8 };

/* The workspace, in device memory: | x | y | scratch |, x and y in the kernel's type. The scratch:
 * | sums of the parts of k | x gathered or transposed |. */
struct tsr__cuda_linear {
  tsr__cuda *cuda;
  const tsr_cuda_spmm_kernel *kernel;
  char name[96];
  tsr_pattern pattern; /* of the weights */
  tsr__cuda_function spmm, split_k, gather, transpose, from_f32, to_f32;
  tsr_cuda_spmm_args args; /* what is the same in every call */
  void *image, *bias;
  int64_t ldx, ldy; /* of the workspace's x and y */
  int32_t m, k;     /* the layer's; k of a row of x */
  int64_t in, out;  /* rows of x, and tokens, of an image; of tokens 1 and 1 */
  size_t image_bytes, y_at, scratch_at, moved_at, workspace_bytes; /* moved_at: in scratch */
};

static size_t round_line(size_t bytes) {
  return (bytes + DEVICE_LINE - 1) / DEVICE_LINE * DEVICE_LINE;
}

static int64_t round_row(int64_t elements) {
  return (elements + ROW_ELEMENTS - 1) / ROW_ELEMENTS * ROW_ELEMENTS;
}

/* ---- making one ---- */

static tsr_status check_range(const float *values, const uint16_t *rounded, int64_t count,
                              tsr_dtype dtype) {
  uint16_t infinity = dtype == TSR_DTYPE_F16 ? 0x7c00 : 0x7f80;
  for (int64_t i = 0; i < count; i++)
    TSR_CHECK((rounded[i] & 0x7fff) != infinity || isinf(values[i]), TSR_UNSUPPORTED,
              "weight %g is too large for %s", (double)values[i], tsr_dtype_name(dtype));
  return TSR_OK;
}

/* *values: what the caller must free afterwards. */
static tsr_status round_values(const tsr_packed *weight, tsr_dtype dtype, tsr_packed *out,
                               uint16_t **values) {
  *out = *weight;
  TSR_TRY(tsr__aligned((size_t)weight->stored, sizeof **values, "rounded weights", values));
  TSR_CHECK(tsr__from_f32(weight->values, dtype, *values, (uint64_t)weight->stored),
            TSR_UNSUPPORTED, "weights of type %s", tsr_dtype_name(dtype));
  out->dtype = dtype;
  out->values = *values;
  return check_range(weight->values, *values, weight->stored, dtype);
}

/* Fills each tap of dense filters up with zeros to the pitch of a kernel of convolutions. *values:
 * as in round_values. */
static tsr_status widen_taps(const tsr_cuda_conv *conv, tsr_packed *dense, uint16_t **values) {
  int64_t channels = conv->channels, pitch = conv->pitch, count;
  if (dense->format != TSR_FORMAT_DENSE || pitch == channels) return TSR_OK;
  int64_t taps = dense->cols / channels;
  uint16_t *wide;
  TSR_CHECK(tsr__mul_i64(dense->rows, taps * pitch, &count), TSR_UNSUPPORTED_SHAPE,
            "%lld filters of %lld taps", (long long)dense->rows, (long long)taps);
  TSR_TRY(tsr__calloc((size_t)count, sizeof *wide, "filters", &wide));
  for (int64_t t = 0; t < dense->rows * taps; t++)
    memcpy(wide + t * pitch, *values + t * channels, (size_t)channels * sizeof *wide);
  free(*values);
  dense->values = *values = wide;
  dense->cols = taps * pitch;
  dense->stored = count;
  return TSR_OK;
}

static tsr_status upload_weights(tsr__cuda_linear *linear, const tsr_packed *weight) {
  const tsr_cuda_spmm_kernel *kernel = linear->kernel;
  tsr_packed rounded;
  uint16_t *values = NULL;
  void *image = NULL;
  tsr_status status;
  TSR_TRY_GOTO(status, round_values(weight, kernel->dtype, &rounded, &values), done);
  if (kernel->ops->convolution)
    TSR_TRY_GOTO(status, widen_taps(&linear->args.conv, &rounded, &values), done);
  linear->image_bytes = kernel->ops->prepacked_bytes(kernel, &rounded);
  TSR_TRY_GOTO(status, tsr__aligned(linear->image_bytes, 1, "prepacked weights", &image), done);
  kernel->ops->prepack(kernel, &rounded, image);
  TSR_TRY_GOTO(
      status, tsr__cuda_upload(linear->cuda, image, linear->image_bytes, "weights", &linear->image),
      done);
  kernel->ops->bind(kernel, &rounded, linear->image, &linear->args);
done:
  free(image);
  free(values);
  return status;
}

static tsr_status find_functions(tsr__cuda_linear *linear) {
  static const tsr__cuda_image images[TSR_FORMAT_COUNT] = {
      [TSR_FORMAT_DENSE] = TSR__CUDA_IMAGE_spmm_dense,
      [TSR_FORMAT_COMPACT] = TSR__CUDA_IMAGE_spmm_compact,
      [TSR_FORMAT_CSR] = TSR__CUDA_IMAGE_spmm_csr,
      [TSR_FORMAT_NM] = TSR__CUDA_IMAGE_spmm_nm,
      [TSR_FORMAT_BCSR] = TSR__CUDA_IMAGE_spmm_bcsr,
      [TSR_FORMAT_VNM] = TSR__CUDA_IMAGE_spmm_vnm,
      [TSR_FORMAT_BCSR_NM] = TSR__CUDA_IMAGE_spmm_bcsr_nm};
  static const tsr__cuda_image conv_images[TSR_FORMAT_COUNT] = {
      [TSR_FORMAT_DENSE] = TSR__CUDA_IMAGE_conv_dense,
      [TSR_FORMAT_NM] = TSR__CUDA_IMAGE_conv_nm,
      [TSR_FORMAT_BCSR] = TSR__CUDA_IMAGE_conv_bcsr,
      [TSR_FORMAT_VNM] = TSR__CUDA_IMAGE_conv_vnm};
  const tsr_cuda_spmm_kernel *kernel = linear->kernel;
  tsr__cuda_image image = (kernel->ops->convolution ? conv_images : images)[kernel->format];
  TSR_TRY(tsr__cuda_find(linear->cuda, image, kernel->name, &linear->spmm));
  TSR_TRY(tsr__cuda_allow_shared(linear->cuda, &linear->spmm, kernel->ops->shared_bytes(kernel)));
  TSR_TRY(tsr__cuda_find(linear->cuda, TSR__CUDA_IMAGE_convert, "tsr_b16_gather__sm80",
                         &linear->gather));
  const char *transpose =
      kernel->ops->convolution ? "tsr_b16_fold__sm80" : "tsr_b16_transpose__sm80";
  TSR_TRY(tsr__cuda_find(linear->cuda, TSR__CUDA_IMAGE_convert, transpose, &linear->transpose));
  TSR_TRY(tsr__cuda_find_typed(linear->cuda, TSR__CUDA_IMAGE_split_k, kernel->dtype, "split_k",
                               &linear->split_k));
  TSR_TRY(tsr__cuda_find_typed(linear->cuda, TSR__CUDA_IMAGE_convert, kernel->dtype, "from_f32",
                               &linear->from_f32));
  return tsr__cuda_find_typed(linear->cuda, TSR__CUDA_IMAGE_convert, kernel->dtype, "to_f32",
                              &linear->to_f32);
}

/* Wherever k is cut, the tiles of all parts together are no more than the multiprocessors. Rows
 * that are scattered go through two parts at least. */
static size_t partial_bytes(const tsr__cuda_linear *linear, int64_t max_tokens) {
  const tsr_cuda_spmm_kernel *kernel = linear->kernel;
  size_t tile = (size_t)kernel->tile_m * (size_t)kernel->tile_n;
  size_t floats = (size_t)tsr__cuda_sms(linear->cuda) * tile;
  size_t scattered = 2 * (size_t)max_tokens * (size_t)linear->args.m;
  return sizeof(float) * (linear->args.scatter && scattered > floats ? scattered : floats);
}

static int64_t images_of(const tsr__cuda_linear *linear, int64_t tokens) {
  return (tokens + linear->out - 1) / linear->out;
}

/* Elements of x as the kernel reads it, where that is not as it comes. */
static int64_t moved_elements(const tsr__cuda_linear *linear, int64_t max_tokens) {
  const tsr_cuda_spmm_ops *ops = linear->kernel->ops;
  if (ops->feature_major && ops->convolution)
    return ROW_ELEMENTS * tsr__cuda_fold_chunks(&linear->args.conv, images_of(linear, max_tokens));
  if (ops->feature_major) return linear->k * round_row(max_tokens);
  return linear->args.gather ? linear->ldx * max_tokens : 0;
}

static tsr_status plan_workspace(tsr__cuda_linear *linear, int64_t max_tokens) {
  int64_t x, y;
  linear->ldx = round_row(linear->k);
  linear->ldy = round_row(linear->m);
  TSR_CHECK(tsr__mul_i64(images_of(linear, max_tokens), linear->in, &x) && x <= INT32_MAX &&
                tsr__mul_i64(linear->ldx, x, &x) && tsr__mul_i64(linear->ldy, max_tokens, &y) &&
                x < INT64_MAX / 16 && y < INT64_MAX / 16,
            TSR_UNSUPPORTED_SHAPE, "activations of %lld tokens", (long long)max_tokens);
  linear->y_at = round_line((size_t)x * sizeof(uint16_t));
  linear->scratch_at = linear->y_at + round_line((size_t)y * sizeof(uint16_t));
  linear->moved_at = round_line(partial_bytes(linear, max_tokens));
  size_t moved = (size_t)moved_elements(linear, max_tokens) * sizeof(uint16_t);
  linear->workspace_bytes = linear->scratch_at + linear->moved_at + moved;
  return TSR_OK;
}

static void describe(tsr__cuda_linear *linear, const tsr__cuda_linear_plan *plan,
                     const tsr_packed *weight) {
  linear->pattern = tsr_packed_pattern(weight);
  linear->m = (int32_t)weight->rows;
  linear->k = (int32_t)weight->cols;
  linear->in = linear->out = 1;
  if (!plan->conv) return;
  linear->args.conv = tsr__cuda_conv_of(plan->conv);
  linear->k = linear->args.conv.channels;
  linear->in = plan->conv->height * plan->conv->width;
  linear->out = linear->args.conv.out_pixels;
}

static tsr_status build(tsr__cuda_linear *linear, const tsr__cuda_linear_plan *plan,
                        const tsr_linear *layer, const tsr_packed *weight) {
  describe(linear, plan, weight);
  TSR_TRY(upload_weights(linear, weight));
  if (layer->bias)
    TSR_TRY(tsr__cuda_upload(linear->cuda, layer->bias, (size_t)weight->rows * sizeof(float),
                             "bias", &linear->bias));
  linear->args.bias = linear->bias;
  linear->args.activation = (int32_t)layer->activation;
  linear->args.residual_first = layer->residual_first;
  TSR_TRY(find_functions(linear));
  return plan_workspace(linear, plan->max_tokens);
}

tsr_status tsr__cuda_linear_create(const tsr__cuda_linear_plan *plan, const tsr_linear *layer,
                                   const tsr_packed *weight, tsr__cuda_linear **out) {
  tsr__cuda_linear *linear;
  TSR_TRY(tsr__calloc(1, sizeof *linear, "a plan", &linear));
  linear->kernel = plan->kernel;
  snprintf(linear->name, sizeof linear->name, "%s", layer->name ? layer->name : "linear layer");
  tsr_status status = tsr__cuda_open(&linear->cuda);
  if (status == TSR_OK) status = tsr__cuda_enter(linear->cuda);
  if (status == TSR_OK) {
    status = build(linear, plan, layer, weight);
    tsr__cuda_leave(linear->cuda);
  }
  if (status != TSR_OK) {
    tsr__cuda_linear_destroy(linear);
    return status;
  }
  *out = linear;
  return TSR_OK;
}

void tsr__cuda_linear_destroy(tsr__cuda_linear *linear) {
  if (!linear) return;
  if (linear->cuda && tsr__cuda_enter(linear->cuda) == TSR_OK) {
    tsr__cuda_free(linear->cuda, linear->image);
    tsr__cuda_free(linear->cuda, linear->bias);
    tsr__cuda_leave(linear->cuda);
  }
  tsr__cuda_close(linear->cuda);
  free(linear);
}

size_t tsr__cuda_linear_weight_bytes(const tsr__cuda_linear *linear) { return linear->image_bytes; }

size_t tsr__cuda_linear_workspace_bytes(const tsr__cuda_linear *linear) {
  return linear->workspace_bytes;
}

size_t tsr__cuda_linear_scratch_bytes(const tsr__cuda_linear *linear) {
  return linear->workspace_bytes - linear->scratch_at;
}

tsr_dtype tsr__cuda_linear_dtype(const tsr__cuda_linear *linear) { return linear->kernel->dtype; }

/* ---- running it ---- */

static tsr_status convert(const tsr__cuda_linear *linear, const tsr__cuda_function *function,
                          tsr_cuda_convert_args args, void *stream) {
  tsr_cuda_launch launch = tsr__cuda_convert_launch(&args);
  return tsr__cuda_launch(linear->cuda, function, &launch, &args, stream, linear->name);
}

/* Puts the columns that are left side by side in the scratch, where the product then finds them. */
static tsr_status gather(const tsr__cuda_linear *linear, const tsr__cuda_linear_io *io,
                         tsr_cuda_spmm_args *product) {
  tsr_cuda_gather_args args = {.x = io->x,
                               .y = (char *)io->scratch + linear->moved_at,
                               .columns = product->gather,
                               .ldx = io->ldx,
                               .ldy = round_row(product->k),
                               .n = io->tokens,
                               .width = product->k,
                               .padded = (int32_t)round_row(product->k)};
  product->b = args.y;
  product->ldb = args.ldy;
  if (!product->k) return TSR_OK;
  tsr_cuda_launch launch = tsr__cuda_gather_launch(&args);
  return tsr__cuda_launch(linear->cuda, &linear->gather, &launch, &args, io->stream, linear->name);
}

/* The same for a kernel that wants x feature by feature. */
static tsr_status transpose(const tsr__cuda_linear *linear, const tsr__cuda_linear_io *io,
                            tsr_cuda_spmm_args *product) {
  int32_t padded = (int32_t)round_row(io->tokens);
  tsr_cuda_transpose_args args = {.x = io->x,
                                  .y = (char *)io->scratch + linear->moved_at,
                                  .ldx = io->ldx,
                                  .ldy = padded,
                                  .n = io->tokens,
                                  .width = product->k,
                                  .padded = padded};
  product->b = args.y;
  product->ldb = args.ldy;
  if (!product->k) return TSR_OK;
  tsr_cuda_launch launch = tsr__cuda_transpose_launch(&args);
  return tsr__cuda_launch(linear->cuda, &linear->transpose, &launch, &args, io->stream,
                          linear->name);
}

/* Images likewise. */
static tsr_status fold(const tsr__cuda_linear *linear, const tsr__cuda_linear_io *io,
                       tsr_cuda_spmm_args *product) {
  product->fold = tsr__cuda_fold_of(&product->conv, images_of(linear, io->tokens));
  tsr_cuda_fold_args args = {.x = io->x,
                             .y = (char *)io->scratch + linear->moved_at,
                             .ldx = io->ldx,
                             .conv = product->conv,
                             .fold = product->fold,
                             .n = io->tokens};
  product->b = args.y;
  tsr_cuda_launch launch = tsr__cuda_fold_launch(&args);
  return tsr__cuda_launch(linear->cuda, &linear->transpose, &launch, &args, io->stream,
                          linear->name);
}

static int32_t count_splits(const tsr__cuda_linear *linear, const tsr_cuda_spmm_args *args) {
  tsr_spmm_problem problem = {.pattern = linear->pattern,
                              .m = args->m,
                              .k = args->k,
                              .n = tsr__cuda_tokens(args),
                              .threads = tsr__cuda_sms(linear->cuda)};
  int32_t splits = tsr__cuda_spmm_splits(linear->kernel, &problem);
  return args->scatter && splits < 2 ? 2 : splits;
}

tsr_status tsr__cuda_linear_multiply(const tsr__cuda_linear *linear,
                                     const tsr__cuda_linear_io *io) {
  tsr_cuda_spmm_args args = linear->args;
  args.b = io->x;
  args.ldb = io->ldx;
  args.c = io->y;
  args.ldc = io->ldy;
  args.residual = io->residual;
  args.ldr = io->ldr;
  args.n = io->tokens;
  if (args.gather) TSR_TRY(gather(linear, io, &args));
  if (linear->kernel->ops->feature_major)
    TSR_TRY((linear->kernel->ops->convolution ? fold : transpose)(linear, io, &args));
  args.splits = count_splits(linear, &args);
  if (args.splits > 1) args.partial = io->scratch;
  tsr_cuda_launch launch;
  tsr__cuda_spmm_launch(linear->kernel, &args, &launch);
  if (args.m)
    TSR_TRY(
        tsr__cuda_launch(linear->cuda, &linear->spmm, &launch, &args, io->stream, linear->name));
  if (args.splits == 1) return TSR_OK;
  launch = tsr__cuda_split_k_launch(&args);
  return tsr__cuda_launch(linear->cuda, &linear->split_k, &launch, &args, io->stream, linear->name);
}

static tsr_status run(const tsr__cuda_linear *linear, const tsr_linear_io *io, char *workspace) {
  int32_t n = (int32_t)io->tokens, m = linear->m, k = linear->k;
  void *x = workspace, *y = workspace + linear->y_at;
  tsr_cuda_convert_args from = {.x = io->x,
                                .y = x,
                                .ldx = io->ldx,
                                .ldy = linear->ldx,
                                .n = (int32_t)(io->tokens / linear->out * linear->in),
                                .width = k,
                                .padded = (int32_t)linear->ldx};
  TSR_TRY(convert(linear, &linear->from_f32, from, io->stream));
  if (io->residual) {
    tsr_cuda_convert_args residual = {.x = io->residual,
                                      .y = y,
                                      .ldx = io->ldr,
                                      .ldy = linear->ldy,
                                      .n = n,
                                      .width = m,
                                      .padded = m};
    TSR_TRY(convert(linear, &linear->from_f32, residual, io->stream));
  }
  tsr__cuda_linear_io product = {.tokens = n,
                                 .x = x,
                                 .residual = io->residual ? y : NULL,
                                 .y = y,
                                 .ldx = linear->ldx,
                                 .ldr = linear->ldy,
                                 .ldy = linear->ldy,
                                 .scratch = workspace + linear->scratch_at,
                                 .stream = io->stream};
  TSR_TRY(tsr__cuda_linear_multiply(linear, &product));
  tsr_cuda_convert_args to = {
      .x = y, .y = io->y, .ldx = linear->ldy, .ldy = io->ldy, .n = n, .width = m, .padded = m};
  return convert(linear, &linear->to_f32, to, io->stream);
}

tsr_status tsr__cuda_linear_execute(const tsr__cuda_linear *linear, const tsr_linear_io *io,
                                    void *workspace) {
  TSR_TRY(tsr__cuda_enter(linear->cuda));
  tsr_status status = run(linear, io, workspace);
  tsr__cuda_leave(linear->cuda);
  return status;
}
