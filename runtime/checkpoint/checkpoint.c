#include "tessera/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/alloc.h"
#include "runtime/base/half.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"

tsr_status tsr__reserve(void *array, size_t *capacity, size_t count, size_t size) {
  if (count < *capacity) return TSR_OK;
  void *memory;
  memcpy(&memory, array, sizeof memory);
  size_t grown = *capacity ? 2 * *capacity : 16;
  memory = grown > SIZE_MAX / size ? NULL : realloc(memory, grown * size);
  TSR_CHECK(memory, TSR_OUT_OF_MEMORY, "out of memory: a list of %zu x %zu bytes", grown, size);
  memcpy(array, &memory, sizeof memory);
  *capacity = grown;
  return TSR_OK;
}

tsr_status tsr__checkpoint_add_file(tsr_checkpoint *checkpoint, const char *path) {
  size_t index = checkpoint->image_count;
  tsr__image *images = realloc(checkpoint->images, (index + 1) * sizeof *images);
  TSR_CHECK(images, TSR_OUT_OF_MEMORY, "out of memory: a list of %zu files", index + 1);
  checkpoint->images = images;
  images[index] = (tsr__image){0};
  TSR_TRY(tsr__strdup(path, &images[index].path));
  checkpoint->image_count++;
  TSR_TRY(tsr__image_map(path, &images[index]));
  return tsr__header_read(checkpoint, index);
}

/* ---- order ---- */

static int by_name(const void *a, const void *b) {
  return strcmp(((const tsr_tensor *)a)->name, ((const tsr_tensor *)b)->name);
}

static int by_key(const void *a, const void *b) {
  return strcmp(((const tsr__pair *)a)->key, ((const tsr__pair *)b)->key);
}

static int by_key_and_image(const void *a, const void *b) {
  const tsr__pair *x = a, *y = b;
  int order = by_key(a, b);
  return order ? order : x->image < y->image ? -1 : x->image > y->image;
}

/* Names are unique: within a file its header was checked, and a shard's map has each name once. */
static void sort_tensors(tsr_checkpoint *checkpoint) {
  if (checkpoint->tensor_count)
    qsort(checkpoint->tensors, checkpoint->tensor_count, sizeof *checkpoint->tensors, by_name);
}

/* Of a key that several files have, the first file's value is kept. */
static tsr_status sort_metadata(tsr_checkpoint *checkpoint) {
  tsr__pair *pairs = checkpoint->metadata;
  size_t kept = 0;
  if (checkpoint->metadata_count)
    qsort(pairs, checkpoint->metadata_count, sizeof *pairs, by_key_and_image);
  for (size_t i = 0; i < checkpoint->metadata_count; i++) {
    int repeated = i && !by_key(&pairs[i - 1], &pairs[i]);
    TSR_CHECK(!repeated || pairs[i - 1].image != pairs[i].image, TSR_MALFORMED,
              TSR__FILE ": " TSR__METADATA_KEY ": the key " TSR__NAME " appears twice",
              checkpoint->images[pairs[i].image].path, pairs[i].key);
    if (!repeated) pairs[kept++] = pairs[i];
  }
  checkpoint->metadata_count = kept;
  return TSR_OK;
}

/* ---- opening ---- */

static int has_suffix(const char *text, const char *suffix) {
  size_t length = strlen(text), suffix_length = strlen(suffix);
  return length >= suffix_length && !strcmp(text + length - suffix_length, suffix);
}

/* The only *.safetensors of a folder. */
static tsr_status only_file(const char *folder, char **out) {
  DIR *listing = opendir(folder);
  TSR_CHECK(listing, TSR_IO, TSR__FILE ": cannot list the folder: %s", folder, strerror(errno));
  char *found = NULL;
  tsr_status status = TSR_OK;
  const struct dirent *entry;
  while (status == TSR_OK && (entry = readdir(listing))) {
    if (!has_suffix(entry->d_name, ".safetensors")) continue;
    if (found)
      status = tsr__error(TSR_INVALID_ARGUMENT,
                          TSR__FILE ": several checkpoints (" TSR__FILE ", " TSR__NAME
                                    "): name one of them",
                          folder, found, entry->d_name);
    else
      status = tsr__path_join(folder, entry->d_name, &found);
  }
  closedir(listing);
  if (status == TSR_OK && !found)
    status = tsr__error(TSR_NOT_FOUND,
                        TSR__FILE
                        ": no model.safetensors, model.safetensors.index.json or other "
                        "*.safetensors in the folder",
                        folder);
  if (status == TSR_OK)
    *out = found;
  else
    free(found);
  return status;
}

