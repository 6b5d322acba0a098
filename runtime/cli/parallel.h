/* A loop over independent items on several threads, with progress. */
#ifndef TESSERA_CLI_PARALLEL_H
#define TESSERA_CLI_PARALLEL_H

#include <stddef.h>

#include "tessera/status.h"

/* Calls item(user, 0 .. count-1) on `threads` threads. After a failure no new item is begun; the
 * first one is returned, its message being tsr_last_error of the calling thread. */
tsr_status tsr__parallel(const char *what, int threads, size_t count,
                         tsr_status (*item)(void *user, size_t index), void *user);

#endif
