#include "tests/standin/standin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- objects ---- */

typedef struct object {
  struct object *next;
  int kind;
  _Alignas(16) unsigned char bytes[];
} object;

static object *objects;
static char reason[256];

int standin_live(void) {
  int count = 0;
  for (const object *o = objects; o; o = o->next) count++;
  return count;
}

const char *standin_reason(void) { return reason; }

int standin_reject(int status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  return status;
}

int standin_failure(const char *function) {
  const char *wanted = getenv("STANDIN_FAIL");
  size_t length = strlen(function);
  if (!wanted || strncmp(wanted, function, length) != 0 || wanted[length] != ':') return 0;
  return standin_reject(atoi(wanted + length + 1), "asked to fail");
}

void *standin_make(int kind, size_t bytes) {
  object *made = calloc(1, sizeof *made + bytes);
  if (!made) return NULL;
  made->kind = kind;
  made->next = objects;
  objects = made;
  return made->bytes;
}

static object **link_to(const void *wanted, int kind) {
  object **link = &objects;
  while (*link && !((*link)->bytes == wanted && (*link)->kind == kind)) link = &(*link)->next;
  return link;
}

void *standin_find(const void *wanted, int kind) {
  object *found = *link_to(wanted, kind);
  return found ? found->bytes : NULL;
}

int standin_drop(const void *wanted, int kind) {
  object **link = link_to(wanted, kind), *found = *link;
  if (!found) return 0;
  *link = found->next;
  free(found);
  return 1;
}

/* ---- the device ---- */

CUcontext standin_context(void) {
  CUcontext context = NULL;
  return cuCtxGetCurrent(&context) == CUDA_SUCCESS ? context : NULL;
}

static CUdeviceptr address_of(const void *pointer) { return (CUdeviceptr)(uintptr_t)pointer; }

int standin_allocated(const void *device, size_t bytes) {
  CUdeviceptr start, address = address_of(device);
  size_t size;
  return cuMemGetAddressRange(&start, &size, address) == CUDA_SUCCESS &&
         bytes <= size - (size_t)(address - start);
}

void *standin_read_bytes(const void *device, size_t bytes, cudaStream_t stream) {
  if (cuStreamSynchronize(stream) != CUDA_SUCCESS) return NULL;
  void *host = malloc(bytes + 1);
  if (host && bytes && cuMemcpyDtoH(host, address_of(device), bytes) != CUDA_SUCCESS) {
    free(host);
    return NULL;
  }
  return host;
}

int standin_write_bytes(void *device, const void *bytes, size_t count) {
  return count == 0 || cuMemcpyHtoD(address_of(device), bytes, count) == CUDA_SUCCESS;
}

double *standin_read(const void *device, size_t count, cudaDataType type, cudaStream_t stream) {
  size_t size = standin_bytes(type);
  unsigned char *raw = standin_read_bytes(device, count * size, stream);
  double *values = malloc(count * sizeof *values + 1);
  for (size_t i = 0; raw && values && i < count; i++)
    values[i] = standin_decode(raw + i * size, type);
  if (raw) {
    free(raw);
    return values;
  }
  free(values);
  return NULL;
}

int standin_write(void *device, const double *values, size_t count, cudaDataType type) {
  size_t size = standin_bytes(type);
  double spoil = getenv("STANDIN_SPOIL") ? 1 : 0;
  unsigned char *raw = malloc(count * size + 1);
  for (size_t i = 0; raw && i < count; i++) standin_encode(values[i] + spoil, raw + i * size, type);
  int done = raw && standin_write_bytes(device, raw, count * size);
  free(raw);
  return done;
}