/* The file to open in a folder. */
static tsr_status choose_file(const char *folder, char **out) {
  static const char *const names[] = {"model.safetensors", "model.safetensors.index.json"};
  struct stat info;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    char *path;
    TSR_TRY(tsr__path_join(folder, names[i], &path));
    if (!stat(path, &info)) {
      *out = path;
      return TSR_OK;
    }
    free(path);
  }
  return only_file(folder, out);
}

/* "a/b//" -> "a/b", "/" stays. */
static tsr_status strip_slashes(const char *path, char **out) {
  TSR_TRY(tsr__strdup(path, out));
  for (size_t length = strlen(*out); length > 1 && (*out)[length - 1] == '/'; length--)
    (*out)[length - 1] = '\0';
  return TSR_OK;
}

static tsr_status load_config(tsr_checkpoint *checkpoint) {
  char *path;
  TSR_TRY(tsr__path_join(checkpoint->folder, "config.json", &path));
  tsr_status status = tsr__read_text(path, &checkpoint->config);
  free(path);
  return status == TSR_NOT_FOUND ? TSR_OK : status;
}

static tsr_status finish_open(tsr_checkpoint *checkpoint) {
  sort_tensors(checkpoint);
  return sort_metadata(checkpoint);
}

static tsr_status open_path(tsr_checkpoint *checkpoint, const char *path) {
  struct stat info;
  char *file = NULL;
  int code = stat(path, &info) ? errno : 0;
  TSR_CHECK(!code, code == ENOENT || code == ENOTDIR ? TSR_NOT_FOUND : TSR_IO,
            TSR__FILE ": cannot open: %s", path, strerror(code));
  if (S_ISDIR(info.st_mode)) {
    TSR_TRY(strip_slashes(path, &checkpoint->folder));
    TSR_TRY(choose_file(checkpoint->folder, &file));
  } else {
    TSR_TRY(tsr__path_folder(path, &checkpoint->folder));
    TSR_TRY(tsr__strdup(path, &file));
  }
  tsr_status status = has_suffix(file, ".json") ? tsr__shards_open(checkpoint, file)
                                                : tsr__checkpoint_add_file(checkpoint, file);
  free(file);
  if (status != TSR_OK) return status;
  TSR_TRY(load_config(checkpoint));
  return finish_open(checkpoint);
}

tsr_status tsr_checkpoint_open(const char *path, tsr_checkpoint **out) {
  if (out) *out = NULL;
  TSR_CHECK(path && out, TSR_INVALID_ARGUMENT, "tsr_checkpoint_open: an argument is NULL");
  TSR_CHECK(*path, TSR_INVALID_ARGUMENT, "tsr_checkpoint_open: the path is empty");
  tsr_checkpoint *checkpoint;
  TSR_TRY(tsr__calloc(1, sizeof *checkpoint, "a checkpoint", &checkpoint));
  tsr_status status = open_path(checkpoint, path);
  if (status == TSR_OK)
    *out = checkpoint;
  else
    tsr_checkpoint_close(checkpoint);
  return status;
}

static tsr_status open_memory(tsr_checkpoint *checkpoint, const void *bytes, size_t size,
                              const char *config) {
  TSR_TRY(tsr__strdup("memory", &checkpoint->folder));
  if (config) TSR_TRY(tsr__strdup(config, &checkpoint->config));
  TSR_TRY(tsr__calloc(1, sizeof *checkpoint->images, "a file", &checkpoint->images));
  TSR_TRY(tsr__strdup("memory", &checkpoint->images[0].path));
  checkpoint->image_count = 1;
  checkpoint->images[0].bytes = bytes;
  checkpoint->images[0].size = size;
  TSR_TRY(tsr__header_read(checkpoint, 0));
  return finish_open(checkpoint);
}

tsr_status tsr__checkpoint_open_memory(const void *bytes, size_t size, const char *config,
                                       tsr_checkpoint **out) {
  tsr_checkpoint *checkpoint;
  *out = NULL;
  TSR_TRY(tsr__calloc(1, sizeof *checkpoint, "a checkpoint", &checkpoint));
  tsr_status status = open_memory(checkpoint, bytes, size, config);
  if (status == TSR_OK)
    *out = checkpoint;
  else
    tsr_checkpoint_close(checkpoint);
  return status;
}

