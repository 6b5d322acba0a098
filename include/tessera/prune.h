/* Pruning: scores -> the best mask that a pattern allows. */
#ifndef TESSERA_PRUNE_H
#define TESSERA_PRUNE_H

#include "tessera/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One byte per element, row-major without gaps: 1 = kept, 0 = pruned. */
typedef uint8_t tsr_mask;

/* The sparsity that a pattern dictates by itself: 1 - n/m for NM and VNM (for VNM 1 - 2/m), and the
 * least sparsity for BLOCK_NM; 0 for the others. */
TSR_API double tsr_pattern_fixed_sparsity(const tsr_pattern *pattern);

/* The projection: among all masks that `pattern` allows at `sparsity`, the one that keeps the
 * greatest sum of scores. scores: host, [rows, cols] floats, >= 0, no NaN. mask: host, [rows,
 * cols].
 *
 * sparsity is the share of all elements that is pruned, 0..1; the count of pruned units is
 * round(sparsity x units), for BLOCK_NM of (1 - (1 - sparsity) m/n) x units. DENSE, NM and VNM have
 * their own sparsity: pass it, or a negative number for "the pattern's own"; anything else is
 * TSR_INVALID_ARGUMENT. Units at the edge may be smaller than the pattern says: units are compared
 * by their mean score per element, so the sum is the greatest where all have the same size. In a
 * trailing group of g < m elements NM keeps min(g, n); VNM keeps min(g, 4) columns and min(g, 2) of
 * them. Ties keep the unit with the lower index. The result does not depend on the number of
 * threads.
 *
 * VNM keeps the greatest sum (up to float rounding) for m <= 12. Above that the four columns of a
 * panel and group are chosen greedily, which keeps at least 1 - 1/e of the greatest sum, and then
 * exchanged one by one until no single exchange gains. */
TSR_API tsr_status tsr_project(const tsr_pattern *pattern, double sparsity, const float *scores,
                               int64_t rows, int64_t cols, tsr_mask *mask);

/* One matrix of a set that is pruned to a common sparsity. */
typedef struct tsr_project_item {
  const float *scores; /* host, [rows, cols] */
  int64_t rows, cols;
  tsr_mask *mask; /* host, [rows, cols], written */
} tsr_project_item;

/* The same over several matrices at once ("global"): units of all matrices compete by their mean
 * score per element, until the share of pruned elements over the whole set is as near as whole
 * units allow (for BLOCK_NM: of elements in pruned blocks, as above). */
TSR_API tsr_status tsr_project_global(const tsr_pattern *pattern, double sparsity,
                                      const tsr_project_item *items, size_t count);

/* Whether mask obeys the pattern: TSR_OK, or TSR_STRUCTURE naming the row and column at fault.
 * Shares no code with the projection. If sparsity is not negative, the count of pruned units must
 * also be within one of it, as above, and the groups of NM and VNM must be full. */
TSR_API tsr_status tsr_mask_verify(const tsr_pattern *pattern, double sparsity,
                                   const tsr_mask *mask, int64_t rows, int64_t cols);

/* ---- statistics of what a layer reads ---- */

/* How much a method has to know about the layer's input X[rows, features]. */
typedef enum tsr_statistics_kind {
  TSR_STATISTICS_NONE,
  TSR_STATISTICS_NORMS, /* sum of squares of every feature */
  TSR_STATISTICS_GRAM   /* X^T X, with the norms on its diagonal: features^2 doubles */
} tsr_statistics_kind;

/* Sums in double over rows of activations: tokens, or the rows of a convolution's im2col. */
typedef struct tsr_statistics tsr_statistics;

/* TSR_UNSUPPORTED for GRAM in a build without BLAS and LAPACK. */
TSR_API tsr_status tsr_statistics_create(int64_t features, tsr_statistics_kind kind,
                                         tsr_statistics **out);
TSR_API void tsr_statistics_destroy(tsr_statistics *statistics); /* NULL is fine */
/* Adds rows; may be called again and again. x: host, [rows, ld], `features` of a row used.
 * TSR_INVALID_ARGUMENT names row and feature of a value that is not finite; nothing was added. */
TSR_API tsr_status tsr_statistics_add(tsr_statistics *statistics, const float *x, int64_t rows,
                                      int64_t ld, int32_t threads);
TSR_API int64_t tsr_statistics_rows(const tsr_statistics *statistics);
TSR_API int64_t tsr_statistics_features(const tsr_statistics *statistics);

/* ---- methods ---- */

/* magnitude  the score is abs(w) (L1) or w^2 (L2)
 * wanda      w_ij^2 mean(x_j^2), compared within each output row where single elements are pruned
 *            (Sun et al., 2023)
 * sparsegpt  column by column; the columns to the right make up for what goes (Frantar and
 *            Alistarh, 2023)
 * admm       alternates between the least squares of the layer's output and the pattern, then
 *            solves for the kept weights exactly (Boza, 2024; Meng et al., 2024: ALPS)
 *
 * The last two need BLAS and LAPACK, which a build may lack: tsr_prune_method_available. */
typedef enum tsr_prune_method {
  TSR_METHOD_MAGNITUDE_L1,
  TSR_METHOD_MAGNITUDE_L2,
  TSR_METHOD_WANDA,
  TSR_METHOD_SPARSEGPT,
  TSR_METHOD_ADMM,
  TSR_METHOD_COUNT
} tsr_prune_method;

TSR_API const char *tsr_prune_method_name(tsr_prune_method method); /* "magnitude-l1" */
TSR_API tsr_status tsr_prune_method_parse(const char *name, tsr_prune_method *out);
/* 0 if the method does not exist, or this build lacks the libraries that it needs. */
TSR_API int tsr_prune_method_available(tsr_prune_method method);
/* What a method has to know. NONE also for a method that does not exist. */
TSR_API tsr_statistics_kind tsr_prune_method_needs(tsr_prune_method method);

