/* Seeded random numbers, the same on every machine: xorshift64*. */
#ifndef TESSERA_TESTS_RANDOM_H
#define TESSERA_TESTS_RANDOM_H

#include <stdint.h>

typedef struct random_state {
  uint64_t state;
} random_state;

static inline random_state random_seed(uint64_t seed) {
  return (random_state){seed * 0x9e3779b97f4a7c15u + 1};
}

static inline uint64_t random_u64(random_state *random) {
  random->state ^= random->state >> 12;
  random->state ^= random->state << 25;
  random->state ^= random->state >> 27;
  return random->state * 0x2545f4914f6cdd1du;
}

/* 0..limit-1 */
static inline int64_t random_below(random_state *random, int64_t limit) {
  return (int64_t)((random_u64(random) >> 1) % (uint64_t)limit);
}

/* [0, 1) */
static inline double random_unit(random_state *random) {
  return (double)(random_u64(random) >> 11) * 0x1p-53;
}

#endif
