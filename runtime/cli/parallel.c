#include "runtime/cli/parallel.h"

#include <omp.h>
#include <stdio.h>

#include "runtime/base/status.h"
#include "runtime/cli/progress.h"

typedef struct shared_loop {
  tsr__progress progress;
  int64_t done;
  tsr_status status;
  char message[1024]; /* tsr_last_error is each thread's own */
} shared_loop;

static void note(shared_loop *loop, tsr_status status) {
  loop->done++;
  if (status != TSR_OK && loop->status == TSR_OK) {
    loop->status = status;
    snprintf(loop->message, sizeof loop->message, "%s", tsr_last_error());
  }
}

tsr_status tsr__parallel(const char *what, int threads, size_t count,
                         tsr_status (*item)(void *user, size_t index), void *user) {
  shared_loop loop = {.status = TSR_OK};
  tsr__progress_begin(&loop.progress, what, (int64_t)count);
  /* The library's own loops inside an item heed it where this one has a single thread. */
  omp_set_num_threads(threads);
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (size_t i = 0; i < count; i++) {
    int stop;
#pragma omp critical(tsr__parallel)
    stop = loop.status != TSR_OK;
    if (stop) continue;
    tsr_status status = item(user, i);
#pragma omp critical(tsr__parallel)
    {
      note(&loop, status);
      tsr__progress_update(&loop.progress, loop.done);
    }
  }
  tsr__progress_end(&loop.progress);
  if (loop.status == TSR_OK) return TSR_OK;
  return tsr__error(loop.status, "%s", loop.message);
}
