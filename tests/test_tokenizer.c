#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tessera/model.h"
#include "tests/escaped_lines.h"

#define GOLDEN TESSERA_TEST_DATA "/golden/tokenizer/"

enum { UNK = 100, CLS = 101, SEP = 102, MASK = 103, ROOM = 1024 };

static tsr_tokenizer *tokenizer;

static void open_golden(void) {
  cr_assert_eq(tsr_tokenizer_open(GOLDEN "vocab.txt", &tokenizer), TSR_OK, "%s", tsr_last_error());
}

static void close_golden(void) { tsr_tokenizer_close(tokenizer); }

TestSuite(tokenizer, .init = open_golden, .fini = close_golden);

/* ---- golden ids: written by scripts/make_tokenizer_golden.py with another tokenizer ---- */

static size_t parse_ids(char *line, int32_t *ids) {
  size_t count = 0;
  for (char *id = strtok(line, " \n"); id; id = strtok(NULL, " \n")) {
    cr_assert_lt(count, ROOM);
    ids[count++] = atoi(id);
  }
  return count;
}

Test(tokenizer, ids_equal_the_golden_ones) {
  FILE *texts = fopen(GOLDEN "texts.txt", "r"), *golden = fopen(GOLDEN "ids.txt", "r");
  cr_assert(texts && golden);
  char *text = NULL, *line = NULL;
  size_t text_room = 0, line_room = 0, bytes, count;
  int texts_seen = 0;
  static int32_t wanted[ROOM], ids[ROOM];
  while (escaped_lines_next(texts, &text, &text_room, &bytes) == 1) {
    texts_seen++;
    cr_assert_gt(getline(&line, &line_room, golden), 0);
    size_t wanted_count = parse_ids(line, wanted);
    cr_assert_eq(tsr_tokenizer_encode(tokenizer, text, bytes, ROOM, ids, ROOM, &count), TSR_OK);
    cr_assert_eq(count, wanted_count, "line %d: %zu ids, not %zu", texts_seen, count, wanted_count);
    for (size_t i = 0; i < count; i++)
      cr_assert_eq(ids[i], wanted[i], "line %d, id %zu: %d, not %d", texts_seen, i, ids[i],
                   wanted[i]);
  }
  cr_assert_geq(texts_seen, 2000);
  cr_assert_lt(getline(&line, &line_room, golden), 0, "ids.txt is longer than texts.txt");
  free(text);
  free(line);
  fclose(texts);
  fclose(golden);
}

/* ---- cutting, room, long lines ---- */

TestSuite(cut, .init = open_golden, .fini = close_golden);

/* "hello" is 7592, "world" 2088: their lines of vocab.txt less one. */
Test(cut, max_tokens_drops_the_tokens_before_sep) {
  static const char text[] = "hello world hello";
  static const int32_t wanted[][5] = {
      {CLS, SEP}, {CLS, 7592, SEP}, {CLS, 7592, 2088, SEP}, {CLS, 7592, 2088, 7592, SEP}};
  for (size_t max = 2; max <= 6; max++) {
    const size_t count_wanted = max < 5 ? max : 5;
    int32_t ids[5];
    size_t count;
    cr_assert_eq(tsr_tokenizer_encode(tokenizer, text, strlen(text), max, ids, 5, &count), TSR_OK);
    cr_assert_eq(count, count_wanted);
    cr_assert_arr_eq(ids, wanted[count_wanted - 2], count * sizeof *ids);
  }
}

Test(cut, a_word_of_several_pieces_is_cut_inside) {
  /* una ##ffa ##ble = 14477 20961 3468 */
  int32_t ids[4];
  size_t count;
  cr_assert_eq(tsr_tokenizer_encode(tokenizer, "unaffable", 9, 4, ids, 4, &count), TSR_OK);
  cr_assert_eq(count, 4);
  const int32_t wanted[] = {CLS, 14477, 20961, SEP};
  cr_assert_arr_eq(ids, wanted, sizeof wanted);
}

