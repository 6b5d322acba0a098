/* The grids of the CUDA kernels of layer_args.h, and of the sum over split_k's parts. All sizes
 * that make a grid's extent are >= 1. */
#ifndef TESSERA_KERNELS_CUDA_LAYER_LAUNCH_H
#define TESSERA_KERNELS_CUDA_LAYER_LAUNCH_H

#include "kernels/cuda/kernel.h"
#include "kernels/cuda/layer_args.h"

/* Kernels tsr_<type>_layernorm__sm80, tsr_<type>_embedding__sm80, tsr_<type>_pool__sm80. */
tsr_cuda_launch tsr__cuda_layernorm_launch(const tsr_cuda_layernorm_args *args);
tsr_cuda_launch tsr__cuda_embedding_launch(const tsr_cuda_embedding_args *args);
tsr_cuda_launch tsr__cuda_pool_launch(const tsr_cuda_pool_args *args);

/* tsr_<type>_from_f32__sm80, tsr_<type>_to_f32__sm80, tsr_b16_copy__sm80. */
tsr_cuda_launch tsr__cuda_convert_launch(const tsr_cuda_convert_args *args);

/* tsr_<type>_from_nchw__sm80. */
tsr_cuda_launch tsr__cuda_nchw_launch(const tsr_cuda_nchw_args *args);

/* tsr_<type>_pool2d__sm80, tsr_<type>_grouped_conv__sm80. */
tsr_cuda_launch tsr__cuda_pool2d_launch(const tsr_cuda_pool2d_args *args);
tsr_cuda_launch tsr__cuda_grouped_launch(const tsr_cuda_grouped_args *args);

/* tsr_<type>_softmax__sm80. */
tsr_cuda_launch tsr__cuda_softmax_launch(const tsr_cuda_softmax_args *args);

/* tsr_b16_gather__sm80. */
tsr_cuda_launch tsr__cuda_gather_launch(const tsr_cuda_gather_args *args);

/* tsr_b32_words__sm80. */
tsr_cuda_launch tsr__cuda_words_launch(const tsr_cuda_words_args *args);

/* tsr_b16_transpose__sm80. */
tsr_cuda_launch tsr__cuda_transpose_launch(const tsr_cuda_transpose_args *args);

/* tsr_b16_fold__sm80. */
tsr_cuda_launch tsr__cuda_fold_launch(const tsr_cuda_fold_args *args);

/* tsr_<type>_split_k__sm80. */
tsr_cuda_launch tsr__cuda_split_k_launch(const tsr_cuda_spmm_args *args);

/* tsr_<type>_attention_64x64xD__sm80, D = the least of 32, 64 and 128 that head_dim fits into. */
int tsr__cuda_attention_dim(int32_t head_dim);
tsr_cuda_launch tsr__cuda_attention_launch(const tsr_cuda_attention_args *args);

#endif
