/* The tensors of a checkpoint as people think of them: a packed matrix is one, whatever the number
 * of arrays that hold it. And which of them --layers and --skip mean. */
#ifndef TESSERA_CLI_WEIGHTS_H
#define TESSERA_CLI_WEIGHTS_H

#include "runtime/cli/options.h"
#include "tessera/tessera.h"

typedef struct tsr__weight {
  const char *name;
  const tsr_tensor *tensor; /* NULL if packed */
  char *owned;              /* the name, if packed: no tensor is called so */
} tsr__weight;

typedef struct tsr__weights {
  size_t count;
  tsr__weight *items; /* in order of name */
} tsr__weights;

/* Names belong to the checkpoint, which must outlive the list. */
tsr_status tsr__weights_list(const tsr_checkpoint *checkpoint, tsr__weights *out);
void tsr__weights_release(tsr__weights *weights);

/* Whether the weight is a plain matrix, or the filters of a convolution, of a type that can be
 * pruned and packed. */
int tsr__weight_is_matrix(const tsr__weight *weight);

/* The matrix's sizes. Filters [cout, cin, kh, kw] are the matrix [cout, kh * kw * cin] of
 * runtime/format/conv_order.h. */
int64_t tsr__matrix_rows(const tsr_tensor *tensor);
int64_t tsr__matrix_cols(const tsr_tensor *tensor);
static inline int tsr__is_conv(const tsr_tensor *tensor) { return tensor->ndim == 4; }

/* The rows of --layers and --skip; `values` is the subcommand's struct. */
#define TSR__ROW_LAYERS(values)                                                          \
  {                                                                                      \
    .kind = TSR__OPTION_LIST, .name = "layers", .argument = "GLOB",                      \
    .help =                                                                              \
        "only the weights with names like this, such as '*.attention.*'; may be given "  \
        "several times (default: every matrix *.weight that is no embedding, pooler or " \
        "classifier, and filters other than an image's)",                                \
    .offset = offsetof(values, layers)                                                   \
  }
#define TSR__ROW_SKIP(values)                                                 \
  {                                                                           \
    .kind = TSR__OPTION_LIST, .name = "skip", .argument = "GLOB",             \
    .help = "leave weights with names like this; may be given several times", \
    .offset = offsetof(values, skip)                                          \
  }

/* The element type that the number of a word of --dtype means; TSR_DTYPE_COUNT = as it was. */
tsr_dtype tsr__dtype_choice(int word);
#define TSR__ROW_DTYPE(values)                                                                     \
  {                                                                                                \
    .kind = TSR__OPTION_CHOICE, .name = "dtype", .argument = "keep|f32|f16|bf16",                  \
    .help = "element type of these weights", .offset = offsetof(values, dtype), .fallback = "keep" \
  }

/* The rows for the checkpoint that a subcommand reads and the one that it writes. */
#define TSR__ROW_IN(values)                                                        \
  {                                                                                \
    .kind = TSR__OPTION_TEXT, .argument = "IN",                                    \
    .help = "the checkpoint: a folder, a .safetensors file or an index of shards", \
    .offset = offsetof(values, in), .required = 1                                  \
  }
#define TSR__ROW_OUT(values)                                                           \
  {                                                                                    \
    .kind = TSR__OPTION_TEXT, .letter = 'o', .name = "output", .argument = "OUT",      \
    .help =                                                                            \
        "a folder, made if need be (it gets model.safetensors and the configuration, " \
        "vocabulary and tokenizer files of IN), or a single file if it ends in "       \
        ".safetensors",                                                                \
    .offset = offsetof(values, out), .required = 1                                     \
  }

/* Hands the metadata of a checkpoint on, apart from the key `except` (may be NULL). */
tsr_status tsr__copy_metadata(const tsr_checkpoint *checkpoint, const char *except,
                              tsr_checkpoint_writer *writer);

/* The shape of packed filters, for whoever unpacks them: a metadata entry "tessera.shape.NAME",
 * such as "96,48,3,3". load: *ndim = 2 and the matrix's sizes where there is none. */
tsr_status tsr__conv_shape_save(tsr_checkpoint_writer *writer, const tsr_tensor *tensor);
tsr_status tsr__conv_shape_load(const tsr_checkpoint *checkpoint, const char *name,
                                const tsr_packed *packed, int *ndim, int64_t shape[4]);

/* The matrices that are meant, in order of name; the caller frees the list. A glob is held against
 * the name with and without ".weight". A glob that means nothing, or nothing left, is an error. */
tsr_status tsr__weights_choose(const tsr_checkpoint *checkpoint, const tsr__list *layers,
                               const tsr__list *skip, const tsr_tensor ***out, size_t *count);

#endif
