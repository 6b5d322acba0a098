/* setp and set (PTX ISA 9.7.7). */
#include <string_view>

#include "tests/gpusim/exec/float_lanes.h"
#include "tests/gpusim/exec/undefined.h"

namespace gpusim {
namespace {

/* All comparisons are one of these, with the operands exchanged, the result inverted, or both. */
enum class Relation : uint8_t { equal, less, less_equal, different, ordered };

enum Kinds : uint8_t { kBits = 1, kUnsigned = 2, kSigned = 4, kReal = 8 };

struct Comparison {
  std::string_view name;
  unsigned kinds;
  Relation relation;
  bool swapped;
  bool inverted;
};

constexpr Comparison kComparisons[] = {
    {"eq", kBits | kUnsigned | kSigned | kReal, Relation::equal, false, false},
    {"ne", kBits | kUnsigned | kSigned, Relation::equal, false, true},
    {"ne", kReal, Relation::different, false, false},
    {"lt", kUnsigned | kSigned | kReal, Relation::less, false, false},
    {"le", kUnsigned | kSigned | kReal, Relation::less_equal, false, false},
    {"gt", kUnsigned | kSigned | kReal, Relation::less, true, false},
    {"ge", kUnsigned | kSigned | kReal, Relation::less_equal, true, false},
    {"lo", kUnsigned, Relation::less, false, false},
    {"ls", kUnsigned, Relation::less_equal, false, false},
    {"hi", kUnsigned, Relation::less, true, false},
    {"hs", kUnsigned, Relation::less_equal, true, false},
    {"equ", kReal, Relation::different, false, true},
    {"neu", kReal, Relation::equal, false, true},
    {"ltu", kReal, Relation::less_equal, true, true},
    {"leu", kReal, Relation::less, true, true},
    {"gtu", kReal, Relation::less_equal, false, true},
    {"geu", kReal, Relation::less, false, true},
    {"num", kReal, Relation::ordered, false, false},
    {"nan", kReal, Relation::ordered, false, true},
};

enum class Join : uint8_t { none, conjunction, disjunction, exclusive };

template <Relation kRelation, class T>
inline bool holds(T a, T b) {
  switch (kRelation) {
    case Relation::equal:
      return a == b;
    case Relation::less:
      return a < b;
    case Relation::less_equal:
      return a <= b;
    case Relation::different:
      return a < b || a > b;
    case Relation::ordered:
      return a <= b || a > b;
  }
  return false;
}

/* How the lanes of an operand become values that the host compares. */
template <class T>
struct Plain {
  using Element = T;
  static constexpr unsigned kWidth = 1;
  static T load(T value) { return value; }
};

struct FlushedSingle {
  using Element = float;
  static constexpr unsigned kWidth = 1;
  static float load(float value) { return flush(value); }
};

template <class Format, unsigned width, bool kFtz>
struct Half {
  using Element = uint16_t;
  static constexpr unsigned kWidth = width;
  static float load(uint16_t bits) { return to_float(Format{}, kFtz ? flush<Format>(bits) : bits); }
};

/* Bit i = lane i: what the comparison says of the elements `half`. */
template <class Loader, Relation kRelation>
uint32_t compare(const Warp &warp, const Instruction &instruction, unsigned half) {
  const bool swapped = (instruction.detail[0] & 1) != 0;
  const auto *a = source_lanes<typename Loader::Element>(warp, instruction, swapped ? 1 : 0) + half;
  const auto *b = source_lanes<typename Loader::Element>(warp, instruction, swapped ? 0 : 1) + half;
  uint32_t result = 0;
  for (unsigned lane = 0; lane < kLanes; lane++) {
    const unsigned i = lane * Loader::kWidth;
    result |= holds<kRelation>(Loader::load(a[i]), Loader::load(b[i])) ? 1u << lane : 0;
  }
  return (instruction.detail[0] & 2) != 0 ? ~result : result;
}

Join join_of(const Instruction &instruction) { return static_cast<Join>(instruction.detail[1]); }

const Operand &joined(const Instruction &instruction) {
  return instruction.operands[instruction.targets + 2];
}

uint32_t join(const Warp &warp, const Instruction &instruction, uint32_t value) {
  switch (join_of(instruction)) {
    case Join::none:
      return value;
    case Join::conjunction:
      return value & predicate(warp, joined(instruction));
    case Join::disjunction:
      return value | predicate(warp, joined(instruction));
    case Join::exclusive:
      return value ^ predicate(warp, joined(instruction));
  }
  return value;
}

/* A side that is known decides alone: false in a conjunction, true in a disjunction. */
uint32_t join_undefined(Warp &warp, const Instruction &instruction, uint32_t value,
                        uint32_t undefined) {
  const Join kind = join_of(instruction);
  if (kind == Join::none) return undefined;
  const uint32_t other = predicate(warp, joined(instruction));
  const uint32_t other_undefined = undefined_predicate(warp, joined(instruction));
  const uint32_t any = undefined | other_undefined;
  if (kind == Join::exclusive) return any;
  const uint32_t decisive = kind == Join::conjunction ? 0 : kAllLanes;
  const uint32_t decided =
      (~(value ^ decisive) & ~undefined) | (~(other ^ decisive) & ~other_undefined);
  return any & ~decided;
}

/* Lanes in which an operand's elements `half` have undefined bits. */
template <class Loader>
uint32_t undefined_elements(Warp &warp, const Instruction &instruction, unsigned half) {
  uint32_t result = 0;
  for (unsigned source = 0; source < 2; source++) {
    const Operand &operand = instruction.operands[instruction.targets + source];
    if (Loader::kWidth == 1) {
      result |= undefined_in(warp, operand);
      continue;
    }
    const uint16_t *bits = undefined_lanes<uint16_t>(warp, operand) + half;
    for (unsigned lane = 0; lane < kLanes; lane++) result |= bits[2 * lane] ? 1u << lane : 0;
  }
  return result;
}

/* p|q: the comparison and its complement, or those of the low and the high half. */
template <class Loader, Relation kRelation>
struct Setp {
  static Step execute(Warp &warp, const Instruction &instruction, uint32_t mask) {
    const uint32_t low = compare<Loader, kRelation>(warp, instruction, 0);
    const uint32_t p = join(warp, instruction, low);
    if (instruction.targets == 2) {
      const uint32_t second =
          Loader::kWidth == 1 ? ~low : compare<Loader, kRelation>(warp, instruction, 1);
      set_predicate(warp, instruction.operands[1], mask, join(warp, instruction, second));
    }
    set_predicate(warp, instruction.operands[0], mask, p);
    return Step::next;
  }

