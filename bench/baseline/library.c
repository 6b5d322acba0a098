#include "bench/baseline/library.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/status.h"

tsr_status tsr__library_load(const tsr__library_file *file, void *table) {
  const char *path = file->variable ? getenv(file->variable) : NULL;
  if (!path || !path[0]) path = file->file;
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  TSR_CHECK(library, TSR_NOT_FOUND, "%s: %s", file->title, dlerror());
  for (size_t s = 0; s < file->symbol_count; s++) {
    void *address = dlsym(library, file->symbols[s].name);
    if (!address) {
      dlclose(library);
      return tsr__error(TSR_NOT_FOUND, "%s: %s has no %s", file->title, path,
                        file->symbols[s].name);
    }
    memcpy((char *)table + file->symbols[s].offset, &address, sizeof address);
  }
  return TSR_OK;
}
