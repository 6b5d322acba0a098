/* cp.async (PTX ISA, section 9.7.9.25). */
#include <cinttypes>

#include "tests/gpusim/exec/decoder.h"
#include "tests/gpusim/memory/async.h"
#include "tests/gpusim/memory/locate.h"
#include "tests/gpusim/memory/mbarrier.h"
#include "tests/gpusim/memory/qualifiers.h"
#include "tests/gpusim/memory/registers.h"

namespace gpusim {
namespace {

enum Detail : unsigned { kBytes, kSourceBytes, kTargetOffset };
enum WaitDetail : unsigned { kLeft };
enum ArriveDetail : unsigned { kNoIncrement };
enum SourceBytes : uint64_t { kWhole, kSize, kIgnore };

/* Fills in how many bytes of the source each lane reads. */
Step source_sizes(Warp &warp, const Instruction &instruction, uint32_t mask, AsyncCopy *copy) {
  const uint64_t kind = instruction.detail[kSourceBytes];
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    copy->source_bytes[lane] = static_cast<uint8_t>(copy->bytes);
    if (kind == kWhole) continue;
    const Operand &operand = instruction.operands[2];
    uint32_t undefined = 0;
    if (is_dirty(warp, operand)) {
      undefined = kind == kIgnore ? shadow_lanes<uint32_t>(warp, operand)[0] >> lane & 1
                                  : shadow_lanes<uint32_t>(warp, operand)[lane];
    }
    if (undefined != 0) {
      return warp.fault(instruction, FaultKind::undefined, static_cast<int>(lane),
                        "how much is read is undefined");
    }
    if (kind == kIgnore) {
      if ((predicate(warp, operand) >> lane & 1) != 0) copy->source_bytes[lane] = 0;
      continue;
    }
    const uint32_t bytes = lanes<uint32_t>(warp, operand)[lane];
    if (bytes > copy->bytes) {
      return warp.fault(instruction, FaultKind::illegal_instruction, static_cast<int>(lane),
                        "src-size %u is larger than cp-size %u", bytes, copy->bytes);
    }
    copy->source_bytes[lane] = static_cast<uint8_t>(bytes);
  }
  return Step::next;
}

/* A source that is read in part has to be there in part; one that is not read may be anywhere. */
Step check_parts(Warp &warp, const Instruction &instruction, const AsyncCopy &copy, Access access) {
  Located located;
  const unsigned whole = access.bytes;
  const Access parts = access;
  for (uint32_t rest = parts.mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    if (parts.address[lane] % whole == 0) continue;
    return warp.fault(instruction, FaultKind::misaligned, static_cast<int>(lane),
                      "0x%" PRIx64 " is no multiple of %u", parts.address[lane], whole);
  }
  access.bytes = 1;
  const Step step = locate(warp, instruction, access, AccessKind::async_read, &located);
  if (step != Step::next) return step;
  for (unsigned lane = 0; lane < kLanes; lane++) {
    if ((access.mask >> lane & 1) != 0) access.address[lane] += copy.source_bytes[lane] - 1u;
  }
  return locate(warp, instruction, access, AccessKind::async_read, &located);
}

Step check_sources(Warp &warp, const Instruction &instruction, const AsyncCopy &copy,
                   const Access &source) {
  Access whole = source;
  Access parts = source;
  whole.mask = parts.mask = 0;
  for (uint32_t rest = source.mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    if (copy.source_bytes[lane] == copy.bytes) {
      whole.mask |= 1u << lane;
    } else if (copy.source_bytes[lane] != 0) {
      parts.mask |= 1u << lane;
    }
  }
  Located located;
  Step step = Step::next;
  if (whole.mask != 0) {
    step = access_begin(warp, instruction, whole, AccessKind::async_read, &located);
  }
  if (step == Step::next && parts.mask != 0) step = check_parts(warp, instruction, copy, parts);
  return step;
}

Step copy_async(Warp &warp, const Instruction &instruction, uint32_t mask) {
  AsyncCopy copy;
  copy.mask = mask;
  copy.bytes = static_cast<unsigned>(instruction.detail[kBytes]);
  Step step = source_sizes(warp, instruction, mask, &copy);
  if (step != Step::next) return step;
  Access target;
  target.space = Space::shared;
  target.mask = mask;
  target.bytes = copy.bytes;
  step = access_addresses(warp, instruction, instruction.operands[0],
                          static_cast<int64_t>(instruction.detail[kTargetOffset]), &target);
  if (step != Step::next) return step;
  Access source = target;
  source.space = Space::global;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    if (copy.source_bytes[lane] == 0) source.mask &= ~(1u << lane);
  }
  if (source.mask != 0) {
    step = access_addresses(warp, instruction, instruction.operands[1], &source);
    if (step == Step::next) step = check_sources(warp, instruction, copy, source);
    if (step != Step::next) return step;
  }
  Located located;
  step = access_begin(warp, instruction, target, AccessKind::async_write, &located);
  if (step != Step::next) return step;
  copy.origin = instruction.source;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    copy.target[lane] = static_cast<uint32_t>(target.address[lane]);
    copy.source[lane] = source.address[lane];
  }
  async_issue(warp, copy);
  return Step::next;
}

