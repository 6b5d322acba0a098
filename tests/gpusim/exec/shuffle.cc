/* shfl.sync (PTX ISA 9.7.9). */
#include "tests/gpusim/exec/decoder.h"
#include "tests/gpusim/exec/undefined.h"

namespace gpusim {
namespace {

/* Operands: d, p, a, b, c, member mask. */
enum { kTarget, kInRange, kSource, kLane, kClamp };

/* Where a lane reads. b's low five bits are a lane or a distance; c's are the last lane to read
 * (of .up the first), within segments that c's bits 8 to 12 cut. */
struct Place {
  int lane;
  bool in_range;
};

struct Bounds {
  int distance, first, clamp, segment;
  Bounds(int lane, uint32_t b, uint32_t c)
      : distance(static_cast<int>(b & 31)), segment(static_cast<int>(c >> 8 & 31)) {
    first = lane & segment;
    clamp = first | (static_cast<int>(c & 31) & ~segment);
  }
};

struct Up {
  static Place from(int lane, const Bounds &bounds) {
    const int source = lane - bounds.distance;
    return {source, source >= bounds.clamp};
  }
};

struct Down {
  static Place from(int lane, const Bounds &bounds) {
    const int source = lane + bounds.distance;
    return {source, source <= bounds.clamp};
  }
};

struct Butterfly {
  static Place from(int lane, const Bounds &bounds) {
    const int source = lane ^ bounds.distance;
    return {source, source <= bounds.clamp};
  }
};

struct Index {
  static Place from(int, const Bounds &bounds) {
    const int source = bounds.first | (bounds.distance & ~bounds.segment);
    return {source, source <= bounds.clamp};
  }
};

/* Source lanes of all lanes; those out of range read themselves. */
struct Sources {
  alignas(64) uint32_t lane[kLanes];
  uint32_t in_range = 0;
};

template <class Mode>
void find_sources(Warp &warp, const Instruction &instruction, Sources *sources) {
  const uint32_t *b = lanes<uint32_t>(warp, instruction.operands[kLane]);
  const uint32_t *c = lanes<uint32_t>(warp, instruction.operands[kClamp]);
  alignas(64) uint32_t in_range[kLanes];
  for (int lane = 0; lane < static_cast<int>(kLanes); lane++) {
    const Place place = Mode::from(lane, Bounds(lane, b[lane], c[lane]));
    sources->lane[lane] = static_cast<uint32_t>(place.in_range ? place.lane : lane) & 31;
    in_range[lane] = place.in_range;
  }
  for (unsigned lane = 0; lane < kLanes; lane++) sources->in_range |= in_range[lane] << lane;
}

/* A lane that does not take part has nothing defined to give. */
void mark_shuffled(Warp &warp, const Instruction &instruction, uint32_t mask,
                   const Sources &sources) {
  const Operand *operands = instruction.operands;
  uint32_t absent = 0;
  for (unsigned lane = 0; lane < kLanes; lane++) {
    absent |= (~mask >> sources.lane[lane] & 1) << lane;
  }
  const uint32_t aimless =
      undefined_in(warp, operands[kLane]) | undefined_in(warp, operands[kClamp]);
  mark_predicate(warp, operands[kInRange], mask, aimless);
  const uint32_t whole = (absent | aimless) & mask;
  if (whole == 0 && warp.dirty[operands[kSource].index] == 0) {
    return mark_defined(warp, operands[kTarget], mask);
  }
  alignas(64) uint32_t moved[kLanes];
  memcpy(moved, undefined_lanes<uint32_t>(warp, operands[kSource]), sizeof moved);
  mark<uint32_t>(warp, operands[kTarget], mask, [&](unsigned lane) {
    return (whole >> lane & 1) != 0 ? kAllLanes : moved[sources.lane[lane]];
  });
}

template <class Mode>
Step shuffle(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *operands = instruction.operands;
  Sources sources;
  find_sources<Mode>(warp, instruction, &sources);
  if (warp.shadow != nullptr) mark_shuffled(warp, instruction, mask, sources);
  alignas(64) uint32_t values[kLanes];
  memcpy(values, lanes<uint32_t>(warp, operands[kSource]), sizeof values);
  for_lanes(lanes<uint32_t>(warp, operands[kTarget]), mask,
            [&](unsigned lane) { return values[sources.lane[lane]]; });
  set_predicate(warp, operands[kInRange], mask, sources.in_range);
  return Step::next;
}

Execute take_mode(Decoder &d) {
  if (d.take("up")) return shuffle<Up>;
  if (d.take("down")) return shuffle<Down>;
  if (d.take("bfly")) return shuffle<Butterfly>;
  return d.take("idx") ? shuffle<Index> : nullptr;
}

}  // namespace

void decode_shfl(Decoder &d) {
  if (!d.take("sync")) return d.fail("shfl without .sync is not for sm_70 and later");
  const Execute execute = take_mode(d);
  if (d.take_type() != Type::b32) return;
  d.write_with_predicate(0, 4);
  for (size_t i = 1; i <= 4; i++) d.read(i, Type::b32);
  d.members(4);
  d.use(execute, nullptr, InstructionClass::shuffle);
}

}  // namespace gpusim
