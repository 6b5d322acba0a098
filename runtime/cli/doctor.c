/* tessera doctor: what this machine has, and which kernels can therefore run. */
#include <string.h>
#include <sys/utsname.h>

#include "kernels/cpu/cpuid.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/libraries.h"
#include "runtime/cuda/context.h"

typedef struct doctor_options {
  int json;
} doctor_options;

typedef enum register_of_leaf { EBX, ECX, EDX } register_of_leaf;

/* Instruction sets worth knowing about, whether or not kernels use them: cpuid leaf (subleaf 0),
 * register, bit. */
static const struct {
  const char *name;
  uint32_t leaf;
  register_of_leaf where;
  int bit;
} features[] = {
    {"sse4.2", 1, ECX, 20},   {"avx", 1, ECX, 28},         {"f16c", 1, ECX, 29},
    {"fma", 1, ECX, 12},      {"avx2", 7, EBX, 5},         {"avx512f", 7, EBX, 16},
    {"avx512dq", 7, EBX, 17}, {"avx512bw", 7, EBX, 30},    {"avx512vl", 7, EBX, 31},
    {"vnni", 7, ECX, 11},     {"amx-bf16", 7, EDX, 22},    {"amx-tile", 7, EDX, 24},
    {"amx-int8", 7, EDX, 25}, {"avx512-fp16", 7, EDX, 23},
};

/* Register sets that the operating system must save before they may be used: bits of XCR0. */
static const struct {
  const char *name;
  uint64_t bits;
} register_sets[] = {{"sse", 0x2}, {"avx", 0x6}, {"avx512", 0xe6}, {"amx", 0x60000}};

static int has_feature(size_t index) {
  tsr__cpuid_registers r = tsr__cpuid(features[index].leaf, 0);
  register_of_leaf where = features[index].where;
  uint32_t word = where == EBX ? r.ebx : where == ECX ? r.ecx : r.edx;
  return word >> features[index].bit & 1;
}

static int saves_registers(size_t index) {
  uint64_t bits = register_sets[index].bits;
  return (tsr__xcr0() & bits) == bits;
}

/* Everything that is reported. */
typedef struct findings {
  tsr_hardware hardware;
  tsr__library libraries[TSR__LIBRARIES];
  struct utsname system;
  char tuning_path[TSR__PATH_MAX];
  char tuning[512]; /* "measured here", or why there is none */
} findings;

static tsr_status examine(findings *f) {
  tsr_status status = tsr_hardware_detect(&f->hardware);
  if (status == TSR_OK) status = tsr_hardware_detect_gpu(&f->hardware);
  if (status != TSR_OK) return status;
  tsr__libraries(f->libraries);
  if (uname(&f->system) < 0) memset(&f->system, 0, sizeof f->system);
  status = tsr_tuning_default_path(&f->hardware, f->tuning_path, sizeof f->tuning_path);
  tsr_tuning *tuning = NULL;
  if (status == TSR_OK) status = tsr_tuning_load(f->tuning_path, &f->hardware, &tuning);
  tsr_tuning_destroy(tuning);
  /* Even a broken file is a finding, not a failure of the doctor. */
  if (status == TSR_OK)
    snprintf(f->tuning, sizeof f->tuning, "measured on this machine");
  else if (status == TSR_NOT_FOUND)
    snprintf(f->tuning, sizeof f->tuning, "none yet: built-in costs are used; see tessera tune");
  else
    snprintf(f->tuning, sizeof f->tuning, "not used: %.480s", tsr_last_error());
  return TSR_OK;
}

static void print_machine(const findings *f) {
  const tsr_hardware *h = &f->hardware;
  printf("tessera %s\n\n", tsr_version());
  printf("CPU        %s\n", h->name);
  printf("cores      %d usable by this process\n", h->cores);
  printf("caches     L1d %lld KiB, L2 %lld KiB, L3 %lld KiB\n", (long long)(h->l1d_bytes >> 10),
         (long long)(h->l2_bytes >> 10), (long long)(h->l3_bytes >> 10));
  printf("features  ");
  for (size_t i = 0; i < TSR__COUNT(features); i++)
    if (has_feature(i)) printf(" %s", features[i].name);
  printf("\nsystem     %s %s, saves the registers of", f->system.sysname, f->system.release);
  for (size_t i = 0; i < TSR__COUNT(register_sets); i++)
    if (saves_registers(i)) printf(" %s", register_sets[i].name);
  printf("\n");
  if (h->isa[TSR_ISA_SM80])
    printf("GPU        %s, %d multiprocessors\n", h->gpu, (int)h->gpu_sms);
  else
    printf("GPU        none that can be used: %s\n", h->missing[TSR_ISA_SM80]);
  for (int i = 1; i < tsr__cuda_device_count(); i++) {
    char name[64];
    if (tsr__cuda_device_name(i, name, sizeof name) == TSR_OK)
      printf("           %s (--device %d)\n", name, i);
  }
}

static void print_kernels(const tsr_hardware *h) {
  const tsr_spmm_kernel *kernel;
  printf("\nkernels\n");
  for (size_t i = 0; (kernel = tsr_spmm_kernel_at(i)); i++) {
    tsr_isa isa = tsr_spmm_kernel_isa(kernel);
    printf("  %-8s %-7s %-40s %s%s\n", tsr_format_name(tsr_spmm_kernel_format(kernel)),
           tsr_isa_name(isa), tsr_spmm_kernel_name(kernel),
           h->isa[isa] ? "usable" : "not usable: ", h->isa[isa] ? "" : h->missing[isa]);
  }
}

