/* Reading images while allocations fail. libpng's and zlib's own go through the same functions only
 * where the readers hand theirs over. */
#include <criterion/criterion.h>

#include "runtime/image/images.h"
#include "tests/alloc_failures.h"

#define FOLDER TESSERA_TEST_DATA "/corpus/images/"

static tsr_status read_and_release(const char *path) {
  tsr__images images;
  tsr_status status = tsr__images_read(path, &images);
  tsr__images_release(&images);
  return status;
}

static tsr_status read_labels_and_release(const char *path) {
  tsr__labels labels;
  tsr_status status = tsr__labels_read(path, &labels);
  tsr__labels_release(&labels);
  return status;
}

Test(images, survive_every_failing_allocation) {
  EXPECT_OUT_OF_MEMORY(read_and_release(FOLDER "two.idx"));
  EXPECT_OUT_OF_MEMORY(read_and_release(FOLDER "two.idx.gz"));
  EXPECT_OUT_OF_MEMORY(read_and_release(FOLDER "floats.npy"));
  EXPECT_OUT_OF_MEMORY(read_and_release(FOLDER "colour.ppm"));
  EXPECT_OUT_OF_MEMORY(
      read_labels_and_release(TESSERA_TEST_DATA "/corpus/broken_images/labels.idx"));
}

Test(png, survives_every_failing_allocation) {
  EXPECT_OUT_OF_MEMORY(read_and_release(FOLDER "grey16.png"));
  cr_assert_gt(alloc_failures_count(), 4);
  EXPECT_OUT_OF_MEMORY(read_and_release(FOLDER "palette_transparent.png"));
  EXPECT_OUT_OF_MEMORY(read_and_release(FOLDER "interlaced_rgb.png"));
}
