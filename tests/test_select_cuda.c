/* Selection among the CUDA kernels, on forged GPUs. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cuda/work.h"
#include "runtime/plan/registry.h"
#include "tests/forged.h"

/* Shared memory that a CTA may have: sm_80, sm_86, sm_90 (CUDA's programming guide, technical
 * specifications per compute capability: 163, 99 and 227 KiB). */
enum { SM80_SHARED = 163 << 10, SM86_SHARED = 99 << 10, SM90_SHARED = 227 << 10, A100_SMS = 108 };

static tsr_spmm_problem problem_of(const char *pattern, tsr_format format, int64_t m, int64_t k,
                                   int64_t n, double density) {
  tsr_spmm_problem p = {.backend = TSR_BACKEND_CUDA,
                        .format = format,
                        .m = m,
                        .k = k,
                        .n = n,
                        .stored = (int64_t)(density * (double)(m * k)),
                        .threads = A100_SMS,
                        .dtype = TSR_DTYPE_F16};
  cr_assert_eq(tsr_pattern_parse(pattern, &p.pattern), TSR_OK);
  return p;
}

static tsr_selection choose(const tsr_spmm_problem *problem, const tsr_hardware *hardware) {
  tsr_selection s;
  cr_assert_eq(tsr_select(problem, hardware, NULL, NULL, 1, &s), TSR_OK, "%s", tsr_last_error());
  cr_assert_eq(s.kernel->backend, TSR_BACKEND_CUDA);
  return s;
}

Test(select_cuda, only_kernels_of_the_problems_type_are_usable) {
  tsr_hardware a100 = forged_gpu(A100_SMS, SM80_SHARED);
  for (int bf16 = 0; bf16 < 2; bf16++) {
    tsr_spmm_problem p = problem_of("block:16x16", TSR_FORMAT_BCSR, 4096, 4096, 4096, 0.1);
    p.dtype = bf16 ? TSR_DTYPE_BF16 : TSR_DTYPE_F16;
    tsr_selection s = choose(&p, &a100);
    cr_assert_eq(tsr__spmm_kernel_cuda(s.kernel)->dtype, p.dtype);
    cr_assert_eq(s.kernel->format, TSR_FORMAT_BCSR);
    cr_assert_eq(s.kernel->tile_m, 256);
  }
}

Test(select_cuda, a_gpu_with_less_shared_memory_gets_small_tiles) {
  tsr_hardware a10 = forged_gpu(72, SM86_SHARED);
  tsr_spmm_problem p = problem_of("block:16x16", TSR_FORMAT_BCSR, 4096, 4096, 4096, 0.1);
  tsr_selection s = choose(&p, &a10);
  int refused = 0;
  for (int i = 0; i < s.candidate_count; i++)
    refused += strstr(s.candidates[i].reason, "shared memory") != NULL;
  cr_assert_gt(refused, 0);
  cr_assert_eq(s.kernel->tile_m, 64);
}

Test(select_cuda, newer_gpus_take_the_same_kernels) {
  tsr_hardware a100 = forged_gpu(A100_SMS, SM80_SHARED), h100 = forged_gpu(132, SM90_SHARED);
  tsr_spmm_problem p = problem_of("2:4", TSR_FORMAT_NM, 4096, 4096, 4096, 0.5);
  cr_assert_eq(choose(&p, &a100).kernel, choose(&p, &h100).kernel);
}

Test(select_cuda, an_old_gpu_is_refused_with_the_reason) {
  tsr_hardware t4 = forged_hardware(TSR_ISA_AVX512);
  strcpy(t4.missing[TSR_ISA_SM80], "Forged T4 is sm_75");
  tsr_spmm_problem p = problem_of("dense", TSR_FORMAT_DENSE, 64, 64, 64, 1);
  tsr_selection s;
  cr_assert_eq(tsr_select(&p, &t4, NULL, NULL, 1, &s), TSR_UNSUPPORTED_HARDWARE);
  cr_assert(strstr(tsr_last_error(), "Forged T4 is sm_75"), "%s", tsr_last_error());
}

Test(select_cuda, blocks_that_no_fragment_fits_run_as_dense) {
  tsr_hardware a100 = forged_gpu(A100_SMS, SM80_SHARED);
  tsr_spmm_problem p = problem_of("block:8x8", TSR_FORMAT_BCSR, 768, 768, 128, 0.1);
  tsr_selection s = choose(&p, &a100);
  cr_assert_eq(s.kernel->format, TSR_FORMAT_DENSE);
  int refused = 0;
  for (int i = 0; i < s.candidate_count; i++)
    refused += strstr(s.candidates[i].reason, "blocks of a multiple of 16") != NULL;
  cr_assert_gt(refused, 0);
}

