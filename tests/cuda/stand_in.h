/* A CUDA driver in front of the simulator, for what that cannot be made to do: several devices, too
 * little memory, calls that fail. It checks that what belongs to one context is not used in
 * another. It has no gpusim_on_launch, so that the library takes it for a real driver; elapsed
 * times are 0.25 ms.
 *
 * Its environment: STAND_IN_DRIVER, the simulator's library; STAND_IN_DEVICES, how many devices
 * (1); STAND_IN_MEMORY, the bytes that each device has (no limit). */
#ifndef TESSERA_TESTS_CUDA_STAND_IN_H
#define TESSERA_TESTS_CUDA_STAND_IN_H

#include <stdint.h>

#define STAND_IN_API __attribute__((visibility("default")))

enum { STAND_IN_LAUNCH_FAILED = 719 }; /* CUDA_ERROR_LAUNCH_FAILED */

/* Counts calls from 0, and lets the nth one fail with this error; nth = 0: none. Calls that only
 * give something back are not counted. */
STAND_IN_API void stand_in_fail(int64_t nth, int error);
STAND_IN_API void stand_in_recover(void); /* no call fails any more; what has failed is kept */
STAND_IN_API const char *stand_in_failed(void); /* the function; "" = none has */

/* Bytes that a device has; 0 = no limit. */
STAND_IN_API void stand_in_memory(uint64_t bytes);
/* What is not given back: allocations, modules, streams, graphs, events, contexts retained or
 * pushed. */
STAND_IN_API int64_t stand_in_held(void);
/* Launches on a device. */
STAND_IN_API int64_t stand_in_launches(int device);
/* What was wrong with a call; "" = nothing. */
STAND_IN_API const char *stand_in_wrong(void);

#endif
