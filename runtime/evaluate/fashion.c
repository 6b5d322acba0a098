/* Fashion-MNIST's test images: whether a classifier recognises them. */
#include <stdlib.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/evaluate/evaluate.h"
#include "runtime/image/images.h"

static const char images_name[] = "t10k-images-idx3-ubyte.gz";
static const char labels_name[] = "t10k-labels-idx1-ubyte.gz";
static const char usual[] = "/usr/share/datasets/fashion-mnist";

typedef struct fashion {
  tsr__images images;
  tsr__labels labels;
  int32_t *classes, *reference; /* [images.count]; reference: NULL without one */
} fashion;

static tsr_status read_folder(const char *folder, fashion *f) {
  char *path;
  TSR_TRY(tsr__path_join(folder, images_name, &path));
  tsr_status status = tsr__images_read(path, &f->images);
  free(path);
  TSR_TRY(status);
  TSR_TRY(tsr__path_join(folder, labels_name, &path));
  status = tsr__labels_read(path, &f->labels);
  free(path);
  TSR_TRY(status);
  TSR_CHECK(f->labels.count == f->images.count, TSR_MALFORMED, "%s: %lld images, but %lld labels",
            folder, (long long)f->images.count, (long long)f->labels.count);
  return TSR_OK;
}

static tsr_status read_data(const char *folder, fashion *f) {
  tsr_status status = folder ? read_folder(folder, f) : TSR_NOT_FOUND;
  if (status != TSR_NOT_FOUND) return status;
  status = read_folder(usual, f);
  if (status == TSR_NOT_FOUND)
    return tsr__error_prefix(status, "Debian's package dataset-fashion-mnist has the images");
  return status;
}

static int64_t count_equal(const fashion *f) {
  int64_t equal = 0;
  for (int64_t i = 0; i < f->images.count; i++) equal += f->classes[i] == f->reference[i];
  return equal;
}

static tsr_status judge(tsr__subject *subject, tsr__subject *reference, fashion *f,
                        tsr__evaluation *out) {
  int64_t count = f->images.count, right = 0;
  TSR_TRY(tsr__calloc((size_t)count, sizeof *f->classes, "classes", &f->classes));
  TSR_TRY(tsr__subject_classify(subject, &f->images, "images", f->classes));
  for (int64_t i = 0; i < count; i++) right += f->classes[i] == f->labels.values[i];
  out->count = count;
  tsr__metric_add_share(out, "accuracy", right, count, "images whose class is recognised");
  if (!reference) return TSR_OK;
  TSR_TRY(tsr__calloc((size_t)count, sizeof *f->reference, "classes", &f->reference));
  TSR_TRY(tsr__subject_classify(reference, &f->images, "images, reference", f->reference));
  tsr__metric_add_share(out, "agreement", count_equal(f), count,
                        "images for which the reference names the same class");
  return TSR_OK;
}

static tsr_status run(tsr__task_data *data, tsr__subject *subject, tsr__subject *reference,
                      tsr__evaluation *out) {
  fashion f = {0};
  tsr_status status = read_data(data->folder, &f);
  if (status == TSR_OK) status = judge(subject, reference, &f, out);
  tsr__images_release(&f.images);
  tsr__labels_release(&f.labels);
  free(f.classes);
  free(f.reference);
  return status;
}

const tsr__task_ops tsr__task_fashion = {.run = run};
