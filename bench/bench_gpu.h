/* The GPU that benchmarks run on: times by its own events, or, where the driver is the simulator,
 * what that counted and models. Everything is put on the context's default stream, so that it may
 * be timed whatever streams other libraries use. */
#ifndef TESSERA_BENCH_BENCH_GPU_H
#define TESSERA_BENCH_BENCH_GPU_H

#include "bench/harness.h"
#include "runtime/cuda/context.h"

typedef struct tsr__bench_gpu tsr__bench_gpu;

/* The GPU of the calling thread's context, or the first one. One at a time. */
tsr_status tsr__bench_gpu_open(tsr__bench_gpu **out);
void tsr__bench_gpu_close(tsr__bench_gpu *gpu); /* NULL is fine */

/* 1 = the driver is tests/gpusim, whose times mean nothing. It has gpusim_on_launch. */
int tsr__bench_gpu_simulated(const tsr__bench_gpu *gpu);
tsr__cuda *tsr__bench_gpu_cuda(const tsr__bench_gpu *gpu);

/* For races: events around the run; to empty the caches, twice L2's bytes are written. */
const tsr__race_device *tsr__bench_gpu_race_device(const tsr__bench_gpu *gpu);

/* Of a simulated GPU: runs the contestant once and puts into the record what its launches counted,
 * and the sum of their modelled lower bounds. */
tsr_status tsr__bench_gpu_count(tsr__bench_gpu *gpu, const tsr__contestant *contestant,
                                tsr_record *record);

#endif
