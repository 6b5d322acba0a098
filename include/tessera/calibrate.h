/* Calibration: what every layer of a model reads, the layers before it being pruned already. */
#ifndef TESSERA_CALIBRATE_H
#define TESSERA_CALIBRATE_H

#include "tessera/execute.h"
#include "tessera/model.h"
#include "tessera/prune.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the input ---- */

typedef struct tsr_calibration tsr_calibration;

typedef struct tsr_calibration_options {
  int64_t samples;    /* at most so many lines, drawn without replacement; >= 1 */
  int64_t max_tokens; /* of a line, 2 or more; longer ones are cut */
  uint64_t seed;
} tsr_calibration_options;

/* Lines of text files, through the tokenizer. Blank lines do not count. Where there are more lines
 * than samples, every set of `samples` lines is equally likely; lines stay in their order. The same
 * files, options and vocabulary give the same input on every machine. TSR_INVALID_ARGUMENT if the
 * files hold no line; TSR_NOT_FOUND and TSR_IO name the file. */
TSR_API tsr_status tsr_calibration_read(const tsr_tokenizer *tokenizer, const char *const *paths,
                                        size_t count, const tsr_calibration_options *options,
                                        tsr_calibration **out);
/* Copies token ids. batch->types is not looked at: all are 0. */
TSR_API tsr_status tsr_calibration_from_ids(const tsr_batch *batch, tsr_calibration **out);

/* For a model of images: IDX, .npy, PNG, PGM and PPM files, each also compressed by gzip; every
 * image of all files is as likely to be among the `samples` as any other. Images are taken as
 * `tessera run` takes them: of the model's size, with its mean and deviation. max_tokens is not
 * used. TSR_UNSUPPORTED_SHAPE for images of another size. */
TSR_API tsr_status tsr_calibration_read_images(const tsr_model *model, const char *const *paths,
                                               size_t count, const tsr_calibration_options *options,
                                               tsr_calibration **out);
/* Copies NHWC pixels as the model takes them. */
TSR_API tsr_status tsr_calibration_from_images(const tsr_image_batch *batch, tsr_calibration **out);

/* For a model of text: .npy files of hidden states, [tokens, hidden] for one sequence or
 * [sequences, tokens, hidden], as the first encoder layer reads them (embeddings after their
 * LayerNorm). Embeddings are not computed then. A sample is a sequence, cut to max_tokens. */
TSR_API tsr_status tsr_calibration_read_states(const tsr_model *model, const char *const *paths,
                                               size_t count, const tsr_calibration_options *options,
                                               tsr_calibration **out);

TSR_API void tsr_calibration_destroy(tsr_calibration *calibration); /* NULL is fine */

/* What the calibration holds; it belongs to the calibration. NULL unless it is of that kind.
 * batch: of text and of states; ids is NULL if they are states. width: may be NULL. */
TSR_API const tsr_batch *tsr_calibration_batch(const tsr_calibration *calibration);
TSR_API const float *tsr_calibration_states(const tsr_calibration *calibration, int64_t *width);
TSR_API const tsr_image_batch *tsr_calibration_images(const tsr_calibration *calibration);
/* 16 hexadecimal digits: FNV-1a (64 bits) over words of four bytes, the lowest first. Text: every
 * sequence's number of tokens and its tokens. States: the number of tokens and the states' bits.
 * Images: their number, height, width and channels, and the pixels' bits. */
TSR_API const char *tsr_calibration_hash(const tsr_calibration *calibration);

/* ---- the run ---- */

/* Called for the chosen layers in their order: linear ones, and convolutions of one group.
 * statistics: of the layer's input over all tokens of the calibration, or of a convolution's im2col
 * rows (kernel rows x kernel columns x channels features, 0 in the padding) over all output pixels;
 * valid during the call. It may change the layer's weight with
 * tsr_model_set_weight: what comes after the layer is computed with what it finds then. */
typedef tsr_status tsr_calibrate_visit(void *user, size_t layer, const tsr_statistics *statistics);

/* Of every output feature of a layer, with its bias, before residual and activation, over all
 * tokens or output pixels. Both [rows of the weight]. */
typedef struct tsr_moments {
  const double *means, *variances;
} tsr_moments;

/* Called for a chosen layer after the visit. now: of what the layer makes with what the visit has
 * left; wanted: of what it makes in the reference; valid during the call. It may change weight and
 * bias. */
typedef tsr_status tsr_calibrate_compare(void *user, size_t layer, const tsr_moments *now,
                                         const tsr_moments *wanted);

typedef struct tsr_calibrate_options {
  tsr_statistics_kind statistics; /* NORMS or GRAM */
  int32_t threads;                /* >= 1 */
  const uint8_t *chosen;          /* [layers of the model], 1 = to be visited */
  tsr_calibrate_visit *visit;
  tsr_calibrate_compare *compare; /* NULL, or there is a reference */
  /* NULL, or borrowed and not changed: the model as it is to be imitated, with layers like the
   * model's. It is run beside it, each layer after the model's. GRAM statistics then know its
   * inputs, too, and what the sum that a linear layer adds to lacks, so that sparsegpt and admm
   * have each layer imitate the reference's layer and sum rather than its own unpruned self. */
  tsr_model *reference;
  void *user;
} tsr_calibrate_options;

/* Runs the model over the calibration on the CPU, once. Layers that read the same (queries, keys
 * and values) get the same statistics. Memory: the activations of all tokens or images, once more
 * with a reference, and one layer's statistics at a time. Stops with what visit returned if that is
 * a failure. */
TSR_API tsr_status tsr_calibrate(tsr_model *model, const tsr_calibration *calibration,
                                 const tsr_calibrate_options *options);

/* ---- what a change does to the model's output ---- */

/* The embeddings that the model gives some of the calibration's sequences. */
typedef struct tsr_effect tsr_effect;

/* Remembers the L2-normalised embeddings of at most `sequences` of the calibration's sequences,
 * evenly spread. The calibration is not needed afterwards. */
TSR_API tsr_status tsr_effect_create(const tsr_model *model, const tsr_calibration *calibration,
                                     int64_t sequences, int32_t threads, tsr_effect **out);
TSR_API void tsr_effect_destroy(tsr_effect *effect); /* NULL is fine */
/* *error: 1 - the mean cosine of what the model gives now with what it gave then; 0..2. */
TSR_API tsr_status tsr_effect_measure(const tsr_effect *effect, const tsr_model *model,
                                      double *error);

/* What a small change of one of a linear layer's output features (before residual and activation)
 * at one token does to the L2-normalised embeddings: the mean over the tokens of the sum of the
 * squares, up to what random directions of the embeddings leave uncertain. At most `sequences` of
 * the calibration's sequences are looked at, evenly spread.
 *
 * out: [layers of the model], of a linear layer [rows of its weight] floats, written, or NULL; of
 * other layers not looked at. calibration: of text, else TSR_UNSUPPORTED. The model is not changed.
 * Memory: what every layer reads for all tokens of the sequences. */
TSR_API tsr_status tsr_sensitivities(tsr_model *model, const tsr_calibration *calibration,
                                     int64_t sequences, int32_t threads, float *const *out);

#ifdef __cplusplus
}
#endif
#endif
