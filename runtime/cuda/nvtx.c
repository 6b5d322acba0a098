#include "runtime/cuda/nvtx.h"

#if TESSERA_HAVE_NVTX

#include <nvtx3/nvToolsExt.h>
#include <pthread.h>
#include <stddef.h>

static nvtxDomainHandle_t domain; /* NULL: no tool */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void open_domain(void) { domain = nvtxDomainCreateA("tessera"); }

void tsr__nvtx_push(const char *name) {
  pthread_once(&once, open_domain);
  if (!domain) return;
  nvtxEventAttributes_t event = {.version = NVTX_VERSION,
                                 .size = NVTX_EVENT_ATTRIB_STRUCT_SIZE,
                                 .messageType = NVTX_MESSAGE_TYPE_ASCII,
                                 .message = {.ascii = name}};
  nvtxDomainRangePushEx(domain, &event);
}

void tsr__nvtx_pop(void) {
  if (domain) nvtxDomainRangePop(domain);
}

#else

void tsr__nvtx_push(const char *name) { (void)name; }
void tsr__nvtx_pop(void) {}

#endif
