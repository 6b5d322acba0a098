/* The files that tasks read. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/evaluate/evaluate.h"
#include "tessera/tessera.h"
#include "tests/checkpoint_files.h"
#include "tests/evaluate_files.h"

#define CHECK(call) cr_assert_eq(call, TSR_OK, "%s", tsr_last_error())

static char *folder;
static void enter(void) { folder = files_folder(); }
static void leave(void) { files_remove(folder); }

TestSuite(evaluate_data, .init = enter, .fini = leave);

static void assert_text(const tsr__texts *texts, size_t index, const char *expected) {
  cr_assert_lt(index, texts->count);
  cr_assert_eq(tsr__text_bytes(texts, index), strlen(expected), "%zu: %.*s", index,
               (int)tsr__text_bytes(texts, index), tsr__text_at(texts, index));
  cr_assert_eq(memcmp(tsr__text_at(texts, index), expected, strlen(expected)), 0, "%s", expected);
}

static tsr_status read_sentences(const char *text, tsr__sentences *out) {
  files_write_text(folder, TSR__SENTENCES_FILE, text);
  char *path = files_path(folder, TSR__SENTENCES_FILE);
  tsr_status status = tsr__sentences_read(path, out);
  free(path);
  return status;
}

Test(evaluate_data, sentences_are_split_by_their_number) {
  tsr__sentences s;
  CHECK(
      read_sentences("1\t1.5\tzero\r\n2\t-2\tone\n3\t0\ttwo\n4\t0.25\tthree\twith a tab\n5\t-4\t"
                     "four\n6\t-0.5\tfive",
                     &s));
  cr_assert_eq(s.test.texts.count, 2);
  assert_text(&s.test.texts, 0, "zero");
  assert_text(&s.test.texts, 1, "five");
  cr_assert_eq(s.test.ratings[1], -0.5);
  cr_assert_eq(s.training.texts.count, 3);
  assert_text(&s.training.texts, 1, "three\twith a tab");
  cr_assert_eq(s.training.ratings[1], 0.25);
  tsr__sentences_release(&s);
}

Test(evaluate_data, broken_sentences) {
  static const char *const cases[][2] = {
      {"1\t1\ta\n2 no tabs\n", "line 2: not id, TAB, rating, TAB, text"},
      {"1\t1.5x\ta\n", "line 1: '1.5x' is no rating within -4..4"},
      {"1\t\ta\n", "line 1: '' is no rating"},
      {"1\tnan\ta\n", "line 1: 'nan' is no rating"},
      {"1\t4.5\ta\n", "line 1: '4.5' is no rating"},
      {"1\t1\ta\n2\t1\tb\n3\t-1\tc\n", "1 lines for testing, 1 of them rated above 0"},
      {"", "0 lines for testing"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tsr__sentences s;
    cr_assert_eq(read_sentences(cases[i][0], &s), TSR_MALFORMED, "case %zu", i);
    cr_assert(strstr(tsr_last_error(), cases[i][1]), "case %zu: %s", i, tsr_last_error());
    tsr__sentences_release(&s);
  }
}

Test(evaluate_data, wordnet_makes_questions_of_senses_and_synonyms) {
  evaluate_wordnet_write(folder);
  tsr__wordnet w;
  CHECK(tsr__wordnet_read(folder, &w));
  cr_assert_eq(w.queries.count, EVALUATE_QUESTIONS);
  cr_assert_eq(w.documents.count, EVALUATE_QUESTIONS);
  for (size_t i = 0; i < EVALUATE_QUESTIONS; i++) {
    assert_text(&w.queries, i, evaluate_queries[i]);
    assert_text(&w.documents, i, evaluate_documents[i]);
  }
  tsr__wordnet_release(&w);
}

Test(evaluate_data, broken_wordnet) {
  static const char *const lines[] = {
      "00000001 03 n 01 bank 0 000 no gloss\n",
      "00000001 03 n zz bank 0 000 | a\n",
      "00000001 03 n 00 000 | a\n",
      "00000001 03 n 05 bank 0 | a\n",
      "00000001 03 n ffffffffff bank 0 | a\n",
      "\n",
      "00000001 03 n 01 bank 0 000 | no end",
  };
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    tsr__wordnet w;
    evaluate_wordnet_write(folder);
    files_write_text(folder, "data.verb", lines[i]);
    cr_assert_eq(tsr__wordnet_read(folder, &w), TSR_MALFORMED, "case %zu", i);
    cr_assert(strstr(tsr_last_error(), "data.verb, line 1"), "case %zu: %s", i, tsr_last_error());
    tsr__wordnet_release(&w);
  }
}

Test(evaluate_data, wordnet_without_questions_or_files) {
  static const char *const files[] = {"data.noun", "data.verb", "data.adj", "data.adv"};
  tsr__wordnet w;
  cr_assert_eq(tsr__wordnet_read(folder, &w), TSR_NOT_FOUND);
  tsr__wordnet_release(&w);
  for (int i = 0; i < 4; i++) files_write_text(folder, files[i], "");
  cr_assert_eq(tsr__wordnet_read(folder, &w), TSR_MALFORMED);
  cr_assert(strstr(tsr_last_error(), "fewer than two words"), "%s", tsr_last_error());
  tsr__wordnet_release(&w);
}

Test(evaluate_data, data_says_what_is_missing) {
  tsr__task_data data = {.folder = NULL};
  const tsr__sentences *sentences;
  cr_assert_eq(tsr__task_sentences(&data, &sentences), TSR_INVALID_ARGUMENT);
  cr_assert(strstr(tsr_last_error(), "--data"), "%s", tsr_last_error());
  data.folder = folder;
  cr_assert_eq(tsr__task_sentences(&data, &sentences), TSR_NOT_FOUND);
  cr_assert(strstr(tsr_last_error(), TSR__SENTENCES_FILE), "%s", tsr_last_error());
  evaluate_sentences_write(folder);
  CHECK(tsr__task_sentences(&data, &sentences));
  cr_assert_eq(sentences->test.texts.count, 7);
  cr_assert_eq(sentences->training.texts.count, 28);
  tsr__task_data_release(&data);
}

Test(evaluate_data, tasks_are_found_by_name) {
  const tsr__task *task;
  for (size_t i = 0; tsr__task_at(i); i++) {
    CHECK(tsr__task_find(tsr__task_at(i)->name, &task));
    cr_assert_eq(task, tsr__task_at(i));
  }
  cr_assert_eq(tsr__task_find("speed", &task), TSR_INVALID_ARGUMENT);
  cr_assert(strstr(tsr_last_error(), "fidelity, sentiment, retrieval"), "%s", tsr_last_error());
}
