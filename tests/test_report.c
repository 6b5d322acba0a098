#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/report.h"

static tsr_hardware machine_of(const char *name) {
  tsr_hardware machine = {
      .isa = {1, 1, 0}, .cores = 2, .l1d_bytes = 32768, .l2_bytes = 2097152, .l3_bytes = 0};
  snprintf(machine.name, sizeof machine.name, "%s", name);
  snprintf(machine.missing[2], sizeof machine.missing[2], "the CPU lacks it");
  return machine;
}

static const tsr_record layer = {.kind = TSR_RECORD_LAYER,
                                 .name = "ffn <up> & \"down\", 'x'",
                                 .m = 1536,
                                 .k = 384,
                                 .n = 128,
                                 .pattern = "block:16x16",
                                 .sparsity = 0.9,
                                 .density = 0.1,
                                 .format = "bcsr",
                                 .kernel = "tsr_f32_bcsr_spmm_16x16__avx2",
                                 .reason = "fastest, by far",
                                 .backend = "cpu",
                                 .dtype = "F32",
                                 .threads = 1,
                                 .batch = 1,
                                 .seq = 128,
                                 .cache = TSR_CACHE_COLD,
                                 .runs = 50,
                                 .median_ms = 0.25,
                                 .p10_ms = 0.2,
                                 .p90_ms = 0.5,
                                 .baseline = "onednn matmul (packed weights)",
                                 .baseline_version = "2.6.3",
                                 .baseline_median_ms = 1.25,
                                 .speedup = 5,
                                 .useful_gflops = 60.5,
                                 .dense_equivalent_gflops = 605,
                                 .packed_bytes = 240000,
                                 .dense_bytes = 2359296};

/* Slower than its baseline. */
static tsr_record loss(void) {
  tsr_record record = layer;
  strcpy(record.name, "loser");
  record.median_ms = 2.5;
  record.speedup = 0.5;
  record.cache = TSR_CACHE_WARM;
  return record;
}

/* Nothing but what every record has. */
static const tsr_record bare = {.kind = TSR_RECORD_MODEL, .name = "bare", .density = 1};

static tsr_report *report_of(const tsr_record *records, size_t count) {
  tsr_hardware machine = machine_of("A CPU & more");
  tsr_report *report;
  cr_assert_eq(tsr_report_create(&machine, &report), TSR_OK);
  for (size_t i = 0; i < count; i++) cr_assert_eq(tsr_report_add(report, &records[i]), TSR_OK);
  return report;
}

static tsr_status write_html(const tsr_report *report, FILE *stream) {
  return tsr_report_write_html(report, "<title> & more", stream);
}

typedef tsr_status writer(const tsr_report *report, FILE *stream);
static writer *const writers[] = {tsr_report_write_text, tsr_report_write_csv,
                                  tsr_report_write_json, write_html};
enum { WRITERS = sizeof writers / sizeof *writers };

/* What the writer makes of the records; free it. */
static char *written(writer *write, const tsr_record *records, size_t count) {
  tsr_report *report = report_of(records, count);
  char *text = NULL;
  size_t bytes = 0;
  FILE *stream = open_memstream(&text, &bytes);
  cr_assert(stream);
  cr_assert_eq(write(report, stream), TSR_OK, "%s", tsr_last_error());
  fclose(stream);
  cr_assert_eq(strlen(text), bytes);
  tsr_report_destroy(report);
  return text;
}

/* ---- records ---- */

Test(report, keeps_records_in_order) {
  tsr_report *report = report_of(NULL, 0);
  for (int i = 0; i < 100; i++) {
    tsr_record record = layer;
    record.runs = i + 1;
    cr_assert_eq(tsr_report_add(report, &record), TSR_OK);
  }
  cr_assert_eq(tsr_report_count(report), 100);
  cr_assert_eq(tsr_report_at(report, 41)->runs, 42);
  cr_assert_str_eq(tsr_report_at(report, 99)->name, layer.name);
  cr_assert_null(tsr_report_at(report, 100));
  tsr_report_destroy(report);
}