Test(cut, too_little_room_is_reported_with_the_full_count) {
  int32_t ids[4] = {0, 0, 0, -7};
  size_t count;
  cr_assert_eq(tsr_tokenizer_encode(tokenizer, "hello world hello", 17, 100, ids, 3, &count),
               TSR_INVALID_ARGUMENT);
  cr_assert_eq(count, 5);
  const int32_t wanted[] = {CLS, 7592, 2088, -7};
  cr_assert_arr_eq(ids, wanted, sizeof wanted);
  cr_assert_eq(tsr_tokenizer_encode(tokenizer, "hello", 5, 100, NULL, 0, &count),
               TSR_INVALID_ARGUMENT);
  cr_assert_eq(count, 3);
}

/* A text of `unit` repeated up to 100,000 bytes has `per_unit` tokens a unit, or `total`. */
static void check_long(const char *unit, size_t per_unit, size_t total) {
  size_t length = strlen(unit), units = 100000 / length, bytes = units * length, count;
  char *text = malloc(bytes);
  int32_t *ids = malloc((bytes + 2) * sizeof *ids);
  cr_assert(text && ids);
  for (size_t i = 0; i < units; i++) memcpy(text + i * length, unit, length);
  cr_assert_eq(tsr_tokenizer_encode(tokenizer, text, bytes, bytes + 2, ids, bytes + 2, &count),
               TSR_OK);
  cr_assert_eq(count, 2 + (per_unit ? per_unit * units : total), "'%s': %zu ids", unit, count);
  cr_assert_eq(ids[count - 1], SEP);
  free(text);
  free(ids);
}

Test(cut, lines_of_100000_bytes) {
  check_long("a", 0, 1); /* one word, too long: [UNK] */
  check_long("hello ", 1, 0);
  check_long("!", 1, 0);
  check_long("[MASK]", 1, 0);
  check_long("\xff", 0, 0);                         /* no byte is a character */
  check_long("\xcc\x81", 0, 0);                     /* nothing but accents */
  check_long("\xe4\xb8\xad", 1, 0);                 /* each ideograph is a word */
  check_long("\xe3\x80\xae\xf0\x9d\x85\xa5", 0, 1); /* marks that NFD sorts */
}

Test(cut, an_empty_text_may_be_null) {
  int32_t ids[2];
  size_t count;
  cr_assert_eq(tsr_tokenizer_encode(tokenizer, NULL, 0, 2, ids, 2, &count), TSR_OK);
  cr_assert_eq(count, 2);
  cr_assert(ids[0] == CLS && ids[1] == SEP);
}

Test(cut, bad_arguments) {
  int32_t ids[8];
  size_t count;
  cr_assert_eq(tsr_tokenizer_encode(NULL, "a", 1, 8, ids, 8, &count), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_tokenizer_encode(tokenizer, NULL, 1, 8, ids, 8, &count), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_tokenizer_encode(tokenizer, "a", 1, 1, ids, 8, &count), TSR_INVALID_ARGUMENT);
  cr_assert(strstr(tsr_last_error(), "max_tokens is 1"));
  cr_assert_eq(tsr_tokenizer_encode(tokenizer, "a", 1, 8, NULL, 8, &count), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_tokenizer_encode(tokenizer, "a", 1, 8, ids, 8, NULL), TSR_INVALID_ARGUMENT);
}

Test(cut, tokens_by_id) {
  cr_assert_eq(tsr_tokenizer_vocabulary(tokenizer), 30522);
  cr_assert_str_eq(tsr_tokenizer_token(tokenizer, 0), "[PAD]");
  cr_assert_str_eq(tsr_tokenizer_token(tokenizer, MASK), "[MASK]");
  cr_assert_str_eq(tsr_tokenizer_token(tokenizer, 7592), "hello");
  cr_assert_str_eq(tsr_tokenizer_token(tokenizer, 10354), "##af");
  cr_assert_null(tsr_tokenizer_token(tokenizer, -1));
  cr_assert_null(tsr_tokenizer_token(tokenizer, 30522));
  cr_assert_null(tsr_tokenizer_token(NULL, 0));
  cr_assert_eq(tsr_tokenizer_vocabulary(NULL), 0);
}

/* ---- vocabularies ---- */

