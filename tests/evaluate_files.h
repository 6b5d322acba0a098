/* Small files of the kinds that tasks read. */
#ifndef TESSERA_TESTS_EVALUATE_FILES_H
#define TESSERA_TESTS_EVALUATE_FILES_H

/* In words that the tiny model knows: movieReviewSnippets_GroundTruth.txt with 36 lines, one of
 * them rated 0; 7 lines are for testing. */
void evaluate_sentences_write(const char *folder);
/* data.noun, data.verb, data.adj, data.adv: four questions. */
void evaluate_wordnet_write(const char *folder);

/* Its queries and documents, in order. */
enum { EVALUATE_QUESTIONS = 4 };
extern const char *const evaluate_queries[EVALUATE_QUESTIONS];
extern const char *const evaluate_documents[EVALUATE_QUESTIONS];

#endif
