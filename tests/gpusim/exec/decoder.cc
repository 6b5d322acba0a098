#include "tests/gpusim/exec/decoder.h"

#include <cstring>

#include "tests/gpusim/exec/layout.h"
#include "tests/gpusim/exec/special.h"

namespace gpusim {
namespace {

using Kind = ptx::Operand::Kind;

const ptx::Operand kNoOperand;

std::string ordinal(size_t i) { return "operand " + std::to_string(i + 1); }

/* A literal's pattern as a value of the type; an error text if it is none of that type. */
std::string literal_bits(const ptx::Operand &operand, Type type, uint64_t *bits) {
  const TypeKind kind = type_kind(type);
  *bits = operand.bits;
  if (operand.kind == Kind::integer) {
    return kind == TypeKind::real && operand.bits != 0 ? "an integer stands for a real number" : "";
  }
  if (kind != TypeKind::real && kind != TypeKind::bits)
    return "a real number stands for an integer";
  if (operand.real_bytes == 8 && type_bytes(type) == 4) {
    double value;
    memcpy(&value, &operand.bits, sizeof value);
    const float narrow = static_cast<float>(value);
    uint32_t pattern;
    memcpy(&pattern, &narrow, sizeof pattern);
    *bits = pattern;
  } else if (operand.real_bytes == 4 && type_bytes(type) == 8) {
    float value;
    const uint32_t pattern = static_cast<uint32_t>(operand.bits);
    memcpy(&value, &pattern, sizeof value);
    const double wide = value;
    memcpy(bits, &wide, sizeof *bits);
  } else if (operand.real_bytes != type_bytes(type)) {
    return "a real literal of another size";
  }
  return "";
}

}  // namespace

Decoder::Decoder(const ptx::Instruction &source, Layout &layout)
    : source_(source),
      layout_(layout),
      taken_(source.qualifiers.size()),
      used_(source.operands.size()) {
  result_.source = &source;
}

bool Decoder::take(std::string_view qualifier) {
  for (size_t i = 0; i < taken_.size(); i++) {
    if (taken_[i] || source_.qualifiers[i] != qualifier) continue;
    taken_[i] = true;
    return true;
  }
  return false;
}

Type Decoder::take_type() {
  for (size_t i = 0; i < taken_.size(); i++) {
    if (taken_[i]) continue;
    const Type type = type_from_name(source_.qualifiers[i]);
    if (type == Type::none) continue;
    taken_[i] = true;
    return type;
  }
  return Type::none;
}

Space Decoder::take_space() {
  for (size_t i = 0; i < taken_.size(); i++) {
    Space space = Space::generic;
    if (taken_[i] || !space_from_name(source_.qualifiers[i], &space)) continue;
    taken_[i] = true;
    return space;
  }
  return Space::generic;
}

std::string_view Decoder::take_prefix(std::string_view prefix) {
  for (size_t i = 0; i < taken_.size(); i++) {
    if (taken_[i] || source_.qualifiers[i].substr(0, prefix.size()) != prefix) continue;
    taken_[i] = true;
    return source_.qualifiers[i];
  }
  return {};
}

size_t Decoder::operand_count() const { return source_.operands.size(); }

const ptx::Operand &Decoder::operand(size_t i) const {
  return i < source_.operands.size() ? source_.operands[i] : kNoOperand;
}

bool Decoder::open(size_t i) {
  if (i >= source_.operands.size()) {
    fail("too few operands");
    return false;
  }
  if (used_[i]) {
    fail(ordinal(i) + " serves twice");
    return false;
  }
  used_[i] = true;
  if (i < sizeof result_.group) result_.group[i] = static_cast<uint8_t>(operands_.size());
  return true;
}

void Decoder::append(const Operand &operand) {
  if (operands_.size() >= 200) return fail("too many operands");
  operands_.push_back(operand);
}

/* Appends the register's elements: one, or those of a .v2 or .v4 register. */
void Decoder::append_register(size_t i, const ptx::Operand &operand, unsigned bytes, bool wide) {
  const ptx::Variable &variable = *operand.variable;
  const unsigned size = type_bytes(variable.type);
  if (size != bytes && (!wide || size < bytes || bytes == 0)) {
    return fail(ordinal(i) + " is a register of " + std::to_string(size) + " bytes, not " +
                std::to_string(bytes));
  }
  const bool selector = operand.component == 'b' || operand.component == 'h';
  if (selectors_ && selector && variable.vector <= 1) return append(layout_.reg(variable, 0));
  if (variable.vector <= 1 && operand.component != 0) return fail(ordinal(i) + " is no vector");
  if (operand.component != 0) {
    constexpr std::string_view kComponents = "xyzw";
    const size_t element = kComponents.find(operand.component);
    if (element >= variable.vector) return fail(ordinal(i) + " has no such component");
    return append(layout_.reg(variable, static_cast<unsigned>(element)));
  }
  for (unsigned element = 0; element < variable.vector; element++) {
    append(layout_.reg(variable, element));
  }
}

void Decoder::append_target(size_t i, const ptx::Operand &operand, unsigned bytes, bool wide) {
  if (operand.negated) return fail(ordinal(i) + " is written and negated");
  switch (operand.kind) {
    case Kind::reg:
      return append_register(i, operand, bytes, wide);
    case Kind::sink:
      return append(layout_.sink(bytes));
    case Kind::vector:
    case Kind::pair:
      for (const ptx::Operand &element : operand.elements) {
        if (element.kind != Kind::reg && element.kind != Kind::sink) {
          return fail(ordinal(i) + " holds something that can't be written");
        }
        append_target(i, element, bytes, wide);
      }
      return;
    default:
      return fail(ordinal(i) + " can't be written");
  }
}

void Decoder::append_source(size_t i, const ptx::Operand &operand, Type type, bool wide) {
  const unsigned bytes = type_bytes(type);
  if (operand.negated && type != Type::pred) return fail(ordinal(i) + " is negated");
  std::string error;
  Operand place;
  switch (operand.kind) {
    case Kind::reg: {
      const size_t first = operands_.size();
      append_register(i, operand, bytes, wide);
      for (size_t at = first; at < operands_.size(); at++) operands_[at].negated = operand.negated;
      return;
    }
    case Kind::integer:
    case Kind::real: {
      uint64_t bits = 0;
      error = literal_bits(operand, type, &bits);
      place = layout_.literal(bits, bytes);
      place.negated = operand.negated;
      break;
    }
    case Kind::special: {
      const Special *special = find_special(operand.name);
      if (special != nullptr && special->changes) return fail("a clock is read by mov only");
      error = bytes == 0 ? "no predicate"
                         : layout_.special(operand.name, operand.component, bytes, &place);
      break;
    }
    case Kind::variable:
      if (bytes < 4) return fail(ordinal(i) + " is an address");
      error = layout_.address(*operand.variable, operand.offset, operand.variable->space, bytes,
                              &place);
      break;
    case Kind::function:
      if (bytes != 8) return fail(ordinal(i) + " is a function's address");
      error = layout_.function_address(*operand.function, bytes, &place);
      break;
    case Kind::vector:
      for (const ptx::Operand &element : operand.elements) {
        if (element.kind == Kind::vector) return fail("vectors of vectors");
        append_source(i, element, type, wide);
      }
      return;
    default:
      return fail(ordinal(i) + " can't be read");
  }
  if (!error.empty()) return fail(ordinal(i) + ": " + error);
  append(place);
}

void Decoder::mark_targets() { result_.targets = static_cast<uint8_t>(operands_.size()); }

void Decoder::write(size_t i, unsigned bytes) {
  if (!open(i)) return;
  if (bytes == 0) return fail("no size to write");
  append_target(i, operand(i), bytes, false);
  mark_targets();
}

void Decoder::write_wide(size_t i, unsigned bytes) {
  if (!open(i)) return;
  if (bytes == 0) return fail("no size to write");
  append_target(i, operand(i), bytes, true);
  mark_targets();
}

void Decoder::write_predicate(size_t i) {
  if (!open(i)) return;
  append_target(i, operand(i), 0, false);
  mark_targets();
}

void Decoder::write_with_predicate(size_t i, unsigned bytes) {
  if (!open(i)) return;
  const ptx::Operand &target = operand(i);
  if (target.kind == Kind::pair && target.elements.size() == 2) {
    append_target(i, target.elements[0], bytes, false);
    append_target(i, target.elements[1], 0, false);
  } else {
    append_target(i, target, bytes, false);
    append(layout_.sink(0));
  }
  mark_targets();
}

void Decoder::read(size_t i, Type type) {
  if (!open(i)) return;
  if (type == Type::none) return fail("no type");
  append_source(i, operand(i), type, false);
}

void Decoder::read_wide(size_t i, Type type) {
  if (!open(i)) return;
  if (type == Type::none) return fail("no type");
  append_source(i, operand(i), type, true);
}

void Decoder::read_predicate(size_t i) { read(i, Type::pred); }

void Decoder::write_carry() {
  append(layout_.carry());
  mark_targets();
}

void Decoder::read_carry() { append(layout_.carry()); }

void Decoder::address(size_t i, Space space) {
  if (!open(i)) return;
  const ptx::Operand &address = operand(i);
  if (address.kind != Kind::address || address.elements.size() != 1) {
    return fail(ordinal(i) + " is no address");
  }
  const ptx::Operand &base = address.elements[0];
  result_.space = space;
  switch (base.kind) {
    case Kind::reg: {
      const unsigned bytes = type_bytes(base.variable->type);
      if (bytes != 4 && bytes != 8) return fail("an address register has 4 or 8 bytes");
      result_.offset = address.offset;
      return append_register(i, base, bytes, false);
    }
    case Kind::integer:
      result_.offset = address.offset;
      return append(layout_.literal(base.bits, 8));
    case Kind::variable: {
      Operand place;
      const std::string error = layout_.address(*base.variable, address.offset, space, 8, &place);
      if (!error.empty()) return fail(error);
      return append(place);
    }
    default:
      return fail(ordinal(i) + " is no address");
  }
}

bool Decoder::literal(size_t i, uint64_t *value) {
  if (i >= source_.operands.size() || operand(i).kind != Kind::integer) return false;
  used_[i] = true;
  *value = operand(i).bits;
  return true;
}

void Decoder::use(Execute execute, Propagate propagate, InstructionClass instruction_class) {
  result_.execute = execute;
  result_.propagate = propagate;
  result_.instruction_class = instruction_class;
}

void Decoder::aligned() { result_.converge = Converge::aligned; }

void Decoder::members(size_t i) {
  if (i >= sizeof result_.group) return fail("no member mask");
  result_.converge = Converge::members;
  result_.members = result_.group[i];
}

void Decoder::detail(unsigned i, uint64_t value) { result_.detail[i] = value; }

void Decoder::consume(size_t i) {
  if (i < used_.size()) used_[i] = true;
}

void Decoder::fail(const std::string &why) {
  if (error_.empty()) error_ = why.empty() ? "not understood" : why;
}

void Decoder::finish() {
  if (source_.guard != nullptr) {
    if (source_.guard->type != Type::pred) return fail("the guard is no predicate");
    result_.guarded = true;
    result_.guard = layout_.reg(*source_.guard, 0);
    result_.guard.negated = source_.guard_negated;
  }
  for (size_t i = 0; i < taken_.size(); i++) {
    if (!taken_[i]) return fail("unknown qualifier ." + std::string(source_.qualifiers[i]));
  }
  for (size_t i = 0; i < used_.size(); i++) {
    if (!used_[i]) return fail("too many operands");
  }
  if (result_.execute == nullptr) return fail("no such combination of types and qualifiers");
  if (result_.converge == Converge::members && result_.members >= operands_.size()) {
    return fail("no member mask");
  }
  result_.count = static_cast<uint8_t>(operands_.size());
}

Instruction &Decoder::result() { return result_; }

}  // namespace gpusim
