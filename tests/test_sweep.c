/* tessera sweep on a small model. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/checkpoint_files.h"
#include "tests/command.h"
#include "tests/evaluate_files.h"
#include "tests/idx_files.h"
#include "tests/tiny_bert.h"
#include "tests/tiny_resnet.h"

/* Of one model: dense, null, block at two sparsities and 2:4 by two methods. */
enum { CELLS = 2 + 2 * 3 };

static const char grid[] =
    "# a small grid\n"
    "model tiny model\n"
    "pattern block:4x4 2:4   # two families\n"
    "sparsity 0.5 0.75\n"
    "method l1\n"
    "method l2 --method magnitude-l2\n"
    "task fidelity sentiment\n"
    "data .\n"
    "latency 1 8\n";

static void enter(void) {
  command_enter();
  tiny_bert_write(command_path("model"));
  evaluate_sentences_write(command_path("."));
  files_write_text(command_path("."), "grid.txt", grid);
}

TestSuite(sweep, .init = enter, .fini = command_leave);

/* Eight images and labels. */
static void write_fashion(void) {
  static const unsigned char labels[] = {0, 1, 2, 3, 4, 0, 1, 2};
  enum { COUNT = sizeof labels, BYTES = COUNT * TINY_SIDE * TINY_SIDE };
  static unsigned char pixels[BYTES];
  for (int i = 0; i < BYTES; i++) pixels[i] = (unsigned char)(i * 37 ^ i >> 3);
  cr_assert_eq(mkdir(command_path("fashion"), 0777), 0);
  idx_write_fashion("fashion", COUNT, TINY_SIDE, pixels, labels);
}

static char *read_text(const char *name) {
  size_t size;
  char *text = files_read(command_path(name), &size);
  text = realloc(text, size + 1);
  text[size] = '\0';
  return text;
}

static int count_of(const char *text, const char *part) {
  int count = 0;
  for (; (text = strstr(text, part)); text += strlen(part)) count++;
  return count;
}

static void sweep(const char *options) {
  cr_assert_eq(command_run("sweep grid.txt -o out --seconds 0 --threads 1 %s", options), 0, "%s",
               command_errors());
}

/* The results' line of a command that begins like this; json_decref it. */
static json_t *result(const char *lines, const char *command) {
  for (const char *at = lines; *at; at = strchr(at, '\n') + 1) {
    json_t *record = json_loadb(at, (size_t)(strchr(at, '\n') - at), 0, NULL);
    cr_assert_not_null(record);
    if (!strncmp(json_text(record, "command"), command, strlen(command))) return record;
    json_decref(record);
  }
  cr_assert(0, "no %s", command);
  return NULL;
}

Test(sweep, runs_every_cell_and_writes_the_page) {
  sweep("");
  char *lines = read_text("out/results.jsonl"), *csv = read_text("out/results.csv");
  char *page = read_text("out/index.html");
  cr_assert_eq(count_of(lines, "\n"), CELLS, "%s", lines);
  cr_assert_eq(count_of(lines, "\"error\""), 0, "%s", lines);
  cr_assert_eq(count_of(csv, "\r\n"), 1 + CELLS);
  cr_assert_eq(count_of(page, "<td class=\"command\">tessera "), CELLS);
  cr_assert_eq(count_of(page, "<figure>"), 1);
  cr_assert(strstr(page,
                   "tessera prune model -o pruned -p block:4x4 -s 0.75 --method magnitude-l2 "
                   "&amp;&amp; tessera pack pruned -o packed &amp;&amp; tessera evaluate "
                   "packed -r model -T fidelity -T sentiment -d ."));
  json_t *dense = result(lines, "tessera evaluate model");
  cr_assert_float_eq(json_number(json_object_get(dense, "metrics"), "cosine"), 1, 1e-6);
  cr_assert_eq(json_number(dense, "speedup"), 1);
  cr_assert_gt(json_number(dense, "latency_ms"), 0);
  json_decref(dense);
  free(lines);
  free(csv);
  free(page);
}

