/* The contestants of a model's race. */
#ifndef TESSERA_BENCH_MODEL_RUNS_H
#define TESSERA_BENCH_MODEL_RUNS_H

#include "bench/gpu_activations.h"
#include "bench/harness.h"
#include "bench/options.h"
#include "runtime/cuda/replay.h"
#include "tessera/model.h"

/* What a model is run on: batch sequences of seq tokens each, or batch images (seq = 1). */
typedef struct tsr__model_input {
  int64_t batch, seq;
  int64_t hidden; /* of a model of images: its classes */
  int64_t height, width, channels;
  float *pixels;    /* [batch, height, width, channels], random; NULL = text */
  int64_t *offsets; /* [batch + 1] */
  int32_t *ids;     /* [batch * seq], random */
  float *embedding; /* [batch, hidden]: where all contestants write; logits of images */
} tsr__model_input;

tsr_status tsr__model_input_create(const tsr_model_info *info, int64_t batch, int64_t seq,
                                   tsr__model_input *out);
void tsr__model_input_release(tsr__model_input *input);

/* One variant, planned. */
typedef struct tsr__model_run {
  const tsr__model_input *input;
  tsr_model_plan *plan;
  /* Of a plan for the GPU, whose memory workspace, embedding and pixels are then; else NULL. */
  tsr__cuda *cuda;
  tsr__cuda_replay *replay;
  void *workspace;
  size_t workspace_bytes;
  float *embedding;    /* on the CPU the input's, and so are the pixels */
  float *pixels;       /* of a model of images; else NULL */
  tsr__range *touched; /* the linear layers' weights, workspace, output: what makes a cold run */
  size_t touched_count;
  int64_t stored, elements;   /* of all linear weights */
  double stored_flops, flops; /* of one execution of these layers */
  int64_t packed_bytes;
  char format[16];
  char kernel[96]; /* all kernels, each with its count if there are several */
  char reason[120];
} tsr__model_run;

/* Puts the variant's weights, made from source's, into working and plans it. The plan keeps its own
 * copy of the weights, so working may be given other ones afterwards. */
tsr_status tsr__model_run_create(const tsr_model *source, tsr_model *working,
                                 const tsr__variant *variant, const tsr__model_input *input,
                                 int32_t threads, const tsr__bench_options *options,
                                 tsr__model_run *out);
void tsr__model_run_release(tsr__model_run *run);
tsr_status tsr__model_run_execute(void *run);

/* The baseline library's products of all linear layers, one after the other. */
typedef struct tsr__products_run {
  const tsr__baseline *baseline;
  size_t count;
  void **states;        /* [count] */
  float **weights;      /* [count] */
  float *x, *y, *plain; /* [shared_floats] each; plain is used while products are made */
  size_t shared_floats;
  tsr__gpu_activations gpu; /* of a baseline of the GPU; else empty */
  tsr__range *touched;      /* [count] */
} tsr__products_run;

tsr_status tsr__products_run_create(const tsr_model *source, const tsr__baseline *baseline,
                                    const tsr__model_input *input, int32_t threads,
                                    tsr__products_run *out);
void tsr__products_run_release(tsr__products_run *run);
tsr_status tsr__products_run_execute(void *run);

#endif
