/* encode VOCAB MAX_TOKENS: for each escaped line of standard input, the ids on a line.
 * scripts/check_tokenizer.py compares them with another tokenizer's. */
#include <stdlib.h>

#include "tessera/model.h"
#include "tests/escaped_lines.h"

static int fail(const char *message) {
  fprintf(stderr, "encode: %s\n", message);
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 3) return fail("usage: encode VOCAB MAX_TOKENS < escaped-lines");
  size_t max_tokens = (size_t)strtoull(argv[2], NULL, 10), capacity = 0, room = 0, bytes, count;
  char *text = NULL;
  int32_t *ids = NULL;
  tsr_tokenizer *tokenizer = NULL;
  if (tsr_tokenizer_open(argv[1], &tokenizer) != TSR_OK) return fail(tsr_last_error());
  int more;
  while ((more = escaped_lines_next(stdin, &text, &capacity, &bytes)) == 1) {
    if (room < bytes + 2) { /* no text has more tokens than bytes */
      room = 2 * (bytes + 2);
      free(ids);
      ids = malloc(room * sizeof *ids);
      if (!ids) return fail("out of memory");
    }
    if (tsr_tokenizer_encode(tokenizer, text, bytes, max_tokens, ids, room, &count) != TSR_OK)
      return fail(tsr_last_error());
    for (size_t i = 0; i < count; i++) printf(i ? " %d" : "%d", ids[i]);
    putchar('\n');
  }
  free(ids);
  free(text);
  tsr_tokenizer_close(tokenizer);
  return more < 0 ? fail("a malformed escape") : 0;
}
