#include "runtime/cli/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const double quiet_seconds = 1, redraw_seconds = 0.2;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void tsr__progress_begin(tsr__progress *progress, const char *what, int64_t total) {
  *progress = (tsr__progress){
      .what = what, .total = total, .start = now(), .terminal = isatty(STDERR_FILENO)};
}

void tsr__progress_update(tsr__progress *progress, int64_t done) {
  if (!progress->terminal) return;
  double time = now();
  double elapsed = time - progress->start;
  if (elapsed < quiet_seconds || time - progress->shown < redraw_seconds) return;
  progress->shown = time;
  if (progress->total > 0 && done > 0) {
    double share = (double)done / (double)progress->total;
    fprintf(stderr, "\r\033[K%s: %3.0f %%, %.0f s left", progress->what, 100 * share,
            elapsed / share - elapsed);
  } else {
    fprintf(stderr, "\r\033[K%s: %lld done, %.0f s", progress->what, (long long)done, elapsed);
  }
  fflush(stderr);
}

void tsr__progress_end(tsr__progress *progress) {
  if (progress->terminal && progress->shown > 0) fprintf(stderr, "\r\033[K");
}
