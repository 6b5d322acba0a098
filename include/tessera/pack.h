/* Packed weights: architecture-neutral arrays in logical order. */
#ifndef TESSERA_PACK_H
#define TESSERA_PACK_H

#include "tessera/checkpoint.h"
#include "tessera/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A packed weight matrix W[rows, cols]; rows = output features m, cols = input features k.
 * Arrays that a format does not use are NULL. All are host memory, aligned to their element.
 * runtime/format/README.md draws each format.
 *
 *   format   values                          offsets   indices  positions    others
 *   dense    [rows, cols]                    -         -        -            -
 *   compact  [kept rows, kept cols]          -         -        -            kept_rows, kept_cols
 *   csr      [stored]                        [rows+1]  [stored] -            -
 *   nm       [rows, groups*n]                -         -        like values  -
 *   bcsr     [nnzb, block_rows, block_cols]  [mb+1]    [nnzb]   -            -
 *   vnm      [rows, groups*2]                -         -        like values  columns
 *   bcsr_nm  [nnzb, block_rows, bgroups*n]   [mb+1]    [nnzb]   like values  -
 *
 * groups = ceil(cols / m), bgroups = ceil(block_cols / m), mb = ceil(rows / block_rows), panels =
 * ceil(rows / v). offsets = row_offsets, indices = col_indices (ascending within a row), columns =
 * [panels, groups, 4]. kept_rows and kept_cols are ascending; NULL = all. n:m is at most 256:256;
 * vnm has n = 2 and m >= 4.
 *
 * Blocks and groups that reach over the edge hold +0.0 there. positions of nm and bcsr_nm are the
 * column within the group of m, ascending within a group; of vnm the index 0..3 into the panel's
 * four columns. columns are relative to the group, ascending. None of them points beyond the
 * matrix's last column: where the part of a group inside the matrix is too short to hold n (or 4)
 * distinct ones, the surplus repeats the last position (column) with value +0.0; bcsr_nm's groups
 * and rows that lie wholly outside have positions 0. */
typedef struct tsr_packed {
  tsr_format format;
  tsr_dtype dtype; /* of values: F32, F16 or BF16 */
  int64_t rows, cols;
  int32_t block_rows, block_cols;         /* bcsr, bcsr_nm */
  int32_t v, n, m;                        /* nm, vnm, bcsr_nm */
  int64_t stored;                         /* elements in values */
  int64_t nnzb;                           /* blocks in bcsr, bcsr_nm */
  int64_t kept_row_count, kept_col_count; /* compact */
  const void *values;
  const int64_t *row_offsets;
  const int32_t *col_indices;
  const uint8_t *positions;
  const uint8_t *columns;
  const int32_t *kept_rows;
  const int32_t *kept_cols;
  void *owned; /* memory that tsr_packed_release frees; NULL for a view */
} tsr_packed;

/* The pattern that a packed matrix is an instance of, and the format that suits a pattern best. */
TSR_API tsr_pattern tsr_packed_pattern(const tsr_packed *packed);
TSR_API tsr_format tsr_pattern_format(const tsr_pattern *pattern);

/* Elements stored / (rows x cols); 0 for an empty matrix. */
TSR_API double tsr_packed_density(const tsr_packed *packed);

/* Bytes of a packed matrix's arrays. */
TSR_API size_t tsr_packed_bytes(const tsr_packed *packed);

/* Packs a dense matrix into `format` with the block or group sizes of `pattern`. An element counts
 * as zero only if all its bits are 0, so that unpacking returns every bit (-0.0 and NaN included).
 * TSR_STRUCTURE names row and column if the zeros do not fit (more than n of m, say). The result
 * owns its memory: release it. */
TSR_API tsr_status tsr_pack(const tsr_matrix *dense, tsr_format format, const tsr_pattern *pattern,
                            tsr_packed *out);
TSR_API void tsr_packed_release(tsr_packed *packed); /* NULL and an all-zero struct are fine */

/* out: host, [rows, ld] elements of packed->dtype, caller's. Bit-exact inverse of tsr_pack. */
TSR_API tsr_status tsr_unpack(const tsr_packed *packed, void *out, int64_t ld);

/* The same, converted to float. */
TSR_API tsr_status tsr_unpack_f32(const tsr_packed *packed, float *out, int64_t ld);

/* Checks shapes, monotone offsets, index ranges, order, exactly n of m. TSR_MALFORMED names array,
 * position and value. Does not read beyond what the fields promise; row/col sizes come first. */
TSR_API tsr_status tsr_packed_validate(const tsr_packed *packed);

/* Recognises structure in a dense matrix full of zeros, from anywhere: the pattern (block and group
 * sizes included) with the least stored bytes, a coarser one within 5 % of it winning since it runs
 * faster, and the share of elements that it does not store. Dense when nothing saves 5 %. Negative
 * zeros count as zeros here; tsr_canonical_zeros rewrites them to +0.0 before packing. */
TSR_API tsr_status tsr_recognise(const tsr_matrix *dense, tsr_pattern *pattern, double *sparsity);
TSR_API void tsr_canonical_zeros(void *data, tsr_dtype dtype, int64_t count);

/* ---- in checkpoints: tensor NAME (such as "encoder.layer.0.output.dense.weight") ---- */

/* Adds a packed matrix under the documented keys; arrays are borrowed until save. */
TSR_API tsr_status tsr_packed_save(tsr_checkpoint_writer *writer, const char *name,
                                   const tsr_packed *packed);

/* Loads NAME whatever its storage (a plain 2-D tensor becomes a dense view), validates it. Arrays
 * that lie aligned in the file are used in place, so the checkpoint must outlive the result.
 * TSR_NOT_FOUND if there is no such tensor in any form. */
TSR_API tsr_status tsr_packed_load(const tsr_checkpoint *checkpoint, const char *name,
                                   tsr_packed *out);

#ifdef __cplusplus
}
#endif
#endif
