/* ld, ldu and st (PTX ISA, sections 9.7.9.8 to 9.7.9.12). */
#include <algorithm>

#include "tests/gpusim/exec/decoder.h"
#include "tests/gpusim/memory/access.h"
#include "tests/gpusim/memory/qualifiers.h"
#include "tests/gpusim/memory/registers.h"

namespace gpusim {
namespace {

enum Detail : unsigned { kOrdering };

/* Element `element` of the lanes' vectors, which lie side by side. */
template <class T, unsigned Count, class Register>
void unpack(const uint8_t *from, unsigned element, Register *__restrict registers) {
  const T *const values = reinterpret_cast<const T *>(from) + element;
  for (unsigned lane = 0; lane < kLanes; lane++) {
    registers[lane] = widen<Register>(values[lane * Count]);
  }
}

/* The vectors of all lanes, kStride elements apart. */
template <class T, unsigned Count, unsigned kStride>
void pack(Warp &warp, const Operand *sources, uint8_t *to) {
  T *__restrict const values = reinterpret_cast<T *>(to);
  const auto fits = [](const Operand &source) { return source.bytes == sizeof(T); };
  if (std::all_of(sources, sources + Count, fits)) {
    const T *registers[Count];
    for (unsigned e = 0; e < Count; e++) registers[e] = lanes<const T>(warp, sources[e]);
    for (unsigned lane = 0; lane < kLanes; lane++) {
      for (unsigned e = 0; e < Count; e++) values[lane * kStride + e] = registers[e][lane];
    }
    return;
  }
  for (unsigned e = 0; e < Count; e++) {
    with_register_type(sources[e], [&](auto type) {
      const auto *const registers = lanes<const decltype(type)>(warp, sources[e]);
      for (unsigned lane = 0; lane < kLanes; lane++) {
        values[lane * kStride + e] = widen<T>(registers[lane]);
      }
    });
  }
}

template <class T, unsigned Count>
void load_shadow(Warp &warp, const Instruction &instruction, const Access &access,
                 const Located &located) {
  if (access_is_defined(access, located)) {
    for (unsigned e = 0; e < Count; e++) {
      clear_shadow(warp, instruction.operands[e], access.mask);
    }
    return;
  }
  for (uint32_t rest = access.mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint8_t undefined[sizeof(T) * Count];
    access_get_undefined(access, located, lane, undefined);
    for (unsigned e = 0; e < Count; e++) {
      set_shadow(warp, instruction.operands[e], lane, undefined + e * sizeof(T), sizeof(T),
                 std::is_signed_v<T>);
    }
  }
}

template <class T, unsigned Count>
Step load(Warp &warp, const Instruction &instruction, uint32_t mask) {
  Access access;
  access.space = instruction.space;
  access.mask = mask;
  access.bytes = sizeof(T) * Count;
  access.ordering = static_cast<unsigned>(instruction.detail[kOrdering]);
  Step step = access_addresses(warp, instruction, instruction.operands[Count], &access);
  if (step != Step::next) return step;
  Located located;
  step = access_begin(warp, instruction, access, AccessKind::read, &located);
  if (step != Step::next) return step;
  for (unsigned e = 0; e < Count; e++) {
    const Operand &target = instruction.operands[e];
    with_register_type(target, [&](auto type) {
      using Register = decltype(type);
      Register *const registers = lanes<Register>(warp, target);
      if (located.contiguous) return unpack<T, Count>(located.host(0), e, registers);
      for_lanes(registers, mask, [&](unsigned lane) {
        T value;
        memcpy(&value, located.host(lane) + e * sizeof(T), sizeof(T));
        return widen<Register>(value);
      });
    });
  }
  if (warp.shadow != nullptr) load_shadow<T, Count>(warp, instruction, access, located);
  return Step::next;
}

template <class T, unsigned Count>
void store_shadow(Warp &warp, const Instruction &instruction, const Access &access,
                  const Located &located) {
  const Operand *const values = instruction.operands + 1;
  const bool dirty = std::any_of(values, values + Count,
                                 [&](const Operand &value) { return is_dirty(warp, value); });
  if (!dirty) {
    return access_define(warp, instruction, access, located);
  }
  for (uint32_t rest = access.mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint8_t undefined[sizeof(T) * Count];
    for (unsigned e = 0; e < Count; e++) {
      get_shadow(warp, values[e], lane, undefined + e * sizeof(T), sizeof(T));
    }
    access_set_undefined(warp, instruction, access, located, lane, undefined);
  }
}

template <class T, unsigned Count>
void gather_values(Warp &warp, const Instruction &instruction, uint32_t mask, LaneBytes *values) {
  if (mask == kAllLanes) {
    return pack<T, Count, sizeof values->lane[0] / sizeof(T)>(warp, instruction.operands + 1,
                                                              values->lane[0]);
  }
  for (unsigned e = 0; e < Count; e++) {
    const Operand &source = instruction.operands[1 + e];
    with_register_type(source, [&](auto type) {
      const auto *const registers = lanes<decltype(type)>(warp, source);
      for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
        const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
        const T value = widen<T>(registers[lane]);
        memcpy(values->lane[lane] + e * sizeof(T), &value, sizeof(T));
      }
    });
  }
}

template <class T, unsigned Count>
void scatter_values(Warp &warp, const Instruction &instruction, uint32_t mask,
                    const Located &located) {
  for (unsigned e = 0; e < Count; e++) {
    const Operand &source = instruction.operands[1 + e];
    with_register_type(source, [&](auto type) {
      const auto *const registers = lanes<decltype(type)>(warp, source);
      for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
        const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
        const T value = widen<T>(registers[lane]);
        memcpy(located.host(lane) + e * sizeof(T), &value, sizeof(T));
      }
    });
  }
}

