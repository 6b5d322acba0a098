/* The input is a safetensors file that may hold the weight w.weight in any format. */
#include <string.h>

#include "runtime/checkpoint/internal.h"
#include "tessera/pack.h"
#include "tests/fuzz/fuzz.h"

enum { ELEMENTS_MAX = 1 << 16 };

/* What loads is valid, and has the structure that it claims: it packs again, to the same bits. */
static void use_packed(const tsr_packed *packed) {
  FUZZ_CHECK(tsr_packed_validate(packed) == TSR_OK);
  (void)tsr_packed_bytes(packed);
  if (packed->rows > ELEMENTS_MAX || packed->cols > ELEMENTS_MAX) return;
  if (packed->rows * packed->cols > ELEMENTS_MAX) return;
  size_t size = packed->dtype == TSR_DTYPE_F32 ? 4 : 2;
  size_t bytes = (size_t)(packed->rows * packed->cols) * size;
  void *first = malloc(bytes + 1), *second = malloc(bytes + 1);
  FUZZ_CHECK(first && second);
  FUZZ_CHECK(tsr_unpack(packed, first, packed->cols) == TSR_OK);
  tsr_matrix dense = {first, packed->dtype, packed->rows, packed->cols, packed->cols};
  tsr_pattern pattern = tsr_packed_pattern(packed);
  tsr_packed again;
  FUZZ_CHECK(tsr_pack(&dense, packed->format, &pattern, &again) == TSR_OK);
  FUZZ_CHECK(tsr_unpack(&again, second, packed->cols) == TSR_OK);
  FUZZ_CHECK(!memcmp(first, second, bytes));
  tsr_packed_release(&again);
  free(first);
  free(second);
}

static void open_image(const uint8_t *data, size_t size) {
  tsr_checkpoint *c;
  tsr_packed packed;
  if (tsr__checkpoint_open_memory(data, size, NULL, &c)) return;
  tsr_status status = tsr_packed_load(c, "w.weight", &packed);
  if (status == TSR_OK) use_packed(&packed);
  FUZZ_CHECK(status != TSR_INVALID_ARGUMENT && status != TSR_OUT_OF_MEMORY);
  tsr_packed_release(&packed);
  tsr_checkpoint_close(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  open_image(data, size);
  return 0;
}
