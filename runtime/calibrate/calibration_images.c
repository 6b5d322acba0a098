/* Images as the input of a calibration. */
#include <stdlib.h>
#include <string.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/calibrate/calibration.h"
#include "runtime/calibrate/sample.h"
#include "runtime/model/model.h"

typedef struct draw {
  tsr__image_input input;
  int64_t floats; /* of an image */
  tsr__reservoir reservoir;
  float *pixels; /* [room, floats] */
  int64_t count, room;
} draw;

/* Room grows with what there is: far more samples may be asked for than there are images. */
static tsr_status make_room(draw *d, int64_t place) {
  if (place < d->room) return TSR_OK;
  int64_t wanted = d->room ? 2 * d->room : 64, floats;
  if (wanted > d->reservoir.capacity) wanted = d->reservoir.capacity;
  TSR_CHECK(tsr__mul_i64(wanted, d->floats, &floats), TSR_UNSUPPORTED_SHAPE,
            "%lld images of %lld values", (long long)wanted, (long long)d->floats);
  float *pixels;
  TSR_TRY(tsr__aligned((size_t)floats, sizeof *pixels, "the calibration's images", &pixels));
  if (d->count) memcpy(pixels, d->pixels, (size_t)(d->count * d->floats) * sizeof *pixels);
  free(d->pixels);
  d->pixels = pixels;
  d->room = wanted;
  return TSR_OK;
}

static tsr_status draw_images(draw *d, const char *path, const tsr__images *images) {
  for (int64_t i = 0; i < images->count; i++) {
    int64_t place = tsr__reservoir_offer(&d->reservoir);
    if (place < 0) continue;
    TSR_TRY(make_room(d, place));
    TSR_TRY(tsr__images_to_input(images, path, i, 1, &d->input, d->pixels + place * d->floats));
    if (place == d->count) d->count++;
  }
  return TSR_OK;
}

static tsr_status draw_files(draw *d, const char *const *paths, size_t count) {
  for (size_t i = 0; i < count; i++) {
    tsr__images images;
    TSR_TRY(tsr__images_read(paths[i], &images));
    tsr_status status = draw_images(d, paths[i], &images);
    tsr__images_release(&images);
    if (status != TSR_OK) return status;
  }
  TSR_CHECK(d->count, TSR_INVALID_ARGUMENT, "%s: no image to calibrate with", paths[0]);
  return TSR_OK;
}

/* *pixels is the calibration's from then on. */
static tsr_status create(const tsr_image_batch *batch, float **pixels, tsr_calibration **out) {
  tsr_calibration *c;
  tsr__hash hash = tsr__hash_begin();
  TSR_TRY(tsr__calloc(1, sizeof *c, "the calibration", &c));
  c->images = *batch;
  c->images.pixels = c->values = *pixels;
  *pixels = NULL;
  const int64_t sizes[] = {batch->images, batch->height, batch->width, batch->channels};
  int64_t floats = 1;
  for (int i = 0; i < 4; i++) {
    tsr__hash_word(&hash, (uint32_t)sizes[i]);
    floats *= sizes[i];
  }
  tsr__hash_floats(&hash, c->values, floats);
  tsr__hash_text(&hash, c->hash);
  *out = c;
  return TSR_OK;
}

tsr_status tsr_calibration_read_images(const tsr_model *model, const char *const *paths,
                                       size_t count, const tsr_calibration_options *options,
                                       tsr_calibration **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_calibration_read_images: out is NULL");
  *out = NULL;
  TSR_CHECK(model, TSR_INVALID_ARGUMENT, "tsr_calibration_read_images: model is NULL");
  TSR_CHECK(model->image_slot != TSR__NO_SLOT, TSR_INVALID_ARGUMENT, "%s takes text, not images",
            model->info.name);
  TSR_TRY(tsr__calibration_check("tsr_calibration_read_images", paths, count, options));
  draw d = {.input = tsr__model_image_input(&model->info),
            .reservoir = {.capacity = options->samples, .state = options->seed}};
  d.floats = d.input.height * d.input.width * d.input.channels;
  tsr_status status = draw_files(&d, paths, count);
  tsr_image_batch batch = {d.count,          d.input.height, d.input.width,
                           d.input.channels, NULL,           TSR_IMAGE_NHWC};
  if (status == TSR_OK) status = create(&batch, &d.pixels, out);
  free(d.pixels);
  return status;
}

tsr_status tsr_calibration_from_images(const tsr_image_batch *batch, tsr_calibration **out) {
  TSR_CHECK(out, TSR_INVALID_ARGUMENT, "tsr_calibration_from_images: out is NULL");
  *out = NULL;
  TSR_CHECK(batch && batch->pixels, TSR_INVALID_ARGUMENT,
            "tsr_calibration_from_images: NULL argument");
  TSR_CHECK(batch->layout == TSR_IMAGE_NHWC, TSR_UNSUPPORTED,
            "tsr_calibration_from_images: layout %d, only NHWC", (int)batch->layout);
  const int64_t sizes[] = {batch->images, batch->height, batch->width, batch->channels};
  int64_t floats = 1;
  for (int i = 0; i < 4; i++)
    TSR_CHECK(sizes[i] >= 1 && tsr__mul_i64(floats, sizes[i], &floats), TSR_INVALID_ARGUMENT,
              "tsr_calibration_from_images: %lld images of %lld x %lld x %lld", (long long)sizes[0],
              (long long)sizes[1], (long long)sizes[2], (long long)sizes[3]);
  float *pixels;
  TSR_TRY(tsr__aligned((size_t)floats, sizeof *pixels, "the calibration's images", &pixels));
  memcpy(pixels, batch->pixels, (size_t)floats * sizeof *pixels);
  tsr_status status = create(batch, &pixels, out);
  free(pixels);
  return status;
}
