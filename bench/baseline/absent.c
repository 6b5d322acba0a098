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

#if !TESSERA_HAVE_CUDA_HEADERS
static tsr_status no_cuda_headers(const char **version) {
  *version = "";
  return tsr__error(TSR_NOT_FOUND,
                    "CUDA's libraries: this build has no baselines of them "
                    "(cublasLt.h and cusparse.h were not found)");
}

#define ABSENT(symbol, its_key, its_name)        \
  const tsr__baseline tsr__baseline_##symbol = { \
      .key = its_key, .name = its_name, .backend = TSR_BACKEND_CUDA, .open = no_cuda_headers};
ABSENT(cublaslt, "cublaslt", "cuBLASLt matmul")
ABSENT(cusparse_csr, "cusparse-csr", "cuSPARSE SpMM, CSR")
ABSENT(cusparse_bsr, "cusparse-bsr", "cuSPARSE SpMM, BSR")
ABSENT(cusparse_ell, "cusparse-ell", "cuSPARSE SpMM, Blocked-ELL")
ABSENT(cusparselt, "cusparselt", "cuSPARSELt matmul")
ABSENT(cudnn, "cudnn", "cuDNN convolution")
#undef ABSENT
#endif
