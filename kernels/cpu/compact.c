#include "kernels/cpu/compact.h"

static int64_t segments_of(int64_t size) { return (size + TSR__SEGMENT - 1) / TSR__SEGMENT; }

static int64_t kept_rows(const tsr_packed *w) { return w->kept_rows ? w->kept_row_count : w->rows; }

static int64_t kept_cols(const tsr_packed *w) { return w->kept_cols ? w->kept_col_count : w->cols; }

static int64_t strip_count(const tsr_packed *w, int64_t strip_rows) {
  return (kept_rows(w) + strip_rows - 1) / strip_rows;
}

static size_t segments_bytes(const tsr_packed *w) {
  return tsr__round_to_line((size_t)(segments_of(w->rows) + segments_of(w->cols)) *
                            sizeof(tsr__segment));
}

size_t tsr__compact_bytes(const tsr_packed *w, tsr__strip_shape shape) {
  return tsr__round_to_line(sizeof(tsr__compact)) + segments_bytes(w) +
         tsr__strips_bytes(w, strip_count(w, shape.rows), shape, tsr__dense_pieces);
}

static const tsr__segment *fill_segments(const int32_t *kept, int64_t count, int64_t size,
                                         tsr__segment *out) {
  if (!kept) return NULL;
  int64_t next = 0;
  for (int64_t s = 0; s < segments_of(size); s++) {
    out[s] = (tsr__segment){.before = (int32_t)next};
    for (; next < count && kept[next] / TSR__SEGMENT == s; next++)
      out[s].kept |= (uint16_t)(1u << kept[next] % TSR__SEGMENT);
  }
  return out;
}

void tsr__compact_prepack(const tsr_packed *w, tsr__strip_shape shape, void *out) {
  tsr__compact *compact = out;
  tsr__segment *segments = (tsr__segment *)((char *)out + tsr__round_to_line(sizeof *compact));
  void *strips = (char *)segments + segments_bytes(w);
  *compact = (tsr__compact){
      .rows = w->rows,
      .cols = w->cols,
      .kept_rows = kept_rows(w),
      .kept_cols = kept_cols(w),
      .row_segments = fill_segments(w->kept_rows, w->kept_row_count, w->rows, segments),
      .col_segments =
          fill_segments(w->kept_cols, w->kept_col_count, w->cols, segments + segments_of(w->rows)),
      .strips = strips,
  };
  tsr__strips_build(w, compact->kept_rows, compact->kept_cols, strip_count(w, shape.rows), shape,
                    tsr__dense_pieces, strips);
}
