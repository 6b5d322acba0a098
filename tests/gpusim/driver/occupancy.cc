#include "tests/gpusim/driver/occupancy.h"

#include <algorithm>

#include "tests/gpusim/driver/call.h"
#include "tests/gpusim/driver/device.h"
#include "tests/gpusim/driver/module.h"
#include "tests/gpusim/model/occupancy.h"

namespace gpusim::driver {
namespace {

constexpr int kAssumedRegisters = 32;

int round_up(int value, int unit) { return (value + unit - 1) / unit * unit; }

int product(const uint32_t (&threads)[3]) {
  uint64_t all = threads[0];
  for (int i = 1; i < 3; i++) {
    all = std::min<uint64_t>(all, kThreadsPerBlock) * std::max(threads[i], 1u);
  }
  return static_cast<int>(std::min<uint64_t>(all, kThreadsPerBlock));
}

Function *find(const Call &call, CUfunction handle, CUresult *error) {
  auto *function = Handles::all().find<Function>(handle);
  if (function == nullptr) *error = call.bad_handle("function");
  return function;
}

}  // namespace

int assumed_registers(const ptx::Function &source) {
  if (source.max_registers != 0) {
    return static_cast<int>(std::min<uint32_t>(source.max_registers, kRegistersPerThread));
  }
  const int threads = product(source.max_threads) *
                      static_cast<int>(std::min<uint32_t>(std::max(source.min_ctas, 1u), 32));
  if (threads == 0) return kAssumedRegisters;
  const int fitting = kRegistersPerSm / round_up(threads, kWarp) / 8 * 8;
  return std::clamp(fitting, 16, kAssumedRegisters);
}

int max_threads(const ptx::Function &source, int registers) {
  const int required = product(source.required_threads);
  const int bound = required != 0 ? required : product(source.max_threads);
  const int by_registers = warps_by_registers(registers) * kWarp;
  return std::min({bound != 0 ? bound : kThreadsPerBlock, by_registers, kThreadsPerBlock});
}

int active_blocks(const Function &function, int threads, uint64_t dynamic_bytes) {
  if (threads > function.max_threads) return 0;
  const CtaNeeds needs = {threads, function.registers, function.code->shared_bytes + dynamic_bytes};
  return occupancy(device(), needs).ctas;
}

}  // namespace gpusim::driver

using gpusim::driver::Call;
using gpusim::driver::device;
using gpusim::driver::Function;

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, CUfunction handle,
                                                              int threads, size_t dynamic_bytes,
                                                              unsigned flags) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  const Function *function = gpusim::driver::find(call, handle, &error);
  if (function == nullptr) return error;
  if (blocks == nullptr) return call.null("numBlocks");
  if (threads <= 0 || flags > CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "block of %d threads, flags %u", threads, flags);
  }
  *blocks = gpusim::driver::active_blocks(*function, threads, dynamic_bytes);
  return CUDA_SUCCESS;
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction function, int threads,
                                                     size_t dynamic_bytes) {
  return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, function, threads,
                                                              dynamic_bytes, 0);
}

CUresult cuOccupancyMaxPotentialBlockSizeWithFlags(int *grid, int *block, CUfunction handle,
                                                   CUoccupancyB2DSize dynamic_of,
                                                   size_t dynamic_bytes, int limit,
                                                   unsigned flags) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  const Function *function = gpusim::driver::find(call, handle, &error);
  if (function == nullptr) return error;
  if (grid == nullptr || block == nullptr) return call.null("minGridSize or blockSize");
  if (flags > CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE || limit < 0) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "limit %d, flags %u", limit, flags);
  }
  int best = 0, best_threads = 0, best_blocks = 0;
  const int most = limit == 0 ? function->max_threads : std::min(limit, function->max_threads);
  for (int threads = most; threads > 0;) {
    const size_t bytes = dynamic_of != nullptr ? dynamic_of(threads) : dynamic_bytes;
    const int blocks = gpusim::driver::active_blocks(*function, threads, bytes);
    if (blocks * threads > best) {
      best = blocks * threads;
      best_threads = threads;
      best_blocks = blocks;
    }
    threads = (threads - 1) / gpusim::driver::kWarp * gpusim::driver::kWarp;
  }
  *grid = best_blocks * device().sms;
  *block = best_threads;
  return CUDA_SUCCESS;
}

CUresult cuOccupancyMaxPotentialBlockSize(int *grid, int *block, CUfunction function,
                                          CUoccupancyB2DSize dynamic_of, size_t dynamic_bytes,
                                          int limit) {
  return cuOccupancyMaxPotentialBlockSizeWithFlags(grid, block, function, dynamic_of, dynamic_bytes,
                                                   limit, 0);
}

CUresult cuOccupancyAvailableDynamicSMemPerBlock(size_t *bytes, CUfunction handle, int blocks,
                                                 int threads) {
  const Call call(__func__);
  if (!call) return call.result();
  CUresult error = CUDA_SUCCESS;
  const Function *function = gpusim::driver::find(call, handle, &error);
  if (function == nullptr) return error;
  if (bytes == nullptr) return call.null("dynamicSmemSize");
  if (blocks <= 0 || threads <= 0 ||
      gpusim::driver::active_blocks(*function, threads, 0) < blocks) {
    return call.fail(CUDA_ERROR_INVALID_VALUE, "%d blocks of %d threads don't fit", blocks,
                     threads);
  }
  const int share = device().shared_per_sm / blocks / static_cast<int>(gpusim::kSharedUnit) *
                    static_cast<int>(gpusim::kSharedUnit);
  const int room = std::min(share - gpusim::driver::kSharedReserved, device().shared_optin);
  *bytes = static_cast<size_t>(std::max(0, room - static_cast<int>(function->code->shared_bytes)));
  return CUDA_SUCCESS;
}
