/* Broken safetensors files: each gives an error that names the file, the tensor and the value.
 * scripts/make_broken_safetensors.py makes the corpus. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/checkpoint/internal.h"
#include "tests/checkpoint_files.h"

#define CORPUS TESSERA_TEST_DATA "/corpus/safetensors"

static const struct {
  const char *file;
  tsr_status status;
  const char *words; /* in the message */
} cases[] = {
    {"empty_file", TSR_MALFORMED, "0 bytes are too few"},
    {"seven_bytes", TSR_MALFORMED, "7 bytes are too few"},
    {"length_0", TSR_MALFORMED, "length is 0"},
    {"length_beyond_file", TSR_MALFORMED, "length 3 goes beyond the file's 10 bytes"},
    {"length_above_limit", TSR_MALFORMED, "length 100000001 is more than 100000000"},
    {"length_2_to_the_64", TSR_MALFORMED, "length 18446744073709551615 is more than"},
    {"length_too_short", TSR_MALFORMED, "byte 53 of the JSON: expected ',' or '}', found the end"},

    {"first_byte_space", TSR_MALFORMED, "begins with byte 0x20, not '{'"},
    {"first_byte_bom", TSR_MALFORMED, "begins with byte 0xef, not '{'"},
    {"top_is_array", TSR_MALFORMED, "begins with byte 0x5b, not '{'"},
    {"not_closed", TSR_MALFORMED, "expected a key, found the end"},
    {"trailing_comma", TSR_MALFORMED, "expected a key, found '}'"},
    {"missing_comma", TSR_MALFORMED, "expected ',' or '}', found '\"'"},
    {"missing_colon", TSR_MALFORMED, "byte 5 of the JSON: expected ':', found '1'"},
    {"trailing_newline", TSR_MALFORMED, "byte 0x0a after the closing brace"},
    {"trailing_nul", TSR_MALFORMED, "byte 0x00 after the closing brace"},
    {"trailing_object", TSR_MALFORMED, "byte 0x7b after the closing brace"},
    {"invalid_utf8", TSR_MALFORMED, "expected UTF-8, found byte 0xff"},
    {"overlong_utf8", TSR_MALFORMED, "expected UTF-8, found byte 0xc0"},
    {"utf8_surrogate", TSR_MALFORMED, "expected UTF-8, found byte 0xed"},
    {"utf8_cut_by_quote", TSR_MALFORMED, "expected UTF-8, found byte 0xe2"},
    {"nul_in_name", TSR_MALFORMED, "U+0000"},
    {"control_character_in_name", TSR_MALFORMED, "control character 0x0a"},
    {"lone_surrogate", TSR_MALFORMED, "half of a surrogate pair"},
    {"surrogate_then_letter", TSR_MALFORMED, "half of a surrogate pair"},
    {"surrogate_low_twice", TSR_MALFORMED, "half of a surrogate pair"},
    {"surrogates_swapped", TSR_MALFORMED, "half of a surrogate pair"},
    {"escape_unknown", TSR_MALFORMED, "expected an escape, found 'x'"},
    {"escape_cut", TSR_MALFORMED, "hexadecimal digit, found the end"},
    {"nested_deep", TSR_MALFORMED, "expected an object, found '['"},
    {"nested_deep_in_shape", TSR_MALFORMED, "expected an integer, found '['"},
    {"single_quotes", TSR_MALFORMED, "expected a key, found '''"},

    {"name_twice", TSR_MALFORMED, "tensor 't' appears twice"},
    {"name_twice_by_escape", TSR_MALFORMED, "tensor 't' appears twice"},

    {"entry_is_number", TSR_MALFORMED, "'t': byte 5 of the JSON: expected an object"},
    {"entry_is_null", TSR_MALFORMED, "'t': byte 5 of the JSON: expected an object"},
    {"entry_empty", TSR_MALFORMED, "'t': byte 7 of the JSON: the key 'dtype' is missing"},
    {"dtype_missing", TSR_MALFORMED, "the key 'dtype' is missing"},
    {"shape_missing", TSR_MALFORMED, "the key 'shape' is missing"},
    {"data_offsets_missing", TSR_MALFORMED, "the key 'data_offsets' is missing"},
    {"key_unknown", TSR_MALFORMED, "unknown key 'strides'"},
    {"key_twice", TSR_MALFORMED, "the key 'dtype' appears twice"},
    {"dtype_unknown", TSR_UNSUPPORTED, "tensor 't': unknown dtype 'F128'"},
    {"dtype_lower_case", TSR_UNSUPPORTED, "tensor 't': unknown dtype 'f32'"},
    {"dtype_is_number", TSR_MALFORMED, "'t': byte 14 of the JSON: expected a string"},

    {"shape_is_number", TSR_MALFORMED, "expected an array, found '2'"},
    {"shape_negative", TSR_MALFORMED, "the shape holds -2"},
    {"shape_fraction", TSR_MALFORMED, "2.0 is not an integer"},
    {"shape_exponent", TSR_MALFORMED, "2e0 is not an integer"},
    {"shape_nan", TSR_MALFORMED, "expected an integer, found 'N'"},
    {"shape_string", TSR_MALFORMED, "expected an integer, found '\"'"},
    {"shape_leading_zero", TSR_MALFORMED, "expected an integer, found '0'"},
    {"shape_2_to_the_63", TSR_MALFORMED, "9223372036854775808 does not fit"},
    {"shape_100_digits", TSR_MALFORMED, "99999... has 100 characters"},
    {"shape_product_overflow", TSR_MALFORMED, "overflows at dimension 1 (4294967296)"},
    {"shape_bits_overflow", TSR_MALFORMED, "4611686018427387904 elements of F32 overflow"},
    {"shape_9_dimensions", TSR_UNSUPPORTED, "tensor 't': more than 8 dimensions"},
    {"shape_too_small", TSR_MALFORMED, "[0, 8] span 8 bytes, its dtype and shape take 4"},
    {"shape_too_large", TSR_MALFORMED, "[0, 8] span 8 bytes, its dtype and shape take 12"},
    {"half_a_byte", TSR_MALFORMED, "3 elements of F4 are no whole bytes"},
    {"three_quarters_of_a_byte", TSR_MALFORMED, "1 elements of F6_E2M3 are no whole bytes"},

    {"offsets_negative", TSR_MALFORMED, "data_offsets holds -8"},
    {"offsets_one", TSR_MALFORMED, "data_offsets has 1 entries, not 2"},
    {"offsets_three", TSR_MALFORMED, "data_offsets has more than 2 entries"},
    {"offsets_reversed", TSR_MALFORMED, "data_offsets [8, 0] end before they begin"},
    {"offsets_2_to_the_63", TSR_MALFORMED, "9223372036854775808 does not fit"},
    {"offsets_2_to_the_64_plus_8", TSR_MALFORMED, "18446744073709551624 does not fit"},
    {"offsets_beyond_file", TSR_MALFORMED, "[8, 16] go beyond the 8 data bytes"},
    {"offsets_claim_terabytes", TSR_MALFORMED, "[0, 4398046511104] go beyond the 8 data bytes"},
    {"offsets_are_strings", TSR_MALFORMED, "expected an integer, found '\"'"},
    {"truncated_data", TSR_MALFORMED, "[0, 8] go beyond the 7 data bytes"},

    {"hole_at_start", TSR_MALFORMED,
     "'t': begins at byte 1 of the data, leaving a hole after byte 0"},
    {"hole_between", TSR_MALFORMED,
     "'b': begins at byte 5 of the data, leaving a hole after byte 4"},
    {"overlap", TSR_MALFORMED, "'b': begins at byte 4 of the data, overlapping another"},
    {"same_bytes_twice", TSR_MALFORMED, "begins at byte 0 of the data, overlapping another"},
    {"empty_tensor_inside_another", TSR_MALFORMED,
     "'b': begins at byte 4 of the data, overlapping"},
    {"data_after_the_last", TSR_MALFORMED, "tensors end at byte 8 of the data, the file at byte 9"},
    {"data_without_tensors", TSR_MALFORMED,
     "tensors end at byte 0 of the data, the file at byte 1"},

    {"metadata_is_string", TSR_MALFORMED,
     "'__metadata__': byte 16 of the JSON: expected an object"},
    {"metadata_is_null", TSR_MALFORMED, "'__metadata__': byte 16 of the JSON: expected an object"},
    {"metadata_value_number", TSR_MALFORMED,
     "'__metadata__': byte 21 of the JSON: expected a string"},
    {"metadata_value_object", TSR_MALFORMED,
     "'__metadata__': byte 21 of the JSON: expected a string"},
    {"metadata_key_twice", TSR_MALFORMED, "__metadata__: the key 'a' appears twice"},
    {"metadata_twice", TSR_MALFORMED, "the key '__metadata__' appears twice"},
};