  static void propagate(Warp &warp, const Instruction &instruction, uint32_t mask) {
    const uint32_t low = compare<Loader, kRelation>(warp, instruction, 0);
    const uint32_t low_undefined = undefined_elements<Loader>(warp, instruction, 0);
    const uint32_t p = join_undefined(warp, instruction, low, low_undefined);
    if (instruction.targets == 2) {
      constexpr bool kPair = Loader::kWidth == 2;
      const uint32_t second = kPair ? compare<Loader, kRelation>(warp, instruction, 1) : ~low;
      const uint32_t undefined =
          kPair ? undefined_elements<Loader>(warp, instruction, 1) : low_undefined;
      mark_predicate(warp, instruction.operands[1], mask,
                     join_undefined(warp, instruction, second, undefined));
    }
    mark_predicate(warp, instruction.operands[0], mask, p);
  }
};

/* detail[2] is what true becomes: all ones or 1.0. */
template <class T>
void store_truth(Warp &warp, const Instruction &instruction, uint32_t mask, const uint32_t *truth,
                 unsigned width) {
  const T value = static_cast<T>(instruction.detail[2]);
  T *target = target_lanes<T>(warp, instruction);
  for (unsigned lane = 0; lane < kLanes; lane++) {
    for (unsigned half = 0; half < width; half++) {
      const T result = (truth[half] >> lane) & 1 ? value : T{0};
      T &place = target[lane * width + half];
      place = (mask >> lane) & 1 ? result : place;
    }
  }
}

template <class Loader, Relation kRelation>
struct Set {
  static Step execute(Warp &warp, const Instruction &instruction, uint32_t mask) {
    constexpr unsigned kWidth = Loader::kWidth;
    uint32_t truth[kWidth];
    for (unsigned half = 0; half < kWidth; half++) {
      truth[half] = join(warp, instruction, compare<Loader, kRelation>(warp, instruction, half));
    }
    if (kWidth == 2 || instruction.operands[0].bytes == 2) {
      store_truth<uint16_t>(warp, instruction, mask, truth, kWidth);
    } else {
      store_truth<uint32_t>(warp, instruction, mask, truth, kWidth);
    }
    return Step::next;
  }

