#include "tests/gpusim/driver/call.h"

namespace gpusim::driver {
namespace {

struct Row {
  CUresult result;
  const char *name;
  const char *text;
};

constexpr Row kRows[] = {
#define GPUSIM_RESULT(name, text) {name, #name, text},
#include "tests/gpusim/driver/results.inc"
#undef GPUSIM_RESULT
};

const Row *find(CUresult result) {
  for (const Row &row : kRows) {
    if (row.result == result) return &row;
  }
  return nullptr;
}

}  // namespace
}  // namespace gpusim::driver

CUresult cuGetErrorName(CUresult error, const char **name) {
  if (name == nullptr) return CUDA_ERROR_INVALID_VALUE;
  const auto *row = gpusim::driver::find(error);
  *name = row != nullptr ? row->name : nullptr;
  return row != nullptr ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGetErrorString(CUresult error, const char **text) {
  if (text == nullptr) return CUDA_ERROR_INVALID_VALUE;
  const auto *row = gpusim::driver::find(error);
  *text = row != nullptr ? row->text : nullptr;
  return row != nullptr ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
