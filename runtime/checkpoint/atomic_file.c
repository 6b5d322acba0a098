#include "runtime/checkpoint/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"

/* The longest write that Linux does at once is a little below 2 GiB. */
static const size_t write_max = (size_t)1 << 30;

static tsr_status system_error(const char *path, const char *what) {
  return tsr__error(TSR_IO, TSR__FILE ": cannot %s: %s", path, what, strerror(errno));
}

/* A name of its own length, because one made from path's could exceed the file system's limit. */
static tsr_status create_temporary(tsr__atomic_file *file) {
  char name[64];
  for (int attempt = 0; attempt < 1000; attempt++) {
    snprintf(name, sizeof name, ".tessera-%ld-%d.tmp", (long)getpid(), attempt);
    free(file->temporary);
    file->temporary = NULL;
    TSR_TRY(tsr__path_join(file->folder, name, &file->temporary));
    file->fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file->fd >= 0) return TSR_OK;
    if (errno != EEXIST) break;
  }
  tsr_status status = system_error(file->path, "create a temporary file beside it");
  /* Not ours to remove. */
  free(file->temporary);
  file->temporary = NULL;
  return status;
}

tsr_status tsr__atomic_file_open(const char *path, tsr__atomic_file *out) {
  struct stat info;
  *out = (tsr__atomic_file){.path = path, .fd = -1, .folder_fd = -1};
  int exists = !stat(path, &info);
  TSR_CHECK(!exists || S_ISREG(info.st_mode), TSR_IO, TSR__FILE ": is there, but is no file", path);
  TSR_TRY(tsr__path_folder(path, &out->folder));
  out->folder_fd = open(out->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (out->folder_fd < 0) return system_error(path, "open its folder");
  TSR_TRY(create_temporary(out));
  if (exists && fchmod(out->fd, info.st_mode & 0777)) return system_error(path, "set the mode");
  return TSR_OK;
}

tsr_status tsr__atomic_file_write(tsr__atomic_file *file, const void *bytes, size_t size) {
  const char *p = bytes;
  while (size) {
    ssize_t done = write(file->fd, p, size < write_max ? size : write_max);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return system_error(file->path, "write");
    p += done;
    size -= (size_t)done;
  }
  return TSR_OK;
}

tsr_status tsr__atomic_file_commit(tsr__atomic_file *file) {
  if (fsync(file->fd)) return system_error(file->path, "fsync");
  int failed = close(file->fd);
  file->fd = -1;
  if (failed) return system_error(file->path, "close");
  if (rename(file->temporary, file->path)) return system_error(file->path, "replace");
  free(file->temporary);
  file->temporary = NULL;
  /* The new content is in place, so this is no failure any more: a crash may only bring back the
   * old content, whole. Some file systems cannot sync a folder at all. */
  (void)fsync(file->folder_fd);
  return TSR_OK;
}

void tsr__atomic_file_close(tsr__atomic_file *file) {
  if (file->fd >= 0) close(file->fd);
  if (file->folder_fd >= 0) close(file->folder_fd);
  if (file->temporary) unlink(file->temporary);
  free(file->temporary);
  free(file->folder);
}
