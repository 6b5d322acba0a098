/* The input is an image file of any kind. */
#include <string.h>

#include "runtime/image/images.h"
#include "tests/fuzz/fuzz.h"

/* Where there is none, their size may be anything: nothing stands for it in the file. */
static void check_last(const tsr__images *images) {
  tsr__image_input input = {images->height, images->width, 1, {0}, {1, 1, 1}};
  float *out = malloc((size_t)(images->height * images->width) * sizeof *out);
  FUZZ_CHECK(out);
  FUZZ_CHECK(tsr__images_to_input(images, "memory", images->count - 1, 1, &input, out) == TSR_OK);
  free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tsr__images images;
  tsr_status status = tsr__images_decode("memory", data, size, &images);
  FUZZ_CHECK((status == TSR_OK) == (images.pixels != NULL));
  if (status != TSR_OK) {
    FUZZ_CHECK(status == TSR_MALFORMED || status == TSR_UNSUPPORTED ||
               status == TSR_UNSUPPORTED_SHAPE);
    FUZZ_CHECK(strstr(tsr_last_error(), "memory: "));
    return 0;
  }
  FUZZ_CHECK(images.height > 0 && images.width > 0);
  FUZZ_CHECK(images.channels == 1 || images.channels == 3);
  if (images.count) check_last(&images);
  tsr__images_release(&images);
  return 0;
}
