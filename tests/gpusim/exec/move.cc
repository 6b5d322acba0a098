/* mov (PTX ISA 9.7.9): registers, literals, special registers, addresses; packing and unpacking of
 * vectors. */
#include "tests/gpusim/exec/integer.h"
#include "tests/gpusim/exec/undefined.h"

namespace gpusim {
namespace {

template <class T>
Step copy(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const T *a = lanes<T>(warp, instruction.operands[1]);
  for_lanes(lanes<T>(warp, instruction.operands[0]), mask, [a](unsigned lane) { return a[lane]; });
  return Step::next;
}

Step copy_predicate(Warp &warp, const Instruction &instruction, uint32_t mask) {
  set_predicate(warp, instruction.operands[0], mask, predicate(warp, instruction.operands[1]));
  return Step::next;
}

/* Elements of type E of a wide register in turns with registers of their own: lane L's element i
 * is element L * count + i of the wide register. */
template <class E>
void pack_into(uint8_t *base, const Operand &wide, const Operand *narrow, unsigned count,
               uint32_t mask) {
  E *target = reinterpret_cast<E *>(base + wide.at);
  for (unsigned i = 0; i < count; i++) {
    const E *source = reinterpret_cast<const E *>(base + narrow[i].at);
    for (unsigned lane = 0; lane < kLanes; lane++) {
      if ((mask >> lane & 1) != 0) target[lane * count + i] = source[lane];
    }
  }
}

template <class E>
void unpack_from(uint8_t *base, const Operand &wide, const Operand *narrow, unsigned count,
                 uint32_t mask) {
  const E *source = reinterpret_cast<const E *>(base + wide.at);
  for (unsigned i = 0; i < count; i++) {
    for_lanes(reinterpret_cast<E *>(base + narrow[i].at), mask,
              [source, count, i](unsigned lane) { return source[lane * count + i]; });
  }
}

template <class E>
Step pack(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *operands = instruction.operands;
  pack_into<E>(warp.registers, operands[0], operands + 1, instruction.count - 1u, mask);
  return Step::next;
}

template <class E>
Step unpack(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *operands = instruction.operands;
  unpack_from<E>(warp.registers, operands[instruction.targets], operands, instruction.targets,
                 mask);
  return Step::next;
}

/* Exact for all lanes of the target: the shadow of a clean register is zero. */
template <class E>
void undefined_pack(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *operands = instruction.operands;
  pack_into<E>(warp.shadow, operands[0], operands + 1, instruction.count - 1u, mask);
  uint8_t dirty = mask == kAllLanes ? 0 : warp.dirty[operands[0].index];
  for (unsigned i = 1; i < instruction.count; i++) dirty |= warp.dirty[operands[i].index];
  warp.dirty[operands[0].index] = dirty;
}

template <class E>
void undefined_unpack(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const unsigned count = instruction.targets;
  const E *source = undefined_lanes<E>(warp, instruction.operands[count]);
  for (unsigned i = 0; i < count; i++) {
    mark<E>(warp, instruction.operands[i], mask,
            [source, count, i](unsigned lane) { return source[lane * count + i]; });
  }
}

template <class E>
void use_vector(Decoder &d, bool packs) {
  if (packs) return d.use(pack<E>, undefined_pack<E>, InstructionClass::move);
  d.use(unpack<E>, undefined_unpack<E>, InstructionClass::move);
}

Type bits_of(unsigned bytes) {
  switch (bytes) {
    case 1:
      return Type::b8;
    case 2:
      return Type::b16;
    case 4:
      return Type::b32;
    case 8:
      return Type::b64;
    default:
      return Type::none;
  }
}

void decode_vector(Decoder &d, Type type, bool packs) {
  const ptx::Operand &vector = d.operand(packs ? 1 : 0);
  const size_t count = vector.elements.size();
  const unsigned whole = type_bytes(type);
  if (type_kind(type) != TypeKind::bits || (count != 2 && count != 4) || whole % count != 0) {
    return d.fail("mov of a vector needs .b type and 2 or 4 elements");
  }
  const unsigned bytes = whole / static_cast<unsigned>(count);
  d.write(0, packs ? whole : bytes);
  d.read(1, packs ? bits_of(bytes) : type);
  switch (bytes) {
    case 1:
      return use_vector<uint8_t>(d, packs);
    case 2:
      return use_vector<uint16_t>(d, packs);
    case 4:
      return use_vector<uint32_t>(d, packs);
    case 8:
      return use_vector<uint64_t>(d, packs);
    default:
      return;
  }
}

}  // namespace

void decode_mov(Decoder &d) {
  const Type type = d.take_type();
  if (type == Type::pred) {
    d.write_predicate(0);
    d.read_predicate(1);
    return d.use(copy_predicate, undefined_copy, InstructionClass::move);
  }
  if (d.operand_count() != 2) return d.fail("mov has two operands");
  const bool packs = d.operand(1).kind == ptx::Operand::Kind::vector;
  if (packs || d.operand(0).kind == ptx::Operand::Kind::vector) {
    return decode_vector(d, type, packs);
  }
  if (type_bytes(type) < 2 ||
      one_of(type, {Type::f16, Type::f16x2, Type::bf16, Type::bf16x2, Type::tf32})) {
    return;
  }
  d.write(0, type_bytes(type));
  d.read(1, type);
  if (type == Type::b128)
    return d.use(copy<unsigned __int128>, undefined_copy, InstructionClass::move);
  with_unsigned(type, [&d](auto zero) {
    d.use(copy<decltype(zero)>, undefined_copy, InstructionClass::move);
  });
}

}  // namespace gpusim