enum { CASES = sizeof cases / sizeof cases[0] };

Test(broken, every_file_of_the_corpus_is_refused_with_file_and_value) {
  for (int i = 0; i < CASES; i++) {
    char path[512];
    tsr_checkpoint *c = (tsr_checkpoint *)(uintptr_t)1;
    snprintf(path, sizeof path, "%s/%s.safetensors", CORPUS, cases[i].file);
    tsr_status status = tsr_checkpoint_open(path, &c);
    const char *message = tsr_last_error();
    cr_assert_eq(status, cases[i].status, "%s: %s", cases[i].file, message);
    cr_assert_null(c);
    cr_assert_eq(strncmp(message, path, strlen(path)), 0, "%s: %s", cases[i].file, message);
    cr_assert(strstr(message + strlen(path), cases[i].words), "%s: %s", cases[i].file, message);
  }
  cr_assert_eq(files_count(CORPUS), CASES, "a file of the corpus is not in the table");
}

/* A file that is cut or has grown is never taken for whole. */
Test(broken, every_truncation_is_refused) {
  size_t size;
  char *bytes = files_read(TESSERA_TEST_DATA "/golden/reference.safetensors", &size);
  tsr_checkpoint *c;
  for (size_t cut = 0; cut < size; cut++) {
    /* An exact copy, so that a sanitizer sees a read beyond it. */
    char *copy = malloc(cut ? cut : 1);
    memcpy(copy, bytes, cut);
    cr_assert_eq(tsr__checkpoint_open_memory(copy, cut, NULL, &c), TSR_MALFORMED, "%zu bytes", cut);
    cr_assert_null(c);
    free(copy);
  }
  cr_assert_eq(tsr__checkpoint_open_memory(bytes, size, NULL, &c), TSR_OK);
  tsr_checkpoint_close(c);
  cr_assert_eq(tsr__checkpoint_open_memory(bytes, size + 1, NULL, &c), TSR_MALFORMED);
  free(bytes);
}

