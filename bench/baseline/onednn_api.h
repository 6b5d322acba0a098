/* The part of oneDNN 2.x that the baselines use, opened at run time: a command that is not
 * benchmarking pays nothing for it. */
#ifndef TESSERA_BENCH_ONEDNN_API_H
#define TESSERA_BENCH_ONEDNN_API_H

#include <oneapi/dnnl/dnnl.h>

#include "bench/baseline/library.h"
#include "tessera/status.h"

/* clang-format off */
/* One row per function: return type, name, parameters. Checked against oneDNN's own header. */
#define TSR__ONEDNN_MAP(X)                                                                        \
  X(const dnnl_version_t *, dnnl_version, (void))                                                 \
  X(dnnl_status_t, dnnl_engine_create, (dnnl_engine_t *, dnnl_engine_kind_t, size_t))             \
  X(dnnl_status_t, dnnl_engine_destroy, (dnnl_engine_t))                                          \
  X(dnnl_status_t, dnnl_stream_create, (dnnl_stream_t *, dnnl_engine_t, unsigned))                \
  X(dnnl_status_t, dnnl_stream_wait, (dnnl_stream_t))                                             \
  X(dnnl_status_t, dnnl_stream_destroy, (dnnl_stream_t))                                          \
  X(dnnl_status_t, dnnl_memory_desc_init_by_tag,                                                  \
    (dnnl_memory_desc_t *, int, const dnnl_dims_t, dnnl_data_type_t, dnnl_format_tag_t))          \
  X(size_t, dnnl_memory_desc_get_size, (const dnnl_memory_desc_t *))                              \
  X(dnnl_status_t, dnnl_memory_create,                                                            \
    (dnnl_memory_t *, const dnnl_memory_desc_t *, dnnl_engine_t, void *))                         \
  X(dnnl_status_t, dnnl_memory_get_data_handle, (const_dnnl_memory_t, void **))                   \
  X(dnnl_status_t, dnnl_memory_destroy, (dnnl_memory_t))                                          \
  X(dnnl_status_t, dnnl_matmul_desc_init,                                                         \
    (dnnl_matmul_desc_t *, const dnnl_memory_desc_t *, const dnnl_memory_desc_t *,                \
     const dnnl_memory_desc_t *, const dnnl_memory_desc_t *))                                     \
  X(dnnl_status_t, dnnl_dilated_convolution_forward_desc_init,                                    \
    (dnnl_convolution_desc_t *, dnnl_prop_kind_t, dnnl_alg_kind_t, const dnnl_memory_desc_t *,    \
     const dnnl_memory_desc_t *, const dnnl_memory_desc_t *, const dnnl_memory_desc_t *,          \
     const dnnl_dims_t, const dnnl_dims_t, const dnnl_dims_t, const dnnl_dims_t))                 \
  X(dnnl_status_t, dnnl_post_ops_create, (dnnl_post_ops_t *))                                     \
  X(dnnl_status_t, dnnl_post_ops_append_sum, (dnnl_post_ops_t, float))                            \
  X(dnnl_status_t, dnnl_post_ops_append_eltwise,                                                  \
    (dnnl_post_ops_t, float, dnnl_alg_kind_t, float, float))                                      \
  X(dnnl_status_t, dnnl_post_ops_destroy, (dnnl_post_ops_t))                                      \
  X(dnnl_status_t, dnnl_primitive_attr_create, (dnnl_primitive_attr_t *))                         \
  X(dnnl_status_t, dnnl_primitive_attr_set_post_ops,                                              \
    (dnnl_primitive_attr_t, const_dnnl_post_ops_t))                                               \
  X(dnnl_status_t, dnnl_primitive_attr_destroy, (dnnl_primitive_attr_t))                          \
  X(dnnl_status_t, dnnl_primitive_desc_create,                                                    \
    (dnnl_primitive_desc_t *, const_dnnl_op_desc_t, const_dnnl_primitive_attr_t, dnnl_engine_t,   \
     const_dnnl_primitive_desc_t))                                                                \
  X(dnnl_status_t, dnnl_reorder_primitive_desc_create,                                            \
    (dnnl_primitive_desc_t *, const dnnl_memory_desc_t *, dnnl_engine_t,                          \
     const dnnl_memory_desc_t *, dnnl_engine_t, const_dnnl_primitive_attr_t))                     \
  X(const dnnl_memory_desc_t *, dnnl_primitive_desc_query_md,                                     \
    (const_dnnl_primitive_desc_t, dnnl_query_t, int))                                             \
  X(dnnl_status_t, dnnl_primitive_desc_destroy, (dnnl_primitive_desc_t))                          \
  X(dnnl_status_t, dnnl_primitive_create, (dnnl_primitive_t *, const_dnnl_primitive_desc_t))      \
  X(dnnl_status_t, dnnl_primitive_execute,                                                        \
    (const_dnnl_primitive_t, dnnl_stream_t, int, const dnnl_exec_arg_t *))                        \
  X(dnnl_status_t, dnnl_primitive_destroy, (dnnl_primitive_t))                                    \
  X(dnnl_status_t, dnnl_sgemm,                                                                    \
    (char, char, dnnl_dim_t, dnnl_dim_t, dnnl_dim_t, float, const float *, dnnl_dim_t,            \
     const float *, dnnl_dim_t, float, float *, dnnl_dim_t))
/* clang-format on */

typedef struct tsr__onednn_api {
  TSR__ONEDNN_MAP(TSR__LIBRARY_MEMBER)
  /* Of the OpenMP library that oneDNN runs on: not necessarily the one this program is linked to,
   * when another compiler built it. */
  void (*omp_set_num_threads)(int);
} tsr__onednn_api;

/* Opens the library on the first call. TSR_NOT_FOUND says what is missing. *api and *version are
 * static. Not to be called by two threads at once. */
tsr_status tsr__onednn_open(const tsr__onednn_api **api, const char **version);

/* Returns from the caller if oneDNN refuses. */
#define TRY_DNNL(call)                                                                \
  do {                                                                                \
    dnnl_status_t try_dnnl = (call);                                                  \
    TSR_CHECK(try_dnnl == dnnl_success, TSR_UNSUPPORTED, "oneDNN: status %d from %s", \
              (int)try_dnnl, #call);                                                  \
  } while (0)

#endif
