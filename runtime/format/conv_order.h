/* Filters of a convolution: torch's tensor [filters, channels, rows, columns], and the matrix
 * [filters, rows x columns x channels] that formats and kernels work on, whose columns are in the
 * order (kernel row, kernel column, channel). */
#ifndef TESSERA_FORMAT_CONV_ORDER_H
#define TESSERA_FORMAT_CONV_ORDER_H

#include <stddef.h>
#include <stdint.h>

/* Elements of `size` bytes, any alignment, not in place. shape: [4], as the tensor has it. */
void tsr__conv_to_matrix(const void *tensor, size_t size, const int64_t shape[4], void *matrix);
void tsr__conv_from_matrix(const void *matrix, size_t size, const int64_t shape[4], void *tensor);

#endif
