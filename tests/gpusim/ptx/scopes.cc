#include "tests/gpusim/ptx/scopes.h"

#include <utility>

namespace gpusim::ptx {
namespace {

constexpr size_t kRangeDigits = 7;

/* "12" of "%r12": the number behind the first `length` characters; false if it is none. */
bool range_index(std::string_view name, size_t length, uint32_t *index) {
  const std::string_view digits = name.substr(length);
  if (digits.empty() || digits.size() > kRangeDigits) return false;
  if (digits[0] == '0' && digits.size() > 1) return false;
  *index = 0;
  for (char c : digits) *index = *index * 10 + static_cast<uint32_t>(c - '0');
  return true;
}

size_t trailing_digits(std::string_view name) {
  size_t count = 0;
  while (count < name.size() && name[name.size() - 1 - count] >= '0' &&
         name[name.size() - 1 - count] <= '9') {
    count++;
  }
  return count;
}

/* The range of a scope that holds the name; null if none does. %f12 may be number 12 of %f<..> or
 * number 2 of %f1<..>. */
const RegisterRange *find_range(const Scope &scope, std::string_view name, size_t digits) {
  const size_t first = name.size() - (digits < kRangeDigits ? digits : kRangeDigits);
  for (size_t length = first; length < name.size(); length++) {
    uint32_t index;
    if (!range_index(name, length, &index)) continue;
    const auto found = scope.ranges.find(name.substr(0, length));
    if (found != scope.ranges.end() && index < found->second.count) return &found->second;
  }
  return nullptr;
}

}  // namespace

Found Scopes::find(std::string_view name) const {
  const size_t digits = trailing_digits(name);
  for (size_t depth = scopes_.size(); depth > 0; depth--) {
    const Scope &scope = scopes_[depth - 1];
    const auto symbol = scope.symbols.find(name);
    if (symbol != scope.symbols.end()) return {&symbol->second, nullptr, depth};
    if (digits == 0 || scope.ranges.empty()) continue;
    const RegisterRange *range = find_range(scope, name, digits);
    if (range) return {nullptr, range, depth};
  }
  return {};
}

Symbol *Scopes::find_in(Scope &scope, std::string_view name) {
  const auto found = scope.symbols.find(name);
  return found == scope.symbols.end() ? nullptr : &found->second;
}

bool Scopes::declare(std::string_view name, const Symbol &symbol) {
  return scopes_.back().symbols.emplace(name, symbol).second;
}

bool Scopes::declare_range(std::string_view prefix, const RegisterRange &range) {
  return scopes_.back().ranges.emplace(prefix, range).second;
}

void Scopes::declare_at(size_t depth, std::string_view name, const Symbol &symbol) {
  scopes_[depth - 1].symbols.emplace(name, symbol);
}

Scope Scopes::leave() {
  Scope scope = std::move(scopes_.back());
  scopes_.pop_back();
  return scope;
}

}  // namespace gpusim::ptx