Test(select_cuda, sums_of_parts_fit_one_tile_a_multiprocessor) {
  const tsr_cuda_spmm_kernel *kernel;
  for (size_t i = 0; (kernel = tsr__cuda_spmm_kernel_at(i)) != NULL; i++)
    for (int64_t m = 1; m < 5000; m = m * 3 + 5)
      for (int64_t n = 1; n < 3000; n = n * 2 + 3)
        for (int64_t k = 16; k < 20000; k *= 5) {
          tsr_spmm_problem p = {.m = m, .k = k, .n = n, .threads = A100_SMS};
          int64_t rows = (m + kernel->tile_m - 1) / kernel->tile_m;
          int64_t columns = (n + kernel->tile_n - 1) / kernel->tile_n;
          int32_t splits = tsr__cuda_spmm_splits(kernel, &p);
          cr_assert(splits >= 1 && splits <= 16);
          if (splits > 1) cr_assert_leq(rows * columns * splits, A100_SMS);
        }
}

/* BERT-base with one sequence of 128 tokens: at least 80 of 108 multiprocessors get a CTA. */
Test(select_cuda, few_tokens_still_fill_the_gpu) {
  static const int64_t shapes[][2] = {{768, 768}, {3072, 768}, {768, 3072}};
  static const struct {
    const char *pattern;
    tsr_format format;
    double stored;
  } weights[] = {
      {"dense", TSR_FORMAT_DENSE, 1},        {"block:16x16", TSR_FORMAT_BCSR, 0.1},
      {"block:64x64", TSR_FORMAT_BCSR, 0.5}, {"2:4", TSR_FORMAT_NM, 0.5},
      {"vnm:64:2:8", TSR_FORMAT_VNM, 0.25},  {"block:64x64+2:4", TSR_FORMAT_BCSR_NM, 0.25},
      {"vnm:32:2:8", TSR_FORMAT_VNM, 0.25},  {"vnm:64:2:16", TSR_FORMAT_VNM, 0.125},
      {"vnm:128:2:8", TSR_FORMAT_VNM, 0.25}, {"vnm:128:2:32", TSR_FORMAT_VNM, 0.0625},
      {"vnm:64:2:4", TSR_FORMAT_VNM, 0.5},   {"block:32x32", TSR_FORMAT_BCSR, 0.25},
      {"block:16x16", TSR_FORMAT_BCSR, 0.5}, {"row", TSR_FORMAT_COMPACT, 0.5},
      {"column", TSR_FORMAT_COMPACT, 0.5},   {"irregular", TSR_FORMAT_CSR, 0.1}};
  tsr_hardware a100 = forged_gpu(A100_SMS, SM80_SHARED);
  for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
    for (size_t w = 0; w < sizeof weights / sizeof weights[0]; w++) {
      tsr_spmm_problem p = problem_of(weights[w].pattern, weights[w].format, shapes[s][0],
                                      shapes[s][1], 128, weights[w].stored);
      const tsr_spmm_kernel *kernel = choose(&p, &a100).kernel;
      int64_t ctas = (p.m + kernel->tile_m - 1) / kernel->tile_m *
                     ((p.n + kernel->tile_n - 1) / kernel->tile_n) *
                     tsr__cuda_spmm_splits(tsr__spmm_kernel_cuda(kernel), &p);
      cr_assert_geq(ctas, 80, "%s, %s of %d x %d: %d CTAs", kernel->name, weights[w].pattern,
                    (int)p.m, (int)p.k, (int)ctas);
    }
}

/* Gathers one by one lose to the tensor cores on the unpacked matrix unless hardly anything is
 * left. */
Test(select_cuda, csr_is_chosen_only_where_the_model_says_that_it_wins) {
  tsr_hardware a100 = forged_gpu(A100_SMS, SM80_SHARED);
  tsr_spmm_problem half = problem_of("irregular", TSR_FORMAT_CSR, 4096, 4096, 4096, 0.5);
  tsr_spmm_problem rest = problem_of("irregular", TSR_FORMAT_CSR, 4096, 4096, 4096, 0.0005);
  tsr_selection s = choose(&half, &a100);
  cr_assert_eq(s.kernel->format, TSR_FORMAT_DENSE);
  cr_assert(strstr(s.reason, "csr"), "%s", s.reason);
  cr_assert_eq(choose(&rest, &a100).kernel->format, TSR_FORMAT_CSR);
}

