/* Checkpoints: safetensors files, sharded or single, and their config.json. */
#ifndef TESSERA_CHECKPOINT_H
#define TESSERA_CHECKPOINT_H

#include "tessera/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tsr_checkpoint tsr_checkpoint;

#define TSR_TENSOR_DIMS_MAX 8

/* A tensor of an open checkpoint. All pointers belong to the checkpoint. data is mapped from the
 * file and NOT necessarily aligned to the element; C order, little-endian. */
typedef struct tsr_tensor {
  const char *name;
  const char *file; /* the file that holds it, for messages */
  tsr_dtype dtype;
  int ndim;                           /* 0 for a scalar */
  int64_t shape[TSR_TENSOR_DIMS_MAX]; /* entries may be 0 */
  const void *data;
  uint64_t bytes;
} tsr_tensor;

/* Opens PATH: a .safetensors file, a *.safetensors.index.json, or a folder that holds one of these
 * (and possibly config.json). Files are mapped, not read. Every rule of the safetensors format is
 * checked here; TSR_MALFORMED names file, tensor and value. On failure *out is NULL.
 * In a folder: model.safetensors, else model.safetensors.index.json, else the only *.safetensors.
 * An index decides what belongs to the model: tensors that it does not list are left out. */
TSR_API tsr_status tsr_checkpoint_open(const char *path, tsr_checkpoint **out);
TSR_API void tsr_checkpoint_close(tsr_checkpoint *checkpoint); /* NULL is fine */

TSR_API size_t tsr_checkpoint_tensor_count(const tsr_checkpoint *checkpoint);
/* Tensors in order of name. NULL when index is out of range. */
TSR_API const tsr_tensor *tsr_checkpoint_tensor(const tsr_checkpoint *checkpoint, size_t index);
/* NULL when there is none of that name. */
TSR_API const tsr_tensor *tsr_checkpoint_find(const tsr_checkpoint *checkpoint, const char *name);

/* __metadata__ of the file (of all shards together, the first one winning). */
TSR_API size_t tsr_checkpoint_metadata_count(const tsr_checkpoint *checkpoint);
TSR_API tsr_status tsr_checkpoint_metadata_at(const tsr_checkpoint *checkpoint, size_t index,
                                              const char **key, const char **value);
TSR_API const char *tsr_checkpoint_metadata(const tsr_checkpoint *checkpoint, const char *key);

/* The folder that the checkpoint was opened in, without a trailing slash; the text of its
 * config.json, or NULL when there is none. */
TSR_API const char *tsr_checkpoint_folder(const tsr_checkpoint *checkpoint);
TSR_API const char *tsr_checkpoint_config_text(const tsr_checkpoint *checkpoint);

/* Converts count elements of an F32, F16, BF16 or F64 tensor to float.
 * out: host, [count], caller's. TSR_UNSUPPORTED for other types, naming tensor and type. */
TSR_API tsr_status tsr_tensor_to_f32(const tsr_tensor *tensor, float *out, uint64_t count);

/* ---- writing ---- */

typedef struct tsr_checkpoint_writer tsr_checkpoint_writer;

TSR_API tsr_status tsr_checkpoint_writer_create(tsr_checkpoint_writer **out);
TSR_API void tsr_checkpoint_writer_destroy(tsr_checkpoint_writer *writer); /* NULL is fine */
/* Adds a tensor. data is borrowed until save returns; it may point into an open checkpoint. */
TSR_API tsr_status tsr_checkpoint_writer_add(tsr_checkpoint_writer *writer, const char *name,
                                             tsr_dtype dtype, int ndim, const int64_t *shape,
                                             const void *data);
/* Adds or replaces one __metadata__ entry. */
TSR_API tsr_status tsr_checkpoint_writer_metadata(tsr_checkpoint_writer *writer, const char *key,
                                                  const char *value);
/* Writes PATH atomically: a temporary file beside it, fsync, rename. Tensors are sorted as by the
 * reference writer: by type, the widest first, then by name; the header is padded to a multiple of
 * 8, so every tensor is aligned to its element. On failure PATH is what it was before. PATH may be
 * the file that the data are mapped from. */
TSR_API tsr_status tsr_checkpoint_writer_save(tsr_checkpoint_writer *writer, const char *path);

#ifdef __cplusplus
}
#endif
#endif
