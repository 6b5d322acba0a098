/* The input is a config.json. */
#include <math.h>
#include <string.h>

#include "runtime/checkpoint/config.h"
#include "runtime/checkpoint/internal.h"
#include "tests/fuzz/fuzz.h"

static void read_values(const tsr_checkpoint *c, const char *key) {
  int64_t integer;
  double real;
  int truth = -1;
  char text[TSR__CONFIG_STRING_MAX];
  (void)tsr__config_int(c, key, &integer);
  if (tsr__config_double(c, key, &real) == TSR_OK) FUZZ_CHECK(isfinite(real));
  if (tsr__config_bool(c, key, &truth) == TSR_OK) FUZZ_CHECK(truth == 0 || truth == 1);
  if (tsr__config_string(c, key, text) == TSR_OK) FUZZ_CHECK(memchr(text, '\0', sizeof text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const unsigned char no_tensors[] = {2, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
  static const char *const keys[] = {"hidden_size", "layer_norm_eps", "hidden_act", "a"};
  tsr_checkpoint *c;
  char *text = calloc(size + 1, 1);
  FUZZ_CHECK(text);
  if (size) memcpy(text, data, size);
  FUZZ_CHECK(tsr__checkpoint_open_memory(no_tensors, sizeof no_tensors, text, &c) == TSR_OK);
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) read_values(c, keys[i]);
  tsr_checkpoint_close(c);
  free(text);
  return 0;
}