Test(sweep, latencies_are_measured_later) {
  sweep("--no-latency");
  char *before = read_text("out/results.jsonl");
  cr_assert_eq(count_of(before, "\n"), CELLS);
  cr_assert_eq(count_of(before, "\"latency_ms\"") + count_of(before, "\"speedup\""), 0);
  sweep("--no-latency");
  sweep("--report");
  cr_assert(strstr(command_output(), "0 of 8 cells are finished, 8 have everything but a latency"),
            "%s", command_output());
  sweep("");
  sweep("");
  char *after = read_text("out/results.jsonl");
  cr_assert(!strncmp(before, after, strlen(before)));
  const char *raced = after + strlen(before);
  cr_assert_eq(count_of(raced, "\n"), CELLS, "%s", raced);
  cr_assert_eq(count_of(raced, "\"latency_ms\""), CELLS);
  for (const char *at = before; *at; at = strchr(at, '\n') + 1) {
    json_t *old = json_loadb(at, (size_t)(strchr(at, '\n') - at), 0, NULL);
    json_t *new = result(raced, json_text(old, "command"));
    cr_assert(json_equal(json_object_get(new, "metrics"), json_object_get(old, "metrics")));
    cr_assert_eq(json_number(new, "packed_bytes"), json_number(old, "packed_bytes"));
    cr_assert_gt(json_number(new, "latency_ms"), 0);
    json_decref(old);
    json_decref(new);
  }
  free(before);
  free(after);
}

/* A cell gives what its command gives. */
Test(sweep, cells_are_what_their_commands_say) {
  sweep("--cells 3");
  char *lines = read_text("out/results.jsonl");
  cr_assert_eq(count_of(lines, "\n"), 3);
  json_t *cell = result(lines, "tessera prune model -o pruned -p block:4x4 -s 0.5");
  char command[1024];
  snprintf(command, sizeof command, "PATH=\"$(dirname \"$T\"):$PATH\"; %s --json -t 1 > by_hand",
           json_text(cell, "command"));
  cr_assert_eq(command_shell(command), 0, "%s", command_errors());
  char *text = read_text("by_hand");
  json_t *by_hand = json_loads(strstr(text, "{\n"), JSON_DISABLE_EOF_CHECK, NULL);
  cr_assert_not_null(by_hand, "%s", text);
  const json_t *task = json_array_get(json_object_get(by_hand, "tasks"), 0);
  const json_t *cosine = json_object_get(json_object_get(task, "metrics"), "cosine");
  cr_assert_float_eq(json_number(json_object_get(cell, "metrics"), "cosine"),
                     json_number(cosine, "value"), 1e-8);
  json_decref(by_hand);
  json_decref(cell);
  free(text);
  free(lines);
}

Test(sweep, goes_on_where_it_was_killed) {
  sweep("--cells 2");
  char *first = read_text("out/results.jsonl");
  /* Killed while the third line was written. */
  cr_assert_eq(command_shell("printf '{\"model\": \"tiny\", \"comm' >> out/results.jsonl"), 0);
  sweep("--cells 1");
  cr_assert(strstr(command_output(), "the last line was incomplete"), "%s", command_output());
  cr_assert(strstr(command_output(), "2 of 8 cells are finished"), "%s", command_output());
  sweep("");
  cr_assert(strstr(command_output(), "3 of 8 cells are finished"), "%s", command_output());
  char *all = read_text("out/results.jsonl");
  cr_assert_eq(count_of(all, "\n"), CELLS);
  cr_assert_eq(strncmp(all, first, strlen(first)), 0);
  sweep("");
  cr_assert(strstr(command_output(), "8 of 8 cells are finished"), "%s", command_output());
  char *again = read_text("out/results.jsonl");
  cr_assert_str_eq(again, all);
  free(first);
  free(all);
  free(again);
}

/* Killed for real, at whatever moment that is. */
Test(sweep, survives_being_killed_at_any_moment) {
  for (int i = 0; i < 4; i++)
    command_shell("timeout -s KILL 0.2 \"$T\" sweep grid.txt -o out --seconds 0 -t 1");
  sweep("");
  char *lines = read_text("out/results.jsonl");
  cr_assert_eq(count_of(lines, "\n"), CELLS, "%s", lines);
  free(lines);
}

Test(sweep, failed_cells_are_told_and_tried_again) {
  files_write_text(command_path("."), "grid.txt",
                   "model tiny model\npattern row\nsparsity 0.5\nmethod bad --method best\n"
                   "task fidelity\ndata .\nlatency 1 8\n");
  sweep("");
  cr_assert(strstr(command_output(), "failed: "), "%s", command_output());
  char *csv = read_text("out/results.csv");
  cr_assert(strstr(csv, ",failed,"), "%s", csv);
  cr_assert(strstr(csv, "unknown pruning method 'best'"), "%s", csv);
  sweep("");
  cr_assert(strstr(command_output(), "2 of 3 cells are finished"), "%s", command_output());
  char *lines = read_text("out/results.jsonl");
  cr_assert_eq(count_of(lines, "\n"), 4);
  free(csv);
  free(lines);
}