/* scores: host, [rows, cols] floats, written. TSR_INVALID_ARGUMENT if a weight is NaN, and for a
 * method that needs statistics. */
TSR_API tsr_status tsr_prune_scores(tsr_prune_method method, const float *weights, int64_t rows,
                                    int64_t cols, float *scores);

typedef struct tsr_prune_options {
  tsr_prune_method method;
  tsr_pattern pattern;
  double sparsity; /* as in tsr_project */
  int32_t threads; /* >= 1; the result depends on it by rounding at most */
  double damping;  /* what is added to the diagonal of X^T X, as a share of its mean; 0 = the
                      method's own (sparsegpt 0.01, admm 0.1) */
  /* NULL, or host, [rows]: then the layer has a bias, which makes up for the means of what is lost,
   * so that a method with statistics looks at deviations from the means only. What has to be added
   * to the bias is added to shift. */
  double *shift;
  /* NULL, or host, [rows], >= 0 and finite: how much an error of each output feature matters
   * (tsr_sensitivities), so that rows that matter less lose more where they compete. Methods with
   * statistics look at it. */
  const float *sensitivities;
} tsr_prune_options;

typedef struct tsr_prune_result {
  double damping;         /* what was used in the end; 0 = the method needs none */
  int32_t damping_raises; /* how often it was raised tenfold because a factorisation failed */
} tsr_prune_result;

/* Chooses the mask and corrects what is kept, where the method does. weights: host, [rows, cols],
 * rewritten, +0.0 where pruned. mask: host, [rows, cols], written; it obeys the pattern.
 * statistics: of the layer's input, `cols` features; NULL if the method needs none.
 * result: NULL, or written. TSR_INVALID_ARGUMENT for a weight that is not finite; TSR_UNSUPPORTED
 * for a method that is not available, and if no damping helps. After a failure weights and mask
 * hold anything. It changes the number of threads of the process's BLAS. */
TSR_API tsr_status tsr_prune_matrix(const tsr_prune_options *options,
                                    const tsr_statistics *statistics, float *weights, int64_t rows,
                                    int64_t cols, tsr_mask *mask, tsr_prune_result *result);

/* Features that nothing but this matrix reads: a share of them goes as a whole, so that whoever
 * makes them need not. Of a convolution a feature is a channel under every place of the kernel:
 * with cols = places x features, columns f, features + f, 2 features + f and so on.
 *
 * weights: host, [rows, cols], the reader's; rewritten, +0.0 in the columns that go. wanda: the
 * score of a feature is the sum of those of its columns. sparsegpt, admm: features go a few at a
 * time, those first whose loss costs the output least once the columns that are left have made up
 * for it; these end as the least squares of the output (Hassibi and Stork, 1993, for groups of
 * columns). options: method, threads, damping, shift as above; sparsity: round(sparsity x features)
 * features go; the pattern is not used. kept: host, [features], 1 or 0, written. Otherwise as
 * tsr_prune_matrix; TSR_INVALID_ARGUMENT for a method without statistics. */
TSR_API tsr_status tsr_prune_features(const tsr_prune_options *options,
                                      const tsr_statistics *statistics, float *weights,
                                      int64_t rows, int64_t cols, int64_t features, uint8_t *kept,
                                      tsr_prune_result *result);

/* ---- budgets: what each layer's part in a common sparsity is ---- */

typedef struct tsr_budget_layer {
  int64_t rows, cols;
  double outliers; /* OWL: tsr_prune_outliers of the layer */
} tsr_budget_layer;

/* The share of weights whose abs(w) x norm of the feature is over `factor` times the matrix's mean.
 * weights: host, [rows, cols]; statistics: of the layer's input, of any kind. */
TSR_API tsr_status tsr_prune_outliers(const tsr_statistics *statistics, const float *weights,
                                      int64_t rows, int64_t cols, double factor, double *share);

/* Both write count sparsities so that `sparsity` is the share of zeros over all layers together;
 * none is below what the pattern dictates or above 1. TSR_INVALID_ARGUMENT for a pattern that has
 * one sparsity only, and for a sparsity that it cannot have.
 *
 * ERK (Evci et al., 2020): the density of a layer is proportional to (rows + cols) / (rows x cols).
 * OWL (Yin et al., 2023): layers with more outliers stay denser; densities differ by at most
 * 2 x band. */
TSR_API tsr_status tsr_budget_erk(const tsr_pattern *pattern, double sparsity,
                                  const tsr_budget_layer *layers, size_t count, double *out);
TSR_API tsr_status tsr_budget_owl(const tsr_pattern *pattern, double sparsity, double band,
                                  const tsr_budget_layer *layers, size_t count, double *out);

/* One way to prune a layer. */
typedef struct tsr_budget_choice {
  double cost, error; /* finite, >= 0 */
} tsr_budget_choice;

/* For each layer one of its `levels` choices, so that the sum of errors is the least among those
 * whose costs sum up to at most max_cost. choices: [layers, levels]; chosen: [layers], written.
 * Costs are counted in steps of max_cost / 4096, rounded up, so that max_cost is kept.
 * TSR_NOT_FOUND if even the cheapest choices cost more. */
TSR_API tsr_status tsr_budget_choose(const tsr_budget_choice *choices, size_t layers, size_t levels,
                                     double max_cost, size_t *chosen);

/* weights[i] = +0.0 where mask[i] = 0; kept weights are not touched. */
TSR_API void tsr_mask_apply(const tsr_mask *mask, float *weights, int64_t rows, int64_t cols);

#ifdef __cplusplus
}
#endif
#endif