/* A step lasts as long as its slowest warps: blocks win only where there are zeros. */
Test(select_cuda, blocks_lose_to_dense_where_hardly_any_are_zero) {
  tsr_hardware a100 = forged_gpu(A100_SMS, SM80_SHARED);
  tsr_spmm_problem most = problem_of("block:16x16", TSR_FORMAT_BCSR, 4096, 4096, 4096, 0.995);
  tsr_spmm_problem half = problem_of("block:16x16", TSR_FORMAT_BCSR, 4096, 4096, 4096, 0.5);
  tsr_selection s = choose(&most, &a100);
  cr_assert_eq(s.kernel->format, TSR_FORMAT_DENSE);
  cr_assert(strstr(s.reason, "bcsr: 1."), "%s", s.reason);
  cr_assert_eq(choose(&half, &a100).kernel->format, TSR_FORMAT_BCSR);
}

/* The transposition before V:N:M is a launch of its own. */
Test(select_cuda, panels_lose_to_dense_on_a_handful_of_tokens) {
  tsr_hardware a100 = forged_gpu(A100_SMS, SM80_SHARED);
  tsr_spmm_problem few = problem_of("vnm:64:2:8", TSR_FORMAT_VNM, 768, 768, 8, 0.25);
  tsr_spmm_problem many = problem_of("vnm:64:2:8", TSR_FORMAT_VNM, 4096, 4096, 4096, 0.25);
  tsr_selection s = choose(&few, &a100);
  cr_assert_eq(s.kernel->format, TSR_FORMAT_DENSE);
  cr_assert(strstr(s.reason, "vnm: 1."), "%s", s.reason);
  cr_assert_eq(choose(&many, &a100).kernel->format, TSR_FORMAT_VNM);
}

Test(select_cuda, panels_that_no_warp_fits_run_as_dense) {
  tsr_hardware a100 = forged_gpu(A100_SMS, SM80_SHARED);
  tsr_spmm_problem p = problem_of("vnm:16:2:8", TSR_FORMAT_VNM, 768, 768, 128, 0.25);
  tsr_selection s = choose(&p, &a100);
  cr_assert_eq(s.kernel->format, TSR_FORMAT_DENSE);
  int refused = 0;
  for (int i = 0; i < s.candidate_count; i++)
    refused += strstr(s.candidates[i].reason, "panels of a multiple of") != NULL;
  cr_assert_gt(refused, 0);
}

Test(select_cuda, few_tokens_choose_split_k_and_many_do_not) {
  tsr_hardware a100 = forged_gpu(A100_SMS, SM80_SHARED);
  static const char *const patterns[] = {"block:16x16", "vnm:64:2:8"};
  static const tsr_format formats[] = {TSR_FORMAT_BCSR, TSR_FORMAT_VNM};
  for (int i = 0; i < 2; i++)
    for (int many = 0; many < 2; many++) {
      tsr_spmm_problem p = problem_of(patterns[i], formats[i], 768, 3072, many ? 8192 : 128, 0.25);
      const tsr_spmm_kernel *kernel = choose(&p, &a100).kernel;
      int32_t splits = tsr__cuda_spmm_splits(tsr__spmm_kernel_cuda(kernel), &p);
      cr_assert(many ? splits == 1 : splits > 1, "%s, %d tokens: %d parts", kernel->name, (int)p.n,
                (int)splits);
    }
}

/* Blocks in a tenth of the columns cost a tenth of B's traffic; scattered ones nearly all of it. */
Test(select_cuda, looks_at_the_weight_where_it_is_known) {
  enum { SIZE = 1024, BLOCKS = SIZE / 16 };
  uint16_t *w = calloc((size_t)SIZE * SIZE, sizeof *w);
  cr_assert_not_null(w);
  for (int r = 0; r < SIZE; r++)
    for (int c = 0; c < SIZE; c++) w[r * SIZE + c] = c / 16 % 8 == 0 ? 0x3c00 : 0;
  tsr_spmm_problem p = problem_of("block:16x16", TSR_FORMAT_BCSR, SIZE, SIZE, 4096, 1.0 / 8);
  tsr_matrix dense = {w, TSR_DTYPE_F16, SIZE, SIZE, SIZE};
  tsr_packed packed;
  cr_assert_eq(tsr_pack(&dense, TSR_FORMAT_BCSR, &p.pattern, &packed), TSR_OK);
  cr_assert_eq(packed.nnzb, BLOCKS * BLOCKS / 8);
  tsr_hardware a100 = forged_gpu(A100_SMS, SM80_SHARED);
  const tsr_cuda_spmm_kernel *kernel = tsr__spmm_kernel_cuda(choose(&p, &a100).kernel);
  double random[TSR_CUDA_LIMITS], known[TSR_CUDA_LIMITS];
  tsr__cuda_spmm_limits_us(kernel, &p, 1, random);
  p.weight = &packed;
  tsr__cuda_spmm_limits_us(kernel, &p, 1, known);
  cr_assert_float_eq(known[TSR_CUDA_LIMIT_TENSOR], random[TSR_CUDA_LIMIT_TENSOR], 1e-9);
  cr_assert_lt(known[TSR_CUDA_LIMIT_SHARED], 0.6 * random[TSR_CUDA_LIMIT_SHARED]);
  tsr_packed_release(&packed);
  free(w);
}

