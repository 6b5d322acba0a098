#include "tests/evaluate_files.h"

#include <stdio.h>
#include <string.h>

#include "tests/checkpoint_files.h"

static const char *const subjects[] = {"a cat", "the dog", "the river"};
static const char *const verbs[] = {"sat on", "runs", "is walking"};
static const char *const endings[] = {"the mat.", "a bank", "the blue sky", ""};

/* Line 25 has the rating 0; lines 0, 5, ... are for testing. */
void evaluate_sentences_write(const char *folder) {
  char text[4096] = "";
  size_t used = 0;
  for (int i = 0; i < 36; i++) {
    double rating = i == 25 ? 0 : i % 3 == 1 ? -1.5 - i % 4 / 4.0 : 0.5 + i % 7 / 4.0;
    used +=
        (size_t)snprintf(text + used, sizeof text - used, "%d\t%g\t%s %s %s%s", i + 1, rating,
                         subjects[i % 3], verbs[i / 3 % 3], endings[i / 9], i == 35 ? "" : "\r\n");
  }
  files_write_text(folder, "movieReviewSnippets_GroundTruth.txt", text);
}

/* In the order of the alphabet: bank (two senses), cat (synonyms), river (synonyms), walk (a verb
 * with two senses). mat has neither; sky's second word begins the alphabet nowhere. */
const char *const evaluate_queries[EVALUATE_QUESTIONS] = {
    "the river is blue", "a cat sat; the cat sat", "money, money", "the dog is walking"};
const char *const evaluate_documents[EVALUATE_QUESTIONS] = {
    "money on the mat", "cat, blue cat", "sky, the sky", "a dog runs on the mat"};

void evaluate_wordnet_write(const char *folder) {
  files_write_text(folder, "data.noun",
                   "  1 This is a licence  \n"
                   "00000001 03 n 01 bank 0 000 | the river is blue; \"the bank is blue\"  \n"
                   "00000002 03 n 01 bank 1 001 @ 00000001 n 0000 | money on the mat  \n"
                   "00000003 03 n 02 cat 0 blue_cat 0 000 | a cat sat; the cat sat  \n"
                   "00000004 03 n 01 mat 0 000 | a mat  \n");
  files_write_text(folder, "data.verb",
                   "00000005 29 v 01 walk 0 000 01 + 02 00 | the dog is walking  \n"
                   "00000006 29 v 01 walk 2 000 01 + 02 00 | a dog runs on the mat  \n");
  files_write_text(folder, "data.adj", "00000007 00 s 02 sky(a) 0 the_sky 0 000 | money, money \n");
  files_write_text(folder, "data.adv", "");
}
