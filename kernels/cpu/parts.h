/* How work is cut into parts, and what else kernels have in common. */
#ifndef TESSERA_KERNELS_CPU_PARTS_H
#define TESSERA_KERNELS_CPU_PARTS_H

#include "kernels/kernel.h"

/* Arrays of prepacked weights begin at a cache line. */
static inline size_t tsr__round_to_line(size_t bytes) { return (bytes + 63) / 64 * 64; }

/* The refusal of kernels that run every problem of their format. */
static inline const char *tsr__no_refusal(const tsr_spmm_problem *problem) {
  (void)problem;
  return NULL;
}

/* Rows and tokens that one part computes, half-open. */
typedef struct tsr__span {
  int64_t begin, end;
} tsr__span;

/* Part `part` of 0..count-1 cut into `parts` nearly equal pieces of whole units. */
static inline tsr__span tsr__part_of(int64_t count, int64_t unit, int part, int parts) {
  int64_t units = count / unit + (count % unit != 0);
  int64_t share = units / parts, rest = units % parts;
  int64_t begin = (share * part + (part < rest ? part : rest)) * unit;
  int64_t end = begin + (share + (part < rest)) * unit;
  return (tsr__span){begin < count ? begin : count, end < count ? end : count};
}

/* Args of the tokens begin .. end - 1 alone. */
static inline tsr_spmm_args tsr__args_of_tokens(const tsr_spmm_args *args, tsr__span tokens) {
  tsr_spmm_args part = *args;
  part.n = tokens.end - tokens.begin;
  if (args->conv)
    part.first_token += tokens.begin;
  else
    part.b += tokens.begin * args->ldb;
  part.c += tokens.begin * args->ldc;
  if (part.residual) part.residual += tokens.begin * args->ldr;
  return part;
}

/* Parts share the tokens where there are at least this many for each, otherwise the rows: few
 * tokens would leave the register tile empty. */
enum { TSR__TOKENS_PER_PART = 8 };

static inline int tsr__parts_share_tokens(int64_t n, int64_t parts) {
  return n >= parts * TSR__TOKENS_PER_PART;
}

#endif
