/* A tool as NVTX loads it (NVTX_INJECTION64_PATH): writes a line for each range to the file that
 * NVTX_RECORD names, indented by the ranges that it lies in. */
#include <nvtx3/nvToolsExt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *file;
static int depth;
static char domains[8][32];
static int domain_count;

static nvtxDomainHandle_t create(const char *name) {
  char *kept = domains[domain_count < 7 ? domain_count++ : 7];
  snprintf(kept, sizeof domains[0], "%s", name);
  nvtxDomainHandle_t handle;
  memcpy(&handle, &kept, sizeof handle);
  return handle;
}

static int push(nvtxDomainHandle_t domain, const nvtxEventAttributes_t *event) {
  const char *name;
  memcpy(&name, &domain, sizeof name);
  fprintf(file, "%*s%s: %s\n", 2 * depth, "", name, event->message.ascii);
  fflush(file);
  return depth++;
}

static int pop(nvtxDomainHandle_t domain) {
  (void)domain;
  if (!depth) fputs("a range too many ends\n", file);
  return --depth;
}

static void set(NvtxFunctionTable table, int function, const void *address) {
  memcpy(table[function], address, sizeof(NvtxFunctionPointer));
}

__attribute__((visibility("default"))) int InitializeInjectionNvtx2(NvtxGetExportTableFunc_t get);

int InitializeInjectionNvtx2(NvtxGetExportTableFunc_t get) {
  const NvtxExportTableCallbacks *callbacks = get(NVTX_ETID_CALLBACKS);
  const char *path = getenv("NVTX_RECORD");
  NvtxFunctionTable table = NULL;
  unsigned size = 0;
  nvtxDomainCreateA_impl_fntype on_create = create;
  nvtxDomainRangePushEx_impl_fntype on_push = push;
  nvtxDomainRangePop_impl_fntype on_pop = pop;
  file = path ? fopen(path, "w") : NULL;
  if (!file || !callbacks ||
      !callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE2, &table, &size))
    return 0;
  set(table, NVTX_CBID_CORE2_DomainCreateA, &on_create);
  set(table, NVTX_CBID_CORE2_DomainRangePushEx, &on_push);
  set(table, NVTX_CBID_CORE2_DomainRangePop, &on_pop);
  return 1;
}
