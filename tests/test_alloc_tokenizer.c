/* Running out of memory: the tokenizer. */
#include <criterion/criterion.h>

#include "tessera/model.h"
#include "tests/alloc_failures.h"

static tsr_status open_tokenizer(void) {
  tsr_tokenizer *tokenizer;
  tsr_status status =
      tsr_tokenizer_open(TESSERA_TEST_DATA "/golden/tokenizer/vocab.txt", &tokenizer);
  tsr_tokenizer_close(tokenizer);
  return status;
}

Test(tokenizer, opening_survives) {
  EXPECT_OUT_OF_MEMORY(open_tokenizer());
  cr_assert_gt(alloc_failures_count(), 4);
}

Test(tokenizer, encoding_allocates_nothing) {
  tsr_tokenizer *tokenizer;
  int32_t ids[16];
  size_t count;
  cr_assert_eq(tsr_tokenizer_open(TESSERA_TEST_DATA "/golden/tokenizer/vocab.txt", &tokenizer),
               TSR_OK);
  EXPECT_OUT_OF_MEMORY(
      tsr_tokenizer_encode(tokenizer, "caf\xc3\xa9 [MASK]!", 13, 16, ids, 16, &count));
  cr_assert_eq(alloc_failures_count(), 0);
  tsr_tokenizer_close(tokenizer);
}