/* It is there to be read, and to be asked for by name. */
Test(select_cuda, the_wmma_reference_runs_by_name_only) {
  static const char name[] = "tsr_f16_bcsr_spmm_16x64x16_s1__sm80";
  tsr_hardware a100 = forged_gpu(A100_SMS, SM80_SHARED);
  tsr_selection s;
  for (int64_t n = 1; n <= 4096; n *= 8)
    for (int tenths = 1; tenths < 10; tenths += 4) {
      tsr_spmm_problem p =
          problem_of("block:16x16", TSR_FORMAT_BCSR, 4096, 4096, n, 0.1 * (double)tenths);
      cr_assert_neq(choose(&p, &a100).kernel->tile_m, 16);
      cr_assert_eq(tsr_select(&p, &a100, NULL, name, 1, &s), TSR_OK, "%s", tsr_last_error());
      cr_assert_str_eq(s.kernel->name, name);
    }
}

static tsr_spmm_problem conv_of_panels(const char *pattern) {
  tsr_spmm_problem p = problem_of(pattern, TSR_FORMAT_VNM, 256, 2304, 32 * 196, 0.25);
  p.conv = (tsr_conv_shape){14, 14, 256, {3, 3}, {1, 1}, {1, 1}, {1, 1}};
  return p;
}

/* 64 rows of four of 16 columns, against two of four; fewer rows than a set has no kernel reads. */
Test(select_cuda, convolutions_of_panels_run_as_they_are_or_as_two_of_four) {
  tsr_hardware a100 = forged_gpu(A100_SMS, SM80_SHARED);
  tsr_spmm_problem p = conv_of_panels("vnm:64:2:16"), nm = conv_of_panels("vnm:16:2:8");
  cr_assert_eq(choose(&p, &a100).kernel->format, TSR_FORMAT_VNM);
  p = nm;
  nm.format = TSR_FORMAT_NM;
  nm.stored = 256 * 2304 / 2;
  cr_assert_eq(tsr_pattern_parse("2:4", &nm.pattern), TSR_OK);
  tsr_selection panels = choose(&p, &a100), two_of_four = choose(&nm, &a100);
  cr_assert_eq(panels.kernel->format, TSR_FORMAT_NM);
  cr_assert_eq(panels.kernel, two_of_four.kernel);
  cr_assert_eq(panels.candidates[0].predicted_us, two_of_four.candidates[0].predicted_us);
  tsr_selection s;
  cr_assert_eq(tsr_select(&p, &a100, NULL, NULL, 0, &s), TSR_NOT_FOUND);
}

Test(select_cuda, folded_activations_are_counted_in_31_bits) {
  tsr_hardware a100 = forged_gpu(A100_SMS, SM80_SHARED);
  tsr_spmm_problem p = conv_of_panels("vnm:64:2:16");
  p.n = 196 * (INT64_C(1) << 20); /* 2^17 groups of 256 channels of 16 x 16 chunks */
  tsr_selection s = choose(&p, &a100);
  int refused = 0;
  cr_assert_eq(s.kernel->format, TSR_FORMAT_NM);
  for (int i = 0; i < s.candidate_count; i++)
    refused += strstr(s.candidates[i].reason, "chunks of activations in 31 bits") != NULL;
  cr_assert_gt(refused, 0);
}

/* What 2:4 takes is the same for every M; what panels take is not. */
Test(select_cuda, wider_groups_are_predicted_to_be_faster) {
  tsr_hardware a100 = forged_gpu(A100_SMS, SM80_SHARED);
  tsr_spmm_problem eight = conv_of_panels("vnm:64:2:8"), wide = conv_of_panels("vnm:64:2:32");
  double us = choose(&eight, &a100).candidates[0].predicted_us;
  cr_assert_lt(choose(&wide, &a100).candidates[0].predicted_us, 0.7 * us);
}

/* Four elements may lie in two groups of six, and then keep more than two. */
Test(select_cuda, panels_that_are_not_two_of_four_run_as_dense) {
  tsr_hardware a100 = forged_gpu(A100_SMS, SM80_SHARED);
  tsr_spmm_problem p = conv_of_panels("vnm:16:2:6");
  cr_assert_eq(choose(&p, &a100).kernel->format, TSR_FORMAT_DENSE);
  p = conv_of_panels("vnm:64:2:8");
  p.conv = (tsr_conv_shape){0}; /* tokens have kernels of their own */
  cr_assert_eq(choose(&p, &a100).kernel->format, TSR_FORMAT_VNM);
}
