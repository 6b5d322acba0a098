#include "runtime/cli/run_input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/status.h"

tsr_status tsr__run_input_open(tsr__run_input *input) {
  if (!input->path) return TSR_OK;
  if (!strcmp(input->path, "-")) {
    input->stream = stdin;
    input->path = "standard input";
    return TSR_OK;
  }
  input->stream = fopen(input->path, "rb");
  TSR_CHECK(input->stream, errno == ENOENT ? TSR_NOT_FOUND : TSR_IO, "%s: cannot read: %s",
            input->path, strerror(errno));
  return TSR_OK;
}

void tsr__run_input_close(tsr__run_input *input) {
  if (input->stream && input->stream != stdin) fclose(input->stream);
  free(input->line);
  input->stream = NULL;
  input->line = NULL;
}

/* Names the place that is at fault. */
static tsr_status input_error(const tsr__run_input *input, tsr_status status, const char *what) {
  if (!input->line_number) return tsr__error(status, "--text: %s", what);
  return tsr__error(status, "%s, line %lld: %s", input->path, (long long)input->line_number, what);
}

static tsr_status next_line(tsr__run_input *input, tsr__run_item *item, int *more) {
  if (!input->stream) return TSR_OK;
  errno = 0;
  ssize_t bytes = getline(&input->line, &input->capacity, input->stream);
  if (bytes < 0) {
    TSR_CHECK(errno != ENOMEM, TSR_OUT_OF_MEMORY, "%s: no memory for line %lld", input->path,
              (long long)input->line_number + 1);
    TSR_CHECK(!ferror(input->stream), TSR_IO, "%s: cannot read: %s", input->path, strerror(errno));
    return TSR_OK;
  }
  input->line_number++;
  if (bytes && input->line[bytes - 1] == '\n') bytes--;
  if (bytes && input->line[bytes - 1] == '\r') bytes--;
  *item = (tsr__run_item){.first = input->line, .first_bytes = (size_t)bytes};
  *more = 1;
  return TSR_OK;
}

tsr_status tsr__run_input_next(tsr__run_input *input, tsr__run_item *item, int *more) {
  *more = 0;
  if (input->next_text < input->texts->count) {
    const char *text = input->texts->items[input->next_text++];
    *item = (tsr__run_item){.first = text, .first_bytes = strlen(text)};
    *more = 1;
  } else {
    TSR_TRY(next_line(input, item, more));
  }
  if (!*more || !input->pairs) return TSR_OK;
  const char *tab = memchr(item->first, '\t', item->first_bytes);
  if (!tab)
    return input_error(input, TSR_INVALID_ARGUMENT, "no tab between the two parts of a pair");
  item->second = tab + 1;
  item->second_bytes = item->first_bytes - (size_t)(tab + 1 - item->first);
  item->first_bytes = (size_t)(tab - item->first);
  return TSR_OK;
}

/* Numbers between blanks; cut like a text, except that no token closes the sequence. */
static tsr_status parse_ids(const tsr__run_input *input, const char *text, size_t bytes,
                            int32_t *ids, size_t *count) {
  const char *end = text + bytes;
  *count = 0;
  for (;;) {
    while (text < end && (*text == ' ' || *text == '\t' || *text == ',')) text++;
    if (text == end) break;
    int64_t id = 0;
    const char *start = text;
    while (text < end && *text >= '0' && *text <= '9' && id < input->vocabulary)
      id = 10 * id + (*text++ - '0');
    int closed = text == end || *text == ' ' || *text == '\t' || *text == ',';
    if (text == start || !closed || id >= input->vocabulary) {
      char what[128];
      snprintf(what, sizeof what, "'%.*s' is no token id within 0..%lld",
               (int)(end - start < 24 ? end - start : 24), start, (long long)input->vocabulary - 1);
      return input_error(input, TSR_INVALID_ARGUMENT, what);
    }
    if (*count < input->max_tokens) ids[(*count)++] = (int32_t)id;
  }
  if (!*count) return input_error(input, TSR_INVALID_ARGUMENT, "no token ids");
  return TSR_OK;
}

tsr_status tsr__run_input_encode(const tsr__run_input *input, const char *text, size_t bytes,
                                 int32_t *ids, size_t *count) {
  if (!input->tokenizer) return parse_ids(input, text, bytes, ids, count);
  return tsr_tokenizer_encode(input->tokenizer, text, bytes, input->max_tokens, ids,
                              input->max_tokens, count);
}
