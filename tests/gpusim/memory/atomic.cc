/* atom and red (PTX ISA, sections 9.7.13.5 and 9.7.13.6). Lanes take their turn in an order that
 * the seed decides. */
#include <algorithm>

#include "tests/gpusim/exec/decoder.h"
#include "tests/gpusim/exec/half.h"
#include "tests/gpusim/memory/access.h"
#include "tests/gpusim/memory/lane_order.h"
#include "tests/gpusim/memory/qualifiers.h"
#include "tests/gpusim/memory/registers.h"

namespace gpusim {
namespace {

/* What an operation gets of a lane: memory's old value and the operands. */
template <class T>
struct Arguments {
  T old;
  T b;
  T c;
  bool global;
};

struct Add {
  template <class T>
  static T apply(const Arguments<T> &in) {
    return static_cast<T>(in.old + in.b);
  }
};

struct Inc {
  template <class T>
  static T apply(const Arguments<T> &in) {
    return in.old >= in.b ? 0 : in.old + 1;
  }
};

struct Dec {
  template <class T>
  static T apply(const Arguments<T> &in) {
    return in.old == 0 || in.old > in.b ? in.b : in.old - 1;
  }
};

template <class Order>
struct Min {
  template <class T>
  static T apply(const Arguments<T> &in) {
    return static_cast<Order>(in.b) < static_cast<Order>(in.old) ? in.b : in.old;
  }
};

template <class Order>
struct Max {
  template <class T>
  static T apply(const Arguments<T> &in) {
    return static_cast<Order>(in.b) > static_cast<Order>(in.old) ? in.b : in.old;
  }
};

struct And {
  template <class T>
  static T apply(const Arguments<T> &in) {
    return in.old & in.b;
  }
};

struct Or {
  template <class T>
  static T apply(const Arguments<T> &in) {
    return in.old | in.b;
  }
};

struct Xor {
  template <class T>
  static T apply(const Arguments<T> &in) {
    return in.old ^ in.b;
  }
};

struct Exch {
  template <class T>
  static T apply(const Arguments<T> &in) {
    return in.b;
  }
};

struct Cas {
  template <class T>
  static T apply(const Arguments<T> &in) {
    return in.old == in.b ? in.c : in.old;
  }
};

/* Global memory flushes subnormal numbers, shared memory does not. */
struct AddF32 {
  static uint32_t apply(const Arguments<uint32_t> &in) {
    float a = bit_cast<float>(in.old);
    float b = bit_cast<float>(in.b);
    if (!in.global) return bit_cast<uint32_t>(canonical(a + b));
    a = flush(a);
    b = flush(b);
    return bit_cast<uint32_t>(canonical(flush(a + b)));
  }
};

struct AddF64 {
  static uint64_t apply(const Arguments<uint64_t> &in) {
    return bit_cast<uint64_t>(bit_cast<double>(in.old) + bit_cast<double>(in.b));
  }
};

/* f32 has more than twice the bits: rounding twice rounds once. */
template <class Format>
struct AddHalf {
  static uint16_t apply(const Arguments<uint16_t> &in) {
    const float sum = to_float(Format{}, in.old) + to_float(Format{}, in.b);
    return from_float<Rounding::rn>(Format{}, sum);
  }
};

template <class Format>
struct AddPair {
  static uint32_t apply(const Arguments<uint32_t> &in) {
    uint32_t result = 0;
    for (unsigned shift = 0; shift < 32; shift += 16) {
      const Arguments<uint16_t> half = {static_cast<uint16_t>(in.old >> shift),
                                        static_cast<uint16_t>(in.b >> shift), 0, in.global};
      result |= static_cast<uint32_t>(AddHalf<Format>::apply(half)) << shift;
    }
    return result;
  }
};

/* Other threads run other CTAs: global memory is shared with them. */
template <class T, class Operation>
T exchange(uint8_t *host, Arguments<T> arguments) {
  if (!arguments.global) {
    memcpy(&arguments.old, host, sizeof arguments.old);
    const T value = Operation::apply(arguments);
    memcpy(host, &value, sizeof value);
    return arguments.old;
  }
  T *const place = reinterpret_cast<T *>(host);
  arguments.old = __atomic_load_n(place, __ATOMIC_SEQ_CST);
  T value = Operation::apply(arguments);
  while (!__atomic_compare_exchange_n(place, &arguments.old, value, true, __ATOMIC_SEQ_CST,
                                      __ATOMIC_SEQ_CST)) {
    value = Operation::apply(arguments);
  }
  return arguments.old;
}

/* exch stores its operand's undefined bits; any other undefined bit spoils all. */
template <class T, class Operation>
void merge_shadow(Warp &warp, const Instruction &instruction, const Access &access,
                  const Located &located, unsigned lane) {
  const unsigned targets = instruction.targets;
  uint8_t old[sizeof(T)];
  uint8_t merged[sizeof(T)];
  access_get_undefined(access, located, lane, old);
  bool any = get_shadow(warp, instruction.operands[targets + 1], lane, merged, sizeof(T));
  if constexpr (!std::is_same_v<Operation, Exch>) {
    any |= std::any_of(old, old + sizeof(T), [](uint8_t bits) { return bits != 0; });
    if constexpr (std::is_same_v<Operation, Cas>) {
      any |= get_shadow(warp, instruction.operands[targets + 2], lane, merged, sizeof(T));
    }
    memset(merged, any ? 0xff : 0, sizeof merged);
  }
  access_set_undefined(warp, instruction, access, located, lane, merged);
  if (targets != 0) set_shadow(warp, instruction.operands[0], lane, old, sizeof(T), false);
}

enum Detail : unsigned { kOrdering };

template <class T, class Operation>
Step atomic(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const unsigned targets = instruction.targets;
  const Operand *const sources = instruction.operands + targets;
  Access access;
  access.space = instruction.space;
  access.mask = mask;
  access.bytes = sizeof(T);
  access.ordering = static_cast<unsigned>(instruction.detail[kOrdering]);
  Step step = access_addresses(warp, instruction, sources[0], &access);
  if (step != Step::next) return step;
  Located located;
  step = access_begin(warp, instruction, access, AccessKind::atomic, &located);
  if (step != Step::next) return step;

  constexpr bool kThree = std::is_same_v<Operation, Cas>;
  const T *const b = lanes<T>(warp, sources[1]);
  const T *const c = kThree ? lanes<T>(warp, sources[2]) : b;
  const bool dirty = is_dirty(warp, sources[1]) || (kThree && is_dirty(warp, sources[2]));
  const bool shadowed = warp.shadow != nullptr && (dirty || !access_is_defined(access, located));
  T old[kLanes];
  for (LaneOrder order(warp, mask); !order.done();) {
    const unsigned lane = order.next();
    const bool global = (located.global >> lane & 1) != 0;
    if (shadowed) merge_shadow<T, Operation>(warp, instruction, access, located, lane);
    old[lane] = exchange<T, Operation>(located.host(lane), {T{}, b[lane], c[lane], global});
  }
  if (targets == 0) return Step::next;
  for_lanes(lanes<T>(warp, instruction.operands[0]), mask,
            [&](unsigned lane) { return old[lane]; });
  if (!shadowed) clear_shadow(warp, instruction.operands[0], mask);
  return Step::next;
}

struct AtomicRow {
  const char *operation;
  Type type;
  Execute execute;
};

constexpr AtomicRow kAtomics[] = {
    {"add", Type::u32, atomic<uint32_t, Add>},
    {"add", Type::s32, atomic<uint32_t, Add>},
    {"add", Type::u64, atomic<uint64_t, Add>},
    {"add", Type::f32, atomic<uint32_t, AddF32>},
    {"add", Type::f64, atomic<uint64_t, AddF64>},
    {"add", Type::f16, atomic<uint16_t, AddHalf<F16>>},
    {"add", Type::bf16, atomic<uint16_t, AddHalf<BF16>>},
    {"add", Type::f16x2, atomic<uint32_t, AddPair<F16>>},
    {"add", Type::bf16x2, atomic<uint32_t, AddPair<BF16>>},
    {"inc", Type::u32, atomic<uint32_t, Inc>},
    {"dec", Type::u32, atomic<uint32_t, Dec>},
    {"min", Type::u32, atomic<uint32_t, Min<uint32_t>>},
    {"min", Type::s32, atomic<uint32_t, Min<int32_t>>},
    {"min", Type::u64, atomic<uint64_t, Min<uint64_t>>},
    {"min", Type::s64, atomic<uint64_t, Min<int64_t>>},
    {"max", Type::u32, atomic<uint32_t, Max<uint32_t>>},
    {"max", Type::s32, atomic<uint32_t, Max<int32_t>>},
    {"max", Type::u64, atomic<uint64_t, Max<uint64_t>>},
    {"max", Type::s64, atomic<uint64_t, Max<int64_t>>},
    {"and", Type::b32, atomic<uint32_t, And>},
    {"and", Type::b64, atomic<uint64_t, And>},
    {"or", Type::b32, atomic<uint32_t, Or>},
    {"or", Type::b64, atomic<uint64_t, Or>},
    {"xor", Type::b32, atomic<uint32_t, Xor>},
    {"xor", Type::b64, atomic<uint64_t, Xor>},
    {"exch", Type::b32, atomic<uint32_t, Exch>},
    {"exch", Type::b64, atomic<uint64_t, Exch>},
    {"cas", Type::b16, atomic<uint16_t, Cas>},
    {"cas", Type::b32, atomic<uint32_t, Cas>},
    {"cas", Type::b64, atomic<uint64_t, Cas>},
};

const AtomicRow *take_operation(Decoder &decoder) {
  for (const AtomicRow &row : kAtomics) {
    if (!decoder.take(row.operation)) continue;
    const Type type = decoder.take_type();
    for (const AtomicRow &other : kAtomics) {
      if (std::string_view(other.operation) == row.operation && other.type == type) return &other;
    }
    return nullptr;
  }
  return nullptr;
}

void decode_atomic(Decoder &decoder, bool result) {
  const unsigned ordering = take_semantics(decoder);
  if (ordering == 0) take_scope(decoder);
  decoder.detail(kOrdering, ordering | kStrong);
  const Space space = decoder.take_space();
  const bool policy = take_cache_hints(decoder);
  const AtomicRow *const row = take_operation(decoder);
  if (row == nullptr) return;
  const bool half =
      type_kind(row->type) == TypeKind::real && row->type != Type::f32 && row->type != Type::f64;
  if (half && !decoder.take("noftz")) return decoder.fail("no .noftz");
  if (space != Space::generic && space != Space::global && space != Space::shared) {
    return decoder.fail("no atomics in this space");
  }
  const bool three = std::string_view(row->operation) == "cas";
  if (!result && (three || std::string_view(row->operation) == "exch")) return;
  size_t i = 0;
  if (result) decoder.write(i++, type_bytes(row->type));
  decoder.address(i++, space);
  decoder.read(i++, row->type);
  if (three) decoder.read(i++, row->type);
  if (policy) decoder.read(i++, Type::b64);
  decoder.use(row->execute, nullptr, InstructionClass::atomic);
}

}  // namespace

void decode_atom(Decoder &decoder) { decode_atomic(decoder, true); }

void decode_red(Decoder &decoder) { decode_atomic(decoder, false); }

}  // namespace gpusim