void tsr_checkpoint_close(tsr_checkpoint *checkpoint) {
  if (!checkpoint) return;
  for (size_t i = 0; i < checkpoint->image_count; i++) tsr__image_release(&checkpoint->images[i]);
  free(checkpoint->images);
  free(checkpoint->tensors);
  free(checkpoint->metadata);
  free(checkpoint->folder);
  free(checkpoint->config);
  for (size_t i = 0; i < checkpoint->replaced_count; i++) free(checkpoint->replaced[i]);
  free(checkpoint->replaced);
  free(checkpoint);
}

tsr_status tsr__checkpoint_replace(tsr_checkpoint *checkpoint, const tsr_tensor *tensor,
                                   void *data) {
  tsr_status status = tsr__reserve(&checkpoint->replaced, &checkpoint->replaced_capacity,
                                   checkpoint->replaced_count, sizeof *checkpoint->replaced);
  if (status != TSR_OK) {
    free(data);
    return status;
  }
  checkpoint->replaced[checkpoint->replaced_count++] = data;
  checkpoint->tensors[tensor - checkpoint->tensors].data = data;
  return TSR_OK;
}

/* ---- looking ---- */

size_t tsr_checkpoint_tensor_count(const tsr_checkpoint *checkpoint) {
  return checkpoint ? checkpoint->tensor_count : 0;
}

const tsr_tensor *tsr_checkpoint_tensor(const tsr_checkpoint *checkpoint, size_t index) {
  return index < tsr_checkpoint_tensor_count(checkpoint) ? &checkpoint->tensors[index] : NULL;
}

const tsr_tensor *tsr_checkpoint_find(const tsr_checkpoint *checkpoint, const char *name) {
  if (!name || !tsr_checkpoint_tensor_count(checkpoint)) return NULL;
  tsr_tensor key = {.name = name};
  return bsearch(&key, checkpoint->tensors, checkpoint->tensor_count, sizeof key, by_name);
}

size_t tsr_checkpoint_metadata_count(const tsr_checkpoint *checkpoint) {
  return checkpoint ? checkpoint->metadata_count : 0;
}

tsr_status tsr_checkpoint_metadata_at(const tsr_checkpoint *checkpoint, size_t index,
                                      const char **key, const char **value) {
  TSR_CHECK(checkpoint && key && value, TSR_INVALID_ARGUMENT,
            "tsr_checkpoint_metadata_at: an argument is NULL");
  TSR_CHECK(index < checkpoint->metadata_count, TSR_INVALID_ARGUMENT,
            "tsr_checkpoint_metadata_at: index %zu, but there are %zu entries", index,
            checkpoint->metadata_count);
  *key = checkpoint->metadata[index].key;
  *value = checkpoint->metadata[index].value;
  return TSR_OK;
}

const char *tsr_checkpoint_metadata(const tsr_checkpoint *checkpoint, const char *key) {
  if (!key || !tsr_checkpoint_metadata_count(checkpoint)) return NULL;
  tsr__pair wanted = {.key = key};
  const tsr__pair *pair =
      bsearch(&wanted, checkpoint->metadata, checkpoint->metadata_count, sizeof wanted, by_key);
  return pair ? pair->value : NULL;
}

const char *tsr_checkpoint_folder(const tsr_checkpoint *checkpoint) {
  return checkpoint ? checkpoint->folder : NULL;
}

const char *tsr_checkpoint_config_text(const tsr_checkpoint *checkpoint) {
  return checkpoint ? checkpoint->config : NULL;
}

tsr_status tsr_tensor_to_f32(const tsr_tensor *tensor, float *out, uint64_t count) {
  TSR_CHECK(tensor && ((tensor->data && out) || !count), TSR_INVALID_ARGUMENT,
            "tsr_tensor_to_f32: an argument is NULL");
  int64_t bits = tsr_dtype_bits(tensor->dtype);
  TSR_CHECK(!bits || count <= tensor->bytes * 8 / (uint64_t)bits, TSR_INVALID_ARGUMENT,
            "tsr_tensor_to_f32: tensor " TSR__NAME " has fewer than %" PRIu64 " elements",
            tensor->name ? tensor->name : "", count);
  TSR_CHECK(tsr__to_f32(tensor->data, tensor->dtype, out, count), TSR_UNSUPPORTED,
            "tensor " TSR__NAME ": cannot convert %s to float", tensor->name ? tensor->name : "",
            tsr_dtype_name(tensor->dtype));
  return TSR_OK;
}