static tsr_status open_text(const char *text, size_t bytes, tsr_tokenizer **out) {
  char path[] = "/tmp/tessera_vocab_XXXXXX";
  int descriptor = mkstemp(path);
  cr_assert_geq(descriptor, 0);
  cr_assert_eq(write(descriptor, text, bytes), (ssize_t)bytes);
  close(descriptor);
  tsr_status status = tsr_tokenizer_open(path, out);
  unlink(path);
  return status;
}

#define OPEN(text, out) open_text(text, sizeof(text) - 1, out)

Test(vocabulary, lines_may_end_in_crlf_and_the_last_in_nothing) {
  tsr_tokenizer *small;
  cr_assert_eq(OPEN("[UNK]\r\n[CLS]\r\n[SEP]\r\nab\r\n##c", &small), TSR_OK);
  cr_assert_eq(tsr_tokenizer_vocabulary(small), 5);
  int32_t ids[6];
  size_t count;
  cr_assert_eq(tsr_tokenizer_encode(small, "abc c abcc", 10, 9, ids, 6, &count),
               TSR_INVALID_ARGUMENT);
  cr_assert_eq(count, 8);
  const int32_t wanted[] = {1, 3, 4, 0, 3, 4};
  cr_assert_arr_eq(ids, wanted, sizeof wanted);
  tsr_tokenizer_close(small);
}

Test(vocabulary, without_continuations_or_mask) {
  tsr_tokenizer *small;
  cr_assert_eq(OPEN("[UNK]\n[CLS]\n[SEP]\nmask\n[\n]\n", &small), TSR_OK);
  int32_t ids[8];
  size_t count;
  cr_assert_eq(tsr_tokenizer_encode(small, "[MASK] masks", 12, 8, ids, 8, &count), TSR_OK);
  const int32_t wanted[] = {1, 4, 3, 5, 0, 2};
  cr_assert_eq(count, 6);
  cr_assert_arr_eq(ids, wanted, sizeof wanted);
  tsr_tokenizer_close(small);
}

Test(vocabulary, malformed_files_name_the_line) {
  static const struct {
    const char *text;
    size_t bytes;
    const char *message;
  } cases[] = {
      {"", 0, "no line is '[UNK]'"},
      {"[UNK]\n[CLS]\n", 12, "no line is '[SEP]'"},
      {"[UNK]\n\n[CLS]\n", 13, "line 2 is empty"},
      {"[UNK]\n[CLS]\n\r\n", 14, "line 3 is empty"},
      {"[UNK]\na\nb\na\n", 12, "line 4 repeats 'a' of line 2"},
      {"[UNK]\na\0b\n", 10, "line 2 holds a NUL"},
      {"[UNK]\n\xc3\n", 8, "line 2 is not valid UTF-8"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tsr_tokenizer *small = (tsr_tokenizer *)&small;
    cr_assert_eq(open_text(cases[i].text, cases[i].bytes, &small), TSR_MALFORMED, "case %zu", i);
    cr_assert_null(small);
    cr_assert(strstr(tsr_last_error(), cases[i].message), "case %zu: %s", i, tsr_last_error());
    cr_assert(strstr(tsr_last_error(), "/tmp/tessera_vocab_"), "%s", tsr_last_error());
  }
}

Test(vocabulary, files_that_cannot_be_read) {
  tsr_tokenizer *none;
  cr_assert_eq(tsr_tokenizer_open("/nonexistent/vocab.txt", &none), TSR_NOT_FOUND);
  cr_assert(strstr(tsr_last_error(), "/nonexistent/vocab.txt"));
  cr_assert_eq(tsr_tokenizer_open("/", &none), TSR_IO);
  cr_assert_eq(tsr_tokenizer_open("/dev/zero", &none), TSR_UNSUPPORTED);
  cr_assert_eq(tsr_tokenizer_open(NULL, &none), TSR_INVALID_ARGUMENT);
  cr_assert_eq(tsr_tokenizer_open(GOLDEN "vocab.txt", NULL), TSR_INVALID_ARGUMENT);
  tsr_tokenizer_close(NULL);
}
