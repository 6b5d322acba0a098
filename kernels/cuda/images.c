#include "kernels/cuda/images.h"

#include <stddef.h>

#ifdef TESSERA_HAS_CUDA_IMAGES
/* images.S includes the files under these names. */
#define ROW(name) extern const unsigned char tsr__cuda_image_##name[];
TSR_CUDA_IMAGE_MAP(ROW)
#undef ROW
#endif

const void *tsr__cuda_image_data(tsr__cuda_image image) {
#ifdef TESSERA_HAS_CUDA_IMAGES
  static const unsigned char *const images[] = {
#define ROW(name) tsr__cuda_image_##name,
      TSR_CUDA_IMAGE_MAP(ROW)
#undef ROW
  };
  return images[image];
#else
  (void)image;
  return NULL;
#endif
}

const char *tsr__cuda_image_name(tsr__cuda_image image) {
  static const char *const names[] = {
#define ROW(name) #name,
      TSR_CUDA_IMAGE_MAP(ROW)
#undef ROW
  };
  return names[image];
}