template <class T, unsigned Count>
Step store(Warp &warp, const Instruction &instruction, uint32_t mask) {
  Access access;
  access.space = instruction.space;
  access.mask = mask;
  access.bytes = sizeof(T) * Count;
  access.ordering = static_cast<unsigned>(instruction.detail[kOrdering]);
  Step step = access_addresses(warp, instruction, instruction.operands[0], &access);
  if (step != Step::next) return step;
  Located located;
  LaneBytes values;
  const bool checked = warp.shadow != nullptr;
  if (checked) gather_values<T, Count>(warp, instruction, mask, &values);
  step = access_begin(warp, instruction, access, AccessKind::write, &located,
                      checked ? &values : nullptr);
  if (step != Step::next) return step;
  if (located.contiguous) {
    pack<T, Count, Count>(warp, instruction.operands + 1, located.host(0));
  } else {
    scatter_values<T, Count>(warp, instruction, mask, located);
  }
  if (warp.shadow != nullptr) store_shadow<T, Count>(warp, instruction, access, located);
  return Step::next;
}

template <class T>
Execute load_of(unsigned count) {
  if (count == 1) return load<T, 1>;
  if constexpr (sizeof(T) <= 8) {
    if (count == 2) return load<T, 2>;
  }
  if constexpr (sizeof(T) <= 4) {
    if (count == 4) return load<T, 4>;
  }
  return nullptr;
}

template <class T>
Execute store_of(unsigned count) {
  if (count == 1) return store<T, 1>;
  if constexpr (sizeof(T) <= 8) {
    if (count == 2) return store<T, 2>;
  }
  if constexpr (sizeof(T) <= 4) {
    if (count == 4) return store<T, 4>;
  }
  return nullptr;
}

Execute find_load(Type type, unsigned count) {
  const bool is_signed = type_kind(type) == TypeKind::signed_integer;
  switch (type_bytes(type)) {
    case 1:
      return is_signed ? load_of<int8_t>(count) : load_of<uint8_t>(count);
    case 2:
      return is_signed ? load_of<int16_t>(count) : load_of<uint16_t>(count);
    case 4:
      return is_signed ? load_of<int32_t>(count) : load_of<uint32_t>(count);
    case 8:
      return load_of<uint64_t>(count);
    case 16:
      return load_of<Bits128>(count);
    default:
      return nullptr;
  }
}

Execute find_store(Type type, unsigned count) {
  switch (type_bytes(type)) {
    case 1:
      return store_of<uint8_t>(count);
    case 2:
      return store_of<uint16_t>(count);
    case 4:
      return store_of<uint32_t>(count);
    case 8:
      return store_of<uint64_t>(count);
    case 16:
      return store_of<Bits128>(count);
    default:
      return nullptr;
  }
}

/* The vector's elements: the registers of {..} or of one vector register. */
unsigned element_count(const ptx::Operand &operand) {
  if (operand.kind == ptx::Operand::Kind::vector) {
    return static_cast<unsigned>(operand.elements.size());
  }
  const bool whole = operand.kind == ptx::Operand::Kind::reg && operand.component == 0;
  return whole ? operand.variable->vector : 1;
}

}  // namespace

void decode_ld(Decoder &decoder) {
  const unsigned ordering = take_semantics(decoder);
  const Space space = decoder.take_space();
  const bool policy = take_cache_hints(decoder);
  decoder.take("nc");
  decoder.take("unified");
  const unsigned count = take_vector(decoder);
  const Type type = decoder.take_type();
  if (element_count(decoder.operand(0)) != count) return decoder.fail("another vector's size");
  decoder.write_wide(0, type_bytes(type));
  decoder.address(1, space);
  if (policy) decoder.read(2, Type::b64);
  decoder.detail(kOrdering, ordering);
  decoder.use(find_load(type, count), nullptr, InstructionClass::load);
}

void decode_st(Decoder &decoder) {
  const unsigned ordering = take_semantics(decoder);
  const Space space = decoder.take_space();
  const bool policy = take_cache_hints(decoder);
  const unsigned count = take_vector(decoder);
  const Type type = decoder.take_type();
  if (element_count(decoder.operand(1)) != count) return decoder.fail("another vector's size");
  if (space == Space::constant) return decoder.fail("constant memory is not written");
  decoder.address(0, space);
  decoder.read_wide(1, type);
  if (policy) decoder.read(2, Type::b64);
  decoder.detail(kOrdering, ordering);
  decoder.use(find_store(type, count), nullptr, InstructionClass::store);
}

}  // namespace gpusim
