/* The input is a vocabulary, an empty line, and a text; without an empty line it is a text for a
 * fixed vocabulary. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/model/tokenizer.h"
#include "tests/fuzz/fuzz.h"

enum { ROOM = 64 };

static const char fixed_vocabulary[] =
    "[UNK]\n[CLS]\n[SEP]\n[PAD]\n[MASK]\na\n##a\nab\n##b\nthe\n!\n[\n##ing\n\xe4\xb8\xad\n"
    "e\n##e\n\xce\xb1\n##\xe1\x84\x92";

static tsr_tokenizer *open_vocabulary(const void *text, size_t bytes) {
  char path[] = "/tmp/tessera_fuzz_XXXXXX";
  int descriptor = mkstemp(path);
  FUZZ_CHECK(descriptor >= 0);
  FUZZ_CHECK(write(descriptor, text, bytes) == (ssize_t)bytes);
  close(descriptor);
  tsr_tokenizer *tokenizer;
  (void)tsr_tokenizer_open(path, &tokenizer);
  unlink(path);
  return tokenizer;
}

static const uint8_t *empty_line(const uint8_t *data, size_t size) {
  for (size_t i = 0; i + 1 < size; i++)
    if (data[i] == '\n' && data[i + 1] == '\n') return data + i;
  return NULL;
}

static void check_ids(const tsr_tokenizer *tokenizer, const char *text, size_t bytes) {
  static int32_t all[1 << 16], cut[ROOM];
  size_t count, cut_count;
  if (bytes + 2 > sizeof all / sizeof *all) return;
  FUZZ_CHECK(tsr_tokenizer_encode(tokenizer, text, bytes, bytes + 2, all, bytes + 2, &count) ==
             TSR_OK);
  FUZZ_CHECK(count >= 2);
  for (size_t i = 0; i < count; i++) FUZZ_CHECK(tsr_tokenizer_token(tokenizer, all[i]));
  /* Cutting keeps the first ids and [SEP]. */
  FUZZ_CHECK(tsr_tokenizer_encode(tokenizer, text, bytes, ROOM, cut, ROOM, &cut_count) == TSR_OK);
  FUZZ_CHECK(cut_count == (count < ROOM ? count : ROOM));
  FUZZ_CHECK(!memcmp(all, cut, (cut_count - 1) * sizeof *cut));
  FUZZ_CHECK(cut[cut_count - 1] == all[count - 1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static tsr_tokenizer *fixed;
  if (!fixed) fixed = open_vocabulary(fixed_vocabulary, sizeof fixed_vocabulary - 1);
  FUZZ_CHECK(fixed);
  const uint8_t *end = empty_line(data, size);
  if (!end) {
    check_ids(fixed, (const char *)data, size);
    return 0;
  }
  tsr_tokenizer *tokenizer = open_vocabulary(data, (size_t)(end - data));
  if (tokenizer) check_ids(tokenizer, (const char *)end + 2, size - (size_t)(end + 2 - data));
  tsr_tokenizer_close(tokenizer);
  return 0;
}
