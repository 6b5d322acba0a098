#include "tests/gpusim/cases/driver_case.h"

#define WORD_ADDRESS               \
  "  ld.param.u64 %p, [p];\n"      \
  "  cvta.to.global.u64 %p, %p;\n" \
  "  mov.u32 %t, %tid.x;\n"        \
  "  mov.u32 %c, %ctaid.x;\n"      \
  "  mov.u32 %n, %ntid.x;\n"       \
  "  mad.lo.u32 %t, %c, %n, %t;\n" \
  "  mad.wide.u32 %p, %t, 4, %p;\n"
#define REGISTERS "  .reg .u64 %p, %q;\n  .reg .u32 %t, %c, %n, %v, %w;\n"

const char *const driver_case_ptx =
    ".version 8.0\n.target sm_80\n.address_size 64\n"
    ".extern .shared .align 16 .b8 pool[];\n"
    ".global .align 4 .u32 table[4] = {1, 2, 3, 4};\n"
    ".visible .entry add(.param .u64 p, .param .u32 value) {\n" REGISTERS WORD_ADDRESS
    "  ld.param.u32 %v, [value];\n"
    "  ld.global.u32 %w, [%p];\n"
    "  add.u32 %w, %w, %v;\n"
    "  st.global.u32 [%p], %w;\n"
    "  ret;\n}\n"
    ".visible .entry set(.param .u64 p, .param .u32 value) {\n" REGISTERS WORD_ADDRESS
    "  ld.param.u32 %v, [value];\n"
    "  st.global.u32 [%p], %v;\n"
    "  ret;\n}\n"
    ".visible .entry big(.param .u64 p, .param .align 16 .b8 s[400]) {\n" REGISTERS WORD_ADDRESS
    "  mov.b64 %q, s;\n"
    "  mad.wide.u32 %q, %t, 4, %q;\n"
    "  ld.param.u32 %v, [%q];\n"
    "  st.global.u32 [%p], %v;\n"
    "  ret;\n}\n"
    ".visible .entry dynamic(.param .u64 p, .param .u32 last) {\n" REGISTERS WORD_ADDRESS
    "  ld.param.u32 %v, [last];\n"
    "  mov.u32 %w, pool;\n"
    "  add.u32 %w, %w, %v;\n"
    "  st.shared.u32 [%w], %v;\n"
    "  ld.shared.u32 %v, [%w];\n"
    "  st.global.u32 [%p], %v;\n"
    "  ret;\n}\n"
    ".visible .entry bad() {\n  .reg .u64 %p;\n"
    "  mov.u64 %p, 16;\n"
    "  st.global.u32 [%p], 1;\n"
    "  ret;\n}\n"
    ".visible .entry bounded() .maxntid 64, 1, 1 {\n  ret;\n}\n"
    ".visible .entry required() .reqntid 32, 2, 1 {\n  ret;\n}\n"
    ".visible .entry fixed() {\n  .shared .align 4 .b8 own[1024];\n  ret;\n}\n";

CUmodule driver_case_module;

void driver_case_begin(void) {
  CUcontext context;
  setenv("GPUSIM_QUIET", "1", 0);
  OK(cuInit(0));
  OK(cuDevicePrimaryCtxRetain(&context, 0));
  OK(cuCtxSetCurrent(context));
  OK(cuModuleLoadData(&driver_case_module, driver_case_ptx));
}

void driver_case_end(void) {
  gpusim_clear_fault();
  OK(cuDevicePrimaryCtxRelease_v2(0));
}

CUfunction driver_case_function(const char *name) {
  CUfunction function = NULL;
  OK(cuModuleGetFunction(&function, driver_case_module, name));
  return function;
}

CUdeviceptr driver_case_words(uint32_t value, size_t count) {
  CUdeviceptr p = 0;
  OK(cuMemAlloc(&p, count * 4));
  OK(cuMemsetD32(p, value, count));
  OK(cuCtxSynchronize());
  return p;
}

uint32_t driver_case_word(CUdeviceptr address) {
  uint32_t word = 0;
  OK(cuMemcpyDtoH(&word, address, sizeof word));
  return word;
}

CUresult driver_case_launch(const char *name, CUdeviceptr p, uint32_t value, unsigned count,
                            CUstream stream) {
  void *values[] = {&p, &value};
  return cuLaunchKernel(driver_case_function(name), 1, 1, 1, count, 1, 1, 0, stream, values, NULL);
}