Test(report, bad_arguments) {
  tsr_hardware machine = machine_of("x");
  tsr_report *report = (tsr_report *)&machine;
  cr_assert_eq(tsr_report_create(NULL, &report), TSR_INVALID_ARGUMENT);
  cr_assert_null(report);
  cr_assert_eq(tsr_report_create(&machine, NULL), TSR_INVALID_ARGUMENT);
  memset(machine.name, 'x', sizeof machine.name);
  cr_assert_eq(tsr_report_create(&machine, &report), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_report_count(NULL), 0);
  cr_assert_null(tsr_report_at(NULL, 0));
  tsr_report_destroy(NULL);
  report = report_of(NULL, 0);
  cr_assert_eq(tsr_report_add(NULL, &layer), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_report_add(report, NULL), TSR_INVALID_ARGUMENT);
  for (int w = 0; w < WRITERS; w++) {
    cr_assert_eq(writers[w](NULL, stdout), TSR_INVALID_ARGUMENT);
    cr_assert_eq(writers[w](report, NULL), TSR_INVALID_ARGUMENT);
  }
  tsr_report_destroy(report);
}

Test(report, refuses_records_that_make_no_sense) {
  tsr_report *report = report_of(NULL, 0);
#define REFUSED(change, named)                                           \
  do {                                                                   \
    tsr_record record = layer;                                           \
    change;                                                              \
    cr_assert_eq(tsr_report_add(report, &record), TSR_INVALID_ARGUMENT); \
    cr_assert(strstr(tsr_last_error(), named), "%s", tsr_last_error());  \
  } while (0)
  REFUSED(record.kind = (tsr_record_kind)2, "kind");
  REFUSED(record.cache = (tsr_cache_state)-1, "cache");
  REFUSED(record.k = -1, "k is -1");
  REFUSED(record.threads = -2, "threads is -2");
  REFUSED(record.speedup = NAN, "speedup");
  REFUSED(record.median_ms = INFINITY, "median_ms");
  REFUSED(memset(record.dtype, 'x', sizeof record.dtype), "dtype");
#undef REFUSED
  cr_assert_eq(tsr_report_count(report), 0);
  tsr_report_destroy(report);
}

Test(report, texts_become_printable_utf8) {
  tsr_record record = layer;
  strcpy(record.name, "a\nb\x1b[31m\xff \xc2\x85 caf\xc3\xa9");
  tsr_report *report = report_of(&record, 1);
  cr_assert_str_eq(tsr_report_at(report, 0)->name, "a?b?[31m? ?? caf\xc3\xa9");
  tsr_report_destroy(report);
}

Test(report, a_stream_that_cannot_be_written_is_an_io_error) {
  tsr_report *report = report_of(&layer, 1);
  for (int w = 0; w < WRITERS; w++) {
    FILE *full = fopen("/dev/full", "w");
    cr_assert(full);
    cr_assert_eq(writers[w](report, full), TSR_IO, "writer %d", w);
    fclose(full);
  }
  tsr_report_destroy(report);
}

/* ---- JSON ---- */

static void expect_text(const json_t *record, const char *key, const char *value) {
  cr_assert_str_eq(json_string_value(json_object_get(record, key)), value, "%s", key);
}

static void expect_integer(const json_t *record, const char *key, json_int_t value) {
  cr_assert(json_is_integer(json_object_get(record, key)), "%s", key);
  cr_assert_eq(json_integer_value(json_object_get(record, key)), value, "%s", key);
}

static void expect_real(const json_t *record, const char *key, double value) {
  cr_assert(json_is_real(json_object_get(record, key)), "%s", key);
  cr_assert_float_eq(json_real_value(json_object_get(record, key)), value, 1e-11 * value, "%s",
                     key);
}

static json_t *json_of(const tsr_record *records, size_t count) {
  char *text = written(tsr_report_write_json, records, count);
  json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
  cr_assert(json_is_object(json), "%s", text);
  free(text);
  return json;
}

