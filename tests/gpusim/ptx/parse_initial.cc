/* Initial values of .global and .const variables (PTX ISA, section 5.4.4). */
#include <cstring>

#include "tests/gpusim/ptx/parser.h"

namespace gpusim::ptx {
namespace {

/* Initial values may be given sparsely ({{1}, {2}} of a [2][1000000]); what is stored stays in
 * proportion to the text. */
constexpr uint64_t kInitialPerCharacter = 8;
constexpr uint64_t kInitialFree = 1u << 20;

}  // namespace

bool Parser::reserve_initial(Variable *variable, uint64_t bytes) {
  const uint64_t old = variable->initial.size();
  if (bytes <= old) return true;
  initial_bytes_ += bytes - old;
  if (initial_bytes_ > kInitialPerCharacter * module_->text.size() + kInitialFree) {
    return fail("initial values of %s lie too far apart", shown(variable->name).c_str());
  }
  variable->initial.resize(bytes);
  return true;
}

bool Parser::initial_value(Variable *variable, uint64_t offset, const Literal &value) {
  const unsigned bytes = type_bytes(variable->type);
  uint64_t bits = value.bits;
  if (type_kind(variable->type) == TypeKind::real && bytes != value.real_bytes) {
    if (bytes != 4 && bytes != 8) return fail("an initial value has to be written in bits");
    const double real = literal_real(value);
    const float narrow = static_cast<float>(real);
    bits = 0;
    if (bytes == 4) memcpy(&bits, &narrow, 4);
    if (bytes == 8) memcpy(&bits, &real, 8);
  } else if (value.real_bytes != 0 && value.real_bytes != bytes) {
    return fail("an initial value of another size");
  }
  if (!reserve_initial(variable, offset + bytes)) return false;
  memcpy(variable->initial.data() + offset, &bits, bytes < 8 ? bytes : 8);
  return true;
}

/* name, name+4, generic(name), generic(name+4), generic(name)+4 */
bool Parser::named_address(Relocation *relocation) {
  const bool parenthesis = at_word("generic");
  std::string_view name;
  int64_t inner = 0, outer = 0;
  if (parenthesis) {
    advance();
    relocation->generic = true;
    if (!expect('(')) return false;
  }
  if (!take_word(&name, "a name")) return false;
  const Symbol *symbol = find(name);
  if (!symbol) return fail_at(last_.line, "%s is not declared", shown(name).c_str());
  if (symbol->kind == Symbol::Kind::function) {
    relocation->function = symbol->function;
  } else if (symbol->kind == Symbol::Kind::variable && symbol->variable->space != Space::reg) {
    relocation->variable = symbol->variable;
  } else {
    return fail_at(last_.line, "%s has no address", shown(name).c_str());
  }
  if (!offset(&inner)) return false;
  if (parenthesis && (!expect(')') || !offset(&outer))) return false;
  relocation->addend =
      static_cast<int64_t>(static_cast<uint64_t>(inner) + static_cast<uint64_t>(outer));
  return true;
}

/* 0xff00(name) takes the bits of the mask, moved to the lowest place. */
bool Parser::initial_address(Variable *variable, uint64_t offset, uint64_t mask) {
  Relocation relocation;
  relocation.offset = offset;
  relocation.bytes = type_bytes(variable->type);
  relocation.shift = static_cast<unsigned>(__builtin_ctzll(mask));
  const uint64_t low = mask >> relocation.shift;
  const uint64_t all =
      relocation.bytes >= 8 ? UINT64_MAX : (UINT64_C(1) << 8 * relocation.bytes) - 1;
  if (mask != UINT64_MAX && low != all) {
    return fail("a mask has to take %u neighbouring bytes", relocation.bytes);
  }
  if (relocation.bytes > 8) return fail("addresses have at most 8 bytes");
  if (!named_address(&relocation) || !reserve_initial(variable, offset + relocation.bytes)) {
    return false;
  }
  variable->relocations.push_back(relocation);
  return true;
}

bool Parser::initial_element(Variable *variable, uint64_t offset) {
  if (token_.kind == Token::Kind::word && !at_word("WARP_SZ")) {
    return initial_address(variable, offset, UINT64_MAX);
  }
  Literal value;
  if (!expression(&value)) return false;
  if (!token_.is('(')) return initial_value(variable, offset, value);
  if (value.real_bytes != 0 || value.bits == 0) return fail("no mask of an address");
  advance();
  return initial_address(variable, offset, value.bits) && expect(')');
}

/* The list of one dimension, from *offset on; leaves *offset behind its last element. */
bool Parser::initial_list(Variable *variable, const Dimensions &dimensions, size_t level,
                          uint64_t *offset) {
  uint64_t row = type_bytes(variable->type); /* bytes of one element of this dimension */
  for (size_t i = level + 1; i < dimensions.size(); i++) row *= dimensions[i];
  const uint64_t begin = *offset;
  const uint64_t end = dimensions[level] == 0 ? kMaxBytes : begin + row * dimensions[level];
  if (!expect('{')) return false;
  if (accept('}')) return true;
  do {
    if (*offset >= end)
      return fail("too many initial values for %s", shown(variable->name).c_str());
    if (token_.is('{')) {
      if (level + 1 == dimensions.size()) return unexpected("a value");
      const uint64_t next = *offset + row;
      if (!initial_list(variable, dimensions, level + 1, offset)) return false;
      *offset = next;
    } else {
      if (!initial_element(variable, *offset)) return false;
      *offset += type_bytes(variable->type);
    }
  } while (accept(','));
  return expect('}');
}

bool Parser::initialiser(Variable *variable, const Dimensions &dimensions) {
  Dimensions all = dimensions;
  if (variable->vector > 1) all.push_back(variable->vector);
  if (all.empty()) return initial_element(variable, 0);
  uint64_t offset = 0;
  if (!initial_list(variable, all, 0, &offset)) return false;
  if (all[0] != 0) return true;
  /* [] takes its size from the list; whole rows. */
  uint64_t row = type_bytes(variable->type);
  for (size_t i = 1; i < all.size(); i++) row *= all[i];
  variable->bytes = row == 0 ? 0 : (offset + row - 1) / row * row;
  return true;
}

}  // namespace gpusim::ptx
