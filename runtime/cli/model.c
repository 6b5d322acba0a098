/* Models, as the subcommands open them. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/cli/cli.h"

/* Presets have random weights; which ones does not matter, that they stay the same does. */
enum { PRESET_SEED = 1 };

static int is_preset(const char *name) {
  const char *preset;
  for (size_t i = 0; (preset = tsr_model_preset_name(i)); i++)
    if (!strcmp(name, preset)) return 1;
  return 0;
}

static tsr_status no_such_model(const char *name) {
  char presets[128] = "";
  const char *preset;
  for (size_t i = 0; (preset = tsr_model_preset_name(i)); i++) {
    size_t used = strlen(presets);
    snprintf(presets + used, sizeof presets - used, "%s%s", i ? ", " : "", preset);
  }
  return tsr__error(TSR_NOT_FOUND, "%s: no such file or folder, and none of the presets (%s)", name,
                    presets);
}

tsr_status tsr__cli_open_model(const char *name, tsr__opened *out) {
  *out = (tsr__opened){0};
  struct stat info;
  if (stat(name, &info)) {
    if (!is_preset(name)) return no_such_model(name);
    return tsr_model_preset(name, PRESET_SEED, &out->model);
  }
  tsr_status status = tsr_checkpoint_open(name, &out->checkpoint);
  if (status == TSR_OK) status = tsr_model_load(out->checkpoint, &out->model);
  if (status != TSR_OK) tsr__cli_close_model(out);
  return status;
}

void tsr__cli_close_model(tsr__opened *opened) {
  tsr_model_destroy(opened->model);
  tsr_checkpoint_close(opened->checkpoint);
  *opened = (tsr__opened){0};
}

static tsr_status open_vocabulary(const char *name, const tsr__opened *opened,
                                  const char *vocabulary, const char *otherwise,
                                  tsr_tokenizer **out) {
  if (vocabulary) return tsr_tokenizer_open(vocabulary, out);
  TSR_CHECK(opened->checkpoint, TSR_INVALID_ARGUMENT, "the preset %s has no vocabulary: give %s",
            name, otherwise);
  char *path;
  TSR_TRY(tsr__path_join(tsr_checkpoint_folder(opened->checkpoint), "vocab.txt", &path));
  tsr_status status = tsr_tokenizer_open(path, out);
  free(path);
  if (status == TSR_NOT_FOUND)
    return tsr__error(TSR_NOT_FOUND, "%s: no vocab.txt beside the weights: give %s", name,
                      otherwise);
  return status;
}

tsr_status tsr__cli_open_tokenizer(const char *name, const tsr__opened *opened,
                                   const char *vocabulary, const char *otherwise,
                                   tsr_tokenizer **out) {
  *out = NULL;
  TSR_TRY(open_vocabulary(name, opened, vocabulary, otherwise, out));
  int64_t known = tsr_model_get_info(opened->model)->vocabulary;
  int64_t needed = (int64_t)tsr_tokenizer_vocabulary(*out);
  if (needed <= known) return TSR_OK;
  tsr_tokenizer_close(*out);
  *out = NULL;
  return tsr__error(TSR_INVALID_ARGUMENT, "the vocabulary holds %lld tokens, the model only %lld",
                    (long long)needed, (long long)known);
}