Test(json, every_field_of_a_record) {
  json_t *json = json_of(&layer, 1);
  const json_t *record = json_array_get(json_object_get(json, "records"), 0);
  cr_assert_eq(json_object_size(record), 39);
  expect_text(record, "kind", "layer");
  expect_text(record, "name", "ffn <up> & \"down\", 'x'");
  expect_integer(record, "m", 1536);
  expect_integer(record, "k", 384);
  expect_integer(record, "n", 128);
  expect_text(record, "pattern", "block:16x16");
  expect_real(record, "sparsity", 0.9);
  expect_real(record, "density", 0.1);
  expect_text(record, "format", "bcsr");
  expect_text(record, "kernel", "tsr_f32_bcsr_spmm_16x16__avx2");
  expect_text(record, "reason", "fastest, by far");
  expect_text(record, "backend", "cpu");
  expect_text(record, "dtype", "F32");
  expect_integer(record, "threads", 1);
  expect_integer(record, "batch", 1);
  expect_integer(record, "seq", 128);
  expect_text(record, "cache", "cold");
  expect_integer(record, "runs", 50);
  expect_real(record, "median_ms", 0.25);
  expect_real(record, "p10_ms", 0.2);
  expect_real(record, "p90_ms", 0.5);
  expect_text(record, "baseline", "onednn matmul (packed weights)");
  expect_text(record, "baseline_version", "2.6.3");
  expect_real(record, "baseline_median_ms", 1.25);
  expect_real(record, "speedup", 5);
  expect_real(record, "useful_gflops", 60.5);
  expect_real(record, "dense_equivalent_gflops", 605);
  expect_integer(record, "packed_bytes", 240000);
  expect_integer(record, "dense_bytes", 2359296);
  json_decref(json);
}

Test(json, what_is_missing_is_null) {
  json_t *json = json_of(&bare, 1), *value;
  const char *key;
  json_t *record = json_array_get(json_object_get(json, "records"), 0);
  cr_assert_eq(json_object_size(record), 39);
  json_object_foreach(record, key, value) {
    int known = !strcmp(key, "kind") || !strcmp(key, "name") || !strcmp(key, "cache") ||
                !strcmp(key, "sparsity") || !strcmp(key, "density");
    cr_assert_eq(json_is_null(value), !known, "%s", key);
  }
  expect_text(record, "kind", "model");
  expect_text(record, "cache", "warm");
  json_decref(json);
}

Test(json, the_machine) {
  json_t *json = json_of(NULL, 0);
  const json_t *machine = json_object_get(json, "machine");
  expect_text(machine, "name", "A CPU & more");
  expect_integer(machine, "cores", 2);
  expect_integer(machine, "l1d_bytes", 32768);
  cr_assert(json_is_null(json_object_get(machine, "l3_bytes")));
  cr_assert_eq(json_array_size(json_object_get(machine, "isa")), 2);
  expect_text(json_object_get(machine, "missing"), "avx512", "the CPU lacks it");
  expect_text(machine, "tessera_version", TSR_VERSION);
  cr_assert_eq(json_array_size(json_object_get(json, "records")), 0);
  json_decref(json);
}

/* ---- CSV ---- */

static const char csv_header[] =
    "kind,name,m,k,n,pattern,sparsity,density,format,kernel,reason,backend,dtype,threads,batch,seq,"
    "cache,runs,median_ms,p10_ms,p90_ms,baseline,baseline_version,baseline_median_ms,speedup,"
    "useful_gflops,dense_equivalent_gflops,packed_bytes,dense_bytes,device,launches,modelled_us,"
    "modelled_limiter,baseline_modelled_us,executed_share,warp_instructions,tensor_instructions,"
    "global_sectors,bank_conflicts\r\n";

static const char csv_records[] =
    "layer,\"ffn <up> & \"\"down\"\", 'x'\",1536,384,128,block:16x16,0.9,0.1,bcsr,"
    "tsr_f32_bcsr_spmm_16x16__avx2,\"fastest, by far\",cpu,F32,1,1,128,cold,50,0.25,0.2,0.5,"
    "onednn matmul (packed weights),2.6.3,1.25,5,60.5,605,240000,2359296,,,,,,,,,,\r\n"
    "model,bare,,,,,0,1,,,,,,,,,warm,,,,,,,,,,,,,,,,,,,,,,\r\n";

