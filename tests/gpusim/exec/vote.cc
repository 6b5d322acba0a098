/* vote.sync, activemask (PTX ISA 9.7.13). */
#include "tests/gpusim/exec/decoder.h"
#include "tests/gpusim/exec/undefined.h"

namespace gpusim {
namespace {

/* What the group of lanes votes. decided(): unknown votes can't change the result. */
struct All {
  static bool holds(uint32_t group, uint32_t votes) { return (group & ~votes) == 0; }
  static bool decided(uint32_t group, uint32_t votes, uint32_t unknown) {
    return unknown == 0 || (group & ~votes & ~unknown) != 0;
  }
};

struct Any {
  static bool holds(uint32_t group, uint32_t votes) { return (group & votes) != 0; }
  static bool decided(uint32_t group, uint32_t votes, uint32_t unknown) {
    return unknown == 0 || (group & votes & ~unknown) != 0;
  }
};

struct Uniform {
  static bool holds(uint32_t group, uint32_t votes) {
    return (group & votes) == 0 || (group & ~votes) == 0;
  }
  static bool decided(uint32_t group, uint32_t votes, uint32_t unknown) {
    return unknown == 0 || !holds(group & ~unknown, votes);
  }
};

template <class Vote>
Step vote(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *operands = instruction.operands;
  const bool holds = Vote::holds(mask, predicate(warp, operands[1]));
  set_predicate(warp, operands[0], mask, holds ? kAllLanes : 0);
  return Step::next;
}

template <class Vote>
void undefined_vote(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const Operand *operands = instruction.operands;
  const uint32_t unknown = undefined_predicate(warp, operands[1]) & mask;
  const bool decided = Vote::decided(mask, predicate(warp, operands[1]), unknown);
  mark_predicate(warp, operands[0], mask, decided ? 0 : kAllLanes);
}

Step ballot(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const uint32_t votes = predicate(warp, instruction.operands[1]) & mask;
  for_lanes(lanes<uint32_t>(warp, instruction.operands[0]), mask,
            [votes](unsigned) { return votes; });
  return Step::next;
}

/* Only the undefined votes' own bits. */
void undefined_ballot(Warp &warp, const Instruction &instruction, uint32_t mask) {
  const uint32_t unknown = undefined_predicate(warp, instruction.operands[1]) & mask;
  mark<uint32_t>(warp, instruction.operands[0], mask, [unknown](unsigned) { return unknown; });
}

Step activemask(Warp &warp, const Instruction &instruction, uint32_t mask) {
  for_lanes(lanes<uint32_t>(warp, instruction.operands[0]), mask,
            [mask](unsigned) { return mask; });
  return Step::next;
}

template <class Vote>
void use_vote(Decoder &d) {
  d.use(vote<Vote>, undefined_vote<Vote>, InstructionClass::shuffle);
}

}  // namespace

void decode_vote(Decoder &d) {
  if (!d.take("sync")) return d.fail("vote without .sync is not for sm_70 and later");
  const bool is_ballot = d.take("ballot");
  if (d.take_type() != (is_ballot ? Type::b32 : Type::pred)) return;
  if (is_ballot) {
    d.write(0, 4);
  } else {
    d.write_predicate(0);
  }
  d.read_predicate(1);
  d.read(2, Type::b32);
  d.members(2);
  if (is_ballot) return d.use(ballot, undefined_ballot, InstructionClass::shuffle);
  if (d.take("all")) return use_vote<All>(d);
  if (d.take("any")) return use_vote<Any>(d);
  if (d.take("uni")) use_vote<Uniform>(d);
}

void decode_activemask(Decoder &d) {
  if (d.take_type() != Type::b32) return;
  d.write(0, 4);
  d.use(activemask, undefined_any, InstructionClass::shuffle);
}

}  // namespace gpusim
