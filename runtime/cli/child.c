#include "runtime/cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/status.h"

extern char **environ;

static tsr_status start(const char *const *argv, const char *errors, pid_t *child) {
  posix_spawn_file_actions_t files;
  int failed = posix_spawn_file_actions_init(&files);
  TSR_CHECK(!failed, TSR_OUT_OF_MEMORY, "cannot start %s: %s", argv[1], strerror(failed));
  failed = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  if (!failed) failed = posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  if (!failed)
    failed =
        posix_spawn_file_actions_addopen(&files, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  /* posix_spawn takes pointers to char for its history only: it writes to none of them. */
  if (!failed)
    failed = posix_spawn(child, "/proc/self/exe", &files, NULL,
                         (char *const *)(uintptr_t)(const void *)argv, environ);
  posix_spawn_file_actions_destroy(&files);
  TSR_CHECK(!failed, TSR_IO, "cannot start tessera %s: %s", argv[1], strerror(failed));
  return TSR_OK;
}

static tsr_status status_of(int exit_code) {
#define ROW(name, code, text) \
  if (exit_code == (code)) return TSR_##name;
  TSR_STATUS_MAP(ROW)
#undef ROW
  return TSR_UNSUPPORTED;
}

/* The last line of the child's messages. */
static void read_message(const char *path, char *message, size_t size) {
  FILE *file = fopen(path, "rb");
  *message = '\0';
  if (!file) return;
  char line[1024];
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = '\0';
    if (*line) snprintf(message, size, "%s", line);
  }
  fclose(file);
}

tsr_status tsr__child_run(const char *const *argv, const char *errors) {
  pid_t child;
  int how;
  char message[1024];
  TSR_TRY(start(argv, errors, &child));
  while (waitpid(child, &how, 0) < 0)
    TSR_CHECK(errno == EINTR, TSR_IO, "cannot wait for tessera %s: %s", argv[1], strerror(errno));
  if (WIFSIGNALED(how))
    return tsr__error(TSR_UNSUPPORTED, "tessera %s was ended by signal %d", argv[1], WTERMSIG(how));
  if (WEXITSTATUS(how) == 0) return TSR_OK;
  read_message(errors, message, sizeof message);
  return tsr__error(status_of(WEXITSTATUS(how)), "%s", *message ? message : "no message");
}
