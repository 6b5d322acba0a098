#include "tests/alloc_failures.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The linker sends calls of malloc here (--wrap=malloc), and __real_malloc to malloc. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *memory);

enum { ALLOCATIONS_MAX = 20000, LIVE_MAX = 1 << 16 };

static struct {
  const char *expression;
  tsr_status wanted;
  int failing;    /* number of the allocation that fails, from 1 */
  int persistent; /* and all after it */
  int done;
  int count; /* of the last run without a failure */
} state;

/* The operation may run threads. */
static atomic_int armed, allocations, failures;

/* Addresses of live blocks: open addressing. A count alone would not do, because blocks of other
 * libraries' (utf8proc, libc) are freed here too. */
static struct {
  atomic_flag lock;
  void *slots[LIVE_MAX];
  int count;
} live = {.lock = ATOMIC_FLAG_INIT};

static char tombstone;

static size_t first_slot(const void *memory) {
  return (size_t)(((uintptr_t)memory >> 4) * 0x9e3779b97f4a7c15u >> 40) % LIVE_MAX;
}

static void lock_live(void) {
  while (atomic_flag_test_and_set(&live.lock)) continue;
}

static void live_add(void *memory) {
  lock_live();
  size_t slot = first_slot(memory);
  int tries = 0;
  while (live.slots[slot] && live.slots[slot] != &tombstone && tries++ < LIVE_MAX)
    slot = (slot + 1) % LIVE_MAX;
  if (tries >= LIVE_MAX) abort();
  live.slots[slot] = memory;
  live.count++;
  atomic_flag_clear(&live.lock);
}

static void live_remove(const void *memory) {
  lock_live();
  size_t slot = first_slot(memory);
  for (int tries = 0; live.slots[slot] && tries < LIVE_MAX; tries++) {
    if (live.slots[slot] == memory) {
      live.slots[slot] = &tombstone;
      live.count--;
      break;
    }
    slot = (slot + 1) % LIVE_MAX;
  }
  atomic_flag_clear(&live.lock);
}

/* 1 if the allocation that is asked for now is to fail. */
static int fails(void) {
  if (!atomic_load(&armed)) return 0;
  int number = atomic_fetch_add(&allocations, 1) + 1;
  int failing = state.persistent ? number >= state.failing : number == state.failing;
  if (failing) atomic_fetch_add(&failures, 1);
  return failing;
}

static void *keep(void *memory) {
  if (memory && atomic_load(&armed)) live_add(memory);
  return memory;
}

void *__wrap_malloc(size_t size) { return fails() ? NULL : keep(__real_malloc(size)); }

void *__wrap_calloc(size_t count, size_t size) {
  return fails() ? NULL : keep(__real_calloc(count, size));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  return fails() ? NULL : keep(__real_aligned_alloc(alignment, size));
}

void *__wrap_realloc(void *memory, size_t size) {
  if (fails()) return NULL;
  /* Removed first: another thread may get the address as soon as it is free. */
  if (memory) live_remove(memory);
  return keep(__real_realloc(memory, size));
}

char *__wrap_strdup(const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = __wrap_malloc(size);
  return copy ? memcpy(copy, text, size) : NULL;
}

void __wrap_free(void *memory) {
  if (memory) live_remove(memory);
  __real_free(memory);
}

static void clear(void) {
  memset(live.slots, 0, sizeof live.slots);
  live.count = 0;
  atomic_store(&allocations, 0);
  atomic_store(&failures, 0);
}

void alloc_failures_begin(const char *expression, tsr_status wanted) {
  json_set_alloc_funcs(malloc, free);
  state.expression = expression;
  state.wanted = wanted;
  state.failing = 0;
  state.persistent = 0;
  state.done = 0;
}

int alloc_failures_arm(void) {
  if (state.done) return 0;
  state.failing++;
  clear();
  atomic_store(&armed, 1);
  return 1;
}

/* After a run without a failure: what comes next? */
static void advance(void) {
  state.count = atomic_load(&allocations);
  state.failing = 0;
  state.done = state.persistent++;
}

const char *alloc_failures_verdict(tsr_status status) {
  atomic_store(&armed, 0);
  if (live.count) return "blocks leaked";
  if (!atomic_load(&failures)) {
    if (status != TSR_OK) return "failed although every allocation succeeded";
    advance();
    return NULL;
  }
  if (status == TSR_OK) return "the failure was swallowed";
  if (state.wanted != TSR_OK && status != state.wanted) return "returned another status";
  return state.failing < ALLOCATIONS_MAX ? NULL : "does not end";
}

void alloc_failures_judge(tsr_status status) {
  int failing = state.failing;
  const char *others = state.persistent ? " and all after it" : "";
  const char *verdict = alloc_failures_verdict(status);
  cr_assert_null(verdict, "%s: allocation %d%s was to fail: %s (%s: %s)", state.expression, failing,
                 others, verdict, tsr_status_name(status), tsr_last_error());
}

int alloc_failures_count(void) { return state.count; }
