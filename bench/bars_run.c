#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "bench/bars.h"
#include "bench/harness.h"
#include "runtime/base/status.h"

enum { STARTS = 5, COMMAND_MAX = 4096 };

/* One start of the command, to its end: the result was printed before. */
static tsr_status time_start(const char *command, double *seconds) {
  char text[256];
  size_t bytes = 0;
  double start = tsr__now();
  FILE *stream = popen(command, "r");
  TSR_CHECK(stream, TSR_IO, "%s: cannot be started", command);
  for (size_t got; (got = fread(text, 1, sizeof text, stream)) > 0;) bytes += got;
  int status = pclose(stream);
  *seconds = tsr__now() - start;
  TSR_CHECK(status == 0 && bytes > 0, TSR_IO, "%s: wait status %d after %zu bytes", command, status,
            bytes);
  return TSR_OK;
}

tsr_status tsr__bars_run(tsr__bars *bars, const char *tessera, const char *model) {
  char command[COMMAND_MAX], weights[COMMAND_MAX];
  double seconds[STARTS];
  struct stat info;
  struct rusage usage;
  snprintf(weights, sizeof weights, "%s/model.safetensors", model);
  TSR_CHECK(!stat(weights, &info), TSR_NOT_FOUND, "%s: not found", weights);
  snprintf(command, sizeof command, "exec '%s' run '%s' --text 'A cat sat on the mat.'", tessera,
           model);
  for (int s = 0; s < STARTS; s++) TSR_TRY(time_start(command, &seconds[s]));
  /* The largest of all children that ended, in KiB: no other ones were started. */
  TSR_CHECK(!getrusage(RUSAGE_CHILDREN, &usage), TSR_IO, "getrusage failed");
  tsr__bars_print(bars, "tessera run, packed MiniLM: seconds to the first result", 1, 0.5,
                  tsr__quantile(seconds, STARTS, 0.5));
  tsr__bars_print(bars, "tessera run, packed MiniLM: MB of memory at the peak", 1,
                  (double)info.st_size / 1e6 + 100, (double)usage.ru_maxrss * 1024 / 1e6);
  return TSR_OK;
}