Test(csv, quotes_as_in_rfc_4180) {
  const tsr_record records[] = {layer, bare};
  char *text = written(tsr_report_write_csv, records, 2);
  cr_assert_eq(strncmp(text, csv_header, strlen(csv_header)), 0, "%s", text);
  cr_assert_str_eq(text + strlen(csv_header), csv_records);
  free(text);
}

/* ---- text ---- */

Test(text, says_what_was_slower_and_shows_nothing_as_a_dash) {
  const tsr_record records[] = {layer, loss(), bare};
  char *text = written(tsr_report_write_text, records, 3);
  cr_assert(strstr(text, "A CPU & more, 2 cores"));
  cr_assert(strstr(text, "5.00x"));
  cr_assert(strstr(text, "slower 0.500x"));
  cr_assert(strstr(text, "1536x384x128"));
  cr_assert(strstr(text, "baseline: onednn matmul (packed weights) 2.6.3\n"));
  const char *last = strstr(text, "bare");
  cr_assert(last && strstr(last, " - "));
  cr_assert_null(strstr(text, "modelled"));
  free(text);
}

/* A layer that a simulated GPU executed, 64 of its 128 CTAs. */
static tsr_record modelled(void) {
  tsr_record r = {.kind = TSR_RECORD_LAYER,
                  .name = "simulated",
                  .m = 64,
                  .k = 32,
                  .n = 16,
                  .pattern = "dense",
                  .density = 1,
                  .device = "A GPU & more",
                  .launches = 2,
                  .modelled_us = 12.5,
                  .modelled_limiter = "tensor",
                  .baseline = "tessera dense",
                  .baseline_modelled_us = 50,
                  .executed_share = 0.5,
                  .warp_instructions = 4321,
                  .tensor_instructions = 765,
                  .global_sectors = 98};
  return r;
}

Test(text, modelled_figures_have_columns_of_their_own) {
  const tsr_record record = modelled();
  char *text = written(tsr_report_write_text, &record, 1);
  cr_assert(strstr(text, "modelled us"), "%s", text);
  cr_assert(strstr(text, "12.5"), "%s", text);
  cr_assert(strstr(text, "50.0"), "%s", text);
  cr_assert(strstr(text, "4321"), "%s", text);
  cr_assert(strstr(text, "nothing was timed"), "%s", text);
  cr_assert(strstr(text, "share of the CTAs"), "%s", text);
  cr_assert_null(strstr(text, "  ms"), "%s", text);
  cr_assert_null(strstr(text, "speedup"), "%s", text);
  free(text);
}

Test(text, lines_are_equally_long) {
  tsr_record records[] = {layer, bare};
  strcpy(records[1].name, "\xe4\xb8\xad\xe6\x96\x87"); /* two characters, four columns, six bytes */
  char *text = written(tsr_report_write_text, records, 2), *rest = text;
  size_t lengths[4];
  for (int i = 0; i < 4; i++) {
    lengths[i] = strcspn(rest, "\n");
    rest += lengths[i] + 1;
  }
  cr_assert_eq(lengths[1], lengths[2], "heading and row:\n%s", text);
  cr_assert_eq(lengths[1] + 2, lengths[3], "heading and wide row:\n%s", text);
  free(text);
}

/* ---- HTML ---- */

/* Reads the tag at text ("<name ...>"); returns what follows it. */
static const char *read_tag(const char *text, char name[32], int *closing, int *empty) {
  const char *at = text + 1;
  *closing = *at == '/';
  at += *closing;
  size_t length = strcspn(at, " />\n");
  cr_assert(length > 0 && length < 32, "a tag without a name: %.40s", text);
  memcpy(name, at, length);
  name[length] = 0;
  for (at += length; *at != '>'; at++) {
    cr_assert(*at && *at != '<', "an open tag: %.60s", text);
    if (*at == '"') cr_assert(at = strchr(at + 1, '"'), "an open attribute: %.60s", text);
  }
  *empty = at[-1] == '/';
  return at + 1;
}

