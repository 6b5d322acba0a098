/* Ranges that profilers show (NVTX): nested, of the calling thread, in the domain "tessera". Where
 * no tool is attached one costs a comparison; in a build without NVTX's headers it is nothing. */
#ifndef TESSERA_CUDA_NVTX_H
#define TESSERA_CUDA_NVTX_H

void tsr__nvtx_push(const char *name);
void tsr__nvtx_pop(void);

#endif
