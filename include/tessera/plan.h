/* Plans: which kernel runs a layer, why, and why the others do not. */
#ifndef TESSERA_PLAN_H
#define TESSERA_PLAN_H

#include "tessera/layer.h"
#include "tessera/pack.h"
#include "tessera/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- hardware ---- */

/* What selection may know about a machine. Tests forge it. */
typedef struct tsr_hardware {
  char name[64];                         /* the CPU's brand string */
  uint8_t isa[TSR_ISA_COUNT];            /* 1 = the CPU has it and the OS saves its registers */
  char missing[TSR_ISA_COUNT][120];      /* why not, where isa[] is 0 */
  int32_t cores;                         /* usable by this process */
  int64_t l1d_bytes, l2_bytes, l3_bytes; /* 0 = unknown */
  char gpu[64];                          /* its name; empty if there is none or nobody looked */
  int32_t gpu_sms;                       /* its streaming multiprocessors */
  int32_t gpu_shared_bytes;              /* shared memory that one CTA may have */
} tsr_hardware;

/* Reads cpuid, the OS's saved state and the caches. TESSERA_MAX_ISA (scalar, avx2, avx512) in the
 * environment holds it to less. It looks for no GPU, which takes a driver and time. */
TSR_API tsr_status tsr_hardware_detect(tsr_hardware *out);

/* Adds the GPU to what is known: the device of the calling thread's CUDA context, or the first one.
 * Where there is none that Tessera can use, missing[TSR_ISA_SM80] says why. The CUDA driver is
 * libcuda.so.1, or the library that TESSERA_CUDA_DRIVER in the environment names. */
TSR_API tsr_status tsr_hardware_detect_gpu(tsr_hardware *hardware);

/* ---- selection ---- */

/* C[m,n] = A[m,k] B[k,n] with sparse A: all that selection looks at. */
typedef struct tsr_spmm_problem {
  tsr_backend backend;
  tsr_format format;
  tsr_pattern pattern; /* block and group sizes */
  int64_t m, k, n;     /* n = tokens */
  int64_t stored;      /* elements that the format stores */
  int32_t threads;     /* of the CPU; CUDA: streaming multiprocessors */
  tsr_dtype dtype;     /* CUDA: F16 or BF16, of weights and activations; CPU: not looked at */
  tsr_conv_shape conv; /* channels = 0: none; n = output pixels */
  /* NULL, or the weight that the above describes: where its blocks and columns lie is then counted
   * instead of expected of random ones. CPU: not looked at. */
  const tsr_packed *weight;
} tsr_spmm_problem;

typedef struct tsr_spmm_kernel tsr_spmm_kernel; /* kernels/kernel.h */

/* Measured cost coefficients, one set per kernel; tsr_tuning_* below. */
typedef struct tsr_tuning tsr_tuning;

typedef struct tsr_candidate {
  const tsr_spmm_kernel *kernel;
  double predicted_us; /* 0 if refused */
  char reason[120];    /* why it lost or was refused; for the chosen one why it won */
} tsr_candidate;

#define TSR_CANDIDATES_MAX 32

typedef struct tsr_selection {
  const tsr_spmm_kernel *kernel; /* what runs */
  char reason[120];
  int32_t candidate_count;
  tsr_candidate candidates[TSR_CANDIDATES_MAX]; /* all that were looked at, the chosen one first */
} tsr_selection;

/* Pure: the same arguments give the same answer. tuning may be NULL (built-in coefficients).
 * force_kernel: NULL, or the name that must be used. Kernels of the problem's own format and of
 * `dense` compete, the latter on the unpacked matrix, so that sparse is never chosen where dense is
 * predicted to be faster; allow_dense = 0 leaves it out. So it does those of 2:4, which compete for
 * convolutions of V:N:M on a GPU where M is a multiple of four. TSR_UNSUPPORTED_HARDWARE or
 * TSR_NOT_FOUND when nothing is left, the message giving each refusal. */
TSR_API tsr_status tsr_select(const tsr_spmm_problem *problem, const tsr_hardware *hardware,
                              const tsr_tuning *tuning, const char *force_kernel, int allow_dense,
                              tsr_selection *out);

TSR_API const char *tsr_spmm_kernel_name(const tsr_spmm_kernel *kernel);
TSR_API tsr_format tsr_spmm_kernel_format(const tsr_spmm_kernel *kernel);
TSR_API tsr_isa tsr_spmm_kernel_isa(const tsr_spmm_kernel *kernel);
/* The registry, in the order of kernels.inc; NULL past the end. */
TSR_API const tsr_spmm_kernel *tsr_spmm_kernel_at(size_t index);
/* NULL if the kernel can run the problem on the hardware, else the reason (static text). */
TSR_API const char *tsr_spmm_kernel_refusal(const tsr_spmm_kernel *kernel,
                                            const tsr_spmm_problem *problem,
                                            const tsr_hardware *hardware);

