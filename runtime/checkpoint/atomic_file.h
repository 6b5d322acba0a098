/* Replacing a file as a whole: readers see the old content or the new, never a part. */
#ifndef TESSERA_CHECKPOINT_ATOMIC_FILE_H
#define TESSERA_CHECKPOINT_ATOMIC_FILE_H

#include <stddef.h>

#include "tessera/status.h"

typedef struct tsr__atomic_file {
  const char *path; /* borrowed */
  char *folder;
  char *temporary;
  int fd, folder_fd;
} tsr__atomic_file;

/* Creates a temporary file beside path, with the mode of the file that it will replace. */
tsr_status tsr__atomic_file_open(const char *path, tsr__atomic_file *out);
tsr_status tsr__atomic_file_write(tsr__atomic_file *file, const void *bytes, size_t size);
/* Makes the content durable and renames it to path. */
tsr_status tsr__atomic_file_commit(tsr__atomic_file *file);
/* Removes the temporary file unless it was committed, and frees the rest. After an open, always. */
void tsr__atomic_file_close(tsr__atomic_file *file);

#endif
