/* What the stand-ins for the GPU's libraries share. A stand-in exports a library's functions,
 * checks their arguments as its documentation states them, and computes what it documents: in
 * double, on the CPU, on device memory that it reads and writes through the driver. */
#ifndef TESSERA_STANDIN_H
#define TESSERA_STANDIN_H

#include <cuda.h>
#include <driver_types.h>
#include <library_types.h>
#include <stddef.h>
#include <stdint.h>

/* ---- for tests, by dlsym ---- */

/* Handles and descriptors that are alive. */
int standin_live(void);
/* Why the last call was rejected; "" if none was. Static. */
const char *standin_reason(void);

/* ---- for the libraries ---- */

/* STANDIN_FAIL=FUNCTION:STATUS in the environment makes that function fail like this: returns the
 * status, and 0 in other functions. */
int standin_failure(const char *function);

/* Notes why and returns the status. */
int standin_reject(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* At the beginning of a function that returns a status of that type; and what it requires. */
#define STANDIN_ENTER(type)                          \
  do {                                               \
    int standin_failed = standin_failure(__func__);  \
    if (standin_failed) return (type)standin_failed; \
  } while (0)
#define STANDIN_REQUIRE(condition, status, ...)   \
  do {                                            \
    if (!(condition)) {                           \
      standin_reject((int)(status), __VA_ARGS__); \
      return (status);                            \
    }                                             \
  } while (0)

/* A zeroed object of a kind, alive until it is dropped; NULL without memory. Calling with what is
 * no live object of that kind gives NULL, and 0. */
void *standin_make(int kind, size_t bytes);
void *standin_find(const void *object, int kind);
int standin_drop(const void *object, int kind);

/* The calling thread's context; NULL without one. */
CUcontext standin_context(void);

/* 16-bit and 32-bit floating point: the bytes of an element, 0 for other types. */
size_t standin_bytes(cudaDataType type);
double standin_decode(const unsigned char *raw, cudaDataType type);
void standin_encode(double value, unsigned char *raw, cudaDataType type); /* to nearest even */

/* count elements of device memory as doubles (or whole bytes), to be freed; NULL if the driver
 * refuses: not all of it is allocated, say. Waits for the stream. */
double *standin_read(const void *device, size_t count, cudaDataType type, cudaStream_t stream);
void *standin_read_bytes(const void *device, size_t bytes, cudaStream_t stream);
/* 0 if the driver refuses. With STANDIN_SPOIL in the environment every value is written plus 1. */
int standin_write(void *device, const double *values, size_t count, cudaDataType type);
int standin_write_bytes(void *device, const void *bytes, size_t count);

/* Whether so many bytes from the pointer on lie in one allocation. */
int standin_allocated(const void *device, size_t bytes);

static inline int standin_aligned(const void *pointer, uint32_t bytes) {
  return (uintptr_t)pointer % bytes == 0;
}

#endif
