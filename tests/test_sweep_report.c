/* What the report of a sweep says about its cells. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/report/sweep.h"
#include "tessera/tessera.h"

/* model, pattern, sparsity, cosine, rank, frozen, ms, bytes; then what is expected. */
typedef struct row {
  const char *model, *pattern;
  double cosine, rank, frozen, ms;
  int64_t bytes;
  int destroyed, front_ms, front_size;
} row;

static const row rows[] = {
    {"a", "dense", 1, 1, 0.766, 20, 1000, 0, 1, 1},
    {"a", "null", 0.197, 0.211, 0.583, 2, 1, 1, 0, 0},
    {"a", "irregular", 0.93, 0.93, 0.769, 25, 900, 0, 0, 1},
    {"a", "2:4", 0.88, 0.87, 0.758, 15, 950, 0, 1, 0},
    {"a", "block:16x16", 0.206, 0.174, 0.498, 10, 500, 1, 0, 0}, /* two of three */
    {"a", "vnm:64:2:8", 0.217, 0.249, 0.552, 9, 300, 0, 1, 1},   /* one of three */
    {"a", "row", 0.217, 0.249, 0.583, 9, 300, 0, 1, 1},          /* as good as the one before */
    {"a", "column", 0.21, 0.249, 0.583, 9, 300, 0, 0, 0},        /* as cheap, worse */
    {"b", "row", 0.1, 0.1, 0.1, 1, 1, 0, 1, 1},                  /* its model has no null row */
};
enum { ROWS = sizeof rows / sizeof *rows };

static tsr__sweep_cell cells[ROWS + 1];

static tsr__sweep make(const tsr_hardware *machine) {
  tsr__sweep sweep = {.title = "a <title>",
                      .machine = machine,
                      .metric_names = {"cosine", "rank", "frozen"},
                      .metric_count = 3,
                      .cells = cells,
                      .count = ROWS + 1};
  for (int i = 0; i < ROWS; i++) {
    const row *r = &rows[i];
    cells[i] = (tsr__sweep_cell){.model = r->model,
                                 .pattern = r->pattern,
                                 .method = "m, \"quoted\"",
                                 .command = "tessera prune a && b",
                                 .sparsity = 0.5,
                                 .latency_ms = r->ms,
                                 .speedup = 20 / r->ms,
                                 .packed_bytes = r->bytes,
                                 .metrics = {r->cosine, r->rank, r->frozen}};
  }
  cells[ROWS] = (tsr__sweep_cell){.model = "a",
                                  .pattern = "row",
                                  .method = "",
                                  .command = "c",
                                  .error = "it <failed>",
                                  .metrics = {NAN, NAN, NAN}};
  tsr__sweep_judge(&sweep);
  return sweep;
}

Test(sweep_report, destroyed_cells_and_fronts) {
  tsr_hardware machine = {.name = "a CPU"};
  make(&machine);
  for (int i = 0; i < ROWS; i++) {
    cr_assert_eq(cells[i].destroyed, rows[i].destroyed, "row %d", i);
    cr_assert_eq(cells[i].front_ms, rows[i].front_ms, "row %d", i);
    cr_assert_eq(cells[i].front_size, rows[i].front_size, "row %d", i);
  }
  cr_assert(!cells[ROWS].destroyed && !cells[ROWS].front_ms);
}

static char *written(tsr_status (*write)(const tsr__sweep *sweep, FILE *stream),
                     const tsr__sweep *sweep) {
  char *text = NULL;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  cr_assert_eq(write(sweep, stream), TSR_OK, "%s", tsr_last_error());
  fclose(stream);
  return text;
}

Test(sweep_report, csv) {
  tsr_hardware machine = {.name = "a CPU"};
  tsr__sweep sweep = make(&machine);
  char *text = written(tsr__sweep_write_csv, &sweep);
  static const char expected[] =
      "model,pattern,sparsity,method,cosine,rank,frozen,latency_ms,speedup,packed_bytes,state,"
      "front_latency,front_size,command,error\r\n"
      "a,dense,0.5,\"m, \"\"quoted\"\"\",1,1,0.766,20,1,1000,ok,1,1,tessera prune a && b,\r\n"
      "a,null,0.5,\"m, \"\"quoted\"\"\",0.197,0.211,0.583,2,10,1,destroyed,0,0,tessera prune a && "
      "b,\r\n";
  cr_assert_eq(strncmp(text, expected, sizeof expected - 1), 0, "%s", text);
  cr_assert(strstr(text, "a,row,0,,,,,,,,failed,0,0,c,it <failed>\r\n"), "%s", text);
  free(text);
}

Test(sweep_report, page) {
  tsr_hardware machine = {.name = "a CPU"};
  tsr__sweep sweep = make(&machine);
  char *text = written(tsr__sweep_write_html, &sweep);
  static const char *const parts[] = {"<h1>a &lt;title&gt;</h1>",
                                      "10 cells, of which 1 failed and 2 are destroyed",
                                      "it &lt;failed&gt;",
                                      "tessera prune a &amp;&amp; b",
                                      "cosine against latency",
                                      "cosine against size",
                                      "no better than a model of zeros"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    cr_assert(strstr(text, parts[i]), "%s", parts[i]);
  cr_assert_null(strstr(text, "nan"));
  free(text);
}

Test(sweep_report, nothing_measured) {
  tsr_hardware machine = {.name = "a CPU"};
  tsr__sweep sweep = {.title = "t", .machine = &machine};
  tsr__sweep_judge(&sweep);
  free(written(tsr__sweep_write_csv, &sweep));
  char *text = written(tsr__sweep_write_html, &sweep);
  cr_assert(strstr(text, "0 cells"));
  free(text);
}
