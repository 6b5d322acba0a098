#include "runtime/cli/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/cli/output.h"

static const char weights_name[] = "model.safetensors";

/* What a model's folder holds beside the weights; a row is copied if it exists. */
static const char *const side_files[] = {
    "config.json",
    "vocab.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "1_Pooling/config.json",
};

static int is_folder(const char *path) {
  struct stat info;
  return !stat(path, &info) && S_ISDIR(info.st_mode);
}

static int exists(const char *path) {
  struct stat info;
  return !stat(path, &info);
}

static int same(const char *a, const char *b) {
  struct stat first, second;
  return !stat(a, &first) && !stat(b, &second) && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

static int ends_with(const char *text, const char *end) {
  size_t bytes = strlen(text), end_bytes = strlen(end);
  return bytes >= end_bytes && !strcmp(text + bytes - end_bytes, end);
}

static tsr_status make_folder(const char *path) {
  if (is_folder(path)) return TSR_OK;
  TSR_CHECK(!mkdir(path, 0777), TSR_IO, "%s: cannot make the folder: %s", path, strerror(errno));
  return TSR_OK;
}

/* A folder with an index would be opened by that index, not by the file written here. */
static tsr_status check_no_index(const char *folder) {
  char *index;
  TSR_TRY(tsr__path_join(folder, "model.safetensors.index.json", &index));
  int found = exists(index);
  free(index);
  TSR_CHECK(!found, TSR_INVALID_ARGUMENT,
            "--output: %s holds a checkpoint in shards already; name another folder", folder);
  return TSR_OK;
}

static tsr_status open_folder(const char *out, tsr__target *target) {
  TSR_TRY(make_folder(out));
  TSR_TRY(check_no_index(out));
  TSR_TRY(tsr__strdup(out, &target->folder));
  return tsr__path_join(out, weights_name, &target->weights);
}

static tsr_status check_not_in(const char *file, const char *folder) {
  char *parent;
  TSR_TRY(tsr__path_folder(file, &parent));
  int lies_there = same(parent, folder);
  free(parent);
  TSR_CHECK(!lies_there, TSR_INVALID_ARGUMENT, "--output: %s lies in the folder of the input",
            file);
  return TSR_OK;
}

tsr_status tsr__target_open(const tsr_checkpoint *checkpoint, const char *in, const char *out,
                            tsr__target *target) {
  *target = (tsr__target){0};
  TSR_CHECK(!same(in, out), TSR_INVALID_ARGUMENT, "--output: %s is the input itself", out);
  tsr_status status;
  if (ends_with(out, ".safetensors") && !is_folder(out))
    status = tsr__strdup(out, &target->weights);
  else
    status = open_folder(out, target);
  const char *folder = tsr_checkpoint_folder(checkpoint);
  if (status == TSR_OK && same(in, target->weights))
    status = tsr__error(TSR_INVALID_ARGUMENT, "--output: %s is the input itself", target->weights);
  if (status == TSR_OK && !ends_with(in, ".safetensors"))
    status = check_not_in(target->weights, folder);
  if (status != TSR_OK) tsr__target_close(target);
  return status;
}

void tsr__target_close(tsr__target *target) {
  free(target->folder);
  free(target->weights);
  *target = (tsr__target){0};
}

static tsr_status copy_stream(FILE *in, FILE *out, const char *name) {
  char buffer[1 << 16];
  size_t bytes;
  while ((bytes = fread(buffer, 1, sizeof buffer, in)))
    TSR_CHECK(fwrite(buffer, 1, bytes, out) == bytes, TSR_IO, "%s: copying it failed: %s", name,
              strerror(errno));
  TSR_CHECK(!ferror(in), TSR_IO, "%s: reading it failed: %s", name, strerror(errno));
  return TSR_OK;
}

static tsr_status copy_file(const char *from, const char *to) {
  FILE *in = fopen(from, "rb");
  if (!in && errno == ENOENT) return TSR_OK;
  TSR_CHECK(in, TSR_IO, "%s: cannot read: %s", from, strerror(errno));
  tsr__output out;
  tsr_status status = tsr__output_open(to, &out);
  if (status == TSR_OK) status = copy_stream(in, out.stream, from);
  if (status == TSR_OK) status = tsr__output_commit(&out);
  tsr__output_discard(&out);
  fclose(in);
  return status;
}

/* name may lie in a folder of its own. */
static tsr_status copy_side_file(const char *from_folder, const char *to_folder, const char *name) {
  char *from = NULL, *to = NULL;
  tsr_status status = tsr__path_join(from_folder, name, &from);
  if (status == TSR_OK) status = tsr__path_join(to_folder, name, &to);
  if (status == TSR_OK && exists(from)) {
    char *slash = strrchr(to, '/');
    if (strchr(name, '/')) {
      *slash = 0;
      status = make_folder(to);
      *slash = '/';
    }
    if (status == TSR_OK) status = copy_file(from, to);
  }
  free(from);
  free(to);
  return status;
}

tsr_status tsr__target_copy_side_files(const tsr_checkpoint *checkpoint,
                                       const tsr__target *target) {
  const char *folder = tsr_checkpoint_folder(checkpoint);
  if (!target->folder || !folder || same(folder, target->folder)) return TSR_OK;
  for (size_t i = 0; i < sizeof side_files / sizeof side_files[0]; i++)
    TSR_TRY(copy_side_file(folder, target->folder, side_files[i]));
  return TSR_OK;
}
