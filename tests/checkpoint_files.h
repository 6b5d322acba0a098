/* Files for the checkpoint tests, made byte by byte: nothing here uses the library's writer. */
#ifndef TESSERA_TESTS_CHECKPOINT_FILES_H
#define TESSERA_TESTS_CHECKPOINT_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "tessera/checkpoint.h"

/* A new temporary folder; files_remove deletes it with its files and frees the name. */
char *files_folder(void);
void files_remove(char *folder);
/* "folder/name"; free it. */
char *files_path(const char *folder, const char *name);

/* A safetensors file: the length, the header, `spaces` spaces, the data. */
void files_write_safetensors(const char *path, const char *header, int spaces, const void *data,
                             size_t size);
void files_write_in(const char *folder, const char *name, const char *header, int spaces,
                    const void *data, size_t size);
void files_write_text(const char *folder, const char *name, const char *text);

/* The content of a file, malloced. */
char *files_read(const char *path, size_t *size);
/* Files in a folder. */
int files_count(const char *folder);

#endif
