/* The baselines of libraries whose headers this build did not find. */
#include "bench/baseline/baseline.h"
#include "runtime/base/status.h"

#if !TESSERA_HAVE_ONEDNN
static tsr_status no_onednn(const char **version) {
  *version = "";
  return tsr__error(TSR_NOT_FOUND,
                    "oneDNN: this build has no baseline (oneDNN 2.x's headers were not found)");
}

const tsr__baseline tsr__baseline_onednn = {
    .key = "onednn", .name = "onednn matmul (packed weights)", .open = no_onednn};
const tsr__baseline tsr__baseline_sgemm = {
    .key = "sgemm", .name = "onednn sgemm", .open = no_onednn};
#endif

#if !TESSERA_HAVE_CUBLASLT
static tsr_status no_cublaslt(const char **version) {
  *version = "";
  return tsr__error(TSR_NOT_FOUND,
                    "cuBLASLt: this build has no baseline (cublasLt.h was not found)");
}

const tsr__baseline tsr__baseline_cublaslt = {
    .key = "cublaslt", .name = "cuBLASLt matmul", .backend = TSR_BACKEND_CUDA, .open = no_cublaslt};
#endif
