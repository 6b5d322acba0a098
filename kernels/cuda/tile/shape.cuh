// The sizes of a CTA's work that follow from a kernel's row.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "kernels/cuda/args.h"

namespace tessera {

// The element types by their names in kernels.inc.
using F16 = half;
using BF16 = __nv_bfloat16;

constexpr int kLanes = 32, kFragment = 16;

// Sparse: a fragment stands for 32 columns of A, of which it keeps half.
template <int kTileM, int kTileN, int kTileK, int kStageCount, int kThreadCount, bool kIsSparse,
          int kStepFragments = TSR_CUDA_STEP_FRAGMENTS(kTileM, kTileK, kIsSparse ? 32 : 16)>
struct Shape {
  static constexpr int kM = kTileM, kN = kTileN, kK = kTileK, kStages = kStageCount;
  static constexpr int kThreads = kThreadCount, kWarps = kThreads / kLanes;
  static constexpr bool kSparse = kIsSparse;
  static constexpr int kDepth = kSparse ? 32 : 16;  // columns of B under a fragment
  static constexpr int kColumns = kK / kDepth;      // columns of fragments in a step
  static constexpr int kRows = kM / kFragment;      // rows of fragments in a CTA
  static constexpr int kFragments = kStepFragments;  // in a step, at most
  static constexpr int kWarpsN = 2, kWarpsM = kWarps / kWarpsN;
  static constexpr int kWarpRows = kRows / kWarpsM;  // rows of fragments in a warp
  static constexpr int kWarpN = kN / kWarpsN;        // tokens of a warp
  static constexpr int kWarpTiles = kWarpN / 8;      // mma tiles beside each other in a warp

  static_assert(kColumns >= 1 && kColumns <= TSR_CUDA_STEP_COLUMNS, "a step has 1 to 4 columns");
  static_assert(kRows <= 16, "a step's mask has 16 bits");
  static_assert(kFragments >= kRows, "every column fits into a step");
  static_assert(kRows % kWarpsM == 0, "every warp has whole rows of fragments");
  static_assert(kWarpN % 16 == 0, "ldmatrix.x4 loads 16 tokens");
  static_assert(kK == 64, "a token's part of a step is a line of eight chunks of 16 bytes");
  static_assert(kStages >= 3, "two steps are in flight while one is computed");

  // A stage in shared memory: B's tile, the fragments of A, their metadata, the step itself.
  static constexpr int kFragmentBytes = kFragment * kFragment * 2;
  static constexpr int kMetaBytes = kSparse ? 64 : 0;  // of a fragment
  static constexpr int kBytesB = kN * kK * 2;
  static constexpr int kValuesAt = kBytesB;
  static constexpr int kMetaAt = kValuesAt + kFragments * kFragmentBytes;
  static constexpr int kStepAt = kMetaAt + kFragments * kMetaBytes;
  static constexpr int kStageBytes = kStepAt + 128;
  static_assert(kStageBytes % 128 == 0, "B's lines are aligned");

  // The epilogue's tile of f32 sums lies over the stages. The padding keeps a warp's stores apart.
  static constexpr int kPitch = kM + 4;
  static constexpr int kSumBytes = kN * kPitch * 4;
  static constexpr int kSharedBytes =
      kSumBytes > kStages *kStageBytes ? kSumBytes : kStages *kStageBytes;
};

}  // namespace tessera