static void check_well_formed(const char *html) {
  char open[64][32], name[32];
  int depth = 0, closing, empty;
  cr_assert_eq(strncmp(html, "<!DOCTYPE html>\n", 16), 0);
  for (const char *at = html + 16; (at = strchr(at, '<'));) {
    at = read_tag(at, name, &closing, &empty);
    if (closing) {
      cr_assert(depth > 0 && !strcmp(open[--depth], name), "</%s> closes nothing", name);
    } else if (!empty) {
      cr_assert_lt(depth, 64);
      strcpy(open[depth++], name);
    }
  }
  cr_assert_eq(depth, 0);
  for (const char *at = html; (at = strchr(at, '&')); at++)
    cr_assert(!strncmp(at, "&amp;", 5) || !strncmp(at, "&lt;", 4) || !strncmp(at, "&gt;", 4) ||
                  !strncmp(at, "&quot;", 6) || !strncmp(at, "&#39;", 5),
              "a bare ampersand: %.20s", at);
}

static int count_of(const char *text, const char *part) {
  int count = 0;
  for (; (text = strstr(text, part)); text += strlen(part)) count++;
  return count;
}

Test(html, is_well_formed_escaped_and_self_contained) {
  tsr_record records[] = {layer, loss(), bare, layer};
  records[3].sparsity = 0.5;
  strcpy(records[3].pattern, "</svg>");
  char *html = written(write_html, records, 4);
  check_well_formed(html);
  cr_assert(strstr(html, "<h1>&lt;title&gt; &amp; more</h1>"));
  cr_assert(strstr(html, "ffn &lt;up&gt; &amp; &quot;down&quot;, &#39;x&#39;"));
  cr_assert(strstr(html, "A CPU &amp; more"));
  cr_assert(strstr(html, "prefers-color-scheme: dark"));
  cr_assert_null(strstr(html, "<script"));
  cr_assert_null(strstr(html, "http"));
  free(html);
}

Test(html, draws_every_case_and_marks_losses) {
  const tsr_record records[] = {layer, loss(), bare};
  char *html = written(write_html, records, 3);
  cr_assert_eq(count_of(html, "<figure>"), 3);
  cr_assert_eq(count_of(html, "<svg viewBox=\"0 0"), 4); /* bare has nothing to draw */
  cr_assert_eq(count_of(html, "class=\"loss\""), 1);
  cr_assert_eq(count_of(html, "1 of 2 comparisons are slower"), 1);
  cr_assert_eq(count_of(html, " hollow\""), 2); /* in the speedup and in the latency chart */
  cr_assert_eq(count_of(html, "<tr"), 1 + 3);
  free(html);
}

Test(html, modelled_figures_are_no_measurements) {
  const tsr_record records[] = {layer, modelled()};
  char *html = written(write_html, records, 2);
  check_well_formed(html);
  cr_assert(strstr(html, "1 measurement."), "%s", html);
  const char *measured = strstr(html, "All measurements"), *table = strstr(html, "Modelled, not");
  cr_assert(measured && table && measured < table);
  cr_assert(strstr(table, "12.5<small>tensor</small>"), "%s", table);
  cr_assert(strstr(table, "A GPU &amp; more"), "%s", table);
  const char *named = strstr(html, "simulated<small>");
  cr_assert(named > table, "only in the table of modelled figures");
  cr_assert_eq(count_of(html, "<figure>"), 1);
  free(html);
}

Test(html, without_records_or_title) {
  tsr_report *report = report_of(NULL, 0);
  char *html = NULL;
  size_t bytes;
  FILE *stream = open_memstream(&html, &bytes);
  cr_assert_eq(tsr_report_write_html(report, NULL, stream), TSR_OK);
  fclose(stream);
  check_well_formed(html);
  cr_assert(strstr(html, "No measurements."));
  free(html);
  tsr_report_destroy(report);
}
