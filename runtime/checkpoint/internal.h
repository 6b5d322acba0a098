/* What the files of this folder share. */
#ifndef TESSERA_CHECKPOINT_INTERNAL_H
#define TESSERA_CHECKPOINT_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "tessera/checkpoint.h"

/* Paths and names from files in messages: cut, so that what follows them still fits. */
#define TSR__FILE "%.400s"
#define TSR__NAME "'%.160s'"

/* The specification's limit on the JSON. */
enum { TSR__HEADER_MAX = 100000000, TSR__HEADER_PREFIX = 8 };

#define TSR__METADATA_KEY "__metadata__"

/* A file in memory. */
typedef struct tsr__image {
  char *path;
  const unsigned char *bytes;
  size_t size;
  int mapped; /* 0: bytes are borrowed, do not unmap */
  char *text; /* decoded names and metadata; as long as the file's header */
} tsr__image;

typedef struct tsr__pair {
  const char *key, *value;
  size_t image; /* index of the file it came from */
} tsr__pair;

struct tsr_checkpoint {
  char *folder;
  char *config;
  tsr__image *images;
  size_t image_count;
  tsr_tensor *tensors; /* by name */
  size_t tensor_count, tensor_capacity;
  tsr__pair *metadata; /* by key */
  size_t metadata_count, metadata_capacity;
  void **replaced; /* data that lie in no file */
  size_t replaced_count, replaced_capacity;
};

/* mapping.c: maps a regular file read-only. *out is written field by field: path stays. */
tsr_status tsr__image_map(const char *path, tsr__image *out);
void tsr__image_release(tsr__image *image);
/* The bytes stay as they are, but take no memory until they are looked at again. */
void tsr__image_forget(const tsr__image *image);
void tsr__checkpoint_forget(const tsr_checkpoint *checkpoint); /* all of its files */
/* The whole of a small file as text; TSR_NOT_FOUND if it does not exist. */
tsr_status tsr__read_text(const char *path, char **out);
tsr_status tsr__path_join(const char *folder, const char *name, char **out);
/* The folder part of a path, "." if it has none. */
tsr_status tsr__path_folder(const char *path, char **out);

/* header.c: checks the safetensors image `index` and appends its tensors and metadata. */
tsr_status tsr__header_read(tsr_checkpoint *checkpoint, size_t index);

/* Grows an array to hold one element more; *array stays valid on failure. */
tsr_status tsr__reserve(void *array, size_t *capacity, size_t count, size_t size);

/* The elements and bytes of a tensor; TSR_MALFORMED or TSR_INVALID_ARGUMENT (`failure`) on
 * overflow or if its bits are not whole bytes. */
tsr_status tsr__tensor_bytes(tsr_status failure, const char *file, const char *name,
                             tsr_dtype dtype, int ndim, const int64_t *shape, uint64_t *bytes);

/* writer.c: adds a 1-D I64 tensor whose values are copied. */
tsr_status tsr__checkpoint_writer_add_integers(tsr_checkpoint_writer *writer, const char *name,
                                               const int64_t *values, int64_t count);

/* shards.c: opens every shard that an index.json names. */
tsr_status tsr__shards_open(tsr_checkpoint *checkpoint, const char *index_path);

/* checkpoint.c: opens one more file. `path` is copied. */
tsr_status tsr__checkpoint_add_file(tsr_checkpoint *checkpoint, const char *path);

/* Gives a tensor of the checkpoint other data of as many bytes, in memory only. Takes over `data`
 * (from malloc), also on failure. */
tsr_status tsr__checkpoint_replace(tsr_checkpoint *checkpoint, const tsr_tensor *tensor,
                                   void *data);

/* A checkpoint from a safetensors image in memory (borrowed) and an optional config.json (copied):
 * for fuzzing. */
tsr_status tsr__checkpoint_open_memory(const void *bytes, size_t size, const char *config,
                                       tsr_checkpoint **out);

#endif
