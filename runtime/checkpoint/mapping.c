#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"

/* A configuration is some kilobytes; a vocabulary pasted into one may be some megabytes. */
enum { TEXT_MAX = 64 << 20 };

static tsr_status system_error(const char *path, const char *what) {
  int code = errno;
  tsr_status status = code == ENOENT || code == ENOTDIR ? TSR_NOT_FOUND
                      : code == ENOMEM                  ? TSR_OUT_OF_MEMORY
                                                        : TSR_IO;
  return tsr__error(status, TSR__FILE ": cannot %s: %s", path, what, strerror(code));
}

/* Non-blocking, because opening a FIFO for reading would otherwise wait for a writer. */
static tsr_status open_regular(const char *path, int *fd, size_t *size) {
  struct stat info;
  *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (*fd < 0) return system_error(path, "open");
  tsr_status status = TSR_OK;
  if (fstat(*fd, &info))
    status = system_error(path, "stat");
  else if (!S_ISREG(info.st_mode))
    status = tsr__error(TSR_IO, TSR__FILE ": not a regular file", path);
  if (status != TSR_OK) {
    close(*fd);
    return status;
  }
  *size = (size_t)info.st_size;
  return TSR_OK;
}

tsr_status tsr__image_map(const char *path, tsr__image *out) {
  int fd;
  size_t size;
  TSR_TRY(open_regular(path, &fd, &size));
  tsr_status status = TSR_OK;
  if (size) {
    void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
      status = system_error(path, "map");
    } else {
      out->bytes = bytes;
      out->size = size;
      out->mapped = 1;
    }
  }
  close(fd);
  return status;
}

void tsr__image_release(tsr__image *image) {
  if (image->mapped) munmap((void *)(uintptr_t)image->bytes, image->size);
  free(image->path);
  free(image->text);
}

void tsr__image_forget(const tsr__image *image) {
  if (image->mapped) madvise((void *)(uintptr_t)image->bytes, image->size, MADV_DONTNEED);
}

void tsr__checkpoint_forget(const tsr_checkpoint *checkpoint) {
  for (size_t i = 0; i < checkpoint->image_count; i++) tsr__image_forget(&checkpoint->images[i]);
}

static tsr_status read_all(int fd, const char *path, char *out, size_t size) {
  size_t done = 0;
  while (done < size) {
    ssize_t got = read(fd, out + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(path, "read");
    if (!got) return tsr__error(TSR_IO, TSR__FILE ": became shorter while it was read", path);
    done += (size_t)got;
  }
  return TSR_OK;
}

tsr_status tsr__read_text(const char *path, char **out) {
  int fd;
  size_t size;
  char *text = NULL;
  *out = NULL;
  TSR_TRY(open_regular(path, &fd, &size));
  tsr_status status = TSR_OK;
  if (size > TEXT_MAX)
    status = tsr__error(TSR_UNSUPPORTED, TSR__FILE ": %zu bytes, more than %d", path, size,
                        (int)TEXT_MAX);
  if (status == TSR_OK) status = tsr__calloc(size + 1, 1, path, &text);
  if (status == TSR_OK) status = read_all(fd, path, text, size);
  close(fd);
  if (status == TSR_OK && strlen(text) < size)
    status = tsr__error(TSR_MALFORMED, TSR__FILE ": byte %zu is NUL", path, strlen(text));
  if (status == TSR_OK)
    *out = text;
  else
    free(text);
  return status;
}

tsr_status tsr__path_join(const char *folder, const char *name, char **out) {
  size_t folder_length = strlen(folder), name_length = strlen(name);
  TSR_TRY(tsr__calloc(folder_length + name_length + 2, 1, "a path", out));
  memcpy(*out, folder, folder_length);
  (*out)[folder_length] = '/';
  memcpy(*out + folder_length + 1, name, name_length);
  return TSR_OK;
}

tsr_status tsr__path_folder(const char *path, char **out) {
  const char *slash = strrchr(path, '/');
  if (!slash) return tsr__strdup(".", out);
  TSR_TRY(tsr__strdup(path, out));
  (*out)[slash > path ? slash - path : 1] = '\0';
  return TSR_OK;
}
