/* Timing of one thing against another: interleaved runs, medians, spread. */
#ifndef TESSERA_BENCH_HARNESS_H
#define TESSERA_BENCH_HARNESS_H

/* Monotonic seconds. */
double tsr__now(void);

#endif