Step commit_group(Warp &warp, const Instruction &, uint32_t mask) {
  async_commit(warp, mask);
  return Step::next;
}

Step wait_group(Warp &warp, const Instruction &instruction, uint32_t mask) {
  async_wait(warp, mask, instruction.detail[kLeft]);
  return Step::next;
}

Step wait_all(Warp &warp, const Instruction &, uint32_t mask) {
  async_wait_all(warp, mask);
  return Step::next;
}

Step arrive(Warp &warp, const Instruction &instruction, uint32_t mask) {
  MbarrierAccess barriers;
  const Step step = mbarrier_open(warp, instruction, instruction.operands[0], mask, &barriers);
  if (step != Step::next) return step;
  for (uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    const uint32_t at = barriers.at[lane];
    if (instruction.detail[kNoIncrement] == 0 && !mbarrier_expect_more(*warp.cta, at)) {
      return warp.fault(instruction, FaultKind::barrier_misuse, static_cast<int>(lane),
                        "more than 2^20 - 1 pending arrivals");
    }
    if (!mbarrier_may_arrive(*warp.cta, at, 1)) {
      return warp.fault(instruction, FaultKind::barrier_misuse, static_cast<int>(lane),
                        "more arrivals than are pending");
    }
    async_arrive(warp, lane, at);
  }
  return Step::next;
}

void decode_arrive(Decoder &decoder) {
  if (!decoder.take("arrive")) return;
  decoder.detail(kNoIncrement, decoder.take("noinc"));
  const Space space = decoder.take_space();
  if (decoder.take_type() != Type::b64) return;
  decoder.address(0, space);
  decoder.use(arrive, nullptr, InstructionClass::async_copy);
}

void decode_copy(Decoder &decoder) {
  const bool all_levels = decoder.take("ca");
  if (!all_levels && !decoder.take("cg")) return;
  const bool policy = take_cache_hints(decoder);
  if (decoder.take_space() != Space::shared || decoder.take_space() != Space::global) {
    return decoder.fail("not from global to shared memory");
  }
  uint64_t bytes = 0;
  if (!decoder.literal(2, &bytes)) return decoder.fail("cp-size is no literal");
  if (bytes != 16 && (!all_levels || (bytes != 4 && bytes != 8))) {
    return decoder.fail("no copies of " + std::to_string(bytes) + " bytes");
  }
  decoder.address(0, Space::shared);
  decoder.detail(kTargetOffset, static_cast<uint64_t>(decoder.result().offset));
  decoder.result().offset = 0;
  decoder.address(1, Space::global);
  decoder.detail(kBytes, bytes);
  decoder.detail(kSourceBytes, kWhole);
  const size_t policy_at = decoder.operand_count() - (policy ? 1 : 0);
  if (policy_at > 3) {
    const ptx::Operand &size = decoder.operand(3);
    const bool ignore = size.kind == ptx::Operand::Kind::reg && size.variable->type == Type::pred;
    decoder.detail(kSourceBytes, ignore ? kIgnore : kSize);
    if (ignore) {
      decoder.read_predicate(3);
    } else {
      decoder.read(3, Type::u32);
    }
  }
  if (policy) decoder.read(policy_at, Type::b64);
  decoder.use(copy_async, nullptr, InstructionClass::async_copy);
}

}  // namespace

void decode_cp(Decoder &decoder) {
  if (!decoder.take("async")) return decoder.fail("only cp.async");
  if (decoder.take("bulk")) return decoder.fail("cp.async.bulk needs sm_90");
  if (decoder.take("mbarrier")) return decode_arrive(decoder);
  if (decoder.take("commit_group")) {
    return decoder.use(commit_group, nullptr, InstructionClass::async_copy);
  }
  if (decoder.take("wait_all")) {
    return decoder.use(wait_all, nullptr, InstructionClass::async_copy);
  }
  if (decoder.take("wait_group")) {
    uint64_t left = 0;
    if (!decoder.literal(0, &left)) return decoder.fail("the number of groups is no literal");
    if (left > UINT32_MAX) return decoder.fail("a negative number of groups");
    decoder.detail(kLeft, left);
    return decoder.use(wait_group, nullptr, InstructionClass::async_copy);
  }
  decode_copy(decoder);
}

}  // namespace gpusim