static void report_text(const findings *f) {
  print_machine(f);
  printf("\nlibraries\n");
  for (int i = 0; i < TSR__LIBRARIES; i++) {
    const tsr__library *library = &f->libraries[i];
    printf("  %-10s %-10s %s\n", library->name, *library->version ? library->version : "not found",
           library->use);
    if (*library->reason) printf("%24s%s\n", "", library->reason);
  }
  print_kernels(&f->hardware);
  printf("\ntuning\n  %s\n  %s\n", f->tuning_path, f->tuning);
}

static json_t *kernels_json(const tsr_hardware *h) {
  json_t *array = json_array();
  const tsr_spmm_kernel *kernel;
  for (size_t i = 0; (kernel = tsr_spmm_kernel_at(i)); i++) {
    tsr_isa isa = tsr_spmm_kernel_isa(kernel);
    json_t *row =
        json_pack("{s:s, s:s, s:s, s:b, s:s?}", "name", tsr_spmm_kernel_name(kernel), "format",
                  tsr_format_name(tsr_spmm_kernel_format(kernel)), "isa", tsr_isa_name(isa),
                  "usable", h->isa[isa], "reason", h->isa[isa] ? NULL : h->missing[isa]);
    array = tsr__json_append(array, row);
  }
  return array;
}

static json_t *libraries_json(const findings *f) {
  json_t *array = json_array();
  for (int i = 0; i < TSR__LIBRARIES; i++) {
    const tsr__library *library = &f->libraries[i];
    json_t *row = json_pack("{s:s, s:s?, s:s?, s:s}", "name", library->name, "version",
                            *library->version ? library->version : NULL, "reason",
                            *library->reason ? library->reason : NULL, "use", library->use);
    array = tsr__json_append(array, row);
  }
  return array;
}

static json_t *names_json(int (*has)(size_t), size_t count, const char *(*name)(size_t)) {
  json_t *array = json_array();
  for (size_t i = 0; i < count; i++)
    if (has(i)) array = tsr__json_append(array, json_string(name(i)));
  return array;
}

static const char *feature_name(size_t index) { return features[index].name; }
static const char *register_set_name(size_t index) { return register_sets[index].name; }

static json_t *gpu_json(const tsr_hardware *h) {
  int usable = h->isa[TSR_ISA_SM80];
  json_t *devices = json_array();
  for (int i = 0; i < tsr__cuda_device_count(); i++) {
    char name[64];
    if (tsr__cuda_device_name(i, name, sizeof name) == TSR_OK)
      devices = tsr__json_append(devices, json_string(name));
  }
  return json_pack("{s:s?, s:i, s:b, s:s?, s:o}", "name", *h->gpu ? h->gpu : NULL,
                   "multiprocessors", (int)h->gpu_sms, "usable", usable, "reason",
                   usable ? NULL : h->missing[TSR_ISA_SM80], "devices", devices);
}

static tsr_status report_json(const findings *f) {
  const tsr_hardware *h = &f->hardware;
  json_t *cpu = json_pack("{s:s, s:i, s:I, s:I, s:I, s:o}", "name", h->name, "cores", h->cores,
                          "l1d_bytes", (json_int_t)h->l1d_bytes, "l2_bytes",
                          (json_int_t)h->l2_bytes, "l3_bytes", (json_int_t)h->l3_bytes, "features",
                          names_json(has_feature, TSR__COUNT(features), feature_name));
  json_t *system = json_pack(
      "{s:s, s:s, s:o}", "name", f->system.sysname, "release", f->system.release, "saved_registers",
      names_json(saves_registers, TSR__COUNT(register_sets), register_set_name));
  return tsr__print_json(
      json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:{s:s, s:s}}", "version", tsr_version(), "cpu",
                cpu, "gpu", gpu_json(h), "system", system, "libraries", libraries_json(f),
                "kernels", kernels_json(h), "tuning", "path", f->tuning_path, "state", f->tuning),
      stdout);
}

static tsr_status doctor(const void *values) {
  const doctor_options *options = values;
  findings f;
  tsr_status status = examine(&f);
  if (status != TSR_OK) return status;
  if (options->json) return report_json(&f);
  report_text(&f);
  return TSR_OK;
}

static const tsr__option rows[] = {TSR__ROW_JSON(doctor_options)};

static const tsr__example examples[] = {
    {"tessera doctor", "what this machine has, for people"},
    {"tessera doctor --json | jq .kernels", "the same for programs"},
    {"TESSERA_MAX_ISA=avx2 tessera doctor", "what would be left on a machine without AVX-512"},
    {"TESSERA_CUDA_DRIVER=./libgpusim.so tessera doctor", "with another CUDA driver"},
};

const tsr__command tsr__cli_doctor = {
    .details =
        "Reports the CPU, the GPU, what the operating system supports, the libraries and their "
        "versions, which kernels can run and why the others cannot, and whether there is "
        "a tuning file.",
    .options = rows,
    .option_count = TSR__COUNT(rows),
    .examples = examples,
    .example_count = TSR__COUNT(examples),
    .values_bytes = sizeof(doctor_options),
    .run = doctor,
};
