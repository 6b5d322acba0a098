/* PTX text to tokens (PTX ISA, section 4). */
#ifndef GPUSIM_PTX_LEXER_H
#define GPUSIM_PTX_LEXER_H

#include <cstdint>
#include <string_view>

namespace gpusim::ptx {

struct Token {
  enum class Kind : uint8_t {
    end,
    word,      /* name, %register, $label, _ */
    dotted,    /* .directive or .qualifier, "::" parts included; text without the first dot */
    number,    /* any literal; see literal.h */
    string,    /* text without the quotes; escapes are left alone */
    operation, /* one or two characters */
    bad        /* text says what is wrong */
  };
  Kind kind = Kind::end;
  std::string_view text;
  const char *begin = nullptr; /* of the token in the module's text */
  uint32_t line = 0;

  bool is(char c) const { return kind == Kind::operation && text.size() == 1 && text[0] == c; }
  bool is(std::string_view operation) const { return kind == Kind::operation && text == operation; }
  const char *end() const { return text.data() + text.size(); }
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}
  Token next();

 private:
  bool skip_blanks(Token *bad);
  bool skip_comment();
  void skip_line();
  Token word(Token token);
  Token dotted(Token token);
  Token number(Token token);
  Token string(Token token);
  Token operation(Token token);
  char ahead(unsigned n) const { return end_ - at_ > static_cast<long>(n) ? at_[n] : '\0'; }

  const char *at_;
  const char *end_;
  uint32_t line_ = 1;
};

}  // namespace gpusim::ptx

#endif