/* ---- tuning ---- */

/* The file in which `tessera tune` keeps its measurements for this CPU and version:
 * $TESSERA_TUNING, else $XDG_CACHE_HOME/tessera/..., else ~/.cache/tessera/.... */
TSR_API tsr_status tsr_tuning_default_path(const tsr_hardware *hardware, char *path, size_t size);
/* TSR_NOT_FOUND when there is no file; TSR_MALFORMED; TSR_UNSUPPORTED_HARDWARE when it belongs to
 * another CPU or version. */
TSR_API tsr_status tsr_tuning_load(const char *path, const tsr_hardware *hardware,
                                   tsr_tuning **out);
TSR_API tsr_status tsr_tuning_save(const tsr_tuning *tuning, const char *path);
/* Measures every kernel that the hardware can run. progress may be NULL. Takes seconds. */
TSR_API tsr_status tsr_tuning_measure(const tsr_hardware *hardware,
                                      void (*progress)(void *user, int done, int total), void *user,
                                      tsr_tuning **out);
TSR_API void tsr_tuning_destroy(tsr_tuning *tuning); /* NULL is fine */
/* Microseconds that the cost model predicts. tuning may be NULL. */
TSR_API double tsr_predicted_us(const tsr_spmm_kernel *kernel, const tsr_spmm_problem *problem,
                                const tsr_tuning *tuning);

/* ---- the plan of one linear layer ---- */

typedef struct tsr_plan_options {
  tsr_backend backend;
  int64_t max_tokens;           /* the n that is planned for; execute accepts 0..max_tokens */
  int32_t threads;              /* >= 1; of the CPU */
  const tsr_hardware *hardware; /* NULL = detect */
  const tsr_tuning *tuning;     /* NULL = built-in coefficients */
  const char *force_kernel;     /* NULL = choose */
  int32_t no_dense_fallback;    /* 1 = only kernels of the weight's own format */
} tsr_plan_options;

typedef struct tsr_linear_plan tsr_linear_plan;

/* Backend CUDA: weights and bias are copied to the device of the calling thread's CUDA context,
 * which must outlive the plan, or of the first device's primary context if the thread has none;
 * they are rounded to f16 (those of type BF16: kept), and one that is too large is TSR_UNSUPPORTED.
 *
 * Chooses the kernel and lays the weights out for it. The plan keeps its own copy of the weights
 * and borrows the bias (layer->bias must outlive it). Read-only afterwards: any number of threads
 * may execute one plan, each with its own workspace. */
TSR_API tsr_status tsr_linear_plan_create(const tsr_linear *layer, const tsr_plan_options *options,
                                          tsr_linear_plan **out);
TSR_API void tsr_linear_plan_destroy(tsr_linear_plan *plan); /* NULL is fine */
TSR_API size_t tsr_linear_plan_workspace_bytes(const tsr_linear_plan *plan);
TSR_API const tsr_selection *tsr_linear_plan_selection(const tsr_linear_plan *plan);
/* Bytes of the weights as laid out for the kernel. */
TSR_API size_t tsr_linear_plan_weight_bytes(const tsr_linear_plan *plan);

/* ---- the plan of a model ---- */

typedef struct tsr_model_plan tsr_model_plan;

typedef struct tsr_model_plan_options {
  tsr_plan_options linear; /* max_tokens = the sum over a batch */
  int64_t max_batch;       /* sequences, or images; of a model of images the others do not count */
  int64_t max_seq;
} tsr_model_plan_options;

struct tsr_model;
/* The model must outlive the plan. */
TSR_API tsr_status tsr_model_plan_create(const struct tsr_model *model,
                                         const tsr_model_plan_options *options,
                                         tsr_model_plan **out);
/* The same for the last plan of a model: it takes over the weights. Each layer's copy in the model
 * is freed as soon as it is laid out for the kernel, so that memory never holds two of all of them.
 * Afterwards, also on failure, the layers' weights have no values, and another plan of this model
 * is TSR_INVALID_ARGUMENT; plans made before keep what they had. */
TSR_API tsr_status tsr_model_plan_take(struct tsr_model *model,
                                       const tsr_model_plan_options *options, tsr_model_plan **out);
TSR_API void tsr_model_plan_destroy(tsr_model_plan *plan); /* NULL is fine */
TSR_API size_t tsr_model_plan_workspace_bytes(const tsr_model_plan *plan);
/* The plan of the model's layer `index`; NULL if that layer is neither linear nor a convolution. */
TSR_API const tsr_linear_plan *tsr_model_plan_linear(const tsr_model_plan *plan, size_t index);

#ifdef __cplusplus
}
#endif
#endif