static void expect_memory(const char *header, const char *data, size_t size, size_t tensors) {
  size_t length = strlen(header);
  char *image = calloc(8 + length + size, 1);
  for (int i = 0; i < 8; i++) image[i] = (char)(length >> (8 * i) & 0xff);
  memcpy(image + 8, header, length);
  if (size) memcpy(image + 8 + length, data, size);
  tsr_checkpoint *c;
  cr_assert_eq(tsr__checkpoint_open_memory(image, 8 + length + size, NULL, &c), TSR_OK, "%s: %s",
               header, tsr_last_error());
  cr_assert_eq(tsr_checkpoint_tensor_count(c), tensors);
  tsr_checkpoint_close(c);
  free(image);
}

#define TENSOR(name, dtype, shape, offsets) \
  "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

Test(unusual, what_the_format_allows_is_read) {
  expect_memory("{}", "", 0, 0);
  expect_memory("{ \t\r\n}     ", "", 0, 0);
  expect_memory("{" TENSOR("t", "U8", "[]", "[0,1]") "}", "x", 1, 1);
  expect_memory("{" TENSOR("t", "U8", " [ 1 , 1 ] ", "[ 0 , 1 ]") " } ", "x", 1, 1);
  expect_memory("{" TENSOR("", "F4", "[2,3]", "[0,3]") "}", "xyz", 3, 1);
  expect_memory("{" TENSOR("\\u00e9\\ud83d\\ude42\\/", "F6_E3M2", "[4]", "[0,3]") "}", "xyz", 3, 1);
  /* Empty tensors at the start, between and at the end; sizes that only a 0 keeps small. */
  expect_memory("{" TENSOR("a", "F32", "[0,9223372036854775807]", "[2,2]") "," TENSOR(
                    "b", "U8", "[2]",
                    "[0,2]") "," TENSOR("c", "I64", "[0]",
                                        "[0,0]") "," TENSOR("d", "U8", "[1]",
                                                            "[2,3]") "," TENSOR("e", "U8", "[0]",
                                                                                "[3,3]") "}",
                "xyz", 3, 5);
  expect_memory("{\"__metadata__\":{}}", "", 0, 0);
  expect_memory("{" TENSOR("t", "U8", "[1,1,1,1,1,1,1,1]", "[0,1]") "}", "x", 1, 1);
  /* The order of an entry's keys, and of __metadata__ among the entries, is free. */
  expect_memory(
      "{\"t\":{\"data_offsets\":[0,1],\"shape\":[1],\"dtype\":\"U8\"},"
      "\"__metadata__\":{\"a\":\"b\"}}",
      "x", 1, 1);
}

/* A name as long as the message buffer must not push the value out of the message. */
Test(broken, a_long_name_leaves_room_for_the_value) {
  enum { LENGTH = 3000 };
  char *header = calloc(LENGTH + 200, 1), name[LENGTH + 1];
  memset(name, 'n', LENGTH);
  name[LENGTH] = '\0';
  snprintf(header, LENGTH + 200,
           "{\"%s\":{\"dtype\":\"U8\",\"shape\":[77777],\"data_offsets\":[0,1]}}", name);
  char *folder = files_folder(), *path = files_path(folder, "x.safetensors");
  files_write_safetensors(path, header, 0, "x", 1);
  tsr_checkpoint *c;
  cr_assert_eq(tsr_checkpoint_open(path, &c), TSR_MALFORMED);
  cr_assert(strstr(tsr_last_error(), path));
  cr_assert(strstr(tsr_last_error(), "77777"), "%s", tsr_last_error());
  free(header);
  free(path);
  files_remove(folder);
}
