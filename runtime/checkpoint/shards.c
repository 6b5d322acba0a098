/* model.safetensors.index.json: which shard holds which tensor. The index is the authority: a
 * tensor that it names must be in its shard; one that it does not name, or places elsewhere, does
 * not belong to the model and is ignored, as by every reader that goes from the index to files. */
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/checkpoint/json.h"

typedef struct map_entry {
  const char *tensor, *file;
  int found;
} map_entry;

typedef struct shard_map {
  const char *path; /* of the index, for messages */
  char *text, *strings;
  map_entry *entries; /* by tensor */
  size_t count, capacity;
} shard_map;

static int by_tensor(const void *a, const void *b) {
  return strcmp(((const map_entry *)a)->tensor, ((const map_entry *)b)->tensor);
}

static int by_file(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static tsr_status read_weight_map(tsr__json *json, shard_map *map) {
  int more = 0;
  json->subject = "weight_map";
  TSR_TRY(tsr__json_begin(json, '{', &more));
  for (;;) {
    map_entry entry = {0};
    TSR_TRY(tsr__json_next(json, '}', &more));
    if (!more) break;
    TSR_TRY(tsr__json_key(json, &entry.tensor));
    TSR_TRY(tsr__json_string(json, &entry.file));
    int outside = !*entry.file || strchr(entry.file, '/') || !strcmp(entry.file, ".") ||
                  !strcmp(entry.file, "..");
    TSR_CHECK(!outside, TSR_MALFORMED,
              TSR__FILE ": tensor " TSR__NAME ": the shard " TSR__NAME
                        " is not the name of a file in the same folder",
              json->file, entry.tensor, entry.file);
    TSR_TRY(tsr__reserve(&map->entries, &map->capacity, map->count, sizeof entry));
    map->entries[map->count++] = entry;
  }
  json->subject = NULL;
  return TSR_OK;
}

static tsr_status read_index(tsr__json *json, shard_map *map) {
  int more = 0, seen = 0;
  TSR_TRY(tsr__json_begin(json, '{', &more));
  for (;;) {
    const char *key;
    TSR_TRY(tsr__json_next(json, '}', &more));
    if (!more) break;
    TSR_TRY(tsr__json_key(json, &key));
    if (strcmp(key, "weight_map")) {
      TSR_TRY(tsr__json_skip(json));
      continue;
    }
    if (seen++) return tsr__json_error(json, "the key 'weight_map' appears twice");
    TSR_TRY(read_weight_map(json, map));
  }
  if (!seen) return tsr__json_error(json, "the key 'weight_map' is missing");
  return tsr__json_finish(json);
}

static tsr_status load_map(shard_map *map) {
  TSR_TRY(tsr__read_text(map->path, &map->text));
  size_t length = strlen(map->text);
  TSR_TRY(tsr__calloc(length + 1, 1, map->path, &map->strings));
  tsr__json json = {.file = map->path,
                    .begin = map->text,
                    .at = map->text,
                    .end = map->text + length,
                    .strings = map->strings};
  TSR_TRY(read_index(&json, map));
  if (map->count) qsort(map->entries, map->count, sizeof *map->entries, by_tensor);
  for (size_t i = 1; i < map->count; i++)
    TSR_CHECK(by_tensor(&map->entries[i - 1], &map->entries[i]), TSR_MALFORMED,
              TSR__FILE ": tensor " TSR__NAME " appears twice", map->path, map->entries[i].tensor);
  return TSR_OK;
}

/* Opens one shard and drops from it what the map does not place there. */
static tsr_status open_shard(tsr_checkpoint *checkpoint, shard_map *map, const char *file) {
  size_t first = checkpoint->tensor_count, kept = first;
  char *path;
  TSR_TRY(tsr__path_join(checkpoint->folder, file, &path));
  tsr_status status = tsr__checkpoint_add_file(checkpoint, path);
  free(path);
  if (status == TSR_NOT_FOUND)
    return tsr__error_prefix(status, TSR__FILE ": the shard " TSR__NAME, map->path, file);
  TSR_TRY(status);
  for (size_t i = first; i < checkpoint->tensor_count; i++) {
    map_entry wanted = {.tensor = checkpoint->tensors[i].name};
    map_entry *entry =
        map->count ? bsearch(&wanted, map->entries, map->count, sizeof wanted, by_tensor) : NULL;
    if (!entry || strcmp(entry->file, file)) continue;
    entry->found = 1;
    checkpoint->tensors[kept++] = checkpoint->tensors[i];
  }
  checkpoint->tensor_count = kept;
  return TSR_OK;
}

static tsr_status open_shards(tsr_checkpoint *checkpoint, shard_map *map) {
  const char **files;
  TSR_TRY(load_map(map));
  TSR_TRY(tsr__calloc(map->count, sizeof *files, "a list of shards", &files));
  for (size_t i = 0; i < map->count; i++) files[i] = map->entries[i].file;
  qsort(files, map->count, sizeof *files, by_file);
  tsr_status status = TSR_OK;
  for (size_t i = 0; i < map->count && status == TSR_OK; i++)
    if (!i || strcmp(files[i - 1], files[i])) status = open_shard(checkpoint, map, files[i]);
  free(files);
  TSR_TRY(status);
  for (size_t i = 0; i < map->count; i++)
    TSR_CHECK(map->entries[i].found, TSR_MALFORMED,
              TSR__FILE ": tensor " TSR__NAME " is not in its shard " TSR__NAME, map->path,
              map->entries[i].tensor, map->entries[i].file);
  return TSR_OK;
}

tsr_status tsr__shards_open(tsr_checkpoint *checkpoint, const char *index_path) {
  shard_map map = {.path = index_path};
  tsr_status status = open_shards(checkpoint, &map);
  free(map.entries);
  free(map.strings);
  free(map.text);
  return status;
}