  static void propagate(Warp &warp, const Instruction &instruction, uint32_t mask) {
    if (Loader::kWidth == 1 || join_of(instruction) != Join::none) {
      undefined_any(warp, instruction, mask);
    } else {
      undefined_halves(warp, instruction, mask);
    }
  }
};

struct Chosen {
  Execute execute = nullptr;
  Propagate propagate = nullptr;
};

template <template <class, Relation> class Operation, class Loader, Relation kRelation>
Chosen chosen() {
  return {Operation<Loader, kRelation>::execute, Operation<Loader, kRelation>::propagate};
}

template <template <class, Relation> class Operation, class Loader>
Chosen choose_real(Relation relation) {
  switch (relation) {
    case Relation::equal:
      return chosen<Operation, Loader, Relation::equal>();
    case Relation::less:
      return chosen<Operation, Loader, Relation::less>();
    case Relation::less_equal:
      return chosen<Operation, Loader, Relation::less_equal>();
    case Relation::different:
      return chosen<Operation, Loader, Relation::different>();
    case Relation::ordered:
      return chosen<Operation, Loader, Relation::ordered>();
  }
  return {};
}

template <template <class, Relation> class Operation, class T>
Chosen choose_integer(Relation relation) {
  if (relation == Relation::equal) return chosen<Operation, Plain<T>, Relation::equal>();
  return relation == Relation::less ? chosen<Operation, Plain<T>, Relation::less>()
                                    : chosen<Operation, Plain<T>, Relation::less_equal>();
}

template <template <class, Relation> class Operation>
Chosen choose(Type type, Relation relation, bool ftz) {
  if (ftz) {
    if (type == Type::f32) return choose_real<Operation, FlushedSingle>(relation);
    if (type == Type::f16) return choose_real<Operation, Half<F16, 1, true>>(relation);
    if (type == Type::f16x2) return choose_real<Operation, Half<F16, 2, true>>(relation);
    return {};
  }
  switch (type) {
    case Type::b16:
    case Type::u16:
      return choose_integer<Operation, uint16_t>(relation);
    case Type::s16:
      return choose_integer<Operation, int16_t>(relation);
    case Type::b32:
    case Type::u32:
      return choose_integer<Operation, uint32_t>(relation);
    case Type::s32:
      return choose_integer<Operation, int32_t>(relation);
    case Type::b64:
    case Type::u64:
      return choose_integer<Operation, uint64_t>(relation);
    case Type::s64:
      return choose_integer<Operation, int64_t>(relation);
    case Type::f16:
      return choose_real<Operation, Half<F16, 1, false>>(relation);
    case Type::f16x2:
      return choose_real<Operation, Half<F16, 2, false>>(relation);
    case Type::bf16:
      return choose_real<Operation, Half<BF16, 1, false>>(relation);
    case Type::bf16x2:
      return choose_real<Operation, Half<BF16, 2, false>>(relation);
    case Type::f32:
      return choose_real<Operation, Plain<float>>(relation);
    case Type::f64:
      return choose_real<Operation, Plain<double>>(relation);
    default:
      return {};
  }
}

unsigned kind_of(Type type) {
  switch (type_kind(type)) {
    case TypeKind::bits:
      return kBits;
    case TypeKind::unsigned_integer:
      return kUnsigned;
    case TypeKind::signed_integer:
      return kSigned;
    case TypeKind::real:
      return kReal;
    default:
      return 0;
  }
}

/* The comparison's name; empty when there is none. */
std::string_view take_name(Decoder &d) {
  for (const Comparison &row : kComparisons) {
    if (d.take(row.name)) return row.name;
  }
  return {};
}

const Comparison *find_comparison(std::string_view name, Type type) {
  for (const Comparison &row : kComparisons) {
    if (row.name == name && (row.kinds & kind_of(type)) != 0) return &row;
  }
  return nullptr;
}

Join take_join(Decoder &d) {
  if (d.take("and")) return Join::conjunction;
  if (d.take("or")) return Join::disjunction;
  return d.take("xor") ? Join::exclusive : Join::none;
}

template <template <class, Relation> class Operation>
void finish(Decoder &d, std::string_view name, Join kind, bool ftz, Type type) {
  const Comparison *comparison = find_comparison(name, type);
  if (comparison == nullptr) return;
  const Chosen found = choose<Operation>(type, comparison->relation, ftz);
  if (found.execute == nullptr) return;
  d.read(1, type);
  d.read(2, type);
  if (kind != Join::none) d.read_predicate(3);
  d.detail(0, (comparison->swapped ? 1u : 0u) | (comparison->inverted ? 2u : 0u));
  d.detail(1, static_cast<uint64_t>(kind));
  d.use(found.execute, found.propagate, InstructionClass::compare);
}

/* What a true lane (or half) of `set` gets; 0 when the types don't go together. */
uint64_t truth_value(Type target, Type type) {
  if (is_pair(type)) {
    if (target == Type::u32 || target == Type::s32) return 0xffff;
    if (target == Type::f16x2 && type == Type::f16x2) return 0x3c00;
    return target == Type::bf16x2 && type == Type::bf16x2 ? 0x3f80 : 0;
  }
  switch (target) {
    case Type::u32:
    case Type::s32:
      return 0xffffffff;
    case Type::u16:
    case Type::s16:
      return is_half(type) ? 0xffff : 0;
    case Type::f32:
      return is_half(type) ? 0 : 0x3f800000;
    case Type::f16:
      return is_brain(type) ? 0 : 0x3c00;
    case Type::bf16:
      return type == Type::f16 ? 0 : 0x3f80;
    default:
      return 0;
  }
}

}  // namespace

void decode_setp(Decoder &d) {
  const std::string_view name = take_name(d);
  const Join kind = take_join(d);
  const bool ftz = d.take("ftz");
  const Type type = d.take_type();
  d.write_predicate(0);
  finish<Setp>(d, name, kind, ftz, type);
}

void decode_set(Decoder &d) {
  const std::string_view name = take_name(d);
  const Join kind = take_join(d);
  const bool ftz = d.take("ftz");
  const Type target = d.take_type();
  const Type type = d.take_type();
  const uint64_t truth = truth_value(target, type);
  if (truth == 0) return;
  d.write(0, type_bytes(target));
  d.detail(2, truth);
  finish<Set>(d, name, kind, ftz, type);
}

}  // namespace gpusim
