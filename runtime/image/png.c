/* PNG through libpng. Palettes become RGB, transparency is dropped, 16-bit values are kept. */
#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/internal.h"
#include "runtime/image/reader.h"

enum { SIGNATURE = 8 };

static int recognises(const tsr__file_bytes *file) {
  return tsr__begins_with(file, "\x89PNG\r\n\x1a\n", SIGNATURE);
}

#ifndef TESSERA_HAVE_LIBPNG

static tsr_status read(const tsr__file_bytes *file, tsr__images *out) {
  (void)out;
  return tsr__error(TSR_UNSUPPORTED, TSR__FILE ": a PNG file, and this build has no libpng",
                    file->name);
}

#else

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/* deflate makes at most 1,032 bytes of one. */
enum { RATIO_MAX = 1032 };

typedef struct decoder {
  const tsr__file_bytes *file;
  size_t at;
  tsr_status status;
  int no_memory; /* libpng tells of it in words only */
  png_structp png;
  png_infop info;
  unsigned char *rows; /* [height, row_bytes] as libpng gives them */
  size_t row_bytes;
} decoder;

/* libpng wants this one not to return. */
static void on_error(png_structp png, png_const_charp message) {
  decoder *d = png_get_error_ptr(png);
  d->status = tsr__error(d->no_memory ? TSR_OUT_OF_MEMORY : TSR_MALFORMED, TSR__FILE ": PNG: %s",
                         d->file->name, message);
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static png_voidp allocate(png_structp png, png_alloc_size_t bytes) {
  decoder *d = png_get_mem_ptr(png);
  void *memory = malloc(bytes);
  if (!memory) d->no_memory = 1;
  return memory;
}

static void release(png_structp png, png_voidp memory) {
  (void)png;
  free(memory);
}

static void read_bytes(png_structp png, png_bytep out, size_t wanted) {
  decoder *d = png_get_io_ptr(png);
  if (d->file->size - d->at < wanted) png_error(png, "the data end too early");
  memcpy(out, d->file->bytes + d->at, wanted);
  d->at += wanted;
}

/* Whether the compressed data can hold so much at all: before memory is taken for it. */
static tsr_status check_ratio(const decoder *d, const tsr__images *out) {
  uint64_t bytes = png_get_rowbytes(d->png, d->info) * (uint64_t)out->height;
  TSR_CHECK(bytes <= (uint64_t)d->file->size * RATIO_MAX, TSR_MALFORMED,
            TSR__FILE ": PNG: %lld x %lld pixels cannot come from %zu bytes", d->file->name,
            (long long)out->width, (long long)out->height, d->file->size);
  return TSR_OK;
}

static tsr_status prepare(decoder *d, tsr__images *out) {
  size_t bytes;
  int colour = png_get_color_type(d->png, d->info);
  int wide = png_get_bit_depth(d->png, d->info) == 16;
  *out = (tsr__images){1,
                       png_get_image_height(d->png, d->info),
                       png_get_image_width(d->png, d->info),
                       colour & PNG_COLOR_MASK_COLOR ? 3 : 1,
                       wide ? TSR_DTYPE_F32 : TSR_DTYPE_U8,
                       NULL};
  TSR_TRY(tsr__images_bytes(d->file, out, &bytes));
  return check_ratio(d, out);
}

/* 0: on_error was called. Nothing that a local variable holds is used after the jump. */
static int read_header(decoder *d) {
  if (setjmp(png_jmpbuf(d->png))) return 0;
  png_set_read_fn(d->png, d, read_bytes);
  png_set_keep_unknown_chunks(d->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_read_info(d->png, d->info);
  return 1;
}

static int set_transforms(decoder *d) {
  if (setjmp(png_jmpbuf(d->png))) return 0;
  png_set_expand(d->png);
  png_set_strip_alpha(d->png);
  png_set_interlace_handling(d->png);
  png_read_update_info(d->png, d->info);
  d->row_bytes = png_get_rowbytes(d->png, d->info);
  return 1;
}

static int read_rows(decoder *d, int64_t height) {
  if (setjmp(png_jmpbuf(d->png))) return 0;
  int passes = png_get_interlace_type(d->png, d->info) == PNG_INTERLACE_ADAM7 ? 7 : 1;
  for (int pass = 0; pass < passes; pass++)
    for (int64_t y = 0; y < height; y++)
      png_read_row(d->png, d->rows + (size_t)y * d->row_bytes, NULL);
  png_read_end(d->png, NULL);
  return 1;
}

static void convert(const decoder *d, tsr__images *out) {
  size_t values = (size_t)(out->height * out->width * out->channels);
  if (out->dtype == TSR_DTYPE_U8) {
    memcpy(out->pixels, d->rows, values);
    return;
  }
  for (size_t i = 0; i < values; i++)
    ((float *)out->pixels)[i] = (float)(d->rows[2 * i] << 8 | d->rows[2 * i + 1]) / 65535;
}

static tsr_status decode(decoder *d, tsr__images *out) {
  if (!read_header(d)) return d->status;
  TSR_TRY(prepare(d, out));
  if (!set_transforms(d)) return d->status;
  TSR_TRY(tsr__calloc((size_t)out->height, d->row_bytes, d->file->name, &d->rows));
  TSR_TRY(tsr__images_allocate(d->file, out));
  if (!read_rows(d, out->height)) return d->status;
  convert(d, out);
  return TSR_OK;
}

static tsr_status read(const tsr__file_bytes *file, tsr__images *out) {
  decoder d = {.file = file};
  d.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &d, on_error, on_warning, &d, allocate,
                                   release);
  if (d.png) d.info = png_create_info_struct(d.png);
  tsr_status status = TSR_OK;
  if (d.info)
    status = decode(&d, out);
  else
    status = tsr__error(TSR_OUT_OF_MEMORY, TSR__FILE ": out of memory for libpng", file->name);
  png_destroy_read_struct(&d.png, &d.info, NULL);
  free(d.rows);
  return status;
}

#endif

const tsr__image_reader tsr__image_reader_png = {recognises, read};
