#include "bench/baseline/onednn_api.h"

#include <stdio.h>

#include "runtime/base/status.h"

TSR__ONEDNN_MAP(TSR__LIBRARY_CHECK)

static const tsr__symbol symbols[] = {
#define TSR__ONEDNN_SYMBOL(type, name, parameters) {#name, offsetof(tsr__onednn_api, name)},
    TSR__ONEDNN_MAP(TSR__ONEDNN_SYMBOL)
#undef TSR__ONEDNN_SYMBOL
        {"omp_set_num_threads", offsetof(tsr__onednn_api, omp_set_num_threads)},
};

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
static const tsr__library_file file = {.title = "oneDNN",
                                       .file = "libdnnl.so." TEXT(DNNL_VERSION_MAJOR),
                                       .symbols = symbols,
                                       .symbol_count = sizeof symbols / sizeof symbols[0]};

static int loaded;
static tsr__onednn_api api_table;
static char version_text[32];

tsr_status tsr__onednn_open(const tsr__onednn_api **api, const char **version) {
  if (!loaded) {
    TSR_TRY(tsr__library_load(&file, &api_table));
    loaded = 1;
    const dnnl_version_t *v = api_table.dnnl_version();
    snprintf(version_text, sizeof version_text, "%d.%d.%d", v->major, v->minor, v->patch);
  }
  *api = &api_table;
  *version = version_text;
  return TSR_OK;
}
