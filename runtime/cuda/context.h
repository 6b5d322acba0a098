/* A CUDA context and the kernels loaded into it, shared by all plans that are made in it. */
#ifndef TESSERA_CUDA_CONTEXT_H
#define TESSERA_CUDA_CONTEXT_H

#include "kernels/cuda/images.h"
#include "kernels/cuda/kernel.h"
#include "runtime/cuda/driver.h"

typedef struct tsr__cuda tsr__cuda;

/* The calling thread's context, which must outlive what is opened; if it has none, the primary
 * context of the first device. Close it as often as it was opened. */
tsr_status tsr__cuda_open(tsr__cuda **out);
void tsr__cuda_close(tsr__cuda *cuda); /* NULL is fine */

/* How many devices the driver has; 0 where there is no driver. */
int tsr__cuda_device_count(void);
tsr_status tsr__cuda_device_name(int ordinal, char *name, size_t size);
/* Makes the device's primary context the calling thread's, and holds it for as long as the process
 * lives: what the thread opens from then on is for this device. TSR_INVALID_ARGUMENT if there is no
 * such device. */
tsr_status tsr__cuda_use_device(int64_t ordinal);

/* All that follows is called between enter and leave, which make the context current. */
tsr_status tsr__cuda_enter(const tsr__cuda *cuda);
void tsr__cuda_leave(const tsr__cuda *cuda);

int32_t tsr__cuda_sms(const tsr__cuda *cuda);
const tsr__cu *tsr__cuda_driver(const tsr__cuda *cuda);
int tsr__cuda_device(const tsr__cuda *cuda); /* its ordinal as the driver counts */

typedef struct tsr__cuda_function {
  void *handle;
  char name[64];
} tsr__cuda_function;

/* Loads the image when it is first needed. */
tsr_status tsr__cuda_find(tsr__cuda *cuda, tsr__cuda_image image, const char *name,
                          tsr__cuda_function *out);
/* Dynamic shared memory that later launches of the kernel may have. */
tsr_status tsr__cuda_allow_shared(const tsr__cuda *cuda, const tsr__cuda_function *function,
                                  uint32_t bytes);
/* args: the kernel's one parameter. */
tsr_status tsr__cuda_launch(const tsr__cuda *cuda, const tsr__cuda_function *function,
                            const tsr_cuda_launch *launch, const void *args, void *stream,
                            const char *layer);

/* Device memory; bytes may be 0, which gives NULL. `what` is for messages. */
tsr_status tsr__cuda_alloc(const tsr__cuda *cuda, size_t bytes, const char *what, void **out);
tsr_status tsr__cuda_upload(const tsr__cuda *cuda, const void *host, size_t bytes, const char *what,
                            void **out);
tsr_status tsr__cuda_write(const tsr__cuda *cuda, void *device, const void *host, size_t bytes,
                           const char *what);
tsr_status tsr__cuda_read(const tsr__cuda *cuda, void *host, const void *device, size_t bytes,
                          const char *what);
/* Puts bytes of `value` on the stream. */
tsr_status tsr__cuda_fill(const tsr__cuda *cuda, void *device, unsigned char value, size_t bytes,
                          void *stream);
void tsr__cuda_free(const tsr__cuda *cuda, void *device); /* NULL is fine */

/* Until everything on the stream is done. */
tsr_status tsr__cuda_wait(const tsr__cuda *cuda, void *stream, const char *what);

#endif
