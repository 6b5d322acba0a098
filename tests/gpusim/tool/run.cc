/* gpusim run: one kernel, through the driver API, as a program would launch it. */
#include "tests/gpusim/tool/run.h"

#include <cuda.h>

#include <cstdio>
#include <cstdlib>

#include "tests/gpusim/gpusim.h"
#include "tests/gpusim/tool/tool.h"

namespace gpusim::tool {
namespace {

constexpr unsigned kFreeShared = 48u << 10; /* more has to be asked for */

/* The driver writes its reason to stderr; this names the step. */
bool ok(CUresult result, const char *step) {
  if (result == CUDA_SUCCESS) return true;
  const char *name = nullptr;
  (void)cuGetErrorName(result, &name);
  fprintf(stderr, "gpusim: %s: %s\n", step, name ? name : "?");
  return false;
}

struct Values {
  std::vector<uint64_t> words; /* the scalar or the buffer's address, one for each argument */
  std::vector<void *> pointers;
};

bool make_arguments(const RunOptions &options, Values *values) {
  for (const Argument &argument : options.arguments) {
    CUdeviceptr address = 0;
    if (argument.is_buffer) {
      const std::vector<uint8_t> bytes = contents(argument);
      if (!ok(cuMemAlloc(&address, bytes.size()), "allocation of a buffer") ||
          !ok(cuMemcpyHtoD(address, bytes.data(), bytes.size()), "copy to a buffer")) {
        return false;
      }
    }
    values->words.push_back(argument.is_buffer ? address : argument.bits);
  }
  for (uint64_t &word : values->words) values->pointers.push_back(&word);
  return true;
}

/* As many arguments as the kernel has parameters, each of its size. */
bool check_arguments(CUfunction function, const RunOptions &options) {
  size_t offset, bytes, count = 0;
  while (cuFuncGetParamInfo(function, count, &offset, &bytes) == CUDA_SUCCESS) {
    if (count < options.arguments.size()) {
      const Argument &argument = options.arguments[count];
      const size_t given = argument.is_buffer ? sizeof(CUdeviceptr) : argument.type->bytes;
      if (given != bytes) {
        fprintf(stderr, "gpusim: %s: argument %zu has %zu bytes, the kernel's parameter %zu\n",
                options.kernel, count, given, bytes);
        return false;
      }
    }
    count++;
  }
  if (count == options.arguments.size()) return true;
  fprintf(stderr, "gpusim: %s has %zu parameters, %zu arguments were given\n", options.kernel,
          count, options.arguments.size());
  return false;
}

bool print_dump(const RunOptions &options, const Values &values, const Dump &dump) {
  const ElementType &type = *options.arguments[dump.argument].type;
  std::vector<uint8_t> bytes(dump.count * type.bytes);
  if (!bytes.empty() &&
      !ok(cuMemcpyDtoH(bytes.data(), values.words[dump.argument], bytes.size()), "--dump")) {
    return false;
  }
  printf("argument %llu:", static_cast<unsigned long long>(dump.argument));
  for (uint64_t i = 0; i < dump.count; i++) {
    printf(" %s", show(type, bytes.data() + i * type.bytes).c_str());
  }
  printf("\n");
  return true;
}

/* {"a": 1, "b": {"c": 2}} as lines "a: 1", "b:", "  c: 2"; no value of ours holds an escape. */
void print_text(const std::string &json) {
  unsigned depth = 0;
  bool quoted = false, in_list = false;
  for (const char c : json) {
    if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '{' || c == '}')) {
      depth = c == '{' ? depth + 1 : depth - 1;
      if (c == '{' && depth > 1) printf("\n%*s", static_cast<int>(2 * (depth - 1)), "");
    } else if (!quoted && c == ',' && !in_list) {
      printf("\n%*s", static_cast<int>(2 * (depth - 1)), "");
    } else if (quoted || (c != '\n' && c != ' ')) {
      if (!quoted && (c == '[' || c == ']')) in_list = c == '[';
      putchar(c);
      if (c == ':' && !quoted) putchar(' ');
    }
  }
  putchar('\n');
}

void print_counters(bool as_json) {
  char *json = gpusim_last_launch_json();
  if (!json) {
    fprintf(stderr, "gpusim: no counters\n");
    return;
  }
  if (as_json) {
    puts(json);
  } else {
    print_text(json);
  }
  free(json);
}

bool launch(CUfunction function, const RunOptions &options, Values *values) {
  if (options.shared_bytes > kFreeShared &&
      !ok(cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                             static_cast<int>(options.shared_bytes)),
          "--shared")) {
    return false;
  }
  const unsigned *grid = options.grid, *block = options.block;
  return ok(cuLaunchKernel(function, grid[0], grid[1], grid[2], block[0], block[1], block[2],
                           options.shared_bytes, nullptr, values->pointers.data(), nullptr),
            options.kernel) &&
         ok(cuCtxSynchronize(), options.kernel);
}

}  // namespace

int run_kernel(const RunOptions &options) {
  std::string text;
  CUdevice device;
  CUcontext context;
  CUmodule module;
  CUfunction function;
  Values values;
  if (!read_file(options.path, &text)) return kFailed;
  if (!ok(cuInit(0), "cuInit") || !ok(cuDeviceGet(&device, 0), "device") ||
      !ok(cuDevicePrimaryCtxRetain(&context, device), "context") ||
      !ok(cuCtxSetCurrent(context), "context") ||
      !ok(cuModuleLoadData(&module, text.c_str()), options.path) ||
      !ok(cuModuleGetFunction(&function, module, options.kernel), options.kernel)) {
    return kFailed;
  }
  if (!check_arguments(function, options)) return kUsage;
  bool done = make_arguments(options, &values) && launch(function, options, &values);
  if (done) print_counters(options.json);
  for (size_t i = 0; done && i < options.dumps.size(); i++) {
    done = print_dump(options, values, options.dumps[i]);
  }
  (void)cuDevicePrimaryCtxRelease(device);
  return done ? kOk : kFailed;
}

}  // namespace gpusim::tool
