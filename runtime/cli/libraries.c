#include "runtime/cli/libraries.h"

#include <dlfcn.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#include "bench/baseline/baseline.h"

/* The leading fields of oneDNN's dnnl_version_t, the same in versions 1 to 3. */
typedef struct dnnl_version {
  int major, minor, patch;
} dnnl_version;

static void set(tsr__library *library, const char *name, const char *version, const char *use) {
  *library = (tsr__library){0};
  snprintf(library->name, sizeof library->name, "%s", name);
  snprintf(library->version, sizeof library->version, "%s", version);
  library->use = use;
}

/* oneDNN is only ever a baseline: opened here as a look, not linked. */
static void look_for_onednn(char *version, size_t size) {
  static const char *const files[] = {"libdnnl.so.3", "libdnnl.so.2", "libdnnl.so"};
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    void *handle = dlopen(files[i], RTLD_LAZY | RTLD_LOCAL);
    if (!handle) continue;
    const dnnl_version *(*get)(void);
    void *symbol = dlsym(handle, "dnnl_version");
    /* ISO C has no cast from an object pointer to a function pointer; POSIX guarantees the bits. */
    memcpy(&get, &symbol, sizeof get);
    if (symbol) {
      const dnnl_version *found = get();
      snprintf(version, size, "%d.%d.%d", found->major, found->minor, found->patch);
    }
    dlclose(handle);
    if (symbol) return;
  }
}

/* A baseline's library is opened as for a benchmark, which tells why it cannot be used. */
static void set_baseline(tsr__library *library, const char *name, const tsr__baseline *baseline,
                         const char *use) {
  const char *version = "";
  int found = baseline->open(&version) == TSR_OK;
  set(library, name, found ? version : "", use);
  if (!found) snprintf(library->reason, sizeof library->reason, "%s", tsr_last_error());
}

void tsr__libraries(tsr__library libraries[TSR__LIBRARIES]) {
  char onednn[32] = "";
  look_for_onednn(onednn, sizeof onednn);
  char openmp[32] = "";
#ifdef _OPENMP
  snprintf(openmp, sizeof openmp, "%d", _OPENMP);
#endif
  set(&libraries[0], "jansson", jansson_version_str(), "reads and writes JSON");
  set(&libraries[1], "utf8proc", utf8proc_version(), "the tokenizer's Unicode");
  set(&libraries[2], "OpenMP", openmp, "threads");
  set(&libraries[3], "oneDNN", onednn, "the dense baseline of tessera bench; optional");
  set_baseline(&libraries[4], "cuBLASLt", &tsr__baseline_cublaslt, "the same on a GPU; optional");
  set_baseline(&libraries[5], "cuSPARSE", &tsr__baseline_cusparse_bsr,
               "a GPU's baseline for blocks and any zeros; optional");
  set_baseline(&libraries[6], "cuSPARSELt", &tsr__baseline_cusparselt,
               "a GPU's baseline for 2:4; optional");
  set_baseline(&libraries[7], "cuDNN", &tsr__baseline_cudnn,
               "a GPU's baseline for convolutions; optional");
}
