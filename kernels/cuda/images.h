/* The CUDA kernels as nvcc compiled them, embedded: cubins for sm_80 with PTX for what is newer. */
#ifndef TESSERA_KERNELS_CUDA_IMAGES_H
#define TESSERA_KERNELS_CUDA_IMAGES_H

/* One row per .cu file, its name: TSR_CUDA_IMAGE(name). */
#define TSR_CUDA_IMAGE_MAP(X) \
  X(attention)                \
  X(conv_bcsr)                \
  X(conv_dense)               \
  X(conv_nm)                  \
  X(conv_vnm)                 \
  X(convert)                  \
  X(pixels)                   \
  X(rows)                     \
  X(split_k)                  \
  X(spmm_bcsr)                \
  X(spmm_bcsr_nm)             \
  X(spmm_compact)             \
  X(spmm_csr)                 \
  X(spmm_dense)               \
  X(spmm_nm)                  \
  X(spmm_vnm)                 \
  X(words)

typedef enum tsr__cuda_image {
#define TSR_CUDA_IMAGE_ENUMERATOR(name) TSR__CUDA_IMAGE_##name,
  TSR_CUDA_IMAGE_MAP(TSR_CUDA_IMAGE_ENUMERATOR)
#undef TSR_CUDA_IMAGE_ENUMERATOR
      TSR__CUDA_IMAGES
} tsr__cuda_image;

/* What cuModuleLoadData takes; NULL in a build without nvcc. */
const void *tsr__cuda_image_data(tsr__cuda_image image);
const char *tsr__cuda_image_name(tsr__cuda_image image);

#endif