Test(sweep, report_measures_nothing) {
  sweep("--report");
  char *lines = read_text("out/results.jsonl"), *csv = read_text("out/results.csv");
  cr_assert_str_empty(lines);
  cr_assert_eq(count_of(csv, "\r\n"), 1);
  free(lines);
  free(csv);
}

Test(sweep, a_broken_line_in_the_middle_is_an_error) {
  cr_assert_eq(command_shell("mkdir out; printf 'no json\\n{}\\n' > out/results.jsonl"), 0);
  cr_assert_eq(command_run("sweep grid.txt -o out"), 5);
  cr_assert(strstr(command_errors(), "results.jsonl, line 1"), "%s", command_errors());
}

Test(sweep, one_at_a_time) {
  sweep("--cells 1");
  int fd = open(command_path("out/results.jsonl"), O_RDWR);
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  cr_assert_eq(fcntl(fd, F_SETLK, &whole), 0); /* as another sweep holds it */
  cr_assert_eq(command_run("sweep grid.txt -o out"), 4);
  cr_assert(strstr(command_errors(), "another sweep is writing it"), "%s", command_errors());
  close(fd);
}

/* Two models with their own tasks and calibrations; commands say whose. */
Test(sweep, models_have_settings_of_their_own) {
  tiny_resnet_write(command_path("net"));
  files_write_text(command_path("."), "text", "the cat sat on the mat.\na dog runs\n");
  write_fashion();
  files_write_text(
      command_path("."), "grid.txt",
      "model tiny model calibrate=text\n"
      "model net net task=fashion data=fashion calibrate=fashion/t10k-images-idx3-ubyte.gz\n"
      "pattern 2:4\nmethod wanda --method wanda -c {calibration} -t 1\n"
      "task fidelity\ndata .\nlatency 1 8\n");
  sweep("");
  char *lines = read_text("out/results.jsonl");
  cr_assert_eq(count_of(lines, "\n"), 6, "%s", lines);
  cr_assert_eq(count_of(lines, "\"error\""), 0, "%s", lines);
  json_t *text = result(lines, "tessera prune model -o pruned -p 2:4 --method wanda -c text");
  json_t *images = result(lines,
                          "tessera prune net -o pruned -p 2:4 --method wanda -c "
                          "fashion/t10k-images-idx3-ubyte.gz");
  cr_assert_not_null(json_object_get(json_object_get(text, "metrics"), "cosine"));
  cr_assert_not_null(json_object_get(json_object_get(images, "metrics"), "accuracy"));
  cr_assert_null(json_object_get(json_object_get(images, "metrics"), "cosine"));
  json_decref(text);
  json_decref(images);
  free(lines);
  char *page = read_text("out/index.html");
  cr_assert_not_null(strstr(page, "accuracy against latency"));
  cr_assert_not_null(strstr(page, "cosine against latency"));
  free(page);
}

Test(sweep, bad_files) {
  static const char *const cases[][2] = {
      {"model tiny\n", "line 1: model NAME PATH is expected"},
      {"model a b colour=blue\n", "line 1: 'colour=blue' is none of calibrate=FILE"},
      {"model a b task=speed\n", "line 1: unknown task 'speed'"},
      {"model a b\npattern row\nmethod m -c {calibration}\ntask fidelity\n",
       "the model a has no calibrate=FILE"},
      {"\n\ncolour blue\n", "line 3: 'colour' is none of model, pattern"},
      {"pattern\n", "line 1: nothing follows 'pattern'"},
      {"pattern block:0x4\n", "line 1: "},
      {"pattern dense\n", "line 1: pattern: the dense model is measured anyway"},
      {"sparsity 1.5\n", "line 1: sparsity: 1.5 is not within 0..1"},
      {"task speed\n", "line 1: unknown task 'speed'"},
      {"data a\ndata b\n", "line 2: data FOLDER is expected, once"},
      {"latency 1\n", "line 1: latency BATCH TOKENS is expected"},
      {"latency 0 8\n", "line 1: latency: 0 is not within 1..4096"},
      {"", "no line names a model"},
      {"model a b\n", "no line names a pattern"},
      {"model a b\npattern row\nsparsity 0.5\n", "no line names a method"},
      {"model a b\npattern row\nsparsity 0.5\nmethod m\n", "no line names a task"},
      {"model a b\npattern row\nmethod m\ntask fidelity\n", "none of the patterns can have"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    files_write_text(command_path("."), "grid.txt", cases[i][0]);
    assert_fails(2, cases[i][1], "sweep grid.txt -o out");
  }
  assert_fails(3, "nowhere", "sweep nowhere -o out");
  assert_fails(2, "--output is missing", "sweep grid.txt");
}
