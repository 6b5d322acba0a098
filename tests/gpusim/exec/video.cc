/* Video instructions (PTX ISA, sections "Scalar Video Instructions" and "SIMD Video Instructions"):
 * arithmetic on selected bytes and half-words, then saturation, then a merge or a second operation.
 */
#include <algorithm>
#include <cstring>

#include "tests/gpusim/exec/integer.h"
#include "tests/gpusim/exec/undefined.h"

namespace gpusim {
namespace {

enum class Op : uint8_t { add, sub, absdiff, min, max, avrg, shl, shr, set, mad };
enum class Second : uint8_t { none, merge, add, min, max };
enum class Compare : uint8_t { eq, ne, lt, le, gt, ge };

/* Bits [shift, shift + bits) of b:a, or of the result. */
struct Parts {
  uint8_t bits;
  uint8_t shift[4];
  bool is_signed;
};

struct Video {
  Op op;
  Second second;
  uint8_t count; /* of parts */
  uint8_t mask;  /* of the result's parts that are computed */
  bool saturates, wraps;
  Compare compare;
  uint8_t scale; /* of vmad */
  Parts a, b, d;
};
static_assert(sizeof(Video) <= sizeof(Instruction::detail), "an instruction has room for it");

Video video_of(const Instruction &instruction) {
  Video video;
  memcpy(&video, instruction.detail, sizeof video);
  return video;
}

uint64_t ones(unsigned bits) { return (uint64_t{1} << bits) - 1; }

int64_t part(uint64_t from, const Parts &parts, unsigned i) {
  const uint64_t value = from >> parts.shift[i] & ones(parts.bits);
  const bool negative = parts.is_signed && (value >> (parts.bits - 1)) != 0;
  return static_cast<int64_t>(value) - (negative ? int64_t{1} << parts.bits : 0);
}

bool compare(Compare how, int64_t a, int64_t b) {
  switch (how) {
    case Compare::eq:
      return a == b;
    case Compare::ne:
      return a != b;
    case Compare::lt:
      return a < b;
    case Compare::le:
      return a <= b;
    case Compare::gt:
      return a > b;
    default:
      return a >= b;
  }
}

int64_t operate(const Video &video, int64_t a, int64_t b) {
  /* A shift's count is unsigned, and 32 at most. */
  const int64_t count = video.wraps ? b & 31 : std::min<int64_t>(b, 32);
  switch (video.op) {
    case Op::add:
      return a + b;
    case Op::sub:
      return a - b;
    case Op::absdiff:
      return a < b ? b - a : a - b;
    case Op::min:
      return std::min(a, b);
    case Op::max:
      return std::max(a, b);
    case Op::avrg: /* rounds halves away from zero's negative side */
      return (a + b + (a + b >= 0 ? 1 : 0)) >> 1;
    case Op::shl:
      return static_cast<int64_t>(static_cast<uint64_t>(a) << count);
    case Op::shr:
      return a >> count;
    default:
      return compare(video.compare, a, b) ? 1 : 0;
  }
}

int64_t saturate(const Video &video, int64_t value) {
  if (!video.saturates) return value;
  const auto span = static_cast<int64_t>(ones(video.d.bits));
  const int64_t least = video.d.is_signed ? -(span / 2) - 1 : 0;
  return std::clamp(value, least, least + span);
}

uint32_t insert(uint32_t into, const Parts &parts, unsigned i, uint64_t value) {
  const uint64_t mask = ones(parts.bits) << parts.shift[i];
  return static_cast<uint32_t>((into & ~mask) | (value << parts.shift[i] & mask));
}

uint32_t compute(const Video &video, uint32_t a, uint32_t b, uint32_t c) {
  const uint64_t both = uint64_t{b} << 32 | a;
  const int64_t wide = video.d.is_signed ? static_cast<int32_t>(c) : static_cast<int64_t>(c);
  auto sum = static_cast<uint64_t>(wide); /* modulo 2^32 in the end: a shift's value may be great */
  uint32_t merged = c;
  for (unsigned i = 0; i < video.count; i++) {
    if ((video.mask >> i & 1) == 0) continue;
    const int64_t value =
        saturate(video, operate(video, part(both, video.a, i), part(both, video.b, i)));
    switch (video.second) {
      case Second::add:
        sum += static_cast<uint64_t>(value);
        break;
      case Second::min:
        sum = static_cast<uint64_t>(std::min(value, wide));
        break;
      case Second::max:
        sum = static_cast<uint64_t>(std::max(value, wide));
        break;
      default:
        merged = insert(merged, video.d, i, static_cast<uint64_t>(value));
    }
  }
  const bool merges = video.second == Second::none || video.second == Second::merge;
  return merges ? merged : static_cast<uint32_t>(sum);
}

Step execute_video(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Video video = video_of(instruction);
  const uint32_t *a = lanes<uint32_t>(warp, instruction.operands[1]);
  const uint32_t *b = lanes<uint32_t>(warp, instruction.operands[2]);
  const uint32_t *c = instruction.count > 3 ? lanes<uint32_t>(warp, instruction.operands[3]) : a;
  for_lanes(lanes<uint32_t>(warp, instruction.operands[0]), mask,
            [&](unsigned lane) { return compute(video, a[lane], b[lane], c[lane]); });
  return Step::next;
}

/* A part is undefined where one of its sources' parts is. */
uint32_t undefined_result(const Video &video, uint32_t a, uint32_t b, uint32_t c) {
  const uint64_t both = uint64_t{b} << 32 | a;
  uint32_t merged = c;
  bool any = c != 0;
  for (unsigned i = 0; i < video.count; i++) {
    if ((video.mask >> i & 1) == 0) continue;
    const bool undefined = part(both, video.a, i) != 0 || part(both, video.b, i) != 0;
    any = any || undefined;
    merged = insert(merged, video.d, i, undefined ? ~uint64_t{0} : 0);
  }
  const bool merges = video.second == Second::none || video.second == Second::merge;
  if (merges) return merged;
  return any ? ~uint32_t{0} : 0;
}

void undefined_video(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Video video = video_of(instruction);
  const auto *a = undefined_lanes<uint32_t>(warp, instruction.operands[1]);
  const auto *b = undefined_lanes<uint32_t>(warp, instruction.operands[2]);
  const auto *zeros = reinterpret_cast<const uint32_t *>(kZeroLanes);
  const auto *c =
      instruction.count > 3 ? undefined_lanes<uint32_t>(warp, instruction.operands[3]) : zeros;
  mark<uint32_t>(warp, instruction.operands[0], mask,
                 [&](unsigned lane) { return undefined_result(video, a[lane], b[lane], c[lane]); });
}

/* The whole register or, in a SIMD instruction, its parts in order; `base`: of a in b:a, or of b.
 */
Parts all_parts(unsigned count, unsigned base) {
  Parts parts = {static_cast<uint8_t>(32 / count), {}, false};
  for (unsigned i = 0; i < count; i++) {
    parts.shift[i] = static_cast<uint8_t>(base + i * parts.bits);
  }
  return parts;
}

/* A scalar instruction's .b0 to .b3, .h0 and .h1. False if it is none. */
bool select_one(std::string_view selector, unsigned base, Parts *parts) {
  if (selector.size() != 2) return false;
  const unsigned bits = selector[0] == 'b' ? 8 : 16;
  const auto number = static_cast<unsigned>(selector[1] - '0');
  if (number >= 32 / bits) return false;
  parts->bits = static_cast<uint8_t>(bits);
  parts->shift[0] = static_cast<uint8_t>(base + number * bits);
  return true;
}

/* A SIMD source's .hxy or .bwxyz: parts of b:a, the highest first. */
bool select_each(std::string_view selector, unsigned count, Parts *parts) {
  if (selector.size() != count + 1 || selector[0] != (count == 2 ? 'h' : 'b')) return false;
  for (unsigned i = 0; i < count; i++) {
    const auto number = static_cast<unsigned>(selector[count - i] - '0');
    if (number >= 2 * count) return false;
    parts->shift[i] = static_cast<uint8_t>(number * parts->bits);
  }
  return true;
}

/* A SIMD target's parts, the highest first: .h1, .b310. */
bool select_mask(std::string_view selector, unsigned count, uint8_t *mask) {
  if (selector.size() < 2 || selector[0] != (count == 2 ? 'h' : 'b')) return false;
  *mask = 0;
  unsigned above = count;
  for (const char digit : selector.substr(1)) {
    const auto number = static_cast<unsigned>(digit - '0');
    if (number >= above) return false;
    *mask = static_cast<uint8_t>(*mask | 1u << number);
    above = number;
  }
  return true;
}

bool is_selected(const ptx::Operand &operand) {
  return operand.component == 'b' || operand.component == 'h';
}

bool take_parts(const Decoder &d, Video *video) {
  const unsigned count = video->count;
  video->d = all_parts(count, 0);
  video->a = all_parts(count, 0);
  video->b = all_parts(count, 32);
  const ptx::Operand &target = d.operand(0), &a = d.operand(1), &b = d.operand(2);
  if (count > 1) {
    return (!is_selected(target) || select_mask(target.name, count, &video->mask)) &&
           (!is_selected(a) || select_each(a.name, count, &video->a)) &&
           (!is_selected(b) || select_each(b.name, count, &video->b));
  }
  return (!is_selected(target) || select_one(target.name, 0, &video->d)) &&
         (!is_selected(a) || select_one(a.name, 0, &video->a)) &&
         (!is_selected(b) || select_one(b.name, 32, &video->b));
}

bool take_op(Decoder &d, Video *video) {
  std::string_view name = d.result().source->base;
  const char last = name.back();
  video->count = last == '2' ? 2 : last == '4' ? 4 : 1;
  if (video->count > 1) name.remove_suffix(1);
  constexpr struct {
    std::string_view name;
    Op op;
  } kOps[] = {{"vadd", Op::add}, {"vsub", Op::sub},   {"vabsdiff", Op::absdiff}, {"vmin", Op::min},
              {"vmax", Op::max}, {"vavrg", Op::avrg}, {"vshl", Op::shl},         {"vshr", Op::shr},
              {"vset", Op::set}, {"vmad", Op::mad}};
  for (const auto &row : kOps) {
    if (row.name == name) video->op = row.op;
  }
  constexpr struct {
    const char *name;
    Compare compare;
  } kComparisons[] = {{"eq", Compare::eq}, {"ne", Compare::ne}, {"lt", Compare::lt},
                      {"le", Compare::le}, {"gt", Compare::gt}, {"ge", Compare::ge}};
  if (video->op == Op::set) {
    for (const auto &row : kComparisons) {
      if (!d.take(row.name)) continue;
      video->compare = row.compare;
      return true;
    }
    return false;
  }
  if (video->op != Op::shl && video->op != Op::shr) return true;
  video->wraps = d.take("wrap");
  return video->wraps || d.take("clamp");
}

/* dtype.atype.btype; vset has no dtype. */
bool take_types(Decoder &d, Video *video) {
  const Type target = video->op == Op::set ? Type::u32 : d.take_type();
  const Type a = d.take_type(), b = d.take_type();
  for (const Type type : {target, a, b}) {
    if (!one_of(type, {Type::u32, Type::s32})) return false;
  }
  video->d.is_signed = is_signed(target);
  video->a.is_signed = is_signed(a);
  video->b.is_signed = is_signed(b);
  const bool shifts = video->op == Op::shl || video->op == Op::shr;
  return !shifts || b == Type::u32;
}

bool take_second(Decoder &d, Video *video) {
  const bool simd = video->count > 1, selected = is_selected(d.operand(0));
  if (d.take("add")) {
    video->second = Second::add;
  } else if (!simd && d.take("min")) {
    video->second = Second::min;
  } else if (!simd && d.take("max")) {
    video->second = Second::max;
  } else if (simd || selected) {
    video->second = Second::merge;
  }
  if (!simd && selected && video->second != Second::merge) return false;
  if (simd && video->second == Second::add && video->saturates) return false;
  return true;
}

void put(Decoder &d, const Video &video) {
  uint64_t words[4] = {};
  memcpy(words, &video, sizeof video);
  for (unsigned i = 0; i < 4; i++) d.detail(i, words[i]);
}

/* c's parts that a merge replaces are never read. */
bool replaces_all(const Video &video) {
  return video.second == Second::merge && video.d.bits * video.count == 32 &&
         video.mask == (1u << video.count) - 1;
}

/* A vmad's product, sum and scale take more than 64 bits. */
uint32_t multiply_add(const Video &video, uint32_t a, uint32_t b, uint32_t c) {
  const uint64_t both = uint64_t{b} << 32 | a;
  const bool is_signed_result = video.a.is_signed || video.b.is_signed;
  __int128 sum = static_cast<__int128>(part(both, video.a, 0)) * part(both, video.b, 0);
  sum += is_signed_result ? static_cast<__int128>(static_cast<int32_t>(c)) : c;
  if (video.wraps) sum += 1; /* .po */
  sum >>= video.scale;
  if (video.saturates) {
    const __int128 least = is_signed_result ? -(__int128{1} << 31) : 0;
    sum = std::clamp<__int128>(sum, least, least + 0xffffffffu);
  }
  return static_cast<uint32_t>(sum);
}

Step execute_vmad(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Video video = video_of(instruction);
  const uint32_t *a = lanes<uint32_t>(warp, instruction.operands[1]);
  const uint32_t *b = lanes<uint32_t>(warp, instruction.operands[2]);
  const uint32_t *c = lanes<uint32_t>(warp, instruction.operands[3]);
  for_lanes(lanes<uint32_t>(warp, instruction.operands[0]), mask,
            [&](unsigned lane) { return multiply_add(video, a[lane], b[lane], c[lane]); });
  return Step::next;
}

}  // namespace

void decode_video(Decoder &d) {
  Video video = {};
  if (!take_op(d, &video)) return d.fail("no comparison, .wrap or .clamp");
  video.mask = static_cast<uint8_t>((1u << video.count) - 1);
  if (!take_parts(d, &video)) return d.fail("not the parts of such an operand");
  if (!take_types(d, &video)) return d.fail("types other than .u32 and .s32");
  video.saturates = video.op != Op::set && d.take("sat");
  if (!take_second(d, &video)) return d.fail("a second operation that can't be");
  d.allow_selectors();
  take_binary(d, Type::b32);
  if (video.second != Second::none) {
    if (replaces_all(video)) {
      d.consume(3);
      if (d.operand_count() != 4) return d.fail("too few operands");
    } else {
      d.read(3, Type::b32);
    }
  }
  put(d, video);
  d.use(execute_video, undefined_video, InstructionClass::integer);
}

void decode_vmad(Decoder &d) {
  Video video = {};
  take_op(d, &video);
  if (is_selected(d.operand(0)) || !take_parts(d, &video)) {
    return d.fail("not the parts of such an operand");
  }
  if (!take_types(d, &video)) return d.fail("types other than .u32 and .s32");
  video.saturates = d.take("sat");
  video.wraps = d.take("po");
  video.scale = d.take("shr7") ? 7 : d.take("shr15") ? 15 : 0;
  d.allow_selectors();
  take_binary(d, Type::b32);
  d.read(3, Type::b32);
  put(d, video);
  d.use(execute_vmad, undefined_any, InstructionClass::integer);
}

}  // namespace gpusim
