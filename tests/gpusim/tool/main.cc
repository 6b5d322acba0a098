#include <cerrno>
#include <cstdio>
#include <cstring>

#include "tests/gpusim/tool/run.h"
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

const char kHelp[] = R"(usage: gpusim opcodes FILE.ptx
       gpusim run FILE.ptx --kernel NAME [OPTIONS]

opcodes  lists the opcodes of a PTX file, how often each occurs, and which of them the simulator
         can't execute
run      runs one kernel, and prints its counters and the modelled lower bound

Options of run:
  --grid X[,Y[,Z]]    CTAs; 1
  --block X[,Y[,Z]]   threads of a CTA; 1
  --shared BYTES      dynamic shared memory; 0
  --arg TYPE:VALUE    the next parameter, such as i32:5, f32:1.5, u64:0x10; types are
                      i8 u8 i16 u16 i32 u32 i64 u64 f16 bf16 f32 f64
  --arg buf:TYPE:COUNT:random|zero|iota[:SEED]
                      a buffer in device memory; the parameter is its address
  --dump ARG:COUNT    prints the first elements of a buffer after the run; ARG counts from 0
  --json              counters as one JSON object
  --device NAME       a100, a10 or h100; a100
  --seed N            order of warps and CTAs; 1
  --checks all|none   all

Exit code 0: done; 1: a fault, or something is missing; 2: wrong usage.

Examples:
  nvcc -arch=sm_80 -ptx kernel.cu && gpusim opcodes kernel.ptx
  gpusim run scale.ptx --kernel scale --grid 4 --block 256 --arg f32:2 --arg i32:1024 \
    --arg buf:f32:1024:iota --dump 2:8
)";

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
  if (!strcmp(argv[1], "run")) {
    gpusim::tool::RunOptions options;
    if (!gpusim::tool::parse_run_options(argc - 2, argv + 2, &options)) {
      return gpusim::tool::kUsage;
    }
    return gpusim::tool::run_kernel(options);
  }
  if (strcmp(argv[1], "opcodes") != 0) return usage("unknown command", argv[1]);
  if (argc != 3) return usage("opcodes takes one FILE.ptx", nullptr);
  return gpusim::tool::list_opcodes(argv[2]);
}
