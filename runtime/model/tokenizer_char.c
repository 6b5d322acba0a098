/* Properties of characters as the tokenizer that BERT models are published with sees them. Its
 * tables are of several Unicode versions: categories of 8.0, normalisation of 9.0, lower case of
 * 17.0. utf8proc has one version; the tables below undo the difference. scripts/check_tokenizer.py
 * compares every code point. */
#include <utf8proc.h>

#include "runtime/model/tokenizer.h"

typedef struct range {
  int32_t first, last;
} range;

/* Assigned after Unicode 8 as a mark, punctuation or format character: plain characters here.
 * Ranges run over neighbours that are plain in every version. */
static const range plain[] = {
    {0x061D, 0x061D},   {0x07FD, 0x07FD},   {0x0890, 0x08E2},   {0x09FD, 0x09FE},
    {0x0A76, 0x0A76},   {0x0AFA, 0x0AFF},   {0x0B55, 0x0B55},   {0x0C04, 0x0C3C},
    {0x0C77, 0x0C77},   {0x0C84, 0x0C84},   {0x0D00, 0x0D00},   {0x0D3B, 0x0D3C},
    {0x0D81, 0x0D81},   {0x0EBA, 0x0EBA},   {0x0ECE, 0x0ECE},   {0x180F, 0x1886},
    {0x1ABF, 0x1ACE},   {0x1B7D, 0x1B7E},   {0x1DF6, 0x1DFB},   {0x2E43, 0x2E5D},
    {0xA82C, 0xA82C},   {0xA8C5, 0xA8C5},   {0xA8FF, 0xA8FF},   {0xA9BD, 0xA9BD},
    {0x10D24, 0x10F89}, {0x11070, 0x11074}, {0x110C2, 0x110CD}, {0x111CF, 0x111CF},
    {0x1123E, 0x11241}, {0x1133B, 0x1133B}, {0x11438, 0x1145E}, {0x11660, 0x1166C},
    {0x116B9, 0x116B9}, {0x1182F, 0x11FFF}, {0x12FF1, 0x13455}, {0x16E97, 0x16F4F},
    {0x16FE2, 0x16FE4}, {0x1CF00, 0x1CF46}, {0x1E000, 0x1E4EF}, {0x1E944, 0x1E95F},
};

/* Given a combining class, or made to decompose, after Unicode 9: starters here. */
static const range starters[] = {
    {0x07FD, 0x07FD},   {0x0898, 0x08D3},   {0x09FE, 0x09FE},   {0x0C3C, 0x0C3C},
    {0x0D3B, 0x0D3C},   {0x0EBA, 0x0EBA},   {0x1715, 0x1715},   {0x1ABF, 0x1ACE},
    {0x1DF6, 0x1DFA},   {0xA82C, 0xA82C},   {0x10D24, 0x10F85}, {0x11070, 0x11070},
    {0x1133B, 0x1133B}, {0x1145E, 0x1145E}, {0x11839, 0x11A99}, {0x11D42, 0x11F42},
    {0x16FF0, 0x16FF1}, {0x1E08F, 0x1E4EF},
};

static const range ideographs[] = {
    {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},   {0x20000, 0x2A6DF},
    {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F}, {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F},
};

/* Capitals assigned after utf8proc's version: a range of them, and its first one's lower case. */
static const struct {
  int32_t first, last, lower;
} capitals[] = {
    {0x1C89, 0x1C89, 0x1C8A},    {0xA7CB, 0xA7CB, 0x0264}, {0xA7CC, 0xA7CC, 0xA7CD},
    {0xA7CE, 0xA7CE, 0xA7CF},    {0xA7D2, 0xA7D2, 0xA7D3}, {0xA7D4, 0xA7D4, 0xA7D5},
    {0xA7DA, 0xA7DA, 0xA7DB},    {0xA7DC, 0xA7DC, 0x019B}, {0x10D50, 0x10D65, 0x10D70},
    {0x16EA0, 0x16EB8, 0x16EBB},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int within(const range *ranges, size_t count, int32_t code) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (code > ranges[middle].last)
      low = middle + 1;
    else
      high = middle;
  }
  return low < count && code >= ranges[low].first;
}

static tsr__char_kind classify_ascii(int32_t code) {
  if (code == ' ' || code == '\t' || code == '\n' || code == '\r') return TSR__CHAR_SPACE;
  if (code < ' ' || code == 0x7F) return TSR__CHAR_DROPPED;
  int alphanumeric =
      (code >= '0' && code <= '9') || (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
  return alphanumeric ? TSR__CHAR_PLAIN : TSR__CHAR_PUNCTUATION;
}

tsr__char_kind tsr__char_classify(int32_t code) {
  if (code < 0x80) return classify_ascii(code);
  if (code == 0x166D || code == 0x111C9) return TSR__CHAR_PUNCTUATION; /* since recategorised */
  if (code == 0x1734) return TSR__CHAR_ACCENT;                         /* likewise */
  if (code == 0xFFFD) return TSR__CHAR_DROPPED;
  if (within(plain, COUNT(plain), code)) return TSR__CHAR_PLAIN;
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CO:
      return TSR__CHAR_DROPPED;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return TSR__CHAR_SPACE;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      return TSR__CHAR_PUNCTUATION;
    case UTF8PROC_CATEGORY_MN:
      return TSR__CHAR_ACCENT;
    default:
      return TSR__CHAR_PLAIN;
  }
}

int tsr__char_is_ideograph(int32_t code) { return within(ideographs, COUNT(ideographs), code); }

int tsr__char_combining_class(int32_t code) {
  if (code < 0x300 || within(starters, COUNT(starters), code)) return 0;
  return utf8proc_get_property(code)->combining_class;
}

int32_t tsr__char_lower(int32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + ('a' - 'A') : code;
  for (size_t i = 0; i < COUNT(capitals); i++)
    if (code >= capitals[i].first && code <= capitals[i].last)
      return capitals[i].lower + (code - capitals[i].first);
  return utf8proc_tolower(code);
}

int tsr__char_decompose(int32_t code, int32_t out[TSR__DECOMPOSITION_MAX]) {
  out[0] = code;
  if (code < 0xC0 || within(starters, COUNT(starters), code)) return 1;
  int boundary = 0;
  utf8proc_ssize_t count =
      utf8proc_decompose_char(code, out, TSR__DECOMPOSITION_MAX, UTF8PROC_DECOMPOSE, &boundary);
  if (count >= 1 && count <= TSR__DECOMPOSITION_MAX) return (int)count;
  out[0] = code;
  return 1;
}
