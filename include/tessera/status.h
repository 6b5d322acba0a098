/* Status codes and the message of the last failure. */
#ifndef TESSERA_STATUS_H
#define TESSERA_STATUS_H

#include "tessera/api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One row per status: enumerator suffix, process exit code of the command, short text. */
#define TSR_STATUS_MAP(X)                                                      \
  X(OK, 0, "success")                                                          \
  X(INVALID_ARGUMENT, 2, "invalid argument")                                   \
  X(NOT_FOUND, 3, "not found")                                                 \
  X(IO, 4, "input/output error")                                               \
  X(MALFORMED, 5, "malformed file")                                            \
  X(UNSUPPORTED, 6, "not supported")                                           \
  X(UNSUPPORTED_SHAPE, 7, "unsupported shape")                                 \
  X(UNSUPPORTED_HARDWARE, 8, "not supported on this hardware")                 \
  X(STRUCTURE, 9, "the matrix does not have the structure that was asked for") \
  X(OUT_OF_MEMORY, 10, "out of memory")                                        \
  X(DEVICE, 11, "the GPU's driver reported an error")

typedef enum tsr_status {
#define TSR_STATUS_ENUMERATOR(name, exit_code, text) TSR_##name,
  TSR_STATUS_MAP(TSR_STATUS_ENUMERATOR)
#undef TSR_STATUS_ENUMERATOR
} tsr_status;

/* The enumerator's name ("TSR_IO") and its short text; "unknown" for a value out of range. */
TSR_API const char *tsr_status_name(tsr_status status);
TSR_API const char *tsr_status_text(tsr_status status);

/* The exit code with which the command `tessera` ends on this status. */
TSR_API int tsr_status_exit_code(tsr_status status);

/* What the last failing call of this thread had to say: the file, tensor, layer and value at
 * fault. Never NULL; empty before the first failure. Valid until this thread's next failure. */
TSR_API const char *tsr_last_error(void);

#ifdef __cplusplus
}
#endif
#endif
