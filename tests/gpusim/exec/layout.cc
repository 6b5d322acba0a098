#include "tests/gpusim/exec/layout.h"

#include <algorithm>

#include "tests/gpusim/exec/special.h"
#include "tests/gpusim/memory/heap.h"

namespace gpusim {
namespace {

constexpr uint32_t kSlotAlign = 64;
/* A local variable or a parameter beyond this is reported when it is used. */
constexpr uint64_t kMaxFrameBytes = 1u << 24;

uint64_t round_up(uint64_t value, uint64_t align) {
  return align <= 1 ? value : (value + align - 1) / align * align;
}

/* Appends `variable` to a frame's memory of `*bytes`. */
bool place(const ptx::Variable &variable, uint32_t *bytes, std::vector<Extent> *extents,
           std::unordered_map<const ptx::Variable *, uint32_t> *offsets) {
  const uint64_t offset = round_up(*bytes, variable.align);
  if (variable.bytes > kMaxFrameBytes || offset + variable.bytes > kMaxFrameBytes) return false;
  (*offsets)[&variable] = static_cast<uint32_t>(offset);
  extents->push_back({static_cast<uint32_t>(offset), static_cast<uint32_t>(variable.bytes)});
  *bytes = static_cast<uint32_t>(offset + variable.bytes);
  return true;
}

}  // namespace

Layout::Layout(const LoadedModule &module, Code &code) : module_(module), code_(code) {
  place_formals();
  place_memory();
}

void Layout::place_formals() {
  const ptx::Function &function = *code_.source;
  const auto formal = [this](const ptx::Variable *variable) {
    Passed passed;
    if (variable->space == Space::reg) {
      passed.in_register = true;
      passed.reg = reg(*variable, 0);
      passed.bytes = passed.reg.bytes;
    } else if (place(*variable, &code_.param_bytes, &code_.params, &offsets_)) {
      passed.offset = offsets_[variable];
      passed.bytes = static_cast<uint32_t>(variable->bytes);
    }
    return passed;
  };
  for (const ptx::Variable *variable : function.parameters) {
    code_.formal_arguments.push_back(formal(variable));
  }
  if (function.is_entry) code_.parameter_bytes = code_.param_bytes;
  for (const ptx::Variable *variable : function.results) {
    code_.formal_results.push_back(formal(variable));
  }
}

void Layout::place_memory() {
  for (const ptx::Variable *variable : code_.source->memory) {
    if (variable->space == Space::local) {
      place(*variable, &code_.local_bytes, &code_.locals, &offsets_);
      code_.local_align = std::max(code_.local_align, variable->align);
    } else if (variable->space == Space::param) {
      place(*variable, &code_.param_bytes, &code_.params, &offsets_);
    }
  }
}

Operand Layout::take(unsigned bytes) {
  Operand operand;
  if (bytes != 0) next_at_ = static_cast<uint32_t>(round_up(next_at_, kSlotAlign));
  operand.at = next_at_;
  operand.index = static_cast<uint16_t>(next_index_);
  operand.bytes = static_cast<uint8_t>(bytes);
  next_at_ += bytes == 0 ? static_cast<uint32_t>(sizeof(uint32_t)) : bytes * kLanes;
  next_index_++;
  code_.register_bytes = static_cast<uint32_t>(round_up(next_at_, kSlotAlign));
  code_.register_count = next_index_;
  return operand;
}

Operand Layout::reg(const ptx::Variable &variable, unsigned element) {
  const auto key = std::make_pair(&variable, element);
  const auto found = registers_.find(key);
  if (found != registers_.end()) return found->second;
  const Operand operand = take(type_bytes(variable.type));
  code_.registers.push_back(operand);
  registers_.emplace(key, operand);
  return operand;
}

Operand Layout::carry() {
  static const ptx::Variable carry_flag = [] {
    ptx::Variable variable;
    variable.name = "CC.CF";
    variable.type = Type::pred;
    return variable;
  }();
  return reg(carry_flag, 0);
}

Operand Layout::sink(unsigned bytes) {
  const Operand operand = take(bytes);
  code_.registers.push_back(operand);
  return operand;
}

Operand Layout::filled(const Fill &fill) {
  const auto key =
      std::make_tuple(fill.kind, fill.bytes, fill.component, fill.number, fill.value, fill.special);
  const auto found = filled_.find(key);
  if (found != filled_.end()) return found->second;
  const Operand operand = take(fill.bytes);
  code_.fills.push_back(fill);
  code_.fills.back().at = operand.at;
  code_.fills.back().index = operand.index;
  filled_.emplace(key, operand);
  return operand;
}

Operand Layout::literal(uint64_t value, unsigned bytes) {
  Fill fill;
  fill.bytes = static_cast<uint8_t>(bytes);
  fill.value = bytes == 0 ? (value != 0) : bytes < 8 ? value & ((1ull << 8 * bytes) - 1) : value;
  return filled(fill);
}

std::string Layout::special(std::string_view name, char component, unsigned bytes,
                            Operand *operand) {
  const Special *special = find_special(name);
  if (special == nullptr) return "unknown special register " + std::string(name);
  Fill fill;
  fill.kind = Fill::Kind::special;
  fill.bytes = static_cast<uint8_t>(bytes);
  fill.special = special;
  if (special->vector) {
    if (component == 'w') {
      *operand = literal(0, bytes);
      return "";
    }
    if (component < 'x' || component > 'z') return std::string(name) + " needs .x, .y or .z";
    fill.component = static_cast<uint8_t>(component - 'x');
  } else if (component != 0) {
    return std::string(name) + " has no components";
  }
  *operand = filled(fill);
  return "";
}

std::string Layout::address(const ptx::Variable &variable, int64_t offset, Space space,
                            unsigned bytes, Operand *operand) {
  const std::string name(variable.name);
  if (space != Space::generic && space != variable.space) {
    return name + " is not in ." + space_name(space);
  }
  Fill fill;
  fill.bytes = static_cast<uint8_t>(bytes);
  fill.value = static_cast<uint64_t>(offset);
  uint64_t window = 0;
  if (variable.space == Space::shared) {
    const auto number = module_.shared_numbers.find(&variable);
    if (number == module_.shared_numbers.end()) return name + " has no address";
    fill.kind = Fill::Kind::shared;
    fill.number = number->second;
    code_.uses_shared.push_back(number->second);
    window = kSharedWindow;
  } else if (variable.space == Space::local || variable.space == Space::param) {
    const auto found = offsets_.find(&variable);
    if (found == offsets_.end()) return name + " is too large or not of this function";
    const bool local = variable.space == Space::local;
    fill.kind = local ? Fill::Kind::local : Fill::Kind::param;
    fill.value += found->second;
    window = local ? kLocalWindow : kParamWindow;
  } else {
    const auto found = module_.addresses.find(&variable);
    if (found == module_.addresses.end()) return name + " has no address";
    fill.value += found->second;
  }
  if (space == Space::generic) fill.value += window;
  if (fill.kind == Fill::Kind::literal) {
    *operand = literal(fill.value, bytes);
  } else {
    *operand = filled(fill);
  }
  return "";
}

std::string Layout::function_address(const ptx::Function &function, unsigned bytes,
                                     Operand *operand) {
  const auto found = module_.function_addresses.find(&function);
  if (found == module_.function_addresses.end()) {
    return std::string(function.name) + " has no address";
  }
  *operand = literal(found->second, bytes);
  return "";
}

std::string Layout::passed(const ptx::Operand &operand, unsigned literal_bytes, Passed *passed) {
  using Kind = ptx::Operand::Kind;
  if (operand.kind == Kind::variable && operand.variable->space == Space::param) {
    const auto found = offsets_.find(operand.variable);
    if (found == offsets_.end()) return std::string(operand.variable->name) + " is too large";
    passed->offset = found->second;
    passed->bytes = static_cast<uint32_t>(operand.variable->bytes);
    return "";
  }
  passed->in_register = true;
  if (operand.kind == Kind::reg && operand.variable->vector == 1) {
    passed->reg = reg(*operand.variable, 0);
  } else if (operand.kind == Kind::integer || operand.kind == Kind::real) {
    passed->reg = literal(operand.bits, literal_bytes);
  } else {
    return "an argument is neither a register, a literal nor a parameter";
  }
  passed->bytes = passed->reg.bytes;
  return passed->bytes == 0 ? "a predicate can't be passed" : "";
}

}  // namespace gpusim
