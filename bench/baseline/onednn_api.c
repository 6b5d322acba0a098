#include "bench/baseline/onednn_api.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/status.h"

#define TSR__ONEDNN_CHECK(type, name, parameters) \
  _Static_assert(_Generic(&name, type(*) parameters : 1, default : 0), #name " has changed");
TSR__ONEDNN_MAP(TSR__ONEDNN_CHECK)
#undef TSR__ONEDNN_CHECK

static const struct {
  const char *name;
  size_t offset;
} symbols[] = {
#define TSR__ONEDNN_SYMBOL(type, name, parameters) {#name, offsetof(tsr__onednn_api, name)},
    TSR__ONEDNN_MAP(TSR__ONEDNN_SYMBOL)
#undef TSR__ONEDNN_SYMBOL
        {"omp_set_num_threads", offsetof(tsr__onednn_api, omp_set_num_threads)},
};

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
static const char library[] = "libdnnl.so." TEXT(DNNL_VERSION_MAJOR);

/* Never closed again: its threads and its code live as long as the process. */
static void *handle;
static tsr__onednn_api api_table;
static char version_text[32];

static tsr_status resolve(void *from, tsr__onednn_api *api) {
  for (size_t s = 0; s < sizeof symbols / sizeof symbols[0]; s++) {
    void *address = dlsym(from, symbols[s].name);
    TSR_CHECK(address, TSR_NOT_FOUND, "oneDNN: %s has no %s", library, symbols[s].name);
    memcpy((char *)api + symbols[s].offset, &address, sizeof address);
  }
  return TSR_OK;
}

tsr_status tsr__onednn_open(const tsr__onednn_api **api, const char **version) {
  if (!handle) {
    void *opened = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    TSR_CHECK(opened, TSR_NOT_FOUND, "oneDNN: %s", dlerror());
    tsr_status status = resolve(opened, &api_table);
    if (status != TSR_OK) {
      dlclose(opened);
      return status;
    }
    handle = opened;
    const dnnl_version_t *v = api_table.dnnl_version();
    snprintf(version_text, sizeof version_text, "%d.%d.%d", v->major, v->minor, v->patch);
  }
  *api = &api_table;
  *version = version_text;
  return TSR_OK;
}
