/* The input is a safetensors file. */
#include <string.h>

#include "runtime/checkpoint/internal.h"
#include "tests/fuzz/fuzz.h"

enum { FLOATS_MAX = 1024 };

static void use_tensor(const tsr_checkpoint *c, size_t index, const uint8_t *data, size_t size) {
  static float floats[FLOATS_MAX];
  const tsr_tensor *t = tsr_checkpoint_tensor(c, index);
  const uint8_t *begin = t->data;
  FUZZ_CHECK(begin >= data && begin <= data + size);
  FUZZ_CHECK(t->bytes <= (uint64_t)(data + size - begin));
  FUZZ_CHECK(tsr_checkpoint_find(c, t->name) == t);
  FUZZ_CHECK(t->ndim >= 0 && t->ndim <= TSR_TENSOR_DIMS_MAX);
  uint64_t count = t->bytes * 8 / (uint64_t)tsr_dtype_bits(t->dtype);
  if (count <= FLOATS_MAX) (void)tsr_tensor_to_f32(t, floats, count);
}

static void open_image(const uint8_t *data, size_t size) {
  tsr_checkpoint *c;
  tsr_status status = tsr__checkpoint_open_memory(data, size, NULL, &c);
  FUZZ_CHECK((status == TSR_OK) == (c != NULL));
  if (!c) {
    FUZZ_CHECK(status == TSR_MALFORMED || status == TSR_UNSUPPORTED);
    FUZZ_CHECK(strstr(tsr_last_error(), "memory: "));
    return;
  }
  uint64_t total = 0;
  for (size_t i = 0; i < tsr_checkpoint_tensor_count(c); i++) {
    use_tensor(c, i, data, size);
    total += tsr_checkpoint_tensor(c, i)->bytes;
  }
  uint64_t header = 0;
  for (int i = 7; i >= 0; i--) header = header << 8 | data[i];
  FUZZ_CHECK(8 + header + total == size);
  for (size_t i = 0; i < tsr_checkpoint_metadata_count(c); i++) {
    const char *key, *value;
    FUZZ_CHECK(tsr_checkpoint_metadata_at(c, i, &key, &value) == TSR_OK);
    FUZZ_CHECK(tsr_checkpoint_metadata(c, key) == value);
  }
  tsr_checkpoint_close(c);
}

/* Mutations rarely keep the length in step with the JSON, so each input is tried a second time,
 * with the JSON made to end at the last brace. */
static void open_with_length(const uint8_t *data, size_t size) {
  size_t end = size;
  while (end > 8 && data[end - 1] != '}') end--;
  if (end <= 8) return;
  uint8_t *copy = malloc(size);
  FUZZ_CHECK(copy);
  memcpy(copy, data, size);
  for (int i = 0; i < 8; i++) copy[i] = (uint8_t)((uint64_t)(end - 8) >> (8 * i));
  open_image(copy, size);
  free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  open_image(data, size);
  open_with_length(data, size);
  return 0;
}
