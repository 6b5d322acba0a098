#include <cerrno>
#include <cstdio>
#include <cstring>

#include "tests/gpusim/tool/tool.h"

namespace gpusim::tool {

bool read_file(const char *path, std::string *text) {
  FILE *file = fopen(path, "rb");
  if (!file) {
    fprintf(stderr, "gpusim: %s: %s\n", path, strerror(errno));
    return false;
  }
  char part[1 << 14];
  size_t count;
  while ((count = fread(part, 1, sizeof part, file)) > 0) text->append(part, count);
  const bool ok = !ferror(file);
  fclose(file);
  if (!ok) fprintf(stderr, "gpusim: %s: can't be read\n", path);
  return ok;
}

}  // namespace gpusim::tool

namespace {

const char kHelp[] =
    "usage: gpusim opcodes FILE.ptx\n"
    "\n"
    "opcodes  lists the opcodes of a PTX file, how often each occurs, and which of them the\n"
    "         simulator can't execute\n"
    "\n"
    "Exit code 0: everything can be executed; 1: something is missing, or the file is no PTX;\n"
    "2: wrong usage.\n"
    "\n"
    "Example:\n"
    "  nvcc -arch=sm_80 -ptx kernel.cu && gpusim opcodes kernel.ptx\n";

int usage(const char *what, const char *value) {
  fprintf(stderr, "gpusim: %s%s%s; try gpusim --help\n", what, value ? " " : "",
          value ? value : "");
  return gpusim::tool::kUsage;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 2) return usage("a command is missing", nullptr);
  if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
    fputs(kHelp, stdout);
    return gpusim::tool::kOk;
  }
  if (strcmp(argv[1], "opcodes") != 0) return usage("unknown command", argv[1]);
  if (argc != 3) return usage("opcodes takes one FILE.ptx", nullptr);
  return gpusim::tool::list_opcodes(argv[2]);
}
