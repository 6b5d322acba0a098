#include "bench/baseline/library.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/status.h"

/* named: what the environment says, or NULL. After a failure dlerror tells of *path. */
static void *open_first(const tsr__library_file *file, const char *named, const char **path) {
  *path = named ? named : file->file;
  void *library = dlopen(*path, RTLD_NOW | RTLD_LOCAL);
  if (library || named || !file->older) return library;
  library = dlopen(file->older, RTLD_NOW | RTLD_LOCAL);
  if (library) *path = file->older;
  return library ? library : dlopen(*path, RTLD_NOW | RTLD_LOCAL);
}

tsr_status tsr__library_load(const tsr__library_file *file, void *table) {
  const char *named = file->variable ? getenv(file->variable) : NULL, *path;
  void *library = open_first(file, named && named[0] ? named : NULL, &path);
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
